/** The pieces that both places of a Signature Version 4 share. */
import type { SigningScope } from '../call.ts'
import type { SignatureProblem } from './answers/signature-problem.ts'

export const ALGORITHM = 'AWS4-HMAC-SHA256'
/** The asymmetric variant: `Credential` has no region, the signature is ECDSA. */
export const SIGV4A = 'AWS4-ECDSA-P256-SHA256'
export const SIGV4A_TEXT = `SigV4A (${SIGV4A}) is not supported yet. Please sign with ${ALGORITHM}.`

export const ACCESS_KEY = /^[A-Za-z0-9._=+@-]{1,128}$/
const SIGNED_HEADERS = /^[a-z0-9!#$%&'*+.^_`|~-]+(;[a-z0-9!#$%&'*+.^_`|~-]+)*$/
export const HEX_64 = /^[0-9a-f]{64}$/
const SCOPE_PART = /^[A-Za-z0-9._-]{1,64}$/
/** A region ends up in ARNs and in keys of objects: `..` or `__proto__` is none, anywhere. */
const SCOPE_REGION = /^(?=.{1,64}$)[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*$/

/** Undefined for what is no list of names, or has one twice. */
export const parseSignedHeaders = (text: string): readonly string[] | undefined => {
  if (!SIGNED_HEADERS.test(text)) return undefined
  const names = text.split(';')
  return new Set(names).size === names.length ? names : undefined
}

export const malformed = (
  place: 'header' | 'query',
  detail: string,
): { readonly problem: SignatureProblem } => ({ problem: { reason: 'malformed', place, detail } })

export interface ClaimedCredential {
  readonly accessKeyId: string
  /** Eight digits. */
  readonly date: string
  readonly scope: SigningScope
  readonly scopeText: string
}

/** `AKID/20260302/eu-west-1/s3/aws4_request`. */
export const parseCredential = (text: string): ClaimedCredential | undefined => {
  const parts = text.split('/')
  const [accessKeyId = '', date = '', region = '', signingName = '', terminator] = parts
  if (parts.length !== 5 || terminator !== 'aws4_request') return undefined
  if (!ACCESS_KEY.test(accessKeyId) || !/^\d{8}$/.test(date)) return undefined
  if (!SCOPE_REGION.test(region) || !SCOPE_PART.test(signingName)) return undefined
  return {
    accessKeyId,
    date,
    scope: { signingName, region },
    scopeText: `${date}/${region}/${signingName}/aws4_request`,
  }
}

export const MALFORMED_CREDENTIAL =
  'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".'

export const wrongDay = (credential: ClaimedCredential, amzDate: string): string =>
  `Invalid credential date "${credential.date}". This date is not the same as X-Amz-Date: "${amzDate.slice(0, 8)}".`
