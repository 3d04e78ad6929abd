import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { zstdDecompressSync } from 'node:zlib'
import { BlockPacker } from './block-packer.ts'

describe('BlockPacker', () => {
  it('makes one frame of each block, for several callers at once', async () => {
    const packer = new BlockPacker()
    // One that does not shrink and is larger than every buffer on the way.
    const blocks = [randomBytes(3_000_000)]
    for (let n = 0; n < 60; n++) blocks.push(Buffer.from(`${n},`.repeat(n * 700)))
    const fill = (at: number, scratch: Buffer): Buffer => {
      const block = blocks[at] ?? Buffer.alloc(0)
      if (block.length > scratch.length) return block
      block.copy(scratch)
      return scratch.subarray(0, block.length)
    }
    const all = await Promise.all([0, 1, 2].map(() => packer.pack(blocks.length, fill)))
    for (const packed of all) {
      assert.equal(packed.length, blocks.length)
      for (const [at, frame] of packed.entries()) {
        assert.ok(zstdDecompressSync(frame).equals(blocks[at] ?? frame))
      }
    }
    await packer.close()
  })

  it('goes on after a block that could not be made', async () => {
    const packer = new BlockPacker()
    const fail = (): Buffer => {
      throw new RangeError('No block.')
    }
    await assert.rejects(packer.pack(3, fail), /No block/)
    const [frame] = await packer.pack(1, () => Buffer.from('text'))
    assert.equal(zstdDecompressSync(frame ?? Buffer.alloc(0)).toString(), 'text')
    await packer.close()
  })
})
