/** What a verified call asks of S3: bucket, key and query, decoded strictly. */
import type { ServiceAnswer, VerifiedCall } from '../../identity/verified-call.ts'
import type { BucketRecord } from '../../outlets/file-system/buckets.ts'
import { type FileObjectStore, KEY_BYTES_MAX } from '../../outlets/file-system/file-object-store.ts'
import type { BucketFacts } from '../../outlets/object-store.ts'
import type { Logger } from '../../platform/logger.ts'
import { S3Fault } from './fault.ts'

export interface S3Target {
  /** '' for the service itself. */
  readonly bucket: string
  /** '' for the bucket itself. */
  readonly key: string
  /** The first value of each name; a name without `=` has ''. */
  readonly query: ReadonlyMap<string, string>
}

export interface S3Request extends S3Target {
  readonly call: VerifiedCall
  readonly headers: Readonly<Record<string, string>>
  readonly operation: string
}

/** A request whose bucket exists. */
export interface BucketRequest extends S3Request {
  readonly owner: BucketRecord
}

/**
 * Whether the caller may do `action` (`s3:GetObject`) on the bucket or, with a key, the object.
 * `bucket` is undefined for what has none (ListBuckets, CreateBucket, a bucket that does not exist).
 */
export type AuthorizeS3 = (
  call: VerifiedCall,
  action: string,
  bucket: BucketFacts | undefined,
  key: string | undefined,
) => Promise<'allow' | 'deny'>

export interface S3Context {
  readonly store: FileObjectStore
  readonly logger: Logger
  readonly authorize: AuthorizeS3
}

export type ServiceHandler = (request: S3Request, context: S3Context) => Promise<ServiceAnswer>
export type BucketHandler = (request: BucketRequest, context: S3Context) => Promise<ServiceAnswer>

export const factsOf = (bucket: BucketRecord): BucketFacts => ({
  name: bucket.name,
  account: bucket.account,
  region: bucket.region,
  ...(bucket.settings.policy !== undefined && { policy: bucket.settings.policy }),
})

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** RFC 3986 percent-decoding; anything that is not valid UTF-8 behind it is refused. */
export const percentDecode = (text: string): string => {
  if (!text.includes('%')) return text.toWellFormed()
  if (/%(?![0-9A-Fa-f]{2})/.test(text)) throw new S3Fault('InvalidURI')
  const bytes: Buffer[] = []
  for (const piece of text.split(/((?:%[0-9A-Fa-f]{2})+)/)) {
    bytes.push(
      piece.startsWith('%')
        ? Buffer.from(piece.replaceAll('%', ''), 'hex')
        : Buffer.from(piece, 'utf8'),
    )
  }
  try {
    return strictUtf8.decode(Buffer.concat(bytes))
  } catch {
    throw new S3Fault('InvalidURI')
  }
}

export const parseQuery = (rawQuery: string): Map<string, string> => {
  const query = new Map<string, string>()
  for (const pair of rawQuery.split('&')) {
    if (pair === '') continue
    const at = pair.indexOf('=')
    const [name, value] = at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)]
    const decoded = percentDecode(name.replaceAll('+', ' '))
    if (!query.has(decoded)) query.set(decoded, percentDecode(value.replaceAll('+', ' ')))
  }
  return query
}

/**
 * The path is split before it is decoded and never normalised: `..`, empty segments and leading
 * slashes are ordinary parts of keys.
 */
export const parseTarget = (call: VerifiedCall): S3Target => {
  if (!call.rawPath.startsWith('/')) throw new S3Fault('InvalidURI')
  const path = call.rawPath.slice(1)
  const slash = path.indexOf('/')
  const bucket = percentDecode(slash < 0 ? path : path.slice(0, slash))
  const key = slash < 0 ? '' : percentDecode(path.slice(slash + 1))
  const bytes = Buffer.byteLength(key)
  if (bytes > KEY_BYTES_MAX) {
    throw new S3Fault('KeyTooLongError', undefined, {
      Size: String(bytes),
      MaxSizeAllowed: String(KEY_BYTES_MAX),
    })
  }
  return { bucket, key, query: parseQuery(call.rawQuery) }
}

/** An integer parameter within S3's bounds. */
export const integerOf = (
  request: S3Target,
  name: string,
  defaultValue: number,
  max = 2_147_483_647,
): number => {
  const text = request.query.get(name)
  if (text === undefined || text === '') return defaultValue
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN
  if (!(value <= max)) {
    throw new S3Fault(
      'InvalidArgument',
      `Argument ${name} must be an integer between 0 and ${max}`,
      { ArgumentName: name, ArgumentValue: text },
    )
  }
  return value
}
