import { gunzipSync } from 'node:zlib'
import { type BucketFacts, ObjectStoreError } from '../../../outlets/object-store.ts'
import type { TrailBucket, TrailObject, TrailTarget } from '../../bucket-access.ts'

export interface MemoryObject extends TrailObject {
  readonly body: Buffer
  /** Puts of this key so far. */
  readonly puts: number
}

/** Buckets in memory that can be denied, removed and slow. */
export class MemoryBucket implements TrailBucket {
  readonly objects = new Map<string, MemoryObject>()
  /** Keys in the order of their first puts. */
  readonly order: string[] = []
  readonly #buckets = new Map<string, BucketFacts>()
  /** Puts whose key it matches are denied. */
  denied: RegExp | undefined
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
    const place = `${trail.s3BucketName}/${key}`
    const before = this.objects.get(place)
    if (before === undefined) this.order.push(place)
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
