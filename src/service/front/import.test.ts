import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { EventOrigin, SealedEvent } from '../../event/sealed-event.ts'
import { encodeFrame } from '../../journal/frame-codec.ts'
import { JournalError } from '../../journal/journal.ts'
import { shardOf } from '../../journal/shard.ts'
import { ObjectStoreError } from '../../outlets/object-store.ts'
import { MemoryDocuments } from '../../trails/delivery/testing/memory-documents.ts'
import { sampleTrail } from '../../trails/testing/trail-samples.ts'
import type { Trail } from '../../trails/trail.ts'
import { createImportRoutes } from './import.ts'

const ACCOUNT = '123456789012'
const REGION = 'us-east-1'
const SHARDS = 2
const SHARD = shardOf(ACCOUNT, REGION, SHARDS)

const textOf = (change: object): Buffer =>
  Buffer.from(
    JSON.stringify({
      ...{ eventID: 'e', eventTime: '2026-03-02T08:14:07Z', awsRegion: REGION },
      ...{ recipientAccountId: ACCOUNT, eventCategory: 'Management', a: 243 },
      ...change,
    }).replace('243', '243.0'),
  )
const event = (origin: EventOrigin, change: Partial<SealedEvent> = {}): SealedEvent => ({
  ...{ text: textOf({}), eventId: 'e', account: ACCOUNT, region: REGION },
  ...{ category: 'Management', origin },
  ...change,
})
const frameOf = (...events: SealedEvent[]): Buffer => encodeFrame({ kind: 'events', events })
const IMPORTED: EventOrigin = { kind: 'import', jobId: 'job' }

const setUp = async (trail: Trail = sampleTrail({ isLogging: true }), builtinS3 = true) => {
  const frames: Buffer[] = []
  const documents = new MemoryDocuments()
  await documents.put(`trails/${trail.account}`, { trails: { [trail.arn]: trail } }, 'absent')
  const state = {
    ...{ allowed: /./, any: false, failure: undefined as Error | undefined },
    gate: Promise.resolve(),
  }
  const routes = createImportRoutes({
    journal: {
      shards: [0, 1],
      range: async () => ({ first: 1, next: frames.length + 1 }),
      append: async (_shard, frame) => {
        await state.gate
        if (state.failure !== undefined) throw state.failure
        frames.push(Buffer.from(frame))
        return frames.length
      },
    },
    documents,
    bucket: builtinS3
      ? {
          checkPut: async (_trail, key) => {
            if (!state.allowed.test(key)) throw new ObjectStoreError('access-denied', key)
          },
          mayPutForEvery: async (_trail, keysOf) =>
            state.any && keysOf('any').every((key) => state.allowed.test(key)),
        }
      : undefined,
    channel: { call: async () => true },
  })
  const post = async (path: string, body: Buffer | object, query: object = {}) => {
    const route = routes[`POST /admin/import/${path}`]
    assert.ok(route !== undefined)
    const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body))
    const { status, body: text } = await route.handle(bytes, new URLSearchParams({ ...query }))
    return { status, ...JSON.parse(text) }
  }
  return { frames, state, post, trail, documents }
}

