/**
 * The canonical request of Signature Version 4, from the request as it was sent
 * (AWS: "Create a signed AWS API request"; reference/capture.md §3).
 */
import type { RequestHead } from '../call.ts'
import { encodePathAgain, normalisePath, normaliseQueryPart, queryPairs } from './uri-encoding.ts'

/** A head with the headers as they came, for names that were sent more than once. */
export interface SignedHead extends RequestHead {
  /** Name, value, name, value …, as sent. */
  readonly rawHeaders?: readonly string[]
}

/** Signing names whose paths are encoded once and never normalised. */
const S3_FAMILY: ReadonlySet<string> = new Set([
  's3',
  's3-outposts',
  's3-object-lambda',
  's3express',
])

export const isS3Family = (signingName: string): boolean => S3_FAMILY.has(signingName)

const removeDotSegments = (path: string): string => {
  const kept: string[] = []
  for (const segment of path.split('/')) {
    if (segment === '' || segment === '.') continue
    if (segment === '..') kept.pop()
    else kept.push(segment)
  }
  const slash = kept.length > 0 && path.endsWith('/') ? '/' : ''
  return `/${kept.join('/')}${slash}`
}

/**
 * The forms of the path that AWS accepts, likeliest first. S3: as sent, or decoded and encoded anew
 * (what S3 itself computes). Other services: without empty and dot segments, then encoded again.
 */
const canonicalPaths = (rawPath: string, signingName: string): string[] => {
  if (rawPath === '/' || rawPath === '') return ['/']
  if (!isS3Family(signingName)) return [encodePathAgain(removeDotSegments(rawPath))]
  const anew = normalisePath(rawPath)
  return anew === rawPath ? [rawPath] : [rawPath, anew]
}

const byNameThenValue = (
  left: readonly [string, string],
  right: readonly [string, string],
): number => {
  if (left[0] !== right[0]) return left[0] < right[0] ? -1 : 1
  if (left[1] === right[1]) return 0
  return left[1] < right[1] ? -1 : 1
}

const joinSorted = (pairs: [string, string][]): string =>
  pairs
    .sort(byNameThenValue)
    .map(([name, value]) => `${name}=${value}`)
    .join('&')

/** As sent and sorted, or encoded anew and sorted. The signature itself is never part of it. */
const canonicalQueries = (rawQuery: string): string[] => {
  const raw: [string, string][] = []
  for (const { name, value } of queryPairs(rawQuery)) {
    if (name !== 'X-Amz-Signature') raw.push([name, value])
  }
  if (raw.length === 0) return ['']
  const asSent = joinSorted(raw)
  const anew = joinSorted(
    raw.map(([name, value]) => [normaliseQueryPart(name), normaliseQueryPart(value)]),
  )
  return anew === asSent ? [asSent] : [asSent, anew]
}

const isBlank = (char: string): boolean => char === ' ' || char === '\t'

/**
 * Not `trim()`: the text is one character for one byte, and the last byte of `à` in UTF-8 is a
 * blank to it. Nor a regular expression, which would look at a run of blanks once for each of them.
 */
const tidy = (value: string): string => {
  let [start, end] = [0, value.length]
  while (start < end && isBlank(value.charAt(start))) start++
  while (end > start && isBlank(value.charAt(end - 1))) end--
  const trimmed = value.slice(start, end)
  return /[\t ]{2}|\t/.test(trimmed) ? trimmed.replace(/[\t ]+/g, ' ') : trimmed
}

/** The values as they were sent, by name in lower case. */
const valuesByName = (rawHeaders: readonly string[]): ReadonlyMap<string, string[]> => {
  const values = new Map<string, string[]>()
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase()
    const value = tidy(rawHeaders[index + 1] ?? '')
    const earlier = values.get(name)
    if (earlier === undefined) values.set(name, [value])
    else earlier.push(value)
  }
  return values
}

/**
 * Reads headers as they are signed: one sent more than once is joined by a bare comma, unlike in
 * RequestHead. The raw headers are gone through once, and only where a value may be such a list.
 */
export const createHeaderReader = (head: SignedHead): ((name: string) => string) => {
  let grouped: ReadonlyMap<string, string[]> | undefined
  return (name) => {
    const joined = head.headers[name] ?? ''
    if (head.rawHeaders === undefined || !joined.includes(', ')) return tidy(joined)
    grouped ??= valuesByName(head.rawHeaders)
    const values = grouped.get(name) ?? []
    return values.length > 1 ? values.join(',') : tidy(joined)
  }
}

/**
 * The canonical requests that AWS would accept for this request, likeliest first: nearly always
 * one. Every form determines method, path, query and the signed headers completely.
 */
export const canonicalRequests = (
  head: SignedHead,
  signingName: string,
  signedHeaders: readonly string[],
  payloadHash: string,
): string[] => {
  let headers = ''
  const read = createHeaderReader(head)
  for (const name of signedHeaders) headers += `${name}:${read(name)}\n`
  const tail = `${headers}\n${signedHeaders.join(';')}\n${payloadHash}`
  const queries = canonicalQueries(head.rawQuery)
  return canonicalPaths(head.rawPath, signingName).flatMap((path) =>
    queries.map((query) => `${head.method}\n${path}\n${query}\n${tail}`),
  )
}
