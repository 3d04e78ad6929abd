import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { sourceOf } from '../testing/sample-events.ts'
import { createAccountScanner } from './accounts.ts'
import { contentOf } from './content.ts'
import { listLocal } from './local-files.ts'
import { type ImportSource, inTimeOrder } from './source.ts'
import { placeOf } from './stored-objects.ts'

const readAll = async (stored: Buffer, pieceBytes = 100, size = stored.length): Promise<Buffer> => {
  const parts: Buffer[] = []
  const source = { ...sourceOf('x', stored, pieceBytes), size }
  for await (const part of contentOf(source)) parts.push(Buffer.from(part))
  return Buffer.concat(parts)
}
const drain = async (source: ImportSource): Promise<void> => {
  for await (const _ of contentOf(source));
}
/** As if the file were too long to be held: it is streamed, twice. */
const LONG = 1024 ** 4

const bytes = fc.uint8Array({ maxLength: 3_000 }).map((value) => Buffer.from(value))

describe('the content of a file', () => {
  it('is that of all members, however they come; what is not gzip stays as it is', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(bytes, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 2_000 }),
        fc.boolean(),
        async (members, pieceBytes, streamed) => {
          const stored = Buffer.concat(members.map((member) => gzipSync(member)))
          const size = streamed ? LONG : stored.length
          assert.deepEqual(await readAll(stored, pieceBytes, size), Buffer.concat(members))
          const plain = Buffer.concat([Buffer.from('{'), ...members])
          assert.deepEqual(await readAll(plain, pieceBytes), plain)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('of a damaged gzip file is nothing at all', async () => {
    const content = Buffer.from(JSON.stringify(Array.from({ length: 200 }, (_, index) => index)))
    const whole = Buffer.concat([gzipSync(content), gzipSync(content)])
    const expected = Buffer.concat([content, content])
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: whole.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        fc.constantFrom('change', 'cut', 'append'),
        fc.boolean(),
        async (at, mask, damage, streamed) => {
          let stored = Buffer.from(whole)
          if (damage === 'change') stored[at] = (stored[at] ?? 0) ^ mask
          else if (damage === 'cut') stored = stored.subarray(0, at)
          else stored = Buffer.concat([stored, Buffer.alloc(3, mask)])
          const size = streamed ? LONG : stored.length
          const result = await readAll(stored, 64, size).catch((error: unknown) => error)
          if (!Buffer.isBuffer(result)) {
            assert.equal((result as { code?: string }).code, 'damaged')
            assert.match((result as Error).message, /at byte \d+/)
          } else {
            // A cut between the members, or a change of a header field that means nothing.
            const same = result.equals(expected)
            assert.ok(same || (damage === 'cut' && result.equals(content)), 'other content')
          }
        },
      ),
      { numRuns: 80 },
    )
  })

  it('is handed out in pieces, a bomb too', async () => {
    const unpacked = 8 * 1024 * 1024
    const bomb = gzipSync(Buffer.alloc(unpacked, ' '))
    let total = 0
    for await (const piece of contentOf({ ...sourceOf('bomb', bomb), size: LONG })) {
      assert.ok(piece.length <= 256 * 1024)
      total += piece.length
    }
    assert.equal(total, unpacked)
  })
})

