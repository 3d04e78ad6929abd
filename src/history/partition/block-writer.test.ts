import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { HistoryError } from '../history-error.ts'
import { TEST_MASTER } from '../testing/folder-history.ts'
import { FILE_HEADER_BYTES, newBlockFile, type StoredEvent, scanBlocks } from './block-codec.ts'
import { BlockPacker } from './block-packer.ts'
import { BlockWriter } from './block-writer.ts'
import { blockFileName } from './layout.ts'

const DAY = '2026-03-10'
const eventOf = (n: number): StoredEvent => ({
  ...{ shard: 0, sequence: n, index: 0, eventId: `e${n}`, account: 'a', region: 'r' },
  ...{ category: 'Management', text: Buffer.from(`{"n":${n}}`) },
})

/** A disk that may fail: writes stop after `room` bytes, `syncs` and `cuts` say whether those work. */
interface Disk {
  room: number
  syncs: boolean
  cuts: boolean
}

const failing = (handle: FileHandle, disk: Disk): FileHandle => {
  const failure = (code: string): Error => Object.assign(new Error(code), { code })
  const faulty = {
    write: async (bytes: Buffer, offset: number, length: number | undefined, position: number) => {
      const wanted = length ?? bytes.length - offset
      if (disk.room === 0) throw failure('ENOSPC')
      const written = Math.min(wanted, disk.room)
      disk.room -= written
      return handle.write(bytes, offset, written, position)
    },
    datasync: async () => {
      if (!disk.syncs) throw failure('EIO')
      return handle.datasync()
    },
    truncate: async (length: number) => {
      if (!disk.cuts) throw failure('EIO')
      return handle.truncate(length)
    },
    close: () => handle.close(),
  }
  return faulty as unknown as FileHandle
}

const using = async (
  body: (writer: BlockWriter, disk: Disk, content: () => Buffer) => Promise<void>,
): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), 'clew-blocks-'))
  const path = join(folder, blockFileName(1))
  const { header, cipher } = newBlockFile(TEST_MASTER)
  const handle = await open(path, 'wx+')
  await handle.write(header)
  const disk: Disk = { room: Number.MAX_SAFE_INTEGER, syncs: true, cuts: true }
  const file = { number: 1, handle: failing(handle, disk), cipher, durable: FILE_HEADER_BYTES }
  const packer = new BlockPacker()
  const options = { folder, day: DAY, master: TEST_MASTER, packer }
  const writer = new BlockWriter({ ...options, file, lastNumber: 1 })
  try {
    await body(writer, disk, () => readFileSync(path))
  } finally {
    await writer.close()
    rmSync(folder, { recursive: true })
  }
}

const isWriteFailed = (error: unknown): boolean =>
  error instanceof HistoryError && error.code === 'write-failed' && error.hint !== undefined

const blocksIn = (bytes: Buffer): number => {
  const scan = scanBlocks(bytes, FILE_HEADER_BYTES)
  assert.deepEqual(scan.damaged, [])
  assert.equal(scan.end, bytes.length)
  return scan.blocks.length
}

describe('BlockWriter', () => {
  it('leaves nothing of a batch for which there was no room', () =>
    using(async (writer, disk, content) => {
      const { end } = await writer.append([eventOf(1)])
      disk.room = 20
      await assert.rejects(writer.append([eventOf(2)]), isWriteFailed)
      assert.equal(content().length, end)
      disk.room = Number.MAX_SAFE_INTEGER
      await writer.append([eventOf(2)])
      assert.equal(blocksIn(content()), 2)
    }))

  it('writes anew what a failed fdatasync may have lost', () =>
    using(async (writer, disk, content) => {
      disk.syncs = false
      await assert.rejects(writer.append([eventOf(1)]), isWriteFailed)
      disk.syncs = true
      const { locations } = await writer.append([eventOf(1)])
      assert.equal(locations.length, 1)
      assert.equal(blocksIn(content()), 1)
    }))

  it('cuts before the next batch where it could not at once', () =>
    using(async (writer, disk, content) => {
      await writer.append([eventOf(1)])
      Object.assign(disk, { room: 30, cuts: false })
      await assert.rejects(writer.append([eventOf(2)]), isWriteFailed)
      disk.room = Number.MAX_SAFE_INTEGER
      await assert.rejects(writer.append([eventOf(2)]), isWriteFailed)
      disk.cuts = true
      await writer.append([eventOf(2), eventOf(3)])
      assert.equal(blocksIn(content()), 2)
    }))

  it('closes a block at 48 events or 64 KiB', () =>
    using(async (writer, _disk, content) => {
      await writer.append(Array.from({ length: 97 }, (_, n) => eventOf(n)))
      assert.equal(blocksIn(content()), 3)
      const large = { ...eventOf(1), text: Buffer.alloc(40_000, 'x') }
      await writer.append([large, large, { ...large, text: Buffer.alloc(100_000, 'y') }])
      assert.equal(blocksIn(content()), 6)
    }))
})
