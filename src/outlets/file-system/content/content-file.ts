/**
 * One file of object content (docs/formats/objects.md): header, then chunks of 64 KiB of plain
 * bytes, each sealed by itself, so that a range decrypts only what it needs. The id of the file,
 * the index of the chunk and whether it is the last are authenticated with it: a file that was
 * cut, reordered or swapped for another does not open.
 */
import { closeSync, openSync, readSync } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import {
  type Cipher,
  type MasterKey,
  SEAL_OVERHEAD_BYTES,
  WRAPPED_KEY_BYTES,
} from '../../../platform/encryption.ts'
import { ObjectStoreError } from '../../object-store.ts'
import type { ByteRange } from '../stored-object.ts'

const MAGIC = Buffer.from('CLEWOBJ\x01')
const HEADER_BYTES = MAGIC.length + WRAPPED_KEY_BYTES
export const CHUNK_BYTES = 64 * 1024
const SEALED_CHUNK_BYTES = CHUNK_BYTES + SEAL_OVERHEAD_BYTES
/** Sealed chunks go to and come from the disk in groups of this many. */
const CHUNKS_PER_IO = 8

const chunkPlace = (fileId: string, index: number, isLast: boolean): Buffer => {
  const place = Buffer.alloc(9)
  place.writeBigUInt64BE(BigInt(index))
  place.writeUInt8(isLast ? 1 : 0, 8)
  return Buffer.concat([Buffer.from(fileId), place])
}

/** Takes plain bytes in any pieces; the file is complete after `finish`, durable it is not yet. */
export class ContentWriter {
  readonly #handle: FileHandle
  readonly #fileId: string
  readonly #cipher: Cipher
  readonly #plain = Buffer.allocUnsafe(CHUNK_BYTES)
  #filled = 0
  #index = 0
  #pending: Buffer[]

  constructor(handle: FileHandle, fileId: string, masterKey: MasterKey) {
    const { wrapped, cipher } = masterKey.newDataKey()
    this.#handle = handle
    this.#fileId = fileId
    this.#cipher = cipher
    this.#pending = [MAGIC, wrapped]
  }

  async write(bytes: Uint8Array): Promise<void> {
    let offset = 0
    while (offset < bytes.length) {
      if (this.#filled === CHUNK_BYTES) await this.#seal(false)
      const taken = Math.min(CHUNK_BYTES - this.#filled, bytes.length - offset)
      this.#plain.set(bytes.subarray(offset, offset + taken), this.#filled)
      this.#filled += taken
      offset += taken
    }
  }

  async finish(): Promise<void> {
    await this.#seal(true)
    await this.#flush()
  }

  async #seal(isLast: boolean): Promise<void> {
    const place = chunkPlace(this.#fileId, this.#index, isLast)
    this.#pending.push(this.#cipher.seal(this.#plain.subarray(0, this.#filled), place))
    this.#index += 1
    this.#filled = 0
    if (this.#pending.length >= CHUNKS_PER_IO) await this.#flush()
  }

  async #flush(): Promise<void> {
    const group = Buffer.concat(this.#pending)
    this.#pending = []
    let written = 0
    while (written < group.length) {
      const { bytesWritten } = await this.#handle.write(group, written, group.length - written)
      written += bytesWritten
    }
  }
}

const readFully = async (handle: FileHandle, position: number, length: number): Promise<Buffer> => {
  const bytes = Buffer.allocUnsafe(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await handle.read(bytes, filled, length - filled, position + filled)
    if (bytesRead === 0) throw damaged(new Error('The file ends too early.'))
    filled += bytesRead
  }
  return bytes
}

const damaged = (cause: unknown): ObjectStoreError =>
  new ObjectStoreError('failed', 'The stored content of the object is damaged.', {
    cause,
    hint: 'Restore the object store folder, or the master key it was written with, from a backup.',
  })

const cipherOf = (header: Buffer, masterKey: MasterKey): Cipher => {
  if (!header.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw damaged(new Error('The header is not that of an object content file of version 1.'))
  }
  try {
    return masterKey.dataKey(header.subarray(MAGIC.length))
  } catch (cause) {
    throw damaged(cause)
  }
}

/** Contents up to here are one sealed chunk. */
export const SMALL_CONTENT_BYTES_MAX = CHUNK_BYTES

/** One byte more than the largest small file has, so that a longer one is noticed. */
const smallFile = Buffer.allocUnsafeSlow(HEADER_BYTES + SEALED_CHUNK_BYTES + 1)

/** The first bytes of a file, valid until the next call: how many, with one more for the rest. */
const readStart = (path: string, bytesMax: number): Buffer => {
  const file = openSync(path, 'r')
  try {
    let filled = 0
    while (filled < bytesMax) {
      const read = readSync(file, smallFile, filled, bytesMax - filled, null)
      if (read === 0) break
      filled += read
    }
    return smallFile.subarray(0, filled)
  } finally {
    closeSync(file)
  }
}

/**
 * All of a small file's content, read at once: it is in the page cache nearly always, and a trip
 * through the thread pool for each of open, header, chunk and close takes ten times as long.
 */
export const readSmallContent = (
  path: string,
  fileId: string,
  masterKey: MasterKey,
  size: number,
): Buffer => {
  const expected = HEADER_BYTES + size + SEAL_OVERHEAD_BYTES
  const stored = readStart(path, expected + 1)
  const header = stored.subarray(0, HEADER_BYTES)
  if (stored.length !== expected) {
    throw damaged(new Error(`The file has ${stored.length} bytes or more, not ${expected}.`))
  }
  return openChunk(
    cipherOf(header, masterKey),
    stored.subarray(HEADER_BYTES),
    chunkPlace(fileId, 0, true),
  )
}

/** The plain bytes of `range` of a file whose content has `size` bytes, chunk by chunk. */
export async function* readContent(
  handle: FileHandle,
  fileId: string,
  masterKey: MasterKey,
  size: number,
  range: ByteRange,
): AsyncGenerator<Buffer> {
  const cipher = cipherOf(await readFully(handle, 0, HEADER_BYTES), masterKey)
  const lastIndex = Math.ceil(size / CHUNK_BYTES) - 1
  const end = Math.floor(range.last / CHUNK_BYTES)
  for (let from = Math.floor(range.first / CHUNK_BYTES); from <= end; from += CHUNKS_PER_IO) {
    const to = Math.min(end, from + CHUNKS_PER_IO - 1)
    const sealedEnd =
      to === lastIndex
        ? size + (lastIndex + 1) * SEAL_OVERHEAD_BYTES
        : (to + 1) * SEALED_CHUNK_BYTES
    const start = from * SEALED_CHUNK_BYTES
    const group = await readFully(handle, HEADER_BYTES + start, sealedEnd - start)
    for (let index = from; index <= to; index++) {
      const offset = (index - from) * SEALED_CHUNK_BYTES
      const sealed = group.subarray(offset, offset + SEALED_CHUNK_BYTES)
      const plain = openChunk(cipher, sealed, chunkPlace(fileId, index, index === lastIndex))
      const base = index * CHUNK_BYTES
      yield plain.subarray(Math.max(0, range.first - base), range.last + 1 - base)
    }
  }
}

const openChunk = (cipher: Cipher, sealed: Buffer, place: Buffer): Buffer => {
  try {
    return cipher.open(sealed, place)
  } catch (cause) {
    throw damaged(cause)
  }
}
