/** Takes a body in: content file and digests in one pass, nothing held whole. */
import type { ContentFolder } from './content-folder.ts'
import { type ChecksumAlgorithm, checksumDigest, md5Digest } from './digests.ts'

export interface Received {
  readonly size: number
  readonly md5: Buffer
  readonly checksum: { readonly algorithm: ChecksumAlgorithm; readonly value: string }
}

/** Judges a body that arrived whole; what it throws discards it. */
export type CheckReceived = (received: Received) => void

/**
 * Stores `body`, then runs `commit` with the durable file's id (null when empty). The file is
 * removed again when `check` or the change inside the commit throws. When the commit itself fails,
 * its outcome is not known: then `suspect` is told the file, which no row may name.
 */
export const receive = async <Result>(
  content: ContentFolder,
  body: AsyncIterable<Uint8Array>,
  algorithm: ChecksumAlgorithm,
  check: CheckReceived | undefined,
  commit: (file: string | null, received: Received, applied: () => void) => Promise<Result>,
  suspect: (file: string) => void,
): Promise<Result> => {
  const md5 = md5Digest()
  const checksum = checksumDigest(algorithm)
  let size = 0
  const observed = async function* () {
    for await (const chunk of body) {
      size += chunk.length
      md5.update(chunk)
      checksum.update(chunk)
      yield chunk
    }
  }
  const file = await content.store(observed())
  let wasApplied = false
  try {
    const value = (await checksum.digest()).toString('base64')
    const received = { size, md5: await md5.digest(), checksum: { algorithm, value } }
    check?.(received)
    return await commit(file, received, () => {
      wasApplied = true
    })
  } catch (error) {
    if (file !== null && wasApplied) suspect(file)
    if (file !== null && !wasApplied) await content.remove(file)
    throw error
  }
}
