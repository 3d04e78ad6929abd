/** A small working object store for tests: buckets with policies, objects in a map. */
import { Readable } from 'node:stream'
import {
  type BucketFacts,
  type ObjectFacts,
  type ObjectStore,
  ObjectStoreError,
  type PutOptions,
} from '../../outlets/object-store.ts'

interface Stored {
  readonly facts: ObjectFacts
  readonly body: Uint8Array
  readonly acl: string | undefined
}

export interface MemoryObjects extends ObjectStore {
  addBucket(facts: BucketFacts): void
  /** The objects of a bucket with the ACL that they were put with. */
  contents(bucket: string): readonly Stored[]
}

export const createMemoryObjects = (): MemoryObjects => {
  const buckets = new Map<string, { facts: BucketFacts; objects: Map<string, Stored> }>()

  const requireBucket = (name: string): { facts: BucketFacts; objects: Map<string, Stored> } => {
    const bucket = buckets.get(name)
    if (bucket === undefined) throw new ObjectStoreError('no-such-bucket', name)
    return bucket
  }
  const requireObject = (bucket: string, key: string): Stored => {
    const stored = requireBucket(bucket).objects.get(key)
    if (stored === undefined) throw new ObjectStoreError('no-such-key', key)
    return stored
  }
  const contents = (name: string): Stored[] =>
    [...requireBucket(name).objects.values()].sort((a, b) => (a.facts.key < b.facts.key ? -1 : 1))

  return {
    addBucket: (facts) => {
      buckets.set(facts.name, { facts, objects: buckets.get(facts.name)?.objects ?? new Map() })
    },
    contents,
    bucket: async (name) => buckets.get(name)?.facts,
    put: async (bucket, key, body, options: PutOptions = {}) => {
      const { objects } = requireBucket(bucket)
      if (options.ifNoneMatch === '*' && objects.has(key)) {
        throw new ObjectStoreError('precondition-failed', key)
      }
      const { acl, contentType, contentEncoding, metadata = {} } = options
      const facts = {
        key,
        size: body.length,
        etag: `"${objects.size + 1}"`,
        lastModified: 0,
        metadata,
        ...(contentType === undefined ? {} : { contentType }),
        ...(contentEncoding === undefined ? {} : { contentEncoding }),
      }
      objects.set(key, { facts, body, acl })
      return facts
    },
    get: async (bucket, key) => {
      const { facts, body } = requireObject(bucket, key)
      return { facts, body: Readable.from([body]) }
    },
    head: async (bucket, key) => requireBucket(bucket).objects.get(key)?.facts,
    list: async (bucket, { prefix = '', after = '', limit }) =>
      contents(bucket)
        .map(({ facts }) => facts)
        .filter(({ key }) => key.startsWith(prefix) && key > after)
        .slice(0, limit),
    remove: async (bucket, key) => {
      requireBucket(bucket).objects.delete(key)
    },
  }
}
