/**
 * Every setting of `clew serve`, as data: its place in the configuration file, and from that its
 * flag (`--log-file-interval`) and its environment variable (`CLEW_LOG_FILE_INTERVAL`).
 */
import { z } from 'zod'
import { parseDuration, parseSize } from './quantities.ts'

/** YAML reads `24` and `4600` as numbers; the schemas below judge them as they were written. */
const scalar = z.union([z.string(), z.number().transform(String)])

const duration = scalar.transform((text, context) => {
  const ms = parseDuration(text)
  if (ms !== undefined && ms > 0) return ms
  context.addIssue({
    code: 'custom',
    message: `'${text}' is no duration such as 30s, 5m, 1h or 7d`,
  })
  return z.NEVER
})

const size = scalar.transform((given, context) => {
  const bytes = parseSize(given)
  if (bytes !== undefined) return bytes
  context.addIssue({ code: 'custom', message: `'${given}' is no size such as 512MiB or 64GiB` })
  return z.NEVER
})

const address = scalar.transform((text, context) => {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text)
  const port = Number(match?.[3])
  if (match !== null && port <= 65_535) return { host: match[1] ?? match[2] ?? '', port }
  context.addIssue({ code: 'custom', message: `'${text}' is no HOST:PORT such as 127.0.0.1:4600` })
  return z.NEVER
})

