import { XMLParser } from 'fast-xml-parser'
import { IdentityError } from '../identity-error.ts'

/** Answers with credentials have a few kilobytes; nothing longer is parsed. */
export const ANSWER_BYTES_MAX = 1024 * 1024

/** The members of an answer's `…Result` element; texts are never turned into numbers. */
export interface Fields {
  text(...path: readonly string[]): string | undefined
  /** Epoch milliseconds of an ISO 8601 text or of epoch seconds. */
  time(...path: readonly string[]): number | undefined
}

const parser = new XMLParser({
  parseTagValue: false,
  ignoreAttributes: true,
  removeNSPrefix: true,
  // Numeric character references too: session tokens are base64, and some servers escape it.
  htmlEntities: true,
  trimValues: true,
})

const within = (value: unknown, path: readonly string[]): unknown => {
  let inner = value
  for (const name of path) {
    if (typeof inner !== 'object' || inner === null || !Object.hasOwn(inner, name)) return undefined
    inner = (inner as Record<string, unknown>)[name]
  }
  return inner
}

const timeOf = (text: string | undefined): number | undefined => {
  if (text === undefined) return undefined
  // Epoch seconds is how the JSON form of the query protocol spells a time (`1.7E9` too).
  const ms = /^[\d.]+(?:[eE]\+?\d+)?$/.test(text) ? Number(text) * 1_000 : Date.parse(text)
  return Number.isFinite(ms) ? Math.round(ms) : undefined
}

const fieldsOf = (root: unknown): Fields => {
  const text = (...path: readonly string[]): string | undefined => {
    const value = within(root, path)
    return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined
  }
  return { text, time: (...path) => timeOf(text(...path)) }
}

/** The result of a query-protocol answer, which is XML unless JSON was asked for. */
export const readResult = (operation: string, body: Uint8Array): Fields => {
  if (body.length > ANSWER_BYTES_MAX) {
    throw new IdentityError('limit', `The answer has ${body.length} bytes.`)
  }
  const source = Buffer.from(body).toString('utf8')
  const isJson = source.trimStart().startsWith('{')
  const document: unknown = isJson ? JSON.parse(source) : parser.parse(source)
  return fieldsOf(within(document, [`${operation}Response`, `${operation}Result`]))
}
