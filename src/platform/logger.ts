import { pino } from 'pino'

/** What the code needs of a logger; pino satisfies it. Fields first, then a fixed sentence. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  child(fields: Record<string, unknown>): Logger
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** JSON lines on stderr (stdout is for data), each with the role of the process that wrote it. */
export const createLogger = (level: LogLevel, role: string): Logger =>
  pino(
    { level, base: { role }, timestamp: pino.stdTimeFunctions.isoTime, errorKey: 'error' },
    pino.destination({ dest: 2, sync: true }),
  )

const nothing = (): void => {}

/** Says nothing: the default of tests. */
export const silentLogger: Logger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => silentLogger,
}
