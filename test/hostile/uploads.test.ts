/**
 * Uploads that break off, at each phase: nothing is half stored, nothing stays on the disk, no record
 * tells of a success, and a multipart upload goes on where it stopped.
 */
import assert from 'node:assert/strict'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { openWire } from '../../src/capture/gateway/gateway.test-support.ts'
import { clew, type Sending, sha256, signedHead, startTarget, type Target } from './support.ts'

const MIB = 1024 * 1024
const BUCKET = '/upload-bucket'
/** Smaller ones are held in memory; larger ones stream into a file. */
const SIZES = { small: 200_000, large: 3 * MIB } as const

let target: Target
before(async () => {
  target = await startTarget()
  assert.equal((await target.send({ method: 'PUT', path: BUCKET })).status, 200)
})
after(() => target.stop())

/** Bytes of content that the object store has on its disk. */
const storedBytes = (): number => {
  const folder = join(target.server.data, 'objects', 'content')
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => {
      // Removed since it was listed: that is what these tests want.
      const size = statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size
      return sum + (size ?? 0)
    }, 0)
}

type Phase = 'in the head' | 'before the body' | 'in the body' | 'before the last byte'
const PHASES: Readonly<Record<Phase, (head: number, body: number) => number>> = {
  'in the head': (head) => Math.floor(head / 2),
  'before the body': (head) => head,
  'in the body': (head, body) => head + Math.floor(body / 2),
  'before the last byte': (head, body) => head + body - 1,
}

/** Sends so many bytes of the request, then leaves. */
const breakOff = async (
  sending: Sending & { body: Buffer },
  phase: Phase,
  how: 'reset' | 'end',
): Promise<void> => {
  const head = Buffer.from(signedHead(target.host, target.root, sending).text, 'latin1')
  const all = Buffer.concat([head, sending.body])
  const wire = await openWire(target.port, true)
  await new Promise<void>((resolve) => {
    wire.socket.write(all.subarray(0, PHASES[phase](head.length, sending.body.length)), () =>
      resolve(),
    )
  })
  if (how === 'reset') wire.socket.resetAndDestroy()
  else {
    wire.socket.end()
    assert.doesNotMatch(await wire.closed(), /^HTTP\/1\.1 2/)
  }
}

const records = async (filter: string): Promise<Record<string, unknown>[]> => {
  await target.server.flush()
  const text = await clew(target, ['events', filter, '--format', 'json'])
  return text
    .trim()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
}

