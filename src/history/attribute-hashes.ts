/**
 * Keys of the index: 48-bit keyed hashes, so that the index tells nothing without the master key
 * (DESIGN.md §4). The key of (attribute, value) and that of (account, region) are added, so that a
 * look-up that spans accounts computes each only once. Collisions are harmless: every hit is
 * verified against the event.
 */
import { hash } from 'node:crypto'
import type { MasterKey } from '../platform/encryption.ts'
import { attributePairs, type LookupAttributes } from './attributes.ts'

/** Signed 48-bit integers: SQLite stores them in six bytes. */
const MODULUS = 2 ** 48
const HALF = 2 ** 47
/** Values remembered of one attribute, per generation; names, sources, users and keys repeat. */
const CACHE_ENTRIES_MAX = 10_000

/** Two generations: when the young one is full, it becomes the old one. */
const remembering = (compute: (text: string) => number): ((text: string) => number) => {
  let young = new Map<string, number>()
  let old = new Map<string, number>()
  return (text) => {
    const known = young.get(text)
    if (known !== undefined) return known
    const value = old.get(text) ?? compute(text)
    if (young.size >= CACHE_ENTRIES_MAX) {
      old = young
      young = new Map()
    }
    young.set(text, value)
    return value
  }
}

export interface AttributeHashes {
  /** Every posting of an event: its attributes, and the one that stands for all of a category. */
  keysOf(category: string, eventId: string, attributes: LookupAttributes): number[]
  key(category: string, attribute: string, value: string): number
  /** The key under which all events of a category are. */
  allKey(category: string): number
  scope(account: string, region: string): number
}

/** The key of an attribute within one account and region. */
export const scopedKey = (key: number, scope: number): number => {
  const sum = key + scope
  if (sum >= HALF) return sum - MODULUS
  return sum < -HALF ? sum + MODULUS : sum
}

export const createAttributeHashes = (master: MasterKey): AttributeHashes => {
  const secret = master.keyedHash('history index')('secret').toString('hex')
  // SHA-256 with a secret in front, cut to 48 bits, which rules out length extension; in one call it
  // costs a quarter of an HMAC, and an event needs two or three.
  const compute = (text: string): number =>
    Number.parseInt(hash('sha256', secret + text, 'hex').slice(0, 12), 16) - HALF
  const scopes = remembering((text) => compute(`scope\n${text}`))
  /** One memory per category and attribute: nothing is concatenated for a value that is known. */
  const memories = new Map<string, (value: string) => number>()
  const memoryOf = (category: string, attribute: string): ((value: string) => number) => {
    const name = `${category}\n${attribute}\n`
    let memory = memories.get(name)
    if (memory === undefined) {
      const fresh = (value: string): number => compute(name + value)
      // An event's id comes once: remembering it would only cost.
      memory = attribute === 'EventId' ? fresh : remembering(fresh)
      memories.set(name, memory)
    }
    return memory
  }
  const key: AttributeHashes['key'] = (category, attribute, value) =>
    memoryOf(category, attribute)(value)
  const allKey = (category: string): number => key(category, '*', '')
  return {
    key,
    allKey,
    scope: (account, region) => scopes(`${account}\n${region}`),
    keysOf: (category, eventId, attributes) => {
      const keys = [allKey(category)]
      for (const [attribute, value] of attributePairs(attributes, eventId)) {
        keys.push(key(category, attribute, value))
      }
      return keys
    },
  }
}
