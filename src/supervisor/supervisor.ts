/**
 * Starts the roles as processes, starts them again when they die, relays their messages, and ends
 * them in order: no new calls, then the writer, then the front with the journal.
 */
import type { ChildProcess, Serializable } from 'node:child_process'
import type { Config } from '../config.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import { type Channel, createChannel, type Role } from '../platform/process-channel.ts'
import { CHILD_ROLES, type ChildRole, type ForkedRoles, forkRole } from './fork-role.ts'
import type { StartFailure } from './start-failure.ts'

/** A graceful stop ends within 25 s: calls under way, then the consumers, then the journal. */
const DRAIN_MS_MAX = 10_000
const WRITER_STOP_MS_MAX = 10_000
const FRONT_STOP_MS_MAX = 4_000
const RESTART_DELAY_MS_MIN = 100
const RESTART_DELAY_MS_MAX = 5_000
/** A process that lived this long starts its back-off anew. */
const STABLE_AFTER_MS = 30_000
/** A role that cannot start this often in a row ends the server: something is wrong for good. */
const FAILED_STARTS_MAX = 8

export interface Supervisor {
  readonly channel: Channel
  /** Resolves when every role has said that it is ready. */
  ready(): Promise<void>
  /** Resolves when all children have ended. */
  stop(): Promise<void>
  /** Resolves with the reason when the server cannot go on, or cannot start. */
  readonly failed: Promise<StartFailure>
}

interface ChildState {
  process: ChildProcess | undefined
  ready: boolean
  /** It was ready once: what stops it now may pass, so it is started again. */
  proven: boolean
  failures: number
  /** What it said before it ended. */
  reason: StartFailure | undefined
  timer: NodeJS.Timeout | undefined
}

/** A message of platform/process-channel.ts on its way from one process to another. */
interface Relayed {
  readonly to: Role
  readonly from: Role
  readonly id: number
  readonly method?: string
  readonly error?: { readonly message: string; readonly code: string }
}

const isReady = (message: unknown): message is { ready: true; listening?: Partial<Config> } =>
  typeof message === 'object' && message !== null && 'ready' in message

const isFailure = (message: unknown): message is { failure: StartFailure } =>
  typeof message === 'object' && message !== null && 'failure' in message

/** What ended the server when a process could not be kept running. */
const givenUp = (role: ChildRole, { failures, reason }: ChildState): StartFailure => ({
  message: `The ${role} process ended ${failures} times in a row${reason === undefined ? '' : `: ${reason.message}`}`,
  hint: reason?.hint ?? 'The log above says why.',
  final: true,
})

