/**
 * Keys of the index: 48-bit keyed hashes, so that the index tells nothing without the master key
 * (DESIGN.md §4). The key of (attribute, value) and that of (account, region) are added, so that a
 * look-up that spans accounts computes each only once. Collisions are harmless: every hit is
 * verified against the event.
 */
import { hash } from 'node:crypto'
import type { MasterKey } from '../platform/encryption.ts'
import type { LookupAttributes } from './attributes.ts'
import type { LookupResource } from './resources/lookup-resources.ts'

const MODULUS = 2 ** 48
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
  keysOf(category: string, idKey: number, attributes: LookupAttributes): number[]
  key(category: string, attribute: string, value: string): number
  /** The key under which all events of a category are. */
  allKey(category: string): number
  scope(account: string, region: string): number
}

/** The key of an attribute within one account and region. */
export const scopedKey = (key: number, scope: number): number => {
  const sum = key + scope
  return sum >= MODULUS ? sum - MODULUS : sum
}

/** What hashes the values of one category: one memory per attribute, nothing is concatenated. */
const categoryHashes = (category: string, compute: (text: string) => number) => {
  const named = (attribute: string) => {
    const prefix = `${category}\n${attribute}\n`
    return (value: string): number => compute(prefix + value)
  }
  return {
    all: named('*')(''),
    // An event's id comes once: remembering it would only cost.
    EventId: named('EventId'),
    EventName: remembering(named('EventName')),
    EventSource: remembering(named('EventSource')),
    ReadOnly: remembering(named('ReadOnly')),
    AccessKeyId: remembering(named('AccessKeyId')),
    Username: remembering(named('Username')),
    ResourceType: remembering(named('ResourceType')),
    ResourceName: remembering(named('ResourceName')),
    named,
  }
}

type CategoryHashes = ReturnType<typeof categoryHashes>

/** A list of resources repeats types and sometimes names. */
const addResources = (
  keys: number[],
  resources: readonly LookupResource[],
  own: CategoryHashes,
): void => {
  const first = keys.length
  for (const { ResourceType, ResourceName } of resources) {
    const name = own.ResourceName(ResourceName)
    if (!keys.includes(name, first)) keys.push(name)
    if (ResourceType === undefined) continue
    const type = own.ResourceType(ResourceType)
    if (!keys.includes(type, first)) keys.push(type)
  }
}

export const createAttributeHashes = (master: MasterKey): AttributeHashes => {
  const secret = master.keyedHash('history index')('secret').toString('hex')
  // SHA-256 with a secret in front, cut to 48 bits, which rules out length extension; in one call it
  // costs a quarter of an HMAC, and an event needs two or three.
  const compute = (text: string): number => {
    const digest = hash('sha256', secret + text, 'binary')
    let value = 0
    for (let at = 0; at < 6; at++) value = value * 256 + digest.charCodeAt(at)
    return value
  }
  const scopes = remembering((text) => compute(`scope\n${text}`))
  const categories = new Map<string, CategoryHashes>()
  const hashesOf = (category: string): CategoryHashes => {
    let own = categories.get(category)
    if (own === undefined) {
      own = categoryHashes(category, compute)
      categories.set(category, own)
    }
    return own
  }
  return {
    key: (category, attribute, value) => {
      const own = hashesOf(category)
      return attribute === 'EventId' ? own.EventId(value) : own.named(attribute)(value)
    },
    allKey: (category) => hashesOf(category).all,
    scope: (account, region) => scopes(`${account}\n${region}`),
    keysOf: (category, idKey, attributes) => {
      const own = hashesOf(category)
      const { eventName, eventSource, readOnly, accessKeyId, username, resources } = attributes
      const keys = [own.all, idKey]
      if (eventName !== undefined) keys.push(own.EventName(eventName))
      if (eventSource !== undefined) keys.push(own.EventSource(eventSource))
      if (readOnly !== undefined) keys.push(own.ReadOnly(readOnly))
      if (accessKeyId !== undefined) keys.push(own.AccessKeyId(accessKeyId))
      if (username !== undefined) keys.push(own.Username(username))
      addResources(keys, resources, own)
      return keys
    },
  }
}
