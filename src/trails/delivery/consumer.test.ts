import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { deliveredIds } from './testing/inspect.ts'
import { ACCOUNT, BUCKET, eventOf, HOME, MINUTE, START, trailOf, World } from './testing/world.ts'

const started = async (world: World, changes = {}) => {
  const trail = world.startTrail(trailOf(changes))
  await world.start()
  return trail
}

describe('log files', () => {
  it('carry the bytes of the events, under the key of AWS, once per window', async () => {
    using world = new World()
    await started(world)
    const events = [eventOf(), eventOf({ name: 'ListThings', readOnly: true }), eventOf()]
    world.events(...events.slice(0, 2))
    world.events(...events.slice(2))
    await world.pump()
    assert.deepEqual(world.bucket.places('CloudTrail'), [], 'the window is open')
    assert.ok(world.cursor() < world.head(), 'the cursor waits for the window')
    world.clock.advance(5 * MINUTE)
    await world.pump()
    await world.rest()
    await world.pump()
    const places = world.bucket.places('CloudTrail')
    assert.equal(places.length, 1)
    assert.match(
      places[0] ?? '',
      /^audit-demo\/AWSLogs\/210000000001\/CloudTrail\/eu-west-1\/2026\/03\/02\/210000000001_CloudTrail_eu-west-1_20260302T0820Z_[0-9A-Za-z]{16}\.json\.gz$/,
    )
    const text = world.bucket.text(places[0] ?? '')
    assert.equal(text, `{"Records":[${events.map((event) => event.text).join(',')}]}`)
    assert.equal(world.cursor(), world.head())
    const object = world.bucket.objects.get(places[0] ?? '')
    assert.equal(object?.contentType, 'application/json')
    assert.equal(object?.contentEncoding, 'gzip')
    assert.equal(object?.metadata, undefined)
  })

  it('are split at the size cap and keep the order', async () => {
    using world = new World({ maxFileBytes: 4000 })
    await started(world, { s3KeyPrefix: 'logs/x' })
    const events = Array.from({ length: 20 }, () => eventOf({ padding: 500 }))
    world.events(...events)
    await world.flush()
    const places = world.bucket.places('CloudTrail')
    assert.ok(places.length > 3, `${places.length} files`)
    for (const place of places) {
      assert.ok(place.startsWith(`${BUCKET}/logs/x/AWSLogs/`))
      assert.ok(Buffer.byteLength(world.bucket.text(place)) <= 4000)
    }
    assert.deepEqual(deliveredIds(world).sort(), events.map((event) => event.eventId).sort())
  })

  it('close early where memory is short', async () => {
    using world = new World({ heldBytesMax: 2000 })
    await started(world)
    for (let count = 0; count < 12; count++) world.events(eventOf({ padding: 600 }))
    await world.pump()
    assert.ok(world.bucket.places('CloudTrail').length >= 2)
    await world.flush()
    assert.equal(deliveredIds(world).length, 12)
  })

  it('close when the clock is set back', async () => {
    using world = new World()
    await started(world)
    world.events(eventOf())
    await world.pump()
    world.clock.set(START - 20 * MINUTE)
    await world.pump()
    await world.rest()
    assert.equal(world.bucket.places('CloudTrail').length, 1)
  })

  it('close at a change of the trail: events behind it go by its new form', async () => {
    using world = new World()
    const trail = await started(world)
    world.bucket.create('other', ACCOUNT, HOME)
    const before = eventOf()
    const after = eventOf()
    world.events(before)
    world.control({ ...trail, s3BucketName: 'other', revision: 3 })
    world.events(after)
    await world.flush()
    const [first, second] = world.bucket.places('CloudTrail')
    assert.ok(first?.startsWith(`${BUCKET}/`))
    assert.ok(world.bucket.text(first ?? '').includes(before.eventId))
    assert.ok(second?.startsWith('other/'))
    assert.ok(world.bucket.text(second ?? '').includes(after.eventId))
  })

  it('ignore a change that was seen before, also behind a later one', async () => {
    using world = new World()
    const trail = await started(world)
    world.control({ ...trail, isLogging: false, revision: 3 })
    world.control(trail)
    world.control(trail)
    world.events(eventOf())
    await world.flush()
    assert.deepEqual(world.bucket.places('CloudTrail'), [])
  })
})

