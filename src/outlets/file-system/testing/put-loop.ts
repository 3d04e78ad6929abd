/**
 * A process that puts objects without end and prints the key of each that was acknowledged; tests
 * kill it. Arguments: folder, bucket, name of this writer.
 */
import { Readable } from 'node:stream'
import { openTestStore } from './temporary-store.ts'

/** Deterministic content of a key, several chunks long for some. */
export const contentOf = (key: string, number: number): Buffer =>
  Buffer.alloc(1 + ((number * 7_919) % 200_000), key)

const [folder, bucket, name] = process.argv.slice(2)
if (folder !== undefined && bucket !== undefined && name !== undefined) {
  const store = await openTestStore(folder)
  const put = async (number: number): Promise<void> => {
    const key = `${name}/${number}`
    const body = Readable.from([contentOf(key, number)])
    const options = { headers: {}, metadata: {}, tags: [], storageClass: 'STANDARD' }
    await store.objects.put(bucket, key, body, options)
    process.stdout.write(`${key}\n`)
  }
  const lane = async (first: number): Promise<void> => {
    for (let number = first; ; number += 4) await put(number)
  }
  await Promise.all([lane(0), lane(1), lane(2), lane(3)])
}
