/**
 * What must never stand in a record, whatever service it comes from: the literals that AWS writes
 * instead, and the last resort by name (reference/capture.md §6.1, reference/formats.md §1.7). Which
 * member of which service is secret is the catalogue's `sensitive` trait and capture/services.
 */

export type RedactionStyle =
  /** The member is not there at all. */
  | 'omit'
  | 'hidden'
  | 'stars'
  | 'data-removed'
  | 'omitted'
  | 'value-hidden'
  | 'redacted'
  /** Lambda's environment. */
  | 'empty-object'
  /** DynamoDB's items: the attribute names without their values. */
  | 'attribute-names'
  /** DynamoDB's keys: attribute name and plain value. */
  | 'key-attributes'

export const HIDDEN = 'HIDDEN_DUE_TO_SECURITY_REASONS'

/** What stands for a redacted value; undefined for the styles that leave no text. */
export const MARKERS: Partial<Record<RedactionStyle, string>> = {
  hidden: HIDDEN,
  stars: '****',
  'data-removed': '<sensitiveDataRemoved>',
  omitted: '***OMITTED***',
  'value-hidden': 'Value hidden due to security reasons.',
  redacted: '[REDACTED]',
}

/** The last resort: names of members, map keys and tags whose text is taken for a secret. */
const SECRET_NAME =
  /passw(or)?d|passphrase|pwd$|secret|private_?-?key|credentials?$|api_?-?key$|auth_?-?key|access_?-?key$|tokens?$|connection_?-?string|key_?-?material|^user_?-?data$/i

/** Names that hold such a word and are no secrets: ids, positions, settings. */
const HARMLESS_NAME =
  /(id|ids|arn|arns|name|names|type|types|status|state|version|versions|stages|count|length|policy|required|enabled|mode|age|ttl|expiry|expiration|days|description|algorithm)$|^(next|previous|client|clientrequest|request|pagination|continuation|nextcontinuation|nextpage|page|starting|idempotency|creation|caller|secretlist|resource|marker|startfrom|nextforward|nextbackward|forward|backward|sequence|update|change|lock|lease)_?-?tokens?$/i

/** True for a name whose text the last resort hides. */
export const isSecretName = (name: string): boolean =>
  SECRET_NAME.test(name) && !HARMLESS_NAME.test(name)

/** Password of `scheme://user:password@host`. */
const URL_PASSWORD = /(\/\/[^/?#\s:@]*):[^/?#\s@]*@/g
/** Signature and session token of presigned URLs, SigV4 and SigV2. */
const URL_SIGNATURE = /([?&](?:X-Amz-Signature|X-Amz-Security-Token|Signature|sig)=)[^&\s"']+/gi

/** A text without the secrets that URLs in it carry. */
export const withoutUrlSecrets = (text: string): string => {
  if (!text.includes('://') && !text.includes('ignature=')) return text
  return text.replace(URL_PASSWORD, `$1:${HIDDEN}@`).replace(URL_SIGNATURE, `$1${HIDDEN}`)
}