describe('which events a trail gets', () => {
  const idsOf = async (changes: object, ...wishes: Parameters<typeof eventOf>[0][]) => {
    using world = new World()
    await started(world, changes)
    const events = wishes.map((wish) => eventOf(wish))
    world.events(...events)
    await world.flush()
    const ids = new Set(deliveredIds(world))
    return events.map((event) => ids.has(event.eventId))
  }

  it('its own account and region', async () => {
    assert.deepEqual(await idsOf({}, {}, { region: 'us-east-1' }, { account: '330000000003' }), [
      true,
      false,
      false,
    ])
  })

  it('every region when it is multi-region, in files of their own', async () => {
    using world = new World()
    await started(world, { isMultiRegionTrail: true })
    world.events(eventOf(), eventOf({ region: 'us-east-1' }), eventOf({ region: 'ap-south-1' }))
    await world.flush()
    for (const region of [HOME, 'us-east-1', 'ap-south-1']) {
      const places = world.bucket.places('CloudTrail', region)
      assert.equal(places.length, 1)
      assert.ok(places[0]?.includes(`_CloudTrail_${region}_`))
    }
  })

  it('global service events in us-east-1 only where it includes them', async () => {
    const home = { homeRegion: 'us-east-1' }
    const events = [
      { region: 'us-east-1', source: 'iam.amazonaws.com' },
      { region: 'us-east-1', source: 'ec2.amazonaws.com' },
    ]
    assert.deepEqual(await idsOf(home, ...events), [true, true])
    assert.deepEqual(await idsOf({ ...home, includeGlobalServiceEvents: false }, ...events), [
      false,
      true,
    ])
    assert.deepEqual(await idsOf({}, ...events), [false, false])
    assert.deepEqual(await idsOf({ isMultiRegionTrail: true }, ...events), [true, true])
  })

  it('what its selectors select', async () => {
    const selectors = {
      basic: [
        {
          ReadWriteType: 'ReadOnly',
          IncludeManagementEvents: true,
          DataResources: [],
          ExcludeManagementEventSources: ['kms.amazonaws.com'],
        },
      ],
    }
    assert.deepEqual(
      await idsOf(
        { selectors },
        {},
        { readOnly: true },
        { readOnly: true, source: 'kms.amazonaws.com' },
        { readOnly: true, category: 'Data' },
      ),
      [false, true, false, false],
    )
  })

  it('imports that name it, and no others', async () => {
    const { arn } = trailOf()
    assert.deepEqual(
      await idsOf(
        {},
        { origin: { kind: 'import', jobId: '1', trailArn: arn } },
        { origin: { kind: 'import', jobId: '1' } },
        { origin: { kind: 'import', jobId: '1', trailArn: `${arn}2` } },
      ),
      [true, false, false],
    )
  })

  it('Insight events in a folder of their own', async () => {
    using world = new World()
    const selectors = {
      advanced: [{ FieldSelectors: [{ Field: 'eventCategory', Equals: ['Insight'] }] }],
    }
    await started(world, { selectors })
    world.events(eventOf({ category: 'Insight' }))
    await world.flush()
    const [place] = world.bucket.places('CloudTrail-Insight')
    assert.ok(place?.includes('/CloudTrail-Insight/eu-west-1/2026/03/02/'))
    assert.ok(place?.includes('_CloudTrail-Insight_eu-west-1_'))
  })
})

describe('records of own puts', () => {
  const selectors = {
    basic: [
      {
        ReadWriteType: 'All' as const,
        IncludeManagementEvents: true,
        DataResources: [{ Type: 'AWS::S3::Object', Values: ['arn:aws:s3'] }],
        ExcludeManagementEventSources: [],
      },
    ],
  }

  it('are data events of the bucket, for every log file and digest', async () => {
    using world = new World()
    await started(world)
    world.events(eventOf())
    await world.flush()
    const keys = world.recorded.map((event) => {
      const record = JSON.parse(event.text.toString())
      assert.equal(record.eventName, 'PutObject')
      assert.deepEqual(record.userIdentity, {
        type: 'AWSService',
        invokedBy: 'cloudtrail.amazonaws.com',
      })
      assert.equal(event.account, ACCOUNT)
      assert.equal(event.category, 'Data')
      assert.deepEqual(event.origin, { kind: 'delivery', trailArn: trailOf().arn })
      assert.match(event.eventId, /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-/)
      return `${BUCKET}/${record.requestParameters.key}`
    })
    assert.deepEqual(keys.sort(), [...world.bucket.objects.keys()].sort())
  })

  it('go to other trails, never to the one that made them', async () => {
    using world = new World()
    const first = trailOf({ selectors })
    world.startTrail(first)
    world.startTrail(
      trailOf({
        selectors,
        name: 'second',
        arn: `${first.arn}-second`,
        incarnation: 'incarnation-2',
        s3KeyPrefix: 'second',
      }),
    )
    await world.start()
    world.events(eventOf())
    await world.flush()
    const own = [...world.recorded]
    world.events(...own)
    await world.flush()
    for (const event of own) {
      const { origin } = event
      const maker = origin.kind === 'delivery' ? origin.trailArn : ''
      const files = world.bucket
        .places('CloudTrail')
        .filter((place) => world.bucket.text(place).includes(event.eventId))
      assert.equal(files.length, 1)
      assert.equal(files[0]?.includes('/second/'), maker === first.arn)
    }
  })
})

describe('bad input', () => {
  it('does not hold up deliveries', async () => {
    using world = new World()
    await started(world)
    for (const payload of ['', '{', 'null', '{"kind":"put"}', '[]']) {
      world.append(0, { kind: 'control', topic: 'trail', payload })
    }
    world.append(0, { kind: 'control', topic: 'other', payload: '' })
    world.append(0, { kind: 'intents', intents: [] })
    const broken = { ...eventOf(), text: Buffer.from('{"eventID":') }
    const good = eventOf()
    world.events(broken, good)
    await world.flush()
    assert.deepEqual(deliveredIds(world), [good.eventId])
    assert.equal(world.cursor(), world.head())
  })
})
