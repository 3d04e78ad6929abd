/**
 * The only reader of flags, environment and configuration file. A flag wins over the environment,
 * that over the file, that over the default. The result is frozen and holds every limit.
 */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { z } from 'zod'
import { ConfigError } from './config/config-error.ts'
import { nearest } from './config/nearest.ts'
import { flagOf, SETTINGS, type Setting, variableOf } from './config/settings.ts'
import { messageOf } from './platform/errors.ts'
import { loadLater } from './platform/load-later.ts'
import type { LogLevel } from './platform/logger.ts'

const yaml = loadLater<typeof import('yaml')>('yaml')

export interface Address {
  readonly host: string
  readonly port: number
}

/** Times in milliseconds, sizes in bytes, folders absolute. */
export interface Config {
  readonly data: string
  readonly listen: Address
  readonly console: Address
  readonly account: string
  readonly region: string
  readonly regions: readonly string[]
  readonly upstream: readonly string[]
  readonly logFileInterval: number
  readonly digestInterval: number
  readonly logLevel: LogLevel
  readonly identities?: string
  readonly masterKeyCommand?: string
  readonly unknownKeys: 'reject' | 'record'
  readonly lookupEventsPerSecond: number
  readonly trustedProxies: readonly string[]
  readonly virtualHosts: readonly string[]
  readonly spool: { readonly folder?: string; readonly maxBytes: number }
  readonly journal: {
    readonly maxBytes: number
    readonly retention: number
    readonly segmentBytes: number
    readonly shards: number
    readonly failOpen: boolean
  }
  readonly trails: {
    readonly bucketPolicy: 'strict' | 'off'
    readonly maxFileBytes: number
    readonly gzipLevel: number
    readonly heldBytes: number
    readonly pendingBytes: number
    readonly putTimeout: number
  }
  readonly capture: {
    readonly clockSkew: number
    readonly keepSessionTokens: boolean
    readonly maxConnections: number
    readonly maxConnectionsPerAddress: number
    readonly clientTimeout: number
    readonly minUploadRate: number
    readonly upstreamConnectTimeout: number
    readonly upstreamTimeout: number
  }
}

interface Given {
  readonly value: unknown
  /** Where it came from, for error messages. */
  readonly from: string
}

const leavesOf = (value: unknown, path: string): [string, unknown][] =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.entries(value).flatMap(([key, inner]) =>
        leavesOf(inner, path === '' ? key : `${path}.${key}`),
      )
    : [[path, value]]

const PATHS = SETTINGS.map((setting) => setting.path as string)

const unknownSetting = (from: string, name: string, known: readonly string[]): ConfigError =>
  new ConfigError('unknown-setting', `${from}: there is no setting '${name}'.`, {
    hint: `Did you mean '${nearest(name, known)}'?`,
  })

const readFile = (file: string): Map<string, Given> => {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw new ConfigError('bad-file', `${file}: ${messageOf(cause)}`, { cause })
  }
  const { isNode, LineCounter, parseDocument } = yaml()
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  const [error] = document.errors
  if (error !== undefined) {
    const place = lines.linePos(error.pos[0])
    throw new ConfigError('bad-file', `${file}:${place.line}:${place.col}: ${error.message}`)
  }
  const content: unknown = document.toJS() ?? {}
  if (typeof content !== 'object' || Array.isArray(content)) {
    throw new ConfigError('bad-file', `${file} holds no settings.`, {
      hint: 'Write one on a line, for example `logFileInterval: 1m`.',
    })
  }
  const placeOf = (path: string): string => {
    const node = document.getIn(path.split('.'), true)
    const offset = isNode(node) ? node.range?.[0] : undefined
    return offset === undefined ? file : `${file}:${lines.linePos(offset).line}`
  }
  const given = new Map<string, Given>()
  for (const [path, value] of leavesOf(content, '')) {
    if (!PATHS.includes(path)) throw unknownSetting(placeOf(path), path, PATHS)
    given.set(path, { value, from: `${placeOf(path)}: ${path}` })
  }
  return given
}

const readEnvironment = (environment: NodeJS.ProcessEnv): Map<string, Given> => {
  const given = new Map<string, Given>()
  const variables = new Map(PATHS.map((path) => [variableOf(path), path]))
  for (const [name, value] of Object.entries(environment)) {
    if (!name.startsWith('CLEW_') || name === 'CLEW_CONFIG') continue
    const path = variables.get(name)
    if (path === undefined) throw unknownSetting('environment', name, [...variables.keys()])
    given.set(path, { value, from: `environment variable ${name}` })
  }
  return given
}

const readFlags = (flags: ReadonlyMap<string, unknown>): Map<string, Given> =>
  new Map([...flags].map(([path, value]) => [path, { value, from: flagOf(path) }]))

/** Of a wrong value, in its error. Characters. */
const SHOWN_VALUE_MAX = 80

const parseSetting = (setting: Setting, given: Given): unknown => {
  const result = setting.schema.safeParse(given.value)
  if (result.success) return result.data
  const [issue] = result.error.issues
  const message = issue?.message ?? 'is not valid'
  // Some messages name the value themselves.
  const value = message.startsWith('is ') ? `${JSON.stringify(given.value)} ` : ''
  const told = `${given.from}: ${value.slice(0, SHOWN_VALUE_MAX)}${message}`
  throw new ConfigError('bad-setting', told, { hint: `${setting.path}: ${setting.about}.` })
}

const nested = (leaves: ReadonlyMap<string, unknown>): Record<string, unknown> => {
  const root: Record<string, unknown> = {}
  for (const [path, value] of leaves) {
    const [head = '', tail] = path.split('.')
    if (tail === undefined) root[head] = value
    else root[head] = Object.freeze({ ...(root[head] as object | undefined), [tail]: value })
  }
  return root
}

/** `flags`: values by setting path. Throws ConfigError that says where and what to do. */
export const readConfig = (
  flags: ReadonlyMap<string, unknown>,
  environment: NodeJS.ProcessEnv,
  file: string | undefined = environment.CLEW_CONFIG,
): Config => {
  const sources = [
    readFlags(flags),
    readEnvironment(environment),
    file === undefined ? new Map<string, Given>() : readFile(file),
  ]
  const leaves = new Map<string, unknown>()
  for (const setting of SETTINGS as readonly Setting[]) {
    const given =
      sources.map((source) => source.get(setting.path)).find((found) => found !== undefined) ??
      (setting.default === undefined
        ? undefined
        : { value: setting.default, from: `default of ${setting.path}` })
    if (given !== undefined) leaves.set(setting.path, parseSetting(setting, given))
  }
  leaves.set('data', resolve(String(leaves.get('data'))))
  return Object.freeze(nested(leaves)) as unknown as Config
}

/** The JSON Schema of the configuration file, for editors. */
export const configSchema = (): unknown =>
  z.toJSONSchema(
    z.object(
      Object.fromEntries(
        SETTINGS.map((setting) => [setting.path, setting.schema.describe(setting.about)]),
      ),
    ),
    { io: 'input', unrepresentable: 'any' },
  )