describe('files', () => {
  let folder: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'clew-sources-'))
  })
  after(() => rmSync(folder, { recursive: true }))

  it('are found below a folder, digests aside, and change their version with their content', async () => {
    const below = join(folder, 'AWSLogs', '1')
    mkdirSync(join(below, 'CloudTrail-Digest'), { recursive: true })
    mkdirSync(join(below, 'CloudTrail'), { recursive: true })
    writeFileSync(join(below, 'CloudTrail-Digest', 'd.json.gz'), 'digest')
    const log = join(below, 'CloudTrail', 'a.json.gz')
    writeFileSync(log, 'one')
    const { sources, digests } = await listLocal(folder)
    assert.deepEqual([sources.map(({ name }) => name), digests], [[log], 1])
    writeFileSync(log, 'other')
    const [after] = (await listLocal(log)).sources
    assert.notEqual(after?.version, sources[0]?.version)
    await assert.rejects(listLocal(join(folder, 'absent')), { code: 'not-found' })
  })

  it('must be regular: a pipe or a device may have no end, and can be read once', async (t) => {
    for (const device of ['/dev/zero', '/dev/null']) {
      await assert.rejects(listLocal(device), { code: 'unreadable', message: /a device/ })
    }
    const pipe = join(folder, 'pipe')
    if (spawnSync('mkfifo', [pipe]).status !== 0) return t.skip('there is no mkfifo')
    await assert.rejects(listLocal(pipe), {
      code: 'unreadable',
      message: /pipe is no regular file/,
    })
    symlinkSync(pipe, join(folder, 'link'))
    await assert.rejects(listLocal(join(folder, 'link')), { code: 'unreadable' })
    rmSync(pipe)
    symlinkSync(folder, join(folder, 'home'))
    assert.equal((await listLocal(join(folder, 'home'))).sources.length, 1)
  })

  it('that the system does not let be read fail one by one, when they are read', async (t) => {
    const gone = join(folder, 'gone')
    writeFileSync(gone, 'x')
    const [source] = (await listLocal(gone)).sources
    rmSync(gone)
    assert.ok(source)
    await assert.rejects(drain(source), { code: 'unreadable', message: /ENOENT/ })
    if (process.platform === 'linux') {
      const [memory] = (await listLocal('/proc/self/mem')).sources
      assert.ok(memory)
      await assert.rejects(drain(memory), { code: 'unreadable', message: /EIO/ })
    }
    if (process.getuid?.() === 0) return t.skip('root may read every folder')
    const closed = join(folder, 'closed')
    mkdirSync(closed, { mode: 0 })
    const { sources } = await listLocal(folder)
    const listed = sources.find(({ name }) => name === closed)
    rmdirSync(closed)
    assert.ok(listed)
    await assert.rejects(drain(listed), { code: 'unreadable', message: /EACCES/ })
  })

  it('are read in the order of the times in their names', () => {
    const names = [
      'x/AWSLogs/2/CloudTrail/eu-west-1/2026/03/02/2_CloudTrail_eu-west-1_20260302T0820Z_b.json.gz',
      'x/AWSLogs/1/CloudTrail/eu-west-1/2026/03/03/1_CloudTrail_eu-west-1_20260303T0000Z_a.json.gz',
      'x/AWSLogs/1/CloudTrail/eu-west-1/2026/03/02/1_CloudTrail_eu-west-1_20260302T0815Z_c.json.gz',
    ]
    const sources = ['undated.json', ...names].map((name) => sourceOf(name, Buffer.from('')))
    assert.deepEqual(
      inTimeOrder(sources).map(({ name }) => name),
      [names[2], names[0], names[1], 'undated.json'],
    )
  })

  it('lie in buckets too', () => {
    assert.deepEqual(placeOf('s3://b/AWSLogs/1'), { bucket: 'b', prefix: 'AWSLogs/1' })
    assert.deepEqual(placeOf('s3://b'), { bucket: 'b', prefix: '' })
    assert.throws(() => placeOf('s3:///x'), { code: 'not-found' })
  })
})

describe('the look for accounts', () => {
  it('finds every account that an event can have, however the file comes', () => {
    const account = fc
      .integer({ min: 0, max: 999_999_999_999 })
      .map((n) => String(n).padStart(12, '0'))
    fc.assert(
      fc.property(
        fc.array(fc.tuple(account, fc.boolean(), fc.boolean(), fc.boolean()), { maxLength: 8 }),
        fc.integer({ min: 1, max: 300 }),
        (events, pieceBytes) => {
          const texts = events.map(([id, isRecipient, isSpread, isWrapped]) => {
            const record = isRecipient
              ? { recipientAccountId: id }
              : { userIdentity: { accountId: id } }
            const text = JSON.stringify(record, undefined, isSpread ? 2 : undefined)
            return isWrapped ? JSON.stringify({ CloudTrailEvent: text }) : text
          })
          const stored = Buffer.from(`{"Records":[${texts.join(',')}]}`)
          const scanner = createAccountScanner()
          for (let at = 0; at < stored.length; at += pieceBytes) {
            scanner.push(stored.subarray(at, at + pieceBytes))
          }
          const found = new Set(scanner.accounts())
          for (const [id] of events) assert.ok(found.has(id), id)
        },
      ),
    )
  })
})
