/** Signatures in the query string: presigned URLs of Signature Version 4, and of 2 for S3. */
import type { RequestHead } from '../call.ts'
import { parseAmzDate } from './amz-date.ts'
import { isS3Family } from './canonical-request.ts'
import type { ClaimReading } from './claim.ts'
import {
  ACCESS_KEY,
  ALGORITHM,
  isAlgorithm,
  malformed,
  malformedSignature,
  parseCredential,
  parseSignedHeaders,
  SIGV4A,
  wrongDay,
} from './claim-parts.ts'
import { decodeQueryPart, queryPairs } from './uri-encoding.ts'

/** One week: the longest life of a presigned URL. */
export const PRESIGNED_SECONDS_MAX = 604_800

const V4_REQUIRED = ['X-Amz-Credential', 'X-Amz-Signature', 'X-Amz-Date', 'X-Amz-SignedHeaders']
const V4_NAMES: ReadonlySet<string> = new Set([
  ...V4_REQUIRED,
  'X-Amz-Algorithm',
  'X-Amz-Expires',
  'X-Amz-Security-Token',
  'X-Amz-Region-Set',
])
const V2_NAMES: ReadonlySet<string> = new Set([
  'AWSAccessKeyId',
  'Expires',
  'Signature',
  'SignatureVersion',
  'x-amz-security-token',
])

type Parameters = ReadonlyMap<string, string>

/** The authentication parameters, decoded; a string names one that is broken or given twice. */
const authParameters = (rawQuery: string): Parameters | string => {
  const found = new Map<string, string>()
  for (const { name, value } of queryPairs(rawQuery)) {
    if (!V4_NAMES.has(name) && !V2_NAMES.has(name)) continue
    const decoded = decodeQueryPart(value)
    if (decoded === undefined || found.has(name)) return name
    // None of them holds a space, but base64 with a plus that a client left as it is does occur.
    found.set(name, decoded.replaceAll(' ', '+'))
  }
  return found
}

const INCOMPLETE =
  'Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.'

/** Seconds, or what is wrong. */
const readExpires = (text: string | undefined): number | string => {
  if (text === undefined || !/^-?\d{1,15}$/.test(text)) return 'X-Amz-Expires should be a number'
  const seconds = Number(text)
  if (seconds < 0) return 'X-Amz-Expires must be non-negative'
  return seconds > PRESIGNED_SECONDS_MAX
    ? `X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than ${PRESIGNED_SECONDS_MAX} seconds`
    : seconds
}

const readV4 = (head: RequestHead, query: Parameters): ClaimReading => {
  const algorithm = query.get('X-Amz-Algorithm')
  if (V4_REQUIRED.some((name) => !query.has(name))) return malformed('query', INCOMPLETE)
  if (!isAlgorithm(algorithm)) {
    return malformed('query', `X-Amz-Algorithm only supports "${ALGORITHM} and ${SIGV4A}"`)
  }
  const regionSet = query.get('X-Amz-Region-Set') ?? head.headers['x-amz-region-set']
  const credential = parseCredential(algorithm, query.get('X-Amz-Credential') ?? '', regionSet)
  if (typeof credential === 'string') {
    return malformed('query', `Error parsing X-Amz-Credential; ${credential}`)
  }
  const signedHeaders = parseSignedHeaders(query.get('X-Amz-SignedHeaders') ?? '')
  if (signedHeaders === undefined) {
    return malformed('query', 'X-Amz-SignedHeaders is not well formed.')
  }
  const signature = query.get('X-Amz-Signature') ?? ''
  const wrongSignature = malformedSignature(algorithm, signature)
  if (wrongSignature !== undefined) return malformed('query', `X-Amz-${wrongSignature}`)
  const amzDate = query.get('X-Amz-Date') ?? ''
  const signedAt = parseAmzDate(amzDate)
  if (signedAt === undefined) {
    const form = `"yyyyMMdd'T'HHmmss'Z'"`
    return malformed('query', `X-Amz-Date must be in the ISO8601 Long Format ${form}`)
  }
  if (amzDate.slice(0, 8) !== credential.date) {
    return malformed('query', wrongDay(credential, amzDate))
  }
  // Only S3 insists on X-Amz-Expires; elsewhere its absence means the usual window.
  const given = query.get('X-Amz-Expires')
  const needed = given !== undefined || isS3Family(credential.scope.signingName)
  const expires = needed ? readExpires(given) : undefined
  if (typeof expires === 'string') return malformed('query', expires)
  const token = query.get('X-Amz-Security-Token') ?? head.headers['x-amz-security-token']
  const { date: _date, ...claimed } = credential
  return {
    ...claimed,
    method: 'QueryString',
    signature,
    amzDate,
    signedAt,
    signedHeaders,
    ...(expires !== undefined && { expiresSeconds: expires }),
    ...(token !== undefined && { securityToken: token }),
  }
}

const readV2 = (head: RequestHead, query: Parameters): ClaimReading => {
  if (query.has('SignatureVersion')) {
    const detail = `Signature version 2 is only supported for presigned S3 URLs. Please use ${ALGORITHM}.`
    return { problem: { reason: 'unsupported', detail } }
  }
  const accessKeyId = query.get('AWSAccessKeyId')
  const signature = query.get('Signature')
  const expires = query.get('Expires')
  if (accessKeyId === undefined || signature === undefined || expires === undefined) {
    return malformed(
      'query',
      'Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters',
    )
  }
  if (!ACCESS_KEY.test(accessKeyId)) {
    return malformed('query', 'AWSAccessKeyId is not well formed.')
  }
  if (!/^\d{1,12}$/.test(expires)) {
    return malformed('query', 'Invalid date (should be seconds since epoch)')
  }
  const token = query.get('x-amz-security-token') ?? head.headers['x-amz-security-token']
  return {
    version: 'SigV2',
    method: 'QueryString',
    accessKeyId,
    signature,
    expires,
    ...(token !== undefined && { securityToken: token }),
  }
}

/** Undefined when the query carries no signature after all. */
export const readQueryClaim = (head: RequestHead): ClaimReading => {
  const query = authParameters(head.rawQuery)
  if (typeof query === 'string') return malformed('query', `${query} is broken or given twice.`)
  const v4 = ['X-Amz-Algorithm', 'X-Amz-Signature', 'X-Amz-Credential'].some((name) =>
    query.has(name),
  )
  const v2 = query.has('AWSAccessKeyId') || (query.has('Signature') && query.has('Expires'))
  if (v4 && v2) return { problem: { reason: 'several' } }
  if (v4) return readV4(head, query)
  return v2 ? readV2(head, query) : undefined
}