describe('an upload that breaks off', () => {
  for (const [size, bytes] of Object.entries(SIZES)) {
    it(`(${size}) leaves nothing: no object, no file`, async () => {
      const before = storedBytes()
      const body = Buffer.alloc(bytes, 'x')
      const path = `${BUCKET}/${size}`
      for (const phase of Object.keys(PHASES) as Phase[]) {
        for (const how of ['reset', 'end'] as const) {
          await breakOff({ method: 'PUT', path, body }, phase, how)
          await breakOff({ method: 'PUT', path, body, payload: 'UNSIGNED-PAYLOAD' }, phase, how)
        }
      }
      assert.equal((await target.send({ path })).code, 'NoSuchKey')
      await target.stillAnswers('broken uploads')
      // The last of them may still be on its way out.
      while (storedBytes() > before) await new Promise((resolve) => setImmediate(resolve))
      assert.equal((await target.send({ method: 'PUT', path, body })).status, 200)
      const { status, body: stored } = await target.send({ path })
      assert.deepEqual([status, sha256(Buffer.from(stored, 'latin1'))], [200, sha256(body)])
    })

    it(`(${size}) leaves an object that was there before as it was`, async () => {
      const path = `${BUCKET}/${size}-kept`
      assert.equal((await target.send({ method: 'PUT', path, body: 'first' })).status, 200)
      for (const phase of Object.keys(PHASES) as Phase[]) {
        await breakOff({ method: 'PUT', path, body: Buffer.alloc(bytes) }, phase, 'reset')
      }
      await target.stillAnswers('broken uploads')
      assert.equal((await target.send({ path })).body, 'first')
    })

    it(`(${size}) after its last byte is stored and recorded, whole, or not at all`, async () => {
      const path = `${BUCKET}/${size}-late`
      const body = Buffer.alloc(bytes, 'z')
      for (let round = 0; round < 10; round++) {
        const wire = await openWire(target.port)
        wire.socket.write(signedHead(target.host, target.root, { method: 'PUT', path, body }).text)
        await new Promise<void>((resolve) => wire.socket.write(body, () => resolve()))
        wire.socket.resetAndDestroy()
      }
      await target.stillAnswers('late resets')
      const { status, body: stored, code } = await target.send({ path })
      if (status === 200) assert.equal(sha256(Buffer.from(stored, 'latin1')), sha256(body))
      else assert.equal(code, 'NoSuchKey')
    })
  }

  it('of a multipart upload goes on where it stopped', async () => {
    const path = `${BUCKET}/parts`
    const created = await target.send({ method: 'POST', path, query: 'uploads=' })
    const id = /<UploadId>([^<]+)</.exec(created.body)?.[1] ?? ''
    const parts = [Buffer.alloc(5 * MIB, '1'), Buffer.alloc(5 * MIB, '2'), Buffer.alloc(1_000, '3')]
    const put = (index: number): Sending & { body: Buffer } => ({
      method: 'PUT',
      path,
      query: `partNumber=${index + 1}&uploadId=${id}`,
      body: parts[index] ?? Buffer.alloc(0),
    })
    const tags: string[] = []
    for (let index = 0; index < parts.length; index++) {
      for (const phase of Object.keys(PHASES) as Phase[]) {
        await breakOff(put(index), phase, 'reset')
      }
      const answer = await target.send(put(index))
      assert.equal(answer.status, 200, answer.body)
      tags.push(/etag: ("[^"]+")/i.exec(answer.head)?.[1] ?? '')
    }
    const list = await target.send({ path, query: `uploadId=${id}` })
    assert.equal(list.body.split('<Part>').length - 1, parts.length, 'broken parts are none')
    const body = `<CompleteMultipartUpload>${tags
      .map((tag, index) => `<Part><PartNumber>${index + 1}</PartNumber><ETag>${tag}</ETag></Part>`)
      .join('')}</CompleteMultipartUpload>`
    const query = `uploadId=${id}`
    const half: Sending & { body: Buffer } = {
      method: 'POST',
      path,
      query,
      body: Buffer.from(body),
    }
    await breakOff(half, 'in the body', 'reset')
    assert.equal((await target.send({ path })).code, 'NoSuchKey')
    assert.equal((await target.send(half)).status, 200)
    const whole = await target.send({ path })
    assert.equal(sha256(Buffer.from(whole.body, 'latin1')), sha256(Buffer.concat(parts)))
  })

  it('is recorded as what it was, where it is recorded at all', async () => {
    const path = `${BUCKET}/recorded`
    const body = Buffer.alloc(SIZES.large)
    await breakOff({ method: 'PUT', path, body }, 'in the body', 'end')
    const policy = Buffer.from('{"Version":"2012-10-17","Statement":[]}')
    await breakOff(
      { method: 'PUT', path: BUCKET, query: 'policy=', body: policy },
      'in the body',
      'end',
    )
    await target.stillAnswers('broken uploads')
    // Data events are in no look-up; a management write that was not sent to its end never began.
    assert.deepEqual(await records('--event-name=PutBucketPolicy'), [])
    const tail = await clew(target, ['tail', '--since', '1h', '--no-follow', '--json'])
    const puts = tail
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
      .filter(({ eventName }) => eventName === 'PutObject')
    const successes = puts.filter(({ errorCode }) => errorCode === undefined)
    const broken = puts.filter(({ requestParameters }) => requestParameters?.key === 'recorded')
    assert.deepEqual(
      broken.map(({ errorCode }) => errorCode),
      ['IncompleteBody'],
    )
    for (const { requestParameters, additionalEventData } of successes) {
      const { key } = requestParameters
      const size = key.endsWith('kept') ? 5 : key.startsWith('large') ? SIZES.large : SIZES.small
      assert.equal(additionalEventData.bytesTransferredIn, size, key)
    }
  })
})
