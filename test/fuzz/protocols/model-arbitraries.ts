/** Values for an operation's input, as a client of the model could send them. */
import fc from 'fast-check'
import type { Member, Shape } from '../../../src/capture/catalogue/shapes.ts'

const DEPTH_MAX = 4

/** No blanks at the ends and no control characters: a header or XML text must carry it unchanged. */
const unit = fc.constantFrom(
  ...['a', 'Z', '0', '-', '_', '.', ':', '/', '+', '&', '=', '%', '?', '<', '>', '"', "'", '\\'],
  ...['{', '}', ',', ';', '#', 'é', 'à', '漢', '😀', '%41', '&amp;', ']]>'],
)
const words = fc.string({ unit, maxLength: 6 }).map((text) => `t${text}t`)
const headerWords = fc
  .string({ unit: fc.constantFrom(...'aZ09-_.:/+=;"'), maxLength: 6 })
  .map((text) => `t${text}t`)
const keys = fc
  .string({ unit: fc.constantFrom(...'abYZ0-_/'), maxLength: 5 })
  .map((text) => `k${text}`)

const scalar = (shape: Shape, location: Member['location']): fc.Arbitrary<unknown> => {
  switch (shape.kind) {
    case 'integer':
      return fc.integer({ min: 0, max: 2 ** 31 })
    case 'decimal':
      return fc.integer({ min: 1, max: 10_000 }).map((value) => value / 8)
    case 'boolean':
      return fc.boolean()
    case 'timestamp':
      return fc.integer({ min: 1, max: 2_000_000_000 })
    case 'blob':
      return fc.uint8Array({ maxLength: 9 }).map((bytes) => Buffer.from(bytes).toString('base64'))
    default:
      return location === undefined || location === 'q' || location === 'u' ? words : headerWords
  }
}

/** Outside a body the serialiser of the tests writes single values only. */
const isCarried = (member: Member): boolean =>
  member.location === undefined ||
  (member.location !== 'H' && !['list', 'map', 'structure'].includes(member.shape().kind))

/**
 * Labels, a payload and what is `required` are always there; of what else there is, some.
 * Undefined below the depth that is enough, because shapes contain themselves.
 */
export const valuesOf = (
  shape: Shape,
  required: ReadonlySet<string> = new Set(),
  location: Member['location'] = undefined,
  depth = 0,
): fc.Arbitrary<unknown> => {
  if (depth > DEPTH_MAX) return fc.constant(undefined)
  const inner = (member: Member | undefined, fallback: Shape): fc.Arbitrary<unknown> =>
    valuesOf(member?.shape() ?? fallback, required, undefined, depth + 1)
  switch (shape.kind) {
    case 'structure': {
      const members = shape.members.filter((member) => isCarried(member))
      const needed = members.filter(
        (member) =>
          member.location === 'u' || member === shape.payload || required.has(member.wire),
      )
      return (
        fc
          .subarray([...members], { maxLength: Math.min(6, members.length) })
          .chain((some) =>
            fc.record(
              Object.fromEntries(
                [...new Set([...needed, ...some])].map((member) => [
                  member.name,
                  valuesOf(member.shape(), required, member.location, depth + 1),
                ]),
              ),
            ),
          )
          .map((value) => Object.entries(value).filter(([, item]) => item !== undefined))
          // A form cannot carry a structure without members.
          .map((kept) => (kept.length === 0 && depth > 0 ? undefined : Object.fromEntries(kept)))
      )
    }
    case 'list':
      return fc
        .array(inner(shape.element, shape), { minLength: 1, maxLength: 3 })
        .map((items) => items.filter((item) => item !== undefined))
        .map((items) => (items.length === 0 ? undefined : items))
    case 'map':
      return fc
        .dictionary(keys, inner(shape.value, shape), { minKeys: 1, maxKeys: 2 })
        .map((entries) => {
          const kept = Object.entries(entries).filter(([, item]) => item !== undefined)
          return kept.length === 0 ? undefined : Object.fromEntries(kept)
        })
    default:
      return scalar(shape, location)
  }
}
