/**
 * AWS's URI encoding (Signature Version 4, "Create a canonical request"): everything but
 * `A-Za-z0-9-._~` as %XX with upper-case digits. Texts are as node:http hands them out, one
 * character for one byte.
 */

const percent = (code: number): string =>
  `%${code < 16 ? '0' : ''}${code.toString(16).toUpperCase()}`

const UNRESERVED = /^[A-Za-z0-9\-._~]$/
const PLAIN = /^[A-Za-z0-9\-._~]*$/
const PLAIN_PATH = /^[A-Za-z0-9\-._~/]*$/

/** Encodes text that counts as not encoded yet: `%41` becomes `%2541`. Slashes stay. */
export const encodePathAgain = (text: string): string =>
  PLAIN_PATH.test(text)
    ? text
    : text.replace(/[^A-Za-z0-9\-._~/]/g, (char) => percent(char.charCodeAt(0)))

const normalise = (text: string, kept: RegExp): string =>
  text.replace(/%[0-9A-Fa-f]{2}|[^A-Za-z0-9\-._~]/g, (found) => {
    if (found.length === 1) return kept.test(found) ? found : percent(found.charCodeAt(0))
    const char = String.fromCharCode(Number.parseInt(found.slice(1), 16))
    return UNRESERVED.test(char) ? char : found.toUpperCase()
  })

/** Decoded and encoded anew, slash by slash: `/a%7eb:c` becomes `/a~b%3Ac`; `%2F` stays apart. */
export const normalisePath = (text: string): string =>
  PLAIN_PATH.test(text) ? text : normalise(text, /\//)

/** The same for a name or value of a query, where `+` is a space. */
export const normaliseQueryPart = (text: string): string =>
  PLAIN.test(text) ? text : normalise(text.replaceAll('+', '%20'), /^$/)

/** The meaning of a name or value of a query; undefined when its encoding is broken. */
export const decodeQueryPart = (text: string): string | undefined => {
  if (PLAIN.test(text)) return text
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    // URIError: a lone `%` or bytes that are no UTF-8; the caller names the parameter.
    return undefined
  }
}

export interface QueryPair {
  readonly name: string
  readonly value: string
  /** False for a bare name: `?acl`. */
  readonly hasValue: boolean
}

/** The pairs of a raw query, in order, still encoded. */
export const queryPairs = (rawQuery: string): QueryPair[] => {
  if (rawQuery === '') return []
  const pairs: QueryPair[] = []
  for (const part of rawQuery.split('&')) {
    if (part === '') continue
    const at = part.indexOf('=')
    pairs.push(
      at < 0
        ? { name: part, value: '', hasValue: false }
        : { name: part.slice(0, at), value: part.slice(at + 1), hasValue: true },
    )
  }
  return pairs
}
