import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { inflateGzipMember } from './gzip-member.ts'
import { createHashPool } from './hash-pool.ts'

describe('inflateGzipMember', () => {
  it('reads every header that gzip can have', () => {
    const plain = gzipSync('text')
    const header = Buffer.from(plain.subarray(0, 10))
    header[3] = 2 + 4 + 8 + 16
    const extra = Buffer.from([3, 0, 1, 2, 3])
    const rest = Buffer.from('name\0comment\0')
    const full = Buffer.concat([header, extra, rest, Buffer.from([9, 9]), plain.subarray(10)])
    assert.equal(Buffer.from(inflateGzipMember(full)?.data ?? []).toString(), 'text')
  })

  it('takes nothing else for gzip, and never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        assert.equal(inflateGzipMember(bytes), undefined)
        inflateGzipMember(Buffer.concat([Buffer.from([0x1f, 0x8b, 8]), bytes]))
      }),
    )
    const cut = gzipSync('text'.repeat(100))
    for (let end = 0; end < cut.length; end++) {
      assert.equal(inflateGzipMember(cut.subarray(0, end)), undefined)
    }
  })
})

describe('createHashPool', () => {
  const pool = createHashPool()
  const folder = mkdtemp(join(tmpdir(), 'clew-hash-'))
  after(async () => {
    pool.close()
    await rm(await folder, { recursive: true })
  })

  it('hashes what is in the files, each for itself', async () => {
    const texts = Array.from({ length: 40 }, (_, number) => `text ${number}`)
    const paths = texts.map(async (text, number) => {
      const path = join(await folder, `${number}.gz`)
      await writeFile(path, gzipSync(text))
      return path
    })
    const found = await Promise.all((await Promise.all(paths)).map((path) => pool.hash(path)))
    const expected = texts.map((text) => ({
      sha256: createHash('sha256').update(text).digest('hex'),
      trailing: false,
    }))
    assert.deepEqual(found, expected)
  })

  it('tells a file that is absent from one that is no gzip and one that cannot be read', async () => {
    const bad = join(await folder, 'bad')
    await writeFile(bad, 'no gzip')
    const appended = join(await folder, 'appended')
    await writeFile(appended, Buffer.concat([gzipSync('a'), Buffer.from('b')]))
    assert.equal(await pool.hash(join(await folder, 'absent')), undefined)
    assert.equal(await pool.hash(join(bad, 'below-a-file')), undefined)
    assert.equal(await pool.hash(await folder), undefined)
    assert.deepEqual(await pool.hash(bad), { sha256: undefined, trailing: false })
    assert.equal((await pool.hash(appended))?.trailing, true)
    await assert.rejects(pool.hash('/\0'), { code: 'unreadable' })
  })

  it('fails what is asked of it once it is closed, and what is under way', async () => {
    const closing = createHashPool()
    const path = join(await folder, '0.gz')
    const underWay = assert.rejects(closing.hash(path), { code: 'ended' })
    closing.close()
    await underWay
    await assert.rejects(closing.hash(path), { code: 'ended' })
  })
})
