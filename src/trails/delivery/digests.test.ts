import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { isoSeconds } from '../../platform/clock.ts'
import type { Trail } from '../trail.ts'
import { assertValid, deliveredIds, listedFiles } from './testing/inspect.ts'
import {
  ACCOUNT,
  BUCKET,
  eventOf,
  HOME,
  HOUR,
  MINUTE,
  START,
  trailOf,
  World,
} from './testing/world.ts'

interface DigestJson {
  readonly digestStartTime: string
  readonly digestEndTime: string
  readonly previousDigestS3Object: string | null
  readonly logFiles: readonly unknown[]
}

const digestsOf = (world: World, region = HOME): DigestJson[] =>
  world.bucket.places('CloudTrail-Digest', region).map((place) => world.bucket.json(place))

const endsOf = (world: World, region = HOME): string[] =>
  digestsOf(world, region).map((digest) => digest.digestEndTime)

const assertIncreasing = (ends: readonly string[]): void => {
  assert.deepEqual(ends, [...new Set(ends)].sort())
}

const settle = async (world: World): Promise<void> => {
  await world.pump()
  await world.rest()
  await world.pump()
  await world.rest()
}

const pass = async (world: World, ms: number): Promise<void> => {
  await world.pump()
  world.clock.advance(ms)
  await settle(world)
}

const begin = async (world: World, changes: Partial<Trail> = {}): Promise<Trail> => {
  const trail = world.startTrail(trailOf(changes))
  await world.start()
  await settle(world)
  return trail
}

const stopped = (trail: Trail, world: World): Trail => ({
  ...trail,
  isLogging: false,
  stopLoggingTime: world.clock.now(),
  revision: trail.revision + 1,
})

