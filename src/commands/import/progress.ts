/** A bar with rate and time left on a terminal, a line every few seconds elsewhere (DESIGN.md §5). */
import type { Writable } from 'node:stream'
import type { Clock } from '../../platform/clock.ts'
import { BAR_EVERY_MS, barOf, CLEAR_LINE, LINE_EVERY_MS } from '../output/progress-bar.ts'

export interface ProgressFacts {
  readonly doneBytes: number
  readonly totalBytes: number
  readonly events: number
}

export interface Progress {
  /** What is being done now; the rate begins anew. */
  stage(name: string): void
  /** A line of its own, above the bar. */
  say(text: string): void
  end(): void
}

const duration = (seconds: number): string => {
  if (!Number.isFinite(seconds)) return '?'
  const whole = Math.ceil(seconds)
  if (whole < 60) return `${whole} s`
  if (whole < 3_600) return `${Math.ceil(whole / 60)} min`
  return `${Math.floor(whole / 3_600)} h ${Math.ceil((whole % 3_600) / 60)} min`
}

/** `importing  ████░░░░  41 %  120,345 events  31,200 events/s  12 s left`. */
export const progressLine = (
  stage: string,
  facts: ProgressFacts,
  seconds: number,
  withBar: boolean,
): string => {
  const share = facts.totalBytes === 0 ? 1 : Math.min(1, facts.doneBytes / facts.totalBytes)
  const bar = withBar ? `${barOf(share)}  ` : ''
  const rate = seconds > 0 ? Math.round(facts.events / seconds) : 0
  const left = share === 0 ? Number.POSITIVE_INFINITY : (seconds / share) * (1 - share)
  const counted = (value: number): string => value.toLocaleString('en-US')
  const events =
    facts.events === 0 ? '' : `${counted(facts.events)} events  ${counted(rate)} events/s  `
  return `${stage}  ${bar}${Math.floor(share * 100)} %  ${events}${duration(left)} left`
}

export const startProgress = (options: {
  readonly stream: Writable & { readonly isTTY?: boolean; readonly columns?: number }
  readonly clock: Clock
  readonly facts: () => ProgressFacts
}): Progress => {
  const { stream, clock, facts } = options
  const isTerminal = stream.isTTY === true
  let name = ''
  let since = clock.monotonic()
  let base = 0

  const line = (): string => {
    const now = facts()
    const seconds = (clock.monotonic() - since) / 1_000
    return progressLine(name, { ...now, events: now.events - base }, seconds, isTerminal)
  }
  const clear = (): void => {
    if (isTerminal) stream.write(CLEAR_LINE)
  }
  const show = (): void => {
    if (name === '') return
    if (isTerminal) stream.write(`\r${line().slice(0, (stream.columns ?? 100) - 1)}\u001b[K`)
    else stream.write(`clew: ${line()}\n`)
  }
  const timer = setInterval(show, isTerminal ? BAR_EVERY_MS : LINE_EVERY_MS)
  timer.unref()

  return {
    stage: (stage) => {
      name = stage
      since = clock.monotonic()
      base = facts().events
    },
    say: (text) => {
      clear()
      stream.write(`clew: ${text}\n`)
    },
    end: () => {
      clearInterval(timer)
      name = ''
      clear()
    },
  }
}
