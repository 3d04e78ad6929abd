/**
 * Starts the roles as processes, starts them again when they die, relays their messages, and ends
 * them in order: no new calls, then the writer, then the front with the journal.
 */
import type { ChildProcess } from 'node:child_process'
import type { Config } from '../config.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/logger.ts'
import type { Channel } from '../platform/process-channel.ts'
import { CHILD_ROLES, type ChildRole, type ForkedRoles, forkRole } from './fork-role.ts'
import { createRelay } from './relay.ts'
import { RoleChild } from './role-child.ts'
import type { StartFailure } from './start-failure.ts'

/** A graceful stop ends within 25 s: calls under way, then the consumers, then the journal. */
const DRAIN_MS_MAX = 10_000
const WRITER_STOP_MS_MAX = 10_000
const FRONT_STOP_MS_MAX = 4_000

export interface Supervisor {
  readonly channel: Channel
  /** Resolves when every role has said that it is ready. */
  ready(): Promise<void>
  /** Resolves when all children have ended. */
  stop(): Promise<void>
  /** Resolves with the reason when the server cannot go on, or cannot start. */
  readonly failed: Promise<StartFailure>
}

export interface SupervisorOptions {
  /** The script that runs a role: `node script role`. */
  readonly script: string
  readonly config: Config
  /** The roles load meanwhile and open the data folder after it; a rejection is the caller's. */
  readonly prepared: Promise<unknown>
  /** Processes that load already. */
  readonly forked?: ForkedRoles
  readonly clock: Clock
  readonly logger: Logger
}

/** The processes that were started early are taken over, once, and only while they live. */
const forkerOf = (script: string, early: ForkedRoles | undefined) => {
  const forked = new Map(early)
  return (role: ChildRole): ChildProcess => {
    const child = forked.get(role)
    forked.delete(role)
    return child?.connected === true ? child : forkRole(script, role)
  }
}

/** Asks the front to take no more calls, and waits until those under way have ended. */
const drain = async (
  front: RoleChild | undefined,
  channel: Channel,
  { clock, logger }: Pick<SupervisorOptions, 'clock' | 'logger'>,
): Promise<void> => {
  if (front?.process?.connected !== true || !front.isReady) return
  const ended = new AbortController()
  const drained = channel.call('front', 'drain').catch((error: unknown) => {
    logger.warn({ error }, 'The front process could not drain.')
  })
  const timeout = clock.sleep(DRAIN_MS_MAX, ended.signal).catch(() => {}) // aborted: drained first
  await Promise.race([drained, timeout])
  ended.abort()
}

export const startSupervisor = (options: SupervisorOptions): Supervisor => {
  const { clock, logger, prepared } = options
  let { config } = options
  let stopping = false
  const readiness = Promise.withResolvers<void>()
  const failure = Promise.withResolvers<StartFailure>()
  const fork = forkerOf(options.script, options.forked)
  const children = new Map<ChildRole, RoleChild>()
  const relay = createRelay((role) => children.get(role)?.process)

  const open = (child: ChildProcess): void => {
    const send = (): void => {
      if (child.connected && !stopping) child.send({ config })
    }
    prepared.then(send, () => {}) // the caller awaits it too, and stops everything
  }
  const ready = (listening: Partial<Config> | undefined): void => {
    // Port 0 picks a free port once: a restarted front must be found where clients look.
    config = { ...config, ...listening }
    if ([...children.values()].every(({ isReady }) => isReady)) readiness.resolve()
  }

  for (const role of CHILD_ROLES) {
    const child = new RoleChild({
      role,
      fork: () => fork(role),
      open,
      isStopping: () => stopping,
      ready,
      pass: relay.pass,
      ended: () => relay.refuseCallsTo(role),
      givenUp: failure.resolve,
      clock,
      logger,
    })
    children.set(role, child)
    child.start()
  }

  return {
    channel: relay.channel,
    ready: () => readiness.promise,
    failed: failure.promise,
    stop: async () => {
      stopping = true
      // The front keeps the journal open until the writer, whose last deliveries are recorded
      // there, has ended.
      await drain(children.get('front'), relay.channel, options)
      await children.get('writer')?.end(WRITER_STOP_MS_MAX)
      await children.get('front')?.end(FRONT_STOP_MS_MAX)
      relay.channel.close()
    },
  }
}