describe('digests', () => {
  it('begin at StartLogging with nulls, then come hourly at its offset, idle hours too', async () => {
    using world = new World()
    const trail = await begin(world)
    await pass(world, 20 * MINUTE)
    world.events(eventOf())
    for (let hour = 0; hour < 3; hour++) await pass(world, HOUR)
    assert.deepEqual(
      digestsOf(world).map((digest) => [
        digest.digestStartTime,
        digest.digestEndTime,
        digest.logFiles.length,
        digest.previousDigestS3Object === null,
      ]),
      [
        ['2026-03-02T07:15:20Z', '2026-03-02T08:15:20Z', 0, true],
        ['2026-03-02T08:15:20Z', '2026-03-02T09:15:20Z', 0, false],
        ['2026-03-02T09:15:20Z', '2026-03-02T10:15:20Z', 1, false],
        ['2026-03-02T10:15:20Z', '2026-03-02T11:15:20Z', 0, false],
      ],
    )
    const place = world.bucket.places('CloudTrail-Digest')[0] ?? ''
    assert.ok(
      place.endsWith(
        '/CloudTrail-Digest/eu-west-1/2026/03/02/210000000001_CloudTrail-Digest_eu-west-1_main_eu-west-1_20260302T081520Z.json.gz',
      ),
    )
    const metadata = world.bucket.objects.get(place)?.metadata
    assert.deepEqual(Object.keys(metadata ?? {}), ['signature', 'signature-algorithm'])
    const summary = await assertValid(world, trail)
    assert.deepEqual(summary.digests, { valid: 4, invalid: 0 })
  })

  it('come with a flush where something is new, and not where nothing is', async () => {
    using world = new World()
    const trail = await begin(world)
    await world.flush()
    assert.equal(endsOf(world).length, 1)
    world.events(eventOf())
    await world.flush()
    await world.flush()
    assert.deepEqual(endsOf(world), [isoSeconds(START), isoSeconds(START + 1000)])
    for (let count = 0; count < 3; count++) {
      world.events(eventOf())
      await world.flush()
    }
    assertIncreasing(endsOf(world))
    assert.equal(endsOf(world).length, 5)
    await pass(world, HOUR)
    assert.equal(endsOf(world).at(-1), isoSeconds(START + HOUR), 'the grid stays')
    await assertValid(world, trail)
  })

  it('end with the StopLogging event, which is the last event of the trail', async () => {
    using world = new World()
    // Its selectors would not take it.
    const selectors = {
      advanced: [{ FieldSelectors: [{ Field: 'eventCategory', Equals: ['Data'] }] }],
    }
    const trail = await begin(world, { selectors })
    await pass(world, 10 * MINUTE)
    const stop = eventOf({ name: 'StopLogging', source: 'cloudtrail.amazonaws.com' })
    const before = eventOf({ category: 'Data' })
    world.events(before)
    world.control(stopped(trail, world), stop.eventId)
    world.events(eventOf({ category: 'Data', name: 'TooLate' }))
    await settle(world)
    assert.deepEqual(deliveredIds(world), [], 'the window waits for the call')
    assert.ok(world.cursor() < world.head())
    world.events(stop, eventOf({ category: 'Data', name: 'TooLate' }))
    await settle(world)
    assert.deepEqual(deliveredIds(world), [before.eventId, stop.eventId])
    assert.equal(world.cursor(), world.head())
    assert.equal(endsOf(world).length, 2)
    assert.equal(listedFiles(world, HOME).length, 1)
    for (let hour = 0; hour < 3; hour++) await pass(world, HOUR)
    assert.equal(endsOf(world).length, 2, 'the chain has ended')
    await assertValid(world, trail)
  })

  it('do not wait for ever for the StopLogging event; it is still delivered when it comes', async () => {
    using world = new World()
    const trail = await begin(world)
    const stop = eventOf({ name: 'StopLogging' })
    world.control(stopped(trail, world), stop.eventId)
    await pass(world, 5 * MINUTE)
    assert.equal(endsOf(world).length, 2)
    await world.restart()
    world.events(stop)
    await settle(world)
    assert.deepEqual(deliveredIds(world), [stop.eventId])
    assert.equal(listedFiles(world, HOME).length, 1)
    await assertValid(world, trail)
  })

  it('end when the trail is deleted, and begin anew, later, for one of the same name', async () => {
    using world = new World()
    const first = await begin(world)
    const ids: string[] = []
    let trail = first
    for (let life = 2; life < 5; life++) {
      const gone = eventOf({ name: 'DeleteTrail' })
      ids.push(gone.eventId)
      world.control({ ...trail, revision: trail.revision + 1 }, gone.eventId, 'delete')
      world.events(gone)
      trail = world.startTrail(
        trailOf({ incarnation: `incarnation-${life}`, createdAt: START + life }),
      )
      await settle(world)
    }
    await world.flush()
    assert.deepEqual(deliveredIds(world), ids)
    assertIncreasing(endsOf(world))
    const starting = digestsOf(world).filter((digest) => digest.previousDigestS3Object === null)
    assert.equal(starting.length, 4)
    await assertValid(world, first)
  })

  it('stop while validation is off: files of that time are never digested', async () => {
    using world = new World()
    const trail = await begin(world)
    world.events(eventOf())
    await pass(world, 10 * MINUTE)
    const off = { ...trail, logFileValidationEnabled: false, revision: 3 }
    world.control(off, randomUUID())
    await settle(world)
    world.events(eventOf())
    await pass(world, 2 * HOUR)
    await world.flush()
    assert.equal(endsOf(world).length, 2)
    world.control({ ...trail, revision: 4 }, randomUUID())
    await settle(world)
    world.events(eventOf())
    await pass(world, 5 * MINUTE)
    await pass(world, HOUR)
    assert.equal(deliveredIds(world).length, 3)
    assert.equal(listedFiles(world, HOME).length, 2)
    assert.deepEqual(
      digestsOf(world).map((digest) => digest.previousDigestS3Object === null),
      [true, false, true, false],
    )
    assert.equal(digestsOf(world)[2]?.digestEndTime, isoSeconds(START + 10 * MINUTE + 2 * HOUR))
    assert.equal(digestsOf(world)[3]?.digestEndTime, isoSeconds(START + 3 * HOUR), 'the grid stays')
    await assertValid(world, trail)
  })

  it('go on in a new bucket and link back into the old one', async () => {
    using world = new World()
    const trail = await begin(world)
    world.bucket.create('other', ACCOUNT, HOME)
    world.events(eventOf())
    await pass(world, HOUR)
    const moved = { ...trail, s3BucketName: 'other', revision: 3 }
    world.control(moved, randomUUID())
    world.events(eventOf())
    await pass(world, 5 * MINUTE)
    await pass(world, HOUR)
    const [newest] = world.bucket.places('CloudTrail-Digest').slice(-1)
    assert.ok(newest?.startsWith('other/'))
    assert.equal((await assertValid(world, moved)).logs.valid, 2)
    assert.ok(endsOf(world).length >= 3)
    assert.ok(world.bucket.places('CloudTrail').some((place) => place.startsWith(`${BUCKET}/`)))
  })

  it('exist in other regions from the first file on', async () => {
    for (const shards of [1, 2, 3]) {
      using world = new World({ shards })
      const trail = await begin(world, { isMultiRegionTrail: true })
      await pass(world, 90 * MINUTE)
      assert.deepEqual(endsOf(world, 'us-east-1'), [])
      world.events(eventOf({ region: 'us-east-1' }), eventOf({ region: 'ap-south-1' }), eventOf())
      await pass(world, 5 * MINUTE)
      await pass(world, HOUR)
      assert.deepEqual(endsOf(world, 'us-east-1'), [
        isoSeconds(START + HOUR),
        isoSeconds(START + 2 * HOUR),
      ])
      const stop = eventOf({ name: 'StopLogging' })
      world.control(stopped(trail, world), stop.eventId)
      world.events(stop)
      await settle(world)
      for (const region of [HOME, 'us-east-1', 'ap-south-1']) {
        const { logs } = await assertValid(world, trail, region)
        assert.equal(logs.valid, region === HOME ? 2 : 1)
        assertIncreasing(endsOf(world, region))
      }
      assert.equal(endsOf(world, 'us-east-1').length, 3, 'a final one')
      for (const shard of world.shards) assert.equal(world.cursor(shard), world.head(shard))
    }
  })
})

