/** One role as the supervisor sees it: a process that is started again, with back-off, when it ends. */
import type { ChildProcess } from 'node:child_process'
import type { Config } from '../config.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import type { ChildRole } from './fork-role.ts'
import type { StartFailure } from './start-failure.ts'

const RESTART_DELAY_MS_MIN = 100
const RESTART_DELAY_MS_MAX = 5_000
/** A process that lived this long starts its back-off anew. */
const STABLE_AFTER_MS = 30_000
/** A role that cannot start this often in a row ends the server: something is wrong for good. */
const FAILED_STARTS_MAX = 8

export interface RoleChildOptions {
  readonly role: ChildRole
  /** Starts the process. */
  readonly fork: () => ChildProcess
  /** Sends the process what it opens the data folder with; it waits for that. */
  readonly open: (child: ChildProcess) => void
  readonly isStopping: () => boolean
  /** It takes work; where the front listens. */
  readonly ready: (listening: Partial<Config> | undefined) => void
  /** A message for another process. */
  readonly pass: (message: unknown) => void
  readonly ended: () => void
  /** It will not be started again. */
  readonly givenUp: (failure: StartFailure) => void
  readonly clock: Clock
  readonly logger: Logger
}

const isReady = (message: unknown): message is { ready: true; listening?: Partial<Config> } =>
  typeof message === 'object' && message !== null && 'ready' in message

const isFailure = (message: unknown): message is { failure: StartFailure } =>
  typeof message === 'object' && message !== null && 'failure' in message

/** The supervisor owns it: `start` once, `end` once. */
export class RoleChild {
  readonly #options: RoleChildOptions
  #process: ChildProcess | undefined
  #isReady = false
  /** It was ready once: what stops it now may pass, so it is started again. */
  #isProven = false
  #failures = 0
  /** What it said before it ended. */
  #reason: StartFailure | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(options: RoleChildOptions) {
    this.#options = options
  }

  get process(): ChildProcess | undefined {
    return this.#process
  }

  get isReady(): boolean {
    return this.#isReady
  }

  start(): void {
    const { role, fork, open, clock, logger } = this.#options
    const startedAt = clock.monotonic()
    const child = fork()
    this.#process = child
    this.#isReady = false
    this.#reason = undefined
    child.on('message', (message) => this.#receive(message))
    child.on('error', (error) => logger.error({ error, child: role }, 'A process failed.'))
    // 'close', not 'exit': what the process said before it ended has arrived by then.
    child.on('close', (code, signal) => {
      this.#closed(clock.monotonic() - startedAt, { code, signal })
    })
    open(child)
  }

  /** Asks it to stop, kills it after `graceMs`; resolves when it has ended. */
  async end(graceMs: number): Promise<void> {
    const { role, logger } = this.#options
    clearTimeout(this.#timer)
    const child = this.#process
    if (child === undefined) return
    const exited = new Promise<void>((resolve) => child.once('close', () => resolve()))
    if (child.connected) child.send({ stop: true })
    const timer = setTimeout(() => {
      logger.warn({ child: role }, 'A process did not stop in time and is killed.')
      child.kill('SIGKILL')
    }, graceMs)
    await exited
    clearTimeout(timer)
  }

  #receive(message: unknown): void {
    if (isFailure(message)) this.#reason = message.failure
    else if (isReady(message)) {
      this.#isReady = true
      this.#isProven = true
      this.#options.ready(message.listening)
    } else this.#options.pass(message)
  }

  #closed(livedMs: number, how: { code: number | null; signal: string | null }): void {
    const { ended, isStopping, givenUp } = this.#options
    this.#process = undefined
    this.#isReady = false
    ended()
    if (isStopping()) return
    if (this.#reason?.final === true && !this.#isProven) {
      givenUp(this.#reason)
      return
    }
    this.#failures = livedMs > STABLE_AFTER_MS ? 0 : this.#failures + 1
    if (this.#failures > FAILED_STARTS_MAX) givenUp(this.#lastFailure())
    else this.#restart(how)
  }

  #restart(how: { code: number | null; signal: string | null }): void {
    const { role, logger } = this.#options
    const restartMs = Math.min(
      RESTART_DELAY_MS_MAX,
      RESTART_DELAY_MS_MIN * 2 ** Math.max(0, this.#failures - 1),
    )
    const reason = this.#reason?.message
    logger.warn({ child: role, ...how, reason, restartMs }, 'A process ended; restarting.')
    this.#timer = setTimeout(() => this.start(), restartMs)
  }

  /** What ended the server when a process could not be kept running. */
  #lastFailure(): StartFailure {
    const said = this.#reason === undefined ? '' : `: ${this.#reason.message}`
    return {
      message: `The ${this.#options.role} process ended ${this.#failures} times in a row${said}`,
      hint: this.#reason?.hint ?? 'The log above says why.',
      final: true,
    }
  }
}
