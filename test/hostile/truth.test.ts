/**
 * What a hostile caller must not bend: which operation is recorded, whose it is, where it came
 * from, and that no secret is in any record, log line or answer.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { clew, type Key, type Sending, startTarget, type Target } from './support.ts'

let target: Target
let mallory: Key
before(async () => {
  target = await startTarget()
  assert.equal((await target.send({ method: 'PUT', path: '/truth-bucket' })).status, 200)
  const put = { method: 'PUT', path: '/truth-bucket/key', body: 'hello' }
  assert.equal((await target.send(put)).status, 200)
  await clew(target, ['keys', 'create-account', '222222222222'])
  await clew(target, ['keys', 'create-user', 'mallory', '--account', '222222222222'])
  const owner = ['--user', 'mallory', '--account', '222222222222', '--json']
  const made = JSON.parse(await clew(target, ['keys', 'create-key', ...owner]))
  mallory = { accessKeyId: made.accessKeyId, secretAccessKey: made.secret ?? made.secretAccessKey }
  assert.equal(typeof mallory.secretAccessKey, 'string')
})
after(() => target.stop())

interface Recorded {
  readonly eventID: string
  readonly eventName: string
  readonly errorCode?: string
  readonly sourceIPAddress: string
}

const records = async (): Promise<Recorded[]> => {
  const text = await clew(target, ['tail', '--no-follow', '--json'])
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
}

const form = (body: string, more: Sending = {}): Sending => ({
  ...{ method: 'POST', service: 'sts', body: `${body}&Version=2011-06-15` },
  ...more,
  headers: { 'content-type': 'application/x-www-form-urlencoded', ...more.headers },
})

describe('the record', () => {
  it('names what was done, or what was done was nothing', async () => {
    const bucket = { method: 'PUT', path: '/truth-bucket', body: '{}' }
    /** Each reads as two operations: the one of the record must be the one that was done. */
    const attempts: [name: string, sending: Sending, done: RegExp][] = [
      [
        'a target beside the Action',
        form('Action=GetSessionToken', { headers: { 'x-amz-target': 'X.GetCallerIdentity' } }),
        /<(\w+)Response /,
      ],
      [
        'a CBOR path',
        form('Action=GetSessionToken', {
          path: '/service/X/operation/GetCallerIdentity',
          headers: { 'smithy-protocol': 'rpc-v2-cbor' },
        }),
        /<(\w+)Response /,
      ],
      ['two Actions', form('Action=GetCallerIdentity&Action=GetSessionToken'), /<(\w+)Response /],
      [
        'an Action in the query too',
        form('Action=GetSessionToken', { query: 'Action=GetCallerIdentity' }),
        /<(\w+)Response /,
      ],
      ['an encoded name', form('%41ction=GetSessionToken'), /<(\w+)Response /],
      [
        'a form that says it is JSON',
        form('Action=GetSessionToken', { headers: { 'content-type': 'application/json' } }),
        /<(\w+)Response /,
      ],
    ]
    const known = new Set((await records()).map(({ eventID }) => eventID))
    for (const [name, sending, done] of attempts) {
      const { status, body } = await target.send(sending)
      const fresh = (await records()).filter(({ eventID }) => !known.has(eventID))
      for (const { eventID } of fresh) known.add(eventID)
      assert.equal(fresh.length, 1, name)
      if (status === 200) assert.equal(fresh[0]?.eventName, done.exec(body)?.[1], name)
      else assert.equal(typeof fresh[0]?.errorCode, 'string', name)
    }
    const conflict = await target.send({ ...bucket, query: 'acl=&policy=' })
    assert.deepEqual([conflict.status, conflict.code], [400, 'InvalidArgument'])
    await target.stillAnswers('two names')
  })

  it('shows the peer’s address, not the one that it claims', async () => {
    const extra = [
      'x-forwarded-for: 192.0.2.66',
      'forwarded: for=192.0.2.66',
      'x-real-ip: 192.0.2.66',
    ]
    await target.trail('ListTrails', {}, { extra })
    const last = (await records()).findLast(({ eventName }) => eventName === 'ListTrails')
    assert.equal(last?.sourceIPAddress, '127.0.0.1')
  })

  it('is in regions and folders, not in paths', async () => {
    for (const region of ['..', '.', '__proto__']) {
      const answer = await target.send(form('Action=GetCallerIdentity', { region, key: mallory }))
      assert.equal(answer.status, 403, region)
    }
    await target.stillAnswers('regions')
  })
})