export const startSupervisor = (options: {
  /** The script that runs a role: `node script role`. */
  script: string
  config: Config
  /** The roles load meanwhile and open the data folder after it; a rejection is the caller's. */
  prepared: Promise<unknown>
  /** Processes that load already. */
  forked?: ForkedRoles
  clock: Clock
  logger: Logger
}): Supervisor => {
  const { script, clock, logger, prepared } = options
  let { config } = options
  const children = new Map<ChildRole, ChildState>()
  const readiness = Promise.withResolvers<void>()
  const failure = Promise.withResolvers<StartFailure>()
  let stopping = false
  let receive: (message: unknown) => void = () => {}

  /** Calls that a child was given and has not answered, by asker and id. */
  const unanswered = new Map<string, Relayed>()

  const refuse = ({ to, from, id }: Relayed): void => {
    const error = { message: `the ${to} process is not running`, code: 'unavailable' }
    relay({ to: from, from: to, id, error })
  }

  const relay = (message: Relayed): void => {
    const isCall = message.method !== undefined
    if (!isCall) unanswered.delete(`${message.to} ${message.id}`)
    if (message.to === 'supervisor') {
      receive(message)
      return
    }
    const target = children.get(message.to)?.process
    if (target?.connected === true) {
      if (isCall) unanswered.set(`${message.from} ${message.id}`, message)
      target.send(message as Serializable)
    } else if (isCall) refuse(message)
    // else: an answer to a process that is gone
  }

  /** A process that ended answers nothing any more. */
  const refuseCallsTo = (role: ChildRole): void => {
    for (const [key, call] of [...unanswered]) {
      if (call.to !== role) continue
      unanswered.delete(key)
      refuse(call)
    }
  }

  const channel = createChannel('supervisor', {
    send: (message) => relay(message as never),
    listen: (received) => {
      receive = received
    },
  })

  const forked = new Map(options.forked)
  /** The process that was started early, once, and only while it lives. */
  const takeOver = (role: ChildRole): ChildProcess | undefined => {
    const child = forked.get(role)
    forked.delete(role)
    return child?.connected === true ? child : undefined
  }

  const launch = (role: ChildRole, state: ChildState): void => {
    const startedAt = clock.monotonic()
    const child = takeOver(role) ?? forkRole(script, role)
    state.process = child
    state.ready = false
    state.reason = undefined
    child.on('message', (message) => {
      if (isFailure(message)) state.reason = message.failure
      else if (isReady(message)) {
        state.ready = true
        state.proven = true
        // Port 0 picks a free port once: a restarted front must be found where clients look.
        config = { ...config, ...message.listening }
        if ([...children.values()].every((each) => each.ready)) readiness.resolve()
      } else relay(message as never)
    })
    child.on('error', (error) => logger.error({ error, child: role }, 'A process failed.'))
    // 'close', not 'exit': what the process said before it ended has arrived by then.
    child.on('close', (code, signal) => {
      state.process = undefined
      state.ready = false
      refuseCallsTo(role)
      if (stopping) return
      if (state.reason?.final === true && !state.proven) {
        failure.resolve(state.reason)
        return
      }
      const lived = clock.monotonic() - startedAt
      state.failures = lived > STABLE_AFTER_MS ? 0 : state.failures + 1
      if (state.failures > FAILED_STARTS_MAX) {
        failure.resolve(givenUp(role, state))
        return
      }
      const delay = Math.min(
        RESTART_DELAY_MS_MAX,
        RESTART_DELAY_MS_MIN * 2 ** Math.max(0, state.failures - 1),
      )
      const reason = state.reason?.message
      logger.warn(
        { child: role, code, signal, reason, restartMs: delay },
        'A process ended; restarting.',
      )
      state.timer = setTimeout(() => launch(role, state), delay)
    })
    const open = (): void => {
      if (child.connected && !stopping) child.send({ config })
    }
    prepared.then(open, () => {}) // the caller awaits it too, and stops everything
  }

  for (const role of CHILD_ROLES) {
    const state: ChildState = {
      process: undefined,
      ready: false,
      proven: false,
      failures: 0,
      reason: undefined,
      timer: undefined,
    }
    children.set(role, state)
    launch(role, state)
  }

  const end = async (role: ChildRole, graceMs: number): Promise<void> => {
    const state = children.get(role)
    clearTimeout(state?.timer)
    const child = state?.process
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

  /** Asks the front to take no more calls, and waits until those under way have ended. */
  const drain = async (state: ChildState | undefined): Promise<void> => {
    if (state?.process?.connected !== true || !state.ready) return
    const ended = new AbortController()
    const drained = channel.call('front', 'drain').catch((error: unknown) => {
      logger.warn({ error }, 'The front process could not drain.')
    })
    const timeout = clock.sleep(DRAIN_MS_MAX, ended.signal).catch(() => {}) // aborted: drained first
    await Promise.race([drained, timeout])
    ended.abort()
  }

  return {
    channel,
    ready: () => readiness.promise,
    failed: failure.promise,
    stop: async () => {
      stopping = true
      // The front keeps the journal open until the writer, whose last deliveries are recorded
      // there, has ended.
      await drain(children.get('front'))
      await end('writer', WRITER_STOP_MS_MAX)
      await end('front', FRONT_STOP_MS_MAX)
      channel.close()
    },
  }
}
