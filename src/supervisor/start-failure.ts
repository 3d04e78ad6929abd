/** Why a process could not start, in words for people, and whether it is worth trying again. */
import type { Config } from '../config.ts'
import { CodedError, messageOf, systemCodeOf } from '../platform/errors.ts'

/** Crosses from a child to the supervisor before the child ends. */
export interface StartFailure {
  readonly message: string
  readonly hint?: string
  /** Trying again changes nothing until somebody acts: an address in use, a file that is wrong. */
  readonly final: boolean
}

/** Codes of Clew's own errors (identities, data folder, encryption) that do not pass by themselves. */
const FINAL_CODES: ReadonlySet<string> = new Set([
  'unreadable',
  'invalid',
  'newer-format',
  'newer-version',
  'no-master-key',
  'bad-master-key',
  'bad-key-file',
  'wrong-key',
])
const FINAL_SYSTEM_CODES: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOTDIR'])

/** What Node.js adds to the error of a server that cannot listen. */
interface ListenError extends Error {
  readonly syscall: string
  readonly address?: string
  readonly hostname?: string
  readonly port?: number
}

const isListenError = (error: unknown): error is ListenError =>
  error instanceof Error &&
  'syscall' in error &&
  ['listen', 'bind', 'getaddrinfo'].includes(String(error.syscall))

const LISTEN_REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is in use by another program',
  EADDRNOTAVAIL: 'is no address of this machine',
  EACCES: 'may not be used by this user',
  ENOTFOUND: 'has no address',
}

const listenFailure = (error: ListenError, config: Addresses): StartFailure => {
  const code = systemCodeOf(error) ?? ''
  const host = error.address ?? error.hostname ?? ''
  const known = error.port === undefined ? host : `${host}:${error.port}`
  const isConsole =
    error.port === undefined
      ? host !== config.listen.host
      : error.port !== config.listen.port && error.port === config.console.port
  const flag = isConsole ? '--console' : '--listen'
  return {
    message: `${known} (${flag}) ${LISTEN_REASONS[code] ?? `cannot be used: ${messageOf(error)}`}.`,
    hint: `Choose another address with ${flag} HOST:PORT; port 0 takes a free one.`,
    final: true,
  }
}

/** ENOENT of mkdir: there is no way to a folder that was named (`--spool-folder /proc/x`). */
const isNoPlace = (error: unknown): boolean =>
  error instanceof Error &&
  'syscall' in error &&
  error.syscall === 'mkdir' &&
  systemCodeOf(error) === 'ENOENT'

type Addresses = Pick<Config, 'listen' | 'console'>

/** `config`: where the process was told to listen, so that the flag can be named. */
export const startFailureOf = (error: unknown, config: Addresses): StartFailure => {
  if (isListenError(error)) return listenFailure(error, config)
  const hint = error instanceof CodedError ? error.hint : undefined
  const code = systemCodeOf(error) ?? ''
  return {
    message: messageOf(error),
    ...(hint === undefined ? {} : { hint }),
    final:
      error instanceof CodedError
        ? FINAL_CODES.has(code)
        : FINAL_SYSTEM_CODES.has(code) || isNoPlace(error),
  }
}
