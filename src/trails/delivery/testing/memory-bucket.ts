import { gunzipSync } from 'node:zlib'
import { type BucketFacts, ObjectStoreError } from '../../../outlets/object-store.ts'
import type { TrailBucket, TrailObject, TrailTarget } from '../../bucket-access.ts'

export interface MemoryObject extends TrailObject {
  readonly body: Buffer
  /** Puts of this key so far. */
  readonly puts: number
}

/**
 * `half`: part of the object is written, then the put fails. `unanswered`: the object is there, the
 * answer is lost. `hangs`: nothing happens and nobody answers. `slow`: it takes half a minute.
 */
export type PutFault = 'denied' | 'missing' | 'half' | 'unanswered' | 'hangs' | 'slow'

/** Buckets in memory that can be denied, removed, slow, and fail in the middle. */
export class MemoryBucket implements TrailBucket {
  readonly objects = new Map<string, MemoryObject>()
  /** Keys in the order of their first puts. */
  readonly order: string[] = []
  /** Places that a later put gave other bytes. */
  readonly rewritten: string[] = []
  readonly #buckets = new Map<string, BucketFacts>()
  /** Puts whose key it matches are denied. */
  denied: RegExp | undefined
  /** What happens to a put of the key. */
  fault: ((key: string) => PutFault | undefined) | undefined
  /** Lets time pass: while a put is slow or hangs. */
  elapse: (ms: number) => void = () => {}
  /** Puts wait for it. */
  gate: Promise<void> | undefined

  create(name: string, account: string, region: string): void {
    this.#buckets.set(name, { name, account, region })
  }

  remove(name: string): void {
    this.#buckets.delete(name)
  }

  readonly facts = async (name: string): Promise<BucketFacts | undefined> => this.#buckets.get(name)

  async checkAcl(trail: TrailTarget): Promise<void> {
    this.#check(trail.s3BucketName, '')
  }

  async put(trail: TrailTarget, key: string, body: Uint8Array, object: TrailObject): Promise<void> {
    await this.gate
    this.#check(trail.s3BucketName, key)
    const fault = this.fault?.(key)
    if (fault === 'denied') throw new ObjectStoreError('access-denied', 'Denied.')
    if (fault === 'missing') throw new ObjectStoreError('no-such-bucket', 'Gone.')
    if (fault === 'slow' || fault === 'hangs') {
      await new Promise((resolve) => setImmediate(resolve))
      this.elapse(fault === 'slow' ? 30_000 : 61_000)
    }
    if (fault === 'hangs') await new Promise(() => {})
    const whole = fault === 'half' ? body.subarray(0, body.length / 2) : body
    this.#store(`${trail.s3BucketName}/${key}`, whole, object)
    if (fault === 'half' || fault === 'unanswered') {
      throw new ObjectStoreError('failed', 'The connection was closed.')
    }
  }

  #store(place: string, body: Uint8Array, object: TrailObject): void {
    const before = this.objects.get(place)
    if (before === undefined) this.order.push(place)
    else if (!before.body.equals(body)) this.rewritten.push(place)
    this.objects.set(place, {
      ...object,
      body: Buffer.from(body),
      puts: (before?.puts ?? 0) + 1,
    })
  }

  /** Places (`bucket/key`) of log files or of digests, in the order of their puts. */
  places(kind: 'CloudTrail' | 'CloudTrail-Digest' | 'CloudTrail-Insight', region = ''): string[] {
    return this.order.filter((place) => place.includes(`/${kind}/${region}`))
  }

  /** The uncompressed text of an object. */
  text(place: string): string {
    return gunzipSync(this.objects.get(place)?.body ?? Buffer.alloc(0)).toString()
  }

  json<Value>(place: string): Value {
    return JSON.parse(this.text(place)) as Value
  }

  #check(name: string, key: string): void {
    if (!this.#buckets.has(name)) throw new ObjectStoreError('no-such-bucket', `No bucket ${name}.`)
    if (this.denied?.test(key) === true) throw new ObjectStoreError('access-denied', 'Denied.')
  }
}
