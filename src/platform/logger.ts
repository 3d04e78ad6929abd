import { pino } from 'pino'
import type { Clock } from './clock.ts'

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

/**
 * Tells of something that clients can cause thousands of times a second: the first time at once, then
 * at most every `everyMs`, with how often it happened since, by reason. A client must not fill the log.
 */
export const createNotice = <Facts>(
  clock: Pick<Clock, 'monotonic'>,
  everyMs: number,
  tell: (counts: Readonly<Record<string, number>>, latest: Facts) => void,
): ((reason: string, facts: Facts) => void) => {
  let nextAt = Number.NEGATIVE_INFINITY
  let counts: Record<string, number> = {}
  return (reason, facts) => {
    counts[reason] = (counts[reason] ?? 0) + 1
    const now = clock.monotonic()
    if (now < nextAt) return
    nextAt = now + everyMs
    tell(counts, facts)
    counts = {}
  }
}