const flag = z.union([z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')])
const count = z.coerce.number().int().min(0)
const region = z.string().regex(/^[a-z]{2,}(-[a-z0-9]+)+-\d+$/, 'is no region such as eu-west-1')
const list = <Item extends z.ZodType>(item: Item) =>
  z.preprocess(
    (given) => (typeof given === 'string' ? given.split(',').map((part) => part.trim()) : given),
    z.array(item),
  )

/** AWS's regions that are enabled in every account (Regions page of the account guide). */
export const DEFAULT_REGIONS = [
  'us-east-1',
  'us-east-2',
  'us-west-1',
  'us-west-2',
  'ap-south-1',
  'ap-northeast-1',
  'ap-northeast-2',
  'ap-northeast-3',
  'ap-southeast-1',
  'ap-southeast-2',
  'ca-central-1',
  'eu-central-1',
  'eu-north-1',
  'eu-west-1',
  'eu-west-2',
  'eu-west-3',
  'sa-east-1',
] as const

export interface Setting {
  /** Dotted path in the configuration file. */
  readonly path: string
  readonly schema: z.ZodType
  /** As it would be written in the file; undefined: not set. */
  readonly default: unknown
  readonly about: string
  /** The flag may be given several times. */
  readonly repeatable?: true
}

export const SETTINGS = [
  { path: 'data', schema: z.string().min(1), default: './clew-data', about: 'data directory' },
  { path: 'listen', schema: address, default: '127.0.0.1:4600', about: 'AWS endpoint' },
  { path: 'console', schema: address, default: '127.0.0.1:4601', about: 'console and admin' },
  {
    path: 'account',
    schema: z.coerce.string().regex(/^\d{12}$/, 'is no account id (12 digits)'),
    default: '123456789012',
    about: 'account of the root key and of unsigned requests',
  },
  { path: 'region', schema: region, default: 'us-east-1', about: 'where a request names none' },
  {
    path: 'regions',
    schema: list(region),
    default: DEFAULT_REGIONS,
    about: 'enabled regions; others join at their first verified request',
  },
  {
    path: 'upstream',
    schema: list(z.string()),
    default: [],
    about: 'http://HOST for all, NAME=http://HOST or NAME=builtin for one signing name',
    repeatable: true,
  },
  { path: 'logFileInterval', schema: duration, default: '5m', about: 'log file window' },
  { path: 'digestInterval', schema: duration, default: '1h', about: 'digest interval' },
  {
    path: 'logLevel',
    schema: z.enum(['debug', 'info', 'warn', 'error', 'silent']),
    default: 'info',
    about: 'debug, info, warn, error or silent',
  },
  { path: 'identities', schema: z.string(), default: undefined, about: 'identities.yaml' },
  {
    path: 'masterKeyCommand',
    schema: z.string(),
    default: undefined,
    about: 'command that prints the master key (64 hex digits) instead of the key file',
  },
  {
    path: 'unknownKeys',
    schema: z.enum(['reject', 'record']),
    default: 'reject',
    about: 'record: forward calls of unknown access keys as type Unknown',
  },
  {
    path: 'lookupEventsPerSecond',
    schema: z.coerce.number().min(0),
    default: 0,
    about: 'throttle of LookupEvents per account and region (AWS: 2); 0 is off',
  },
  {
    path: 'trustedProxies',
    schema: list(z.string()),
    default: [],
    about: 'CIDR blocks whose X-Forwarded-For is believed',
  },
  {
    path: 'virtualHosts',
    schema: list(z.string()),
    default: ['localhost', 's3.localhost', 'localhost.localstack.cloud'],
    about: 'host suffixes in front of which a bucket name may stand',
  },
  { path: 'spool.folder', schema: z.string(), default: undefined, about: 'spool (<data>/spool)' },
  { path: 'spool.maxBytes', schema: size, default: '1GiB', about: 'bound of the spool' },
  { path: 'journal.maxBytes', schema: size, default: '64GiB', about: 'bound of the journal' },
  { path: 'journal.retention', schema: duration, default: '24h', about: 'kept after consumption' },
  { path: 'journal.segmentBytes', schema: size, default: '64MiB', about: 'size of a segment' },
  { path: 'journal.shards', schema: count.min(1).max(64), default: 1, about: 'fixed at creation' },
  {
    path: 'journal.failOpen',
    schema: flag,
    default: false,
    about: 'forward management writes also while they can only be spooled',
  },
  {
    path: 'trails.bucketPolicy',
    schema: z.enum(['strict', 'off']),
    default: 'strict',
    about: 'check bucket policies as AWS does, or not at all',
  },
  { path: 'trails.maxFileBytes', schema: size, default: '50MB', about: 'uncompressed log file' },
  {
    path: 'trails.gzipLevel',
    schema: count.min(1).max(9),
    default: 6,
    about: 'of log files, while there is time; at most 3 where much comes',
  },
  {
    path: 'trails.heldBytes',
    schema: size,
    default: '48MiB',
    about: 'memory of open log files; above it the largest are delivered early',
  },
  {
    path: 'trails.pendingBytes',
    schema: size,
    default: '10GiB',
    about: 'bound of the log files whose delivery failed',
  },
  {
    path: 'trails.putTimeout',
    schema: duration,
    default: '1m',
    about: 'a delivery that takes longer counts as failed',
  },
  {
    path: 'capture.clockSkew',
    schema: duration,
    default: '15m',
    about: 'how far a signature may be from the clock',
  },
  {
    path: 'capture.maxConnections',
    schema: count.min(1),
    default: 4096,
    about: 'connections at once; above it the one that waits longest is closed',
  },
  {
    path: 'capture.maxConnectionsPerAddress',
    schema: count,
    default: 0,
    about: 'the same for one client address; 0: no limit of its own',
  },
  {
    path: 'capture.clientTimeout',
    schema: duration,
    default: '60s',
    about: 'how long a client may stand still in the middle of a request or an answer',
  },
  {
    path: 'capture.minUploadRate',
    schema: size,
    default: '1KiB',
    about: 'bytes a second that a body must come with during capture.clientTimeout; 0: any',
  },
  {
    path: 'capture.upstreamConnectTimeout',
    schema: duration,
    default: '5s',
    about: 'how long connecting to an upstream may take',
  },
  {
    path: 'capture.upstreamTimeout',
    schema: duration,
    default: '910s',
    about: 'how long an upstream may be silent; a Lambda function may run 15 minutes',
  },
  {
    path: 'capture.keepSessionTokens',
    schema: flag,
    default: false,
    about: 'keep session tokens of STS answers in records, as AWS does',
  },
] as const satisfies readonly Setting[]

const kebab = (path: string): string =>
  path.replaceAll('.', '-').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

export const flagOf = (path: string): string => `--${kebab(path)}`
export const variableOf = (path: string): string =>
  `CLEW_${kebab(path).replaceAll('-', '_').toUpperCase()}`
