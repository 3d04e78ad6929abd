import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import type { Compression } from '../chain-state.ts'
import { inflateMember } from '../testing/inspect.ts'
import { ChunkBuffers } from './chunk-buffers.ts'
import { compressingAgain, LogFileBuilder } from './log-file.ts'

const CHUNK_BYTES = 256 * 1024

const build = async (texts: readonly Buffer[], levels = '6') => {
  const budget = { held: 0, buffers: new ChunkBuffers() }
  const builder = new LogFileBuilder(compressingAgain({ chunkBytes: CHUNK_BYTES, levels }), budget)
  for (const text of texts) builder.add(text)
  const file = await builder.finish()
  assert.equal(budget.held, builder.held)
  builder.release()
  assert.equal(budget.held, 0)
  return file
}

const expected = (texts: readonly Buffer[]): Buffer =>
  Buffer.concat([Buffer.from('{"Records":['), Buffer.from(texts.join(',')), Buffer.from(']}')])

describe('LogFileBuilder', () => {
  it('keeps every byte, whatever the sizes, in exactly one gzip member', async () => {
    const size = fc.oneof(
      { weight: 8, arbitrary: fc.nat(200) },
      { weight: 1, arbitrary: fc.integer({ min: CHUNK_BYTES - 30, max: CHUNK_BYTES + 30 }) },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(size, { minLength: 1, maxLength: 12 }), async (sizes) => {
        const texts = sizes.map((bytes, index) =>
          Buffer.from(`{"é${index}":"${'ß'.repeat(bytes)}"}`),
        )
        const file = await build(texts)
        const whole = expected(texts)
        assert.ok(gunzipSync(file.body).equals(whole))
        assert.deepEqual(inflateMember(file.body)?.trailing, false)
        assert.equal(file.bytes, whole.length)
        assert.equal(file.sha256, createHash('sha256').update(whole).digest('hex'))
        const again = await build(texts)
        assert.ok(again.body.equals(file.body), 'the same events give the same bytes')
      }),
      { numRuns: 40 },
    )
  })

  it('gives the same bytes again from what it says of its compression', async () => {
    const texts = Array.from({ length: 900 }, (_, index) =>
      Buffer.from(`{"n":${index},"a":"${String(index * 7919).repeat(150)}"}`),
    )
    const mixed = new LogFileBuilder(
      { chunkBytes: 64 * 1024, level: (chunk) => (chunk % 2 === 0 ? 6 : 1) },
      { held: 0, buffers: new ChunkBuffers() },
    )
    const again = (given: Compression | undefined) =>
      new LogFileBuilder(compressingAgain(given), { held: 0, buffers: new ChunkBuffers() })
    for (const text of texts) mixed.add(text)
    const file = await mixed.finish()
    assert.match(mixed.compression.levels, /^(61){3,}6?$/)
    const same = again(mixed.compression)
    const other = again(undefined)
    for (const text of texts) same.add(text)
    for (const text of texts) other.add(text)
    assert.ok((await same.finish()).body.equals(file.body))
    const { body, sha256 } = await other.finish()
    assert.ok(!body.equals(file.body))
    assert.equal(sha256, file.sha256)
  })

  it('starts with Records and has a header without a time', async () => {
    const { body } = await build([Buffer.from('{}')])
    assert.equal(gunzipSync(body).toString(), '{"Records":[{}]}')
    assert.equal(body.subarray(0, 10).toString('hex'), '1f8b0800000000000003')
  })

  it('says beforehand what the file would weigh', async () => {
    const builder = new LogFileBuilder(compressingAgain(), { held: 0, buffers: new ChunkBuffers() })
    builder.add(Buffer.from('{"a":1}'))
    const announced = builder.bytesWith(Buffer.byteLength('{"b":2}'))
    builder.add(Buffer.from('{"b":2}'))
    assert.equal((await builder.finish()).bytes, announced)
  })

  it('holds the compressed size of what is behind the last chunk', async () => {
    const budget = { held: 0, buffers: new ChunkBuffers() }
    const builder = new LogFileBuilder(compressingAgain(), budget)
    const text = Buffer.from(`{"a":"${'x'.repeat(1000)}"}`)
    for (let count = 0; count < 3000; count++) builder.add(text)
    await builder.idle()
    assert.ok(budget.held < CHUNK_BYTES + 100_000, `${budget.held}`)
  })
})