describe('digest times', () => {
  it('make up for hours that were missed, one digest an hour', async () => {
    using world = new World()
    const trail = await begin(world)
    world.clock.advance(50 * HOUR + MINUTE)
    await world.restart()
    for (let turn = 0; turn < 4; turn++) await settle(world)
    const digests = digestsOf(world)
    assert.equal(digests.length, 51)
    digests.slice(1).forEach((digest, index) => {
      assert.equal(digest.digestStartTime, digests[index]?.digestEndTime)
    })
    assert.equal((await assertValid(world, trail)).digests.valid, 51)
  })

  it('put more than 90 missed days into one digest', async () => {
    using world = new World()
    await begin(world)
    world.clock.advance(400 * 24 * HOUR)
    await world.pump()
    await world.rest()
    const [, second] = digestsOf(world)
    assert.equal(second?.digestStartTime, isoSeconds(START))
    assert.equal(second?.digestEndTime, isoSeconds(START + 400 * 24 * HOUR - 24 * 90 * HOUR))
  })

  it('never go back when the clock does, and no file is left out', async () => {
    using world = new World()
    const trail = await begin(world)
    await pass(world, 3 * HOUR)
    world.clock.set(START - 30 * HOUR)
    for (let hour = 0; hour < 4; hour++) {
      world.events(eventOf())
      await settle(world)
      await pass(world, HOUR)
    }
    await world.flush()
    assertIncreasing(endsOf(world))
    assert.equal(endsOf(world).length, 9)
    assert.equal((await assertValid(world, trail)).logs.valid, 4)
  })

  it('go on after a jump ahead that was taken back', async () => {
    using world = new World()
    const trail = await begin(world)
    world.clock.set(START + 5 * 24 * HOUR)
    world.events(eventOf())
    for (let turn = 0; turn < 8; turn++) await world.pump()
    await world.rest()
    world.clock.set(START + HOUR)
    for (let hour = 0; hour < 3; hour++) {
      world.events(eventOf())
      await settle(world)
      await pass(world, HOUR)
    }
    await world.flush()
    assertIncreasing(endsOf(world))
    assert.equal((await assertValid(world, trail)).logs.valid, 4)
  })

  it('stay right when changes are replayed: a stop does not end the chain begun after it', async () => {
    using world = new World({ losesCursors: true })
    const trail = await begin(world)
    const stop = eventOf({ name: 'StopLogging' })
    world.control(stopped(trail, world), stop.eventId)
    world.events(stop)
    await pass(world, 10 * MINUTE)
    const again = { ...trail, startLoggingTime: world.clock.now(), revision: 4 }
    world.control(again, randomUUID())
    await settle(world)
    await world.restart()
    await settle(world)
    world.events(eventOf())
    await pass(world, 5 * MINUTE)
    await pass(world, HOUR)
    const starts = digestsOf(world).map((digest) => digest.previousDigestS3Object === null)
    assert.deepEqual(starts, [true, false, true, false])
    assert.equal((await assertValid(world, trail)).logs.valid, 2)
  })
})
