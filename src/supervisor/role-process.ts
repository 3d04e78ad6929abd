/** The life of a child process: configuration in, role started, `ready` out, until told to stop. */
import type { Config } from '../config.ts'
import { createLogger, type Logger } from '../platform/logger.ts'
import { type Channel, createChannel } from '../platform/process-channel.ts'
import type { ChildRole } from './fork-role.ts'
import { startFailureOf } from './start-failure.ts'

/** What a role needs of the process it lives in. */
export interface RoleHost {
  readonly config: Config
  readonly channel: Channel
  readonly logger: Logger
  /** Ends the process so that the supervisor starts it again: state on disk decides then. */
  readonly restart: (reason: string) => void
}

export interface RunningRole {
  /** Where the front listens, once the system has chosen the ports. */
  readonly listening?: Pick<Config, 'listen' | 'console'>
  /** Ends everything the role owns; resolves when all is durable. */
  close(): Promise<void>
}

const isConfigMessage = (message: unknown): message is { config: Config } =>
  typeof message === 'object' && message !== null && 'config' in message
const isStopMessage = (message: unknown): boolean =>
  typeof message === 'object' && message !== null && 'stop' in message

const send = (message: unknown): void => {
  if (process.connected) process.send?.(message)
}

const exitWith = (logger: Logger, reason: string, error?: unknown): void => {
  logger.error({ error }, reason)
  process.exit(1)
}

/** Runs what `start` makes until the supervisor says stop, or is gone. */
export const runRole = (role: ChildRole, start: (host: RoleHost) => Promise<RunningRole>): void => {
  // A terminal sends Ctrl-C to the whole group; the supervisor alone decides what it means.
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => {})
  process.once('disconnect', () => process.exit(1))

  let running: Promise<RunningRole> | undefined
  let logger = createLogger('info', role)
  process.on('uncaughtException', (error) => exitWith(logger, 'An unexpected error.', error))
  process.on('unhandledRejection', (error) => exitWith(logger, 'An unexpected rejection.', error))

  process.on('message', (message) => {
    if (isConfigMessage(message)) {
      const { config } = message
      logger = createLogger(config.logLevel, role)
      const channel = createChannel(role, {
        send,
        listen: (received) => process.on('message', received),
      })
      const restart = (reason: string): void => exitWith(logger, reason)
      running = start({ config, channel, logger, restart })
      running.then(
        (role) => send({ ready: true, ...(role.listening ? { listening: role.listening } : {}) }),
        (error: unknown) => {
          const failure = startFailureOf(error, config)
          // The supervisor tells people what only they can change; anything else is for the log.
          if (failure.final) logger.debug({ error }, 'The process cannot start.')
          else logger.error({ error, hint: failure.hint }, 'The process cannot start.')
          send({ failure })
          process.exit(1)
        },
      )
    } else if (isStopMessage(message)) {
      const closed = running?.then((role) => role.close()) ?? Promise.resolve()
      closed.then(
        () => process.exit(0),
        (error: unknown) => exitWith(logger, 'The process could not stop cleanly.', error),
      )
    }
  })
}