describe('the routes of an import', () => {
  it('tell at once where no account needs a check', async () => {
    const { post, state, trail } = await setUp()
    const asked = async () => (await post('open', { trail: trail.arn })).trail.anyAccount
    assert.equal(await asked(), undefined)
    state.any = true
    assert.equal(await asked(), true)
    state.allowed = /Digest/
    assert.equal(await asked(), undefined)
  })

  it('append the frame as it came, and tell the sequence', async () => {
    const { frames, post } = await setUp()
    const { session, heads } = await post('open', {})
    assert.deepEqual(heads, [0, 0])
    const frame = frameOf(event(IMPORTED))
    const answer = await post('frame', frame, { session, shard: SHARD, id: 'job/0' })
    assert.deepEqual([answer.status, answer.sequence], [200, 1])
    assert.deepEqual(frames, [frame])
  })

  it('refuse every frame that is not what an import makes', async () => {
    const { frames, post, trail } = await setUp()
    const { session } = await post('open', {})
    const place = { session, shard: SHARD, id: 'job/0' }
    const wrong: [Buffer, object][] = [
      [Buffer.from('junk'), place],
      [frameOf(event({ kind: 'capture' })), place],
      [frameOf(event({ kind: 'import', jobId: 'job', trailArn: trail.arn })), place],
      [frameOf(event(IMPORTED)), { ...place, shard: 1 - SHARD }],
      [frameOf(event(IMPORTED, { account: 'anonymous' })), { ...place, shard: 0 }],
      [frameOf(event(IMPORTED, { text: Buffer.from('7') })), place],
      [frameOf(event(IMPORTED, { text: Buffer.from('{no json}') })), place],
      [frameOf(event(IMPORTED, { text: Buffer.concat([textOf({}), Buffer.from(' ')]) })), place],
      [frameOf(event(IMPORTED, { eventId: 'other' })), place],
      [frameOf(event(IMPORTED, { category: 'Data' })), place],
      [frameOf(event(IMPORTED, { text: textOf({ recipientAccountId: '1'.repeat(12) }) })), place],
      ...['../../etc', '..', 'eu-west-1/..', 'us-east-2'].flatMap((region): [Buffer, object][] => {
        const shard = shardOf(ACCOUNT, region, SHARDS)
        const said = event(IMPORTED, { region, text: textOf({ awsRegion: region }) })
        if (region === 'us-east-2')
          return [[frameOf(event(IMPORTED, { region })), { ...place, shard }]]
        return [[frameOf(said), { ...place, shard }]]
      }),
      [encodeFrame({ kind: 'control', topic: 'trail', payload: '{}' }), place],
      [frameOf(event(IMPORTED)), { ...place, session: 'other' }],
      [frameOf(event(IMPORTED)), { session, shard: SHARD }],
    ]
    for (const [frame, query] of wrong) {
      const answer = await post('frame', frame, query)
      assert.equal(answer.status, 400, JSON.stringify([query, answer]))
    }
    const whole = frameOf(event(IMPORTED))
    for (let length = 0; length < whole.length; length++) {
      const { status } = await post('frame', whole.subarray(0, length), place)
      assert.equal(status, 400)
    }
    assert.deepEqual(frames, [])
  })

  it('end a session before the next one looks: nothing comes late', async () => {
    const { frames, state, post } = await setUp()
    const first = await post('open', {})
    const gate = Promise.withResolvers<void>()
    state.gate = gate.promise
    const frame = frameOf(event(IMPORTED))
    const late = post('frame', frame, { session: first.session, shard: SHARD, id: 'job/0' })
    let opened = false
    const second = post('open', {}).then((answer) => {
      opened = true
      return answer
    })
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(opened, false, 'it waits for the frame that is under way')
    gate.resolve()
    assert.deepEqual((await second).heads, [1, 1])
    assert.equal((await late).status, 200)
    const after = await post('frame', frame, { session: first.session, shard: SHARD, id: 'job/1' })
    assert.deepEqual([after.status, after.code], [400, 'no-session'])
    assert.equal(frames.length, 1)
  })

  it('wait for the frames of all earlier sessions, given up ones between them', async () => {
    const { state, post } = await setUp()
    const first = await post('open', {})
    const gate = Promise.withResolvers<void>()
    state.gate = gate.promise
    const frame = frameOf(event(IMPORTED))
    const late = post('frame', frame, { session: first.session, shard: SHARD, id: 'job/0' })
    const given = post('open', {})
    let opened = false
    const last = post('open', {}).then((answer) => {
      opened = true
      return answer
    })
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(opened, false)
    gate.resolve()
    assert.deepEqual((await last).heads, [1, 1])
    await Promise.all([late, given])
  })

  for (const [what, end] of [
    ['stopped', (trail: Trail) => ({ ...trail, isLogging: false, stopLoggingTime: 5 })],
    ['stopped', (trail: Trail) => ({ ...trail, stopLoggingTime: 5, startLoggingTime: 6 })],
    ['deleted', (trail: Trail) => ({ ...trail, incarnation: 'another' })],
    ['deleted', () => undefined],
  ] as const) {
    it(`end when the trail is ${what} meanwhile, before or during an append`, async () => {
      const { frames, state, post, trail, documents } = await setUp()
      const { session, trail: told } = await post('open', { trail: trail.name })
      assert.equal(told.incarnation, trail.incarnation)
      const frame = frameOf(event({ ...IMPORTED, kind: 'import', jobId: 'j', trailArn: trail.arn }))
      const send = () => post('frame', frame, { session, shard: SHARD, id: 'job/0' })
      assert.equal((await send()).status, 200)
      const gate = Promise.withResolvers<void>()
      state.gate = gate.promise
      const during = send()
      await new Promise((resolve) => setImmediate(resolve))
      const changed = end(trail)
      const trails = changed === undefined ? {} : { [trail.arn]: changed }
      await documents.put(`trails/${trail.account}`, { trails }, 'any')
      gate.resolve()
      for (const answer of [await during, await send()]) {
        assert.deepEqual([answer.status, answer.code], [400, 'no-trail'])
        assert.match(answer.error, new RegExp(`was ${what} during the import`))
      }
      assert.equal(frames.length, 2, 'the one during the change, none behind it')
    })
  }

  it('wait until the start of a trail is in the journal', async () => {
    const { post, trail, documents } = await setUp()
    const trails = { [trail.arn]: trail }
    const unannounced = [{ kind: 'put', arn: trail.arn, eventId: '' }]
    await documents.put(`trails/${trail.account}`, { trails, unannounced }, 'any')
    const answer = await post('open', { trail: trail.name })
    assert.deepEqual([answer.status, answer.code], [503, 'unavailable'])
  })

  it('tell what is to be repeated', async () => {
    const { state, post } = await setUp()
    const { session } = await post('open', {})
    const send = () =>
      post('frame', frameOf(event(IMPORTED)), { session, shard: SHARD, id: 'job/0' })
    for (const [code, told] of [
      ['full', 'full'],
      ['unknown', 'unavailable'],
      ['closed', 'unavailable'],
    ] as const) {
      state.failure = new JournalError(code, 'no')
      const answer = await send()
      assert.deepEqual([answer.status, answer.code], [503, told])
    }
    state.failure = new JournalError('too-large', 'no')
    assert.equal((await send()).status, 400)
  })

  it('find the trail, and what its bucket lacks', async () => {
    const { state, post, trail } = await setUp()
    assert.equal((await post('open', { trail: trail.name })).trail.arn, trail.arn)
    assert.equal((await post('open', { trail: trail.arn })).trail.bucket, trail.s3BucketName)
    assert.match((await post('open', { trail: 'absent' })).error, /no trail absent/)
    assert.equal((await post('open', { unknown: 1 })).status, 400)
    state.allowed = /AWSLogs\/111111111111\//
    const accounts = ['111111111111', '222222222222']
    const answer = await post('check', { trailArn: trail.arn, accounts })
    assert.deepEqual(answer.missing, ['222222222222'])
    const statement = JSON.parse(answer.statement)
    assert.equal(statement.Resource.length, 1)
    assert.match(statement.Resource[0], /AWSLogs\/222222222222\/\*$/)
    assert.equal((await post('check', { trailArn: trail.arn, accounts: ['x'] })).status, 400)
  })

  it('say what to do where S3 is on an upstream', async () => {
    const { post, trail } = await setUp(sampleTrail({ isLogging: true }), false)
    const { status, error, hint } = await post('open', { trail: trail.name })
    assert.deepEqual([status, error], [400, 'Clew keeps no buckets here: S3 is on an upstream.'])
    assert.match(hint, /--upstream s3=builtin/)
  })

  it('do not deliver through a trail that is stopped', async () => {
    const { post, trail } = await setUp(sampleTrail({ isLogging: false }))
    assert.match((await post('open', { trail: trail.name })).error, /does not log/)
  })
})
