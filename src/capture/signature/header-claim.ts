/** The Authorization header of Signature Version 4. */
import type { RequestHead } from '../call.ts'
import { formatAmzDate, parseAmzDate, parseDateHeader } from './amz-date.ts'
import type { ClaimReading } from './claim.ts'
import {
  ALGORITHM,
  isAlgorithm,
  malformed,
  malformedSignature,
  parseCredential,
  parseSignedHeaders,
  wrongDay,
} from './claim-parts.ts'

const OTHER_SCHEME = `The authorization mechanism you have provided is not supported. Please use ${ALGORITHM}.`

const readDate = (head: RequestHead): { text: string; ms: number } | undefined => {
  const own = head.headers['x-amz-date']
  const ms = own === undefined ? parseDateHeader(head.headers.date ?? '') : parseAmzDate(own)
  return ms === undefined ? undefined : { text: own ?? formatAmzDate(ms), ms }
}

/** `Name=value` separated by commas or spaces; undefined when a name comes twice. */
const readFields = (text: string): Map<string, string> | undefined => {
  const fields = new Map<string, string>()
  for (const part of text.split(/[,\s]+/)) {
    const at = part.indexOf('=')
    if (at <= 0) continue
    const name = part.slice(0, at)
    if (fields.has(name)) return undefined
    fields.set(name, part.slice(at + 1))
  }
  return fields
}

export const readHeaderClaim = (head: RequestHead, value: string): ClaimReading => {
  const space = value.indexOf(' ')
  const algorithm = space < 0 ? value : value.slice(0, space)
  if (!isAlgorithm(algorithm)) return { problem: { reason: 'unsupported', detail: OTHER_SCHEME } }
  const fields = readFields(value.slice(space + 1))
  if (fields === undefined) return malformed('header', 'a parameter is given twice.')
  const missing = ['Credential', 'Signature', 'SignedHeaders'].filter((name) => !fields.has(name))
  if (missing.length > 0) {
    const sentences = missing.map((name) => `Authorization header requires '${name}' parameter.`)
    return malformed('header', sentences.join(' '))
  }
  const regionSet = head.headers['x-amz-region-set']
  const credential = parseCredential(algorithm, fields.get('Credential') ?? '', regionSet)
  if (typeof credential === 'string') return malformed('header', credential)
  const signedHeaders = parseSignedHeaders(fields.get('SignedHeaders') ?? '')
  if (signedHeaders === undefined) {
    return malformed('header', 'SignedHeaders is not well formed.')
  }
  const signature = fields.get('Signature') ?? ''
  const wrongSignature = malformedSignature(algorithm, signature)
  if (wrongSignature !== undefined) return malformed('header', wrongSignature)
  const date = readDate(head)
  if (date === undefined) return { problem: { reason: 'no-date' } }
  if (date.text.slice(0, 8) !== credential.date) {
    return malformed('header', wrongDay(credential, date.text))
  }
  const token = head.headers['x-amz-security-token']
  const { date: _date, ...claimed } = credential
  return {
    ...claimed,
    method: 'AuthHeader',
    signature,
    amzDate: date.text,
    signedAt: date.ms,
    signedHeaders,
    ...(token !== undefined && { securityToken: token }),
  }
}