describe('accounts', () => {
  it('are apart', async () => {
    const key = mallory
    const foreign = 'arn:aws:cloudtrail:us-east-1:123456789012:trail/main'
    const copy = { 'x-amz-copy-source': '/truth-bucket/key' }
    const attempts: Sending[] = [
      { path: '/truth-bucket/key' },
      { path: '/truth-bucket' },
      { path: '/no-such-bucket-here' },
      { path: '/' },
      { method: 'PUT', path: '/truth-bucket/key', body: 'mine' },
      { method: 'DELETE', path: '/truth-bucket/key' },
      { method: 'PUT', path: '/truth-bucket', query: 'policy=', body: '{}' },
      { method: 'PUT', path: '/mallory-bucket' },
      { method: 'PUT', path: '/truth-bucket/copy', headers: copy },
      { method: 'POST', path: '/truth-bucket/key', query: 'uploads=' },
    ]
    for (const attempt of attempts) {
      const answer = await target.send({ ...attempt, key })
      assert.deepEqual([answer.status, answer.code], [403, 'AccessDenied'], JSON.stringify(attempt))
    }
    for (const operation of [
      'GetTrail',
      'StopLogging',
      'DeleteTrail',
      'GetTrailStatus',
      'LookupEvents',
      'ListTrails',
    ]) {
      const answer = await target.trail(operation, { Name: foreign }, { key })
      assert.equal(answer.code, 'AccessDeniedException', operation)
    }
    assert.equal((await target.send({ path: '/truth-bucket/key' })).body, 'hello')
    await target.stillAnswers('another account')
  })
})

describe('output', () => {
  it('does not steer a terminal or a spreadsheet', async () => {
    const extra = ['user-agent: =HYPERLINK("http://example.com")\x80\x9b31m']
    await target.trail('GetTrail', { Name: '=cmd|calc!A1\u001b[2J\u202e\u009b' }, { extra })
    await target.send({ path: '/truth-bucket/%1b%5b2J%c2%9b%e2%80%ae' })
    await target.server.flush()
    const steering = /(?!\n)[\p{Cc}\p{Cf}]/u
    for (const args of [['tail', '--no-follow'], ['events']]) {
      const text = await clew(target, args)
      assert.ok(text.includes('GetTrail'), args.join(' '))
      assert.equal(steering.exec(text), null, args.join(' '))
    }
    const csv = await clew(target, ['events', '--format', 'csv'])
    assert.equal(/(?![\r\n\t])\p{Cc}/u.exec(csv), null)
    assert.match(csv, /,"'=HYPERLINK\(/)
    assert.doesNotMatch(csv, /(?:^|,)"?[=+@]/m)
  })

  it('holds no secret, whatever was sent', async () => {
    const { root } = target
    const plaintext = Buffer.from('hostile plaintext').toString('base64')
    const kms = {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'TrentService.Encrypt',
    }
    const body = JSON.stringify({ KeyId: 'a', Plaintext: plaintext })
    await target.send({ method: 'POST', service: 'kms', headers: kms, body })
    const session = await target.send(form('Action=GetSessionToken'))
    const secret = /<SecretAccessKey>(.*?)</.exec(session.body)?.[1] ?? ''
    const token = /<SessionToken>(.*?)</.exec(session.body)?.[1] ?? ''
    assert.ok(secret.length > 20 && token.length > 20)
    const wrong = { ...root, secretAccessKey: `${root.secretAccessKey}x` }
    const refused = await target.send({ path: '/truth-bucket', key: wrong })
    const texts = {
      records: JSON.stringify(await records()),
      log: target.server.log(),
      'a refusal': refused.head + refused.body,
    }
    for (const [place, text] of Object.entries(texts)) {
      for (const hidden of [
        root.secretAccessKey,
        mallory.secretAccessKey,
        plaintext,
        secret,
        token,
      ]) {
        assert.ok(!text.includes(hidden), place)
      }
    }
    await target.stillAnswers('secrets')
  })
})
