/** What a check of `clew doctor` says, and what it may look at. */
import type { Config } from '../../config.ts'
import type { Clock } from '../../platform/clock.ts'

/** `warn`: it works, and something is worse than it need be. `fail`: it does not, or will not. */
export type Level = 'ok' | 'warn' | 'fail' | 'skip'

export interface Finding {
  readonly level: Level
  readonly what: string
  /** What to do about it; every `warn` and `fail` has it. */
  readonly todo?: string
}

/** The folders of the system that are read; tests give their own. */
export interface SystemRoots {
  readonly proc: string
  readonly sys: string
}

export interface DoctorContext {
  readonly config: Config
  readonly clock: Clock
  readonly roots: SystemRoots
}

export const ok = (what: string, todo?: string): Finding =>
  todo === undefined ? { level: 'ok', what } : { level: 'ok', what, todo }
export const warn = (what: string, todo: string): Finding => ({ level: 'warn', what, todo })
export const fail = (what: string, todo: string): Finding => ({ level: 'fail', what, todo })
export const skip = (what: string): Finding => ({ level: 'skip', what })
