import assert from 'node:assert/strict'
import { PassThrough, Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { entryOf, eventOf, NOW } from '../../test/contracts/history.ts'
import { type FolderHistoryRig, startFolderHistory } from '../history/testing/folder-history.ts'
import { systemClock } from '../platform/clock.ts'
import { type EventsRun, runEvents } from './events.ts'
import { csvField, readableLine } from './output/formats.ts'
import { createOutput } from './output/stream.ts'

const filter = { attributes: [], from: 0, to: Number.MAX_SAFE_INTEGER }

const runOn = async (
  rig: FolderHistoryRig,
  more: Partial<EventsRun>,
): Promise<{ out: string; notices: string[]; shown: number }> => {
  const stream = new PassThrough()
  const notices: string[] = []
  const reading = text(stream)
  const shown = await runEvents({
    ...{ history: rig.history, filter, category: 'Management', format: 'json' },
    ...{ output: createOutput(stream), clock: systemClock },
    notice: (line) => notices.push(line),
    ...more,
  })
  stream.end()
  return { out: await reading, notices, shown }
}

const using = (title: string, body: (rig: FolderHistoryRig) => Promise<void>): void => {
  it(title, async () => {
    const rig = await startFolderHistory({ now: NOW })
    try {
      await body(rig)
    } finally {
      await rig.remove()
    }
  })
}

describe('clew events', () => {
  using('downloads the events’ own bytes, newest first', async (rig) => {
    const events = [0, 1, 2].map((n) => eventOf({ id: `e${n}`, time: NOW - n * 1000 }))
    await rig.consume(0, [entryOf(0, 1, events)])
    const { out, shown } = await runOn(rig, {})
    assert.equal(out, events.map((event) => `${event.text}\n`).join(''))
    assert.equal(shown, 3)
  })

  using('combines filters and limits, and says that more match', async (rig) => {
    const events = Array.from({ length: 1200 }, (_, n) =>
      eventOf({
        ...{ id: `e${n}`, time: NOW - n * 1000 },
        ...{ user: n % 2 === 0 ? 'alice' : 'bob', bucket: `b${n % 3}`, note: `n${n % 5}.` },
      }),
    )
    await rig.consume(0, [entryOf(0, 1, events)])
    const attributes = [
      { key: 'Username' as const, value: 'bob' },
      { key: 'ResourceName' as const, value: 'b1' },
    ]
    const all = await runOn(rig, { filter: { ...filter, attributes, text: 'n2.' } })
    assert.equal(all.shown, 40)
    const some = await runOn(rig, { filter: { ...filter, attributes }, limit: 7 })
    assert.equal(some.shown, 7)
    assert.equal(some.out.split('\n').length, 8)
    assert.deepEqual(some.notices, ['More events match; --limit 7 shows these.'])
    const exact = await runOn(rig, { filter: { ...filter, attributes, text: 'n2.' }, limit: 40 })
    assert.deepEqual(exact.notices, [])
  })

  using('writes CSV that no spreadsheet takes for formulas', async (rig) => {
    const event = eventOf({ id: 'id', time: NOW, user: '=cmd()', name: 'a"b,c', bucket: 'b' })
    await rig.consume(0, [entryOf(0, 1, [event])])
    const { out } = await runOn(rig, { format: 'csv' })
    assert.equal(
      out,
      'eventTime,recipientAccountId,awsRegion,eventSource,eventName,readOnly,username,userType,' +
        'userArn,accessKeyId,sourceIPAddress,userAgent,errorCode,errorMessage,resources,' +
        'requestID,eventID,eventType\r\n' +
        '2026-03-10T12:00:00Z,111122223333,us-east-1,s3.amazonaws.com,"a""b,c",false,' +
        "'=cmd(),IAMUser,,AKIAEXAMPLE,,,,,AWS::S3::Bucket b,,id,\r\n",
    )
  })

  using('shows a table', async (rig) => {
    const event = eventOf({ id: 'id', time: NOW, bucket: 'b', user: 'al\u001b[31mice' })
    await rig.consume(0, [entryOf(0, 1, [event])])
    const { out } = await runOn(rig, { format: 'table' })
    const [header = '', row = '', ...rest] = out.split('\n')
    assert.match(header, /^TIME +ACCOUNT +REGION +USER +EVENT +ERROR +RESOURCE$/)
    assert.match(
      row,
      /^2026-03-10T12:00:00Z +111122223333 +us-east-1 +al�\[31mice +s3:CreateBucket +b$/,
    )
    assert.deepEqual(rest, [''])
  })

  using('waits for a slow reader and stops when it has gone', async (rig) => {
    const events = Array.from({ length: 300 }, (_, n) => eventOf({ id: `e${n}`, time: NOW - n }))
    await rig.consume(0, [entryOf(0, 1, events)])
    let inside = 0
    let most = 0
    let written = 0
    const slow = new Writable({
      highWaterMark: 1,
      write: (_chunk, _encoding, done) => {
        most = Math.max(most, ++inside)
        written++
        setImmediate(() => {
          inside--
          done(written === 100 ? Object.assign(new Error('gone'), { code: 'EPIPE' }) : undefined)
        })
      },
    })
    const output = createOutput(slow)
    const { shown } = await runOn(rig, { output })
    assert.equal(most, 1)
    assert.equal(written, 100)
    assert.ok(shown >= 99 && shown <= 100, `${shown} shown`)
  })

  using('does not hide that its output cannot be written', async (rig) => {
    const events = [0, 1, 2].map((n) => eventOf({ id: `e${n}`, time: NOW - n }))
    await rig.consume(0, [entryOf(0, 1, events)])
    const full = new Writable({
      highWaterMark: 1,
      write: (_chunk, _encoding, done) =>
        done(Object.assign(new Error('full'), { code: 'ENOSPC' })),
    })
    await assert.rejects(runOn(rig, { output: createOutput(full) }), /full/)
  })
})

describe('CSV fields', () => {
  it('are quoted and made harmless', () => {
    const cases: [string, string][] = [
      ['plain', 'plain'],
      ['a,b', '"a,b"'],
      ['say "x"', '"say ""x"""'],
      ['two\nlines', '"two\nlines"'],
      ['=1+1', "'=1+1"],
      ['+1', "'+1"],
      ['-1', "'-1"],
      ['@x', "'@x"],
      ['\tx', "'\tx"],
      ['\r=x', '"\'\r=x"'],
      ['=HYPERLINK("a","b")', '"\'=HYPERLINK(""a"",""b"")"'],
      ['\uff1d1', "'\uff1d1"],
      ['a\u001b[2J\u009bm', 'a\ufffd[2J\ufffdm'],
      ['a=b', 'a=b'],
      ['', ''],
    ]
    for (const [value, field] of cases) assert.equal(csvField(value), field)
  })
})

describe('readable lines', () => {
  it('name time, account, region, caller, call, error and resource, in colour when asked', () => {
    const record = {
      ...{ eventTime: '2026-03-10T12:00:00Z', recipientAccountId: '111122223333' },
      ...{ awsRegion: 'us-east-1', eventSource: 's3.amazonaws.com', eventName: 'PutBucketPolicy' },
      ...{ errorCode: 'AccessDenied', requestParameters: { bucketName: 'b' }, readOnly: false },
      userIdentity: { type: 'AWSService', invokedBy: 'config.amazonaws.com' },
    }
    const event = { record, text: Buffer.from('{}') }
    assert.equal(
      readableLine(event, false),
      '2026-03-10T12:00:00Z  111122223333  us-east-1       config.amazonaws.com  s3:PutBucketPolicy' +
        '  AccessDenied  b\n',
    )
    const coloured = readableLine(event, true)
    assert.ok(coloured.includes('\u001b[31mAccessDenied\u001b[39m'))
    assert.ok(readableLine({ record: {}, text: event.text }, true).endsWith('\n'))
  })
})
