/** Bytes that were valid once: what a broken disk, a broken client or an attacker makes of them. */
import fc from 'fast-check'

export type Mutation =
  | { readonly kind: 'flip'; readonly at: number; readonly bit: number }
  | { readonly kind: 'set'; readonly at: number; readonly byte: number }
  | { readonly kind: 'truncate'; readonly at: number }
  | { readonly kind: 'remove'; readonly at: number; readonly length: number }
  | { readonly kind: 'double'; readonly at: number; readonly length: number }
  | { readonly kind: 'insert'; readonly at: number; readonly bytes: Buffer }
  | { readonly kind: 'move'; readonly at: number; readonly length: number; readonly to: number }

/** What parsers trip over: controls, quotes, broken UTF-8, surrogates, separators, signs. */
const TROUBLE: readonly Buffer[] = [
  ...['\0', '\r\n', '\n', '\t', '"', "'", '\\', '%', '%00', '%ff', '%%', '&', '=', ';', '/', '..'],
  ...['<', '>', '<!--', '<![CDATA[', ']]>', '<!DOCTYPE a>', '&amp;', '&#0;', '&#x110000;', '?'],
  ...['{', '}', '[', ']', ',', ':', 'null', '-', '1e999', '9'.repeat(30), '__proto__', '\u2028'],
  ...['constructor', '*', '${', '\u00e9', '\u{1f600}', '\ud800', '.1.', '.0.', '.999999999.', '+'],
].map((text) => Buffer.from(text))
const BROKEN_UTF8 = [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2]]

const at = fc.nat({ max: 0x7fffffff })
const length = fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 400 }))
const inserted = fc.oneof(
  fc.constantFrom(...TROUBLE, ...BROKEN_UTF8.map((bytes) => Buffer.from(bytes))),
  fc.uint8Array({ minLength: 1, maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
)

export const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.record({ kind: fc.constant('flip'), at, bit: fc.nat(7) }),
  fc.record({ kind: fc.constant('set'), at, byte: fc.nat(255) }),
  fc.record({ kind: fc.constant('truncate'), at }),
  fc.record({ kind: fc.constant('remove'), at, length }),
  fc.record({ kind: fc.constant('double'), at, length }),
  fc.record({ kind: fc.constant('insert'), at, bytes: inserted }),
  fc.record({ kind: fc.constant('move'), at, length, to: at }),
)

/** One to four of them. */
export const mutations: fc.Arbitrary<Mutation[]> = fc.array(mutation, {
  minLength: 1,
  maxLength: 4,
})

const splice = (bytes: Buffer, from: number, removed: number, added: Buffer): Buffer =>
  Buffer.concat([bytes.subarray(0, from), added, bytes.subarray(from + removed)])

const mutateOnce = (bytes: Buffer, change: Mutation): Buffer => {
  const place = bytes.length === 0 ? 0 : change.at % bytes.length
  switch (change.kind) {
    case 'flip':
      return splice(bytes, place, 1, Buffer.from([(bytes[place] ?? 0) ^ (1 << change.bit)]))
    case 'set':
      return splice(bytes, place, 1, Buffer.from([change.byte]))
    case 'truncate':
      return bytes.subarray(0, place)
    case 'remove':
      return splice(bytes, place, change.length, Buffer.alloc(0))
    case 'double':
      return splice(bytes, place, 0, bytes.subarray(place, place + change.length))
    case 'insert':
      return splice(bytes, place, 0, change.bytes)
    case 'move': {
      const moved = bytes.subarray(place, place + change.length)
      const rest = splice(bytes, place, change.length, Buffer.alloc(0))
      return splice(rest, rest.length === 0 ? 0 : change.to % rest.length, 0, moved)
    }
  }
}

/** A mutated copy; it may be equal to what it was made of. */
export const mutate = (bytes: Buffer, changes: readonly Mutation[]): Buffer =>
  changes.reduce(mutateOnce, Buffer.from(bytes))
