/** Requests as arbitrary clients send them, and what the gateway's parser makes of their bytes. */
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import type { SignedHead } from '../../../src/capture/signature/canonical-request.ts'
import { readClaim } from '../../../src/capture/signature/claim.ts'
import {
  ACCESS_KEY,
  directoryOf,
  SECRET,
  testCredential,
} from '../../../src/capture/signature/signing.test-support.ts'
import { createSignatureVerifier } from '../../../src/capture/signature/verifier.ts'

export const DATE = new Date('2026-03-02T08:14:07Z')
export const NOW = DATE.getTime()
export const REGION = 'eu-west-1'
export const CREDENTIALS = { accessKeyId: ACCESS_KEY, secretAccessKey: SECRET }

/** What a client wants to say; texts are not encoded. */
export interface Intention {
  readonly method: string
  readonly service: string
  /** Between slashes, not encoded; dots and empty ones included. */
  readonly segments: readonly string[]
  readonly query: Readonly<Record<string, string | string[]>>
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly sessionToken: string | undefined
}

const latin1 = (text: string): string => Buffer.from(text).toString('latin1')

/** As HTTP carries it: node:http hands out one character for one byte. */
export const headOnWire = (
  method: string,
  target: string,
  lines: readonly (readonly [name: string, value: string])[],
): SignedHead => {
  const headers: Record<string, string> = {}
  const rawHeaders: string[] = []
  for (const [name, given] of lines) {
    // The HTTP parser takes blanks off both ends, and nothing else.
    const value = latin1(given)
      .replace(/^[ \t]+/, '')
      .replace(/[ \t]+$/, '')
    const lowered = name.toLowerCase()
    headers[lowered] = lowered in headers ? `${headers[lowered]}, ${value}` : value
    rawHeaders.push(name, value)
  }
  const question = target.indexOf('?')
  return {
    method,
    rawPath: latin1(question < 0 ? target : target.slice(0, question)),
    rawQuery: question < 0 ? '' : latin1(target.slice(question + 1)),
    headers,
    rawHeaders,
  }
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

/** 'ok' or the reason of the refusal, the body included. */
export const verdictOn = async (
  head: SignedHead,
  body: string,
  sessionToken?: string,
  now = NOW,
): Promise<string> => {
  const credential = testCredential(sessionToken === undefined ? {} : { sessionToken })
  const verifier = createSignatureVerifier({
    directory: directoryOf(credential),
    clock: { now: () => now },
  })
  const claim = readClaim(head)
  if (claim === undefined) return 'missing'
  if ('problem' in claim) return claim.problem.reason
  const verdict = await verifier.verify(head, claim)
  if ('problem' in verdict) return verdict.problem.reason
  if (verdict.payload.kind === 'hash' && verdict.payload.sha256 !== sha256(body)) return 'payload'
  return verdict.finish?.(sha256(body))?.reason ?? 'ok'
}

const unit = fc.constantFrom(
  ...[
    'a',
    'Z',
    '0',
    '-',
    '_',
    '.',
    '~',
    ' ',
    '+',
    '/',
    '&',
    '=',
    '?',
    ':',
    '@',
    '%',
    '*',
    '(',
    "'",
  ],
  ...[
    '"',
    '<',
    '>',
    '|',
    '\\',
    '^',
    '#',
    ';',
    ',',
    '$',
    '!',
    'é',
    'à',
    'ü',
    'ß',
    '漢',
    '😀',
    '%41',
  ],
)
const text = fc.string({ unit, maxLength: 6 })
const segment = fc.oneof(
  { weight: 5, arbitrary: text.filter((raw) => raw !== '.' && raw !== '..') },
  { weight: 1, arbitrary: fc.constantFrom('.', '..', '', '...') },
)
/** Everything that is legal in a header, and characters whose bytes look like blanks. */
const headerValue = fc.string({
  unit: fc.constantFrom(...'ab1 \t,;="/*', 'à', 'Р', '漢', '😀'),
  minLength: 1,
  maxLength: 10,
})

export const SERVICES = ['s3', 's3express', 's3-outposts', 'dynamodb', 'lambda', 'iam', 'sts']

export const intentions: fc.Arbitrary<Intention> = fc.record({
  method: fc.constantFrom('GET', 'PUT', 'POST', 'DELETE', 'HEAD', 'PATCH'),
  service: fc.constantFrom(...SERVICES),
  segments: fc.array(segment, { maxLength: 4 }),
  query: fc.dictionary(
    text.map((name) => `q${name}`),
    fc.oneof(text, fc.array(text, { minLength: 1, maxLength: 3 })),
    { maxKeys: 4 },
  ),
  headers: fc.dictionary(
    fc.constantFrom('x-amz-meta-one', 'X-Amz-Meta-Two', 'x-amz-target', 'Content-Type', 'range'),
    headerValue,
  ),
  body: fc.string({ maxLength: 20 }),
  sessionToken: fc.option(
    fc.string({ unit: fc.constantFrom(...'aB3/+='), minLength: 8, maxLength: 20 }),
    { nil: undefined },
  ),
})

export const isS3 = (service: string): boolean => service.startsWith('s3')

export const escaped = (raw: string): string =>
  encodeURIComponent(raw).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  )

/** The path as SDKs send it: each segment encoded once. */
export const pathOf = ({ segments }: Intention): string => `/${segments.map(escaped).join('/')}`

/** One of the spellings that mean the same: the order of pairs, `+`, small hexadecimal digits. */
export interface Spelling {
  readonly rotate: number
  readonly plus: boolean
  readonly small: boolean
  /** A value with commas goes out as several headers of one name. */
  readonly split: boolean
}

export const spellings: fc.Arbitrary<Spelling> = fc.record({
  rotate: fc.nat(5),
  plus: fc.boolean(),
  small: fc.boolean(),
  split: fc.boolean(),
})

const respelled = (encoded: string, { plus, small }: Spelling): string => {
  const blanks = plus ? encoded.replaceAll('%20', '+') : encoded
  return small ? blanks.replace(/%[0-9A-F]{2}/g, (hex) => hex.toLowerCase()) : blanks
}

type Query = Readonly<Record<string, string | string[] | null>>

export const queryOnWire = (query: Query, spelling: Spelling): string => {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    [value].flat().map((one): [string, string] => [name, one ?? '']),
  )
  const start = pairs.length === 0 ? 0 : spelling.rotate % pairs.length
  const turned = [...pairs.slice(start), ...pairs.slice(0, start)]
  return turned
    .map(
      ([name, value]) =>
        `${respelled(escaped(name), spelling)}=${respelled(escaped(value), spelling)}`,
    )
    .join('&')
}
