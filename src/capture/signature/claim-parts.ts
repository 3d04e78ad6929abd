/** The pieces that both places of a Signature Version 4 share. */
import type { SigningScope } from '../call.ts'
import type { SignatureProblem } from './answers/signature-problem.ts'
import { parseRegionSet } from './keys/region-set.ts'

export const ALGORITHM = 'AWS4-HMAC-SHA256'
/** The asymmetric variant: `Credential` has no region, a set of them is signed instead. */
export const SIGV4A = 'AWS4-ECDSA-P256-SHA256'

export const ACCESS_KEY = /^[A-Za-z0-9._=+@-]{1,128}$/
const SIGNED_HEADERS = /^[a-z0-9!#$%&'*+.^_`|~-]+(;[a-z0-9!#$%&'*+.^_`|~-]+)*$/
const HEX_64 = /^[0-9a-f]{64}$/
/** DER of two numbers below 2^256: 72 bytes at most, and hardly ever fewer than 68. */
const HEX_DER = /^30[0-9a-f]{14,142}$/
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

/** The regions that a signature of version 4A is good for, in place of one. */
export interface SigningRegions {
  readonly signingName: string
  readonly regionSet: readonly string[]
}

/** Which of the two variants a claim is of, with what only that one has. */
export type ClaimedScope =
  | { readonly version: 'SigV4'; readonly scope: SigningScope }
  | { readonly version: 'SigV4A'; readonly scope: SigningRegions }

export type ClaimedCredential = ClaimedScope & {
  readonly accessKeyId: string
  /** Eight digits. */
  readonly date: string
  readonly scopeText: string
}

/** `AKID/20260302/eu-west-1/s3/aws4_request`. */
const parseSymmetric = (text: string): ClaimedCredential | undefined => {
  const parts = text.split('/')
  const [accessKeyId = '', date = '', region = '', signingName = '', terminator] = parts
  if (parts.length !== 5 || terminator !== 'aws4_request') return undefined
  if (!ACCESS_KEY.test(accessKeyId) || !/^\d{8}$/.test(date)) return undefined
  if (!SCOPE_REGION.test(region) || !SCOPE_PART.test(signingName)) return undefined
  return {
    version: 'SigV4',
    accessKeyId,
    date,
    scope: { signingName, region },
    scopeText: `${date}/${region}/${signingName}/aws4_request`,
  }
}

/** `AKID/20260302/s3/aws4_request`. */
const parseAsymmetric = (
  text: string,
  regionSet: readonly string[],
): ClaimedCredential | undefined => {
  const parts = text.split('/')
  const [accessKeyId = '', date = '', signingName = '', terminator] = parts
  if (parts.length !== 4 || terminator !== 'aws4_request') return undefined
  if (!ACCESS_KEY.test(accessKeyId) || !/^\d{8}$/.test(date)) return undefined
  if (!SCOPE_PART.test(signingName)) return undefined
  return {
    version: 'SigV4A',
    accessKeyId,
    date,
    scope: { signingName, regionSet },
    scopeText: `${date}/${signingName}/aws4_request`,
  }
}

export type Algorithm = typeof ALGORITHM | typeof SIGV4A

const MALFORMED_CREDENTIAL: Readonly<Record<Algorithm, string>> = {
  [ALGORITHM]:
    'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".',
  [SIGV4A]: 'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/SERVICE/aws4_request".',
}

/** `regionSet`: X-Amz-Region-Set as sent. A string says what is wrong. */
export const parseCredential = (
  algorithm: Algorithm,
  text: string,
  regionSet: string | undefined,
): ClaimedCredential | string => {
  if (algorithm === ALGORITHM) return parseSymmetric(text) ?? MALFORMED_CREDENTIAL[algorithm]
  const regions = regionSet === undefined ? undefined : parseRegionSet(regionSet)
  if (regions === undefined) return 'X-Amz-Region-Set must name the regions of the signature.'
  return parseAsymmetric(text, regions) ?? MALFORMED_CREDENTIAL[algorithm]
}

/** What is wrong with the form of a signature, or undefined. */
export const malformedSignature = (algorithm: Algorithm, text: string): string | undefined => {
  if (algorithm === ALGORITHM) {
    return HEX_64.test(text) ? undefined : 'Signature is not 64 hexadecimal digits.'
  }
  const valid = HEX_DER.test(text) && text.length % 2 === 0
  return valid ? undefined : 'Signature is not a DER-encoded signature in hexadecimal digits.'
}

export const isAlgorithm = (text: string | undefined): text is Algorithm =>
  text === ALGORITHM || text === SIGV4A

export const wrongDay = (credential: ClaimedCredential, amzDate: string): string =>
  `Invalid credential date "${credential.date}". This date is not the same as X-Amz-Date: "${amzDate.slice(0, 8)}".`
