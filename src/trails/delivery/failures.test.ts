import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { TrailStatus } from '../trail-status.ts'
import { DeliveryError } from './errors.ts'
import { assertValid, deliveredIds, listedFiles } from './testing/inspect.ts'
import { ACCOUNT, BUCKET, eventOf, HOME, HOUR, MINUTE, trailOf, World } from './testing/world.ts'

const DAY = 24 * HOUR

const statusOf = async (world: World): Promise<TrailStatus | undefined> =>
  (await world.documents.get<TrailStatus>(`trail-status/${HOME}/${trailOf().arn}`))?.value

/** A window that is closed and whose put has ended. */
const pass = async (world: World, ms = 5 * MINUTE): Promise<void> => {
  await world.pump()
  world.clock.advance(ms)
  await world.pump()
  await world.rest()
  await world.pump()
}

const begin = async (world: World) => {
  const trail = world.startTrail(trailOf())
  await world.start()
  await world.pump()
  await world.rest()
  return trail
}

describe('a put that fails', () => {
  it('is kept, shown, retried with growing pauses, and digested once', async () => {
    using world = new World()
    const trail = await begin(world)
    world.bucket.denied = /\/CloudTrail\//
    const event = eventOf()
    world.events(event)
    await pass(world)
    assert.equal(world.cursor(), world.head(), 'the cursor moves on')
    const failed = await statusOf(world)
    assert.equal(failed?.latestDeliveryError, 'AccessDenied')
    assert.equal(failed?.latestDeliveryAttemptTime, world.clock.now())
    assert.equal(failed?.latestDeliveryTime, undefined)
    world.clock.advance(MINUTE)
    await pass(world, 0)
    world.bucket.denied = undefined
    await pass(world, 0)
    assert.deepEqual(deliveredIds(world), [], 'the second pause is not over')
    await pass(world, 2 * MINUTE)
    assert.deepEqual(deliveredIds(world), [event.eventId])
    const repaired = await statusOf(world)
    assert.equal(repaired?.latestDeliveryError, undefined)
    assert.equal(repaired?.latestDeliveryTime, world.clock.now())
    await world.flush()
    assert.equal(listedFiles(world, HOME).length, 1)
    await assertValid(world, trail)
  })

  it('says NoSuchBucket where the bucket is gone', async () => {
    using world = new World()
    await begin(world)
    world.bucket.remove(BUCKET)
    world.events(eventOf())
    await pass(world)
    assert.equal((await statusOf(world))?.latestDeliveryError, 'NoSuchBucket')
    world.bucket.create(BUCKET, ACCOUNT, HOME)
    await world.flush()
    assert.equal(deliveredIds(world).length, 1)
  })

  it('counts as failed when the bucket does not answer; the late put is the same object', async () => {
    using world = new World({ putTimeoutMs: 30_000 })
    await begin(world)
    let open = () => {}
    world.bucket.gate = new Promise((resolve) => {
      open = resolve
    })
    world.events(eventOf())
    await world.pump()
    world.clock.advance(5 * MINUTE)
    await world.pump()
    assert.ok(world.cursor() < world.head())
    await pass(world, 30_000)
    assert.equal(world.cursor(), world.head())
    assert.equal((await statusOf(world))?.latestDeliveryError, 'RequestTimeout')
    open()
    await world.rest()
    const [place] = world.bucket.places('CloudTrail')
    const late = world.bucket.objects.get(place ?? '')?.body
    await world.flush()
    assert.deepEqual(world.bucket.objects.get(place ?? '')?.body, late)
    assert.equal(world.bucket.places('CloudTrail').length, 1)
    assert.equal(listedFiles(world, HOME).length, 1)
  })

  it('makes flush fail once, naming trail, bucket and code', async () => {
    using world = new World()
    const { arn } = await begin(world)
    world.bucket.denied = /\/CloudTrail\//
    world.events(eventOf())
    await assert.rejects(world.flush(), (error: unknown) => {
      assert.ok(error instanceof DeliveryError)
      assert.equal(error.code, 'delivery-failed')
      assert.ok(error.message.includes(arn))
      assert.ok(error.message.includes(`s3://${BUCKET}/AWSLogs/`))
      assert.ok(error.message.includes('AccessDenied'))
      return true
    })
    await assert.rejects(world.flush(), { code: 'delivery-failed' })
    world.bucket.denied = undefined
    await world.flush()
    assert.equal(deliveredIds(world).length, 1)
  })

  it('is on disk encrypted, and survives a restart', async () => {
    using world = new World()
    await begin(world)
    world.bucket.denied = /\/CloudTrail\//
    const event = eventOf()
    world.events(event)
    await pass(world)
    const folder = join(world.folder, 'pending')
    const names = await readdir(folder)
    assert.equal(names.length, 1)
    const bytes = await readFile(join(folder, names[0] ?? ''))
    assert.ok(!bytes.includes(ACCOUNT) && !bytes.includes(event.eventId))
    await world.restart()
    world.bucket.denied = undefined
    await pass(world)
    assert.deepEqual(deliveredIds(world), [event.eventId])
    assert.deepEqual(await readdir(folder), [])
  })

  it('whose parked copy is void, because a crash came before it counted, is not put twice', async () => {
    using world = new World()
    const trail = await begin(world)
    world.bucket.denied = /\/CloudTrail\//
    world.events(eventOf())
    await world.pump()
    // Steps of the next life: an old form of the trail is forgotten, the plan, the put that fails; then
    // it dies before the file counts as parked.
    await world.restart({ step: 4, when: 'before' })
    await world.pump()
    world.clock.advance(5 * MINUTE)
    await world.pump()
    await world.rest()
    await world.life.died
    assert.equal((await readdir(join(world.folder, 'pending'))).length, 1)
    world.bucket.denied = undefined
    await world.restart()
    await pass(world)
    await world.flush()
    assert.equal((await readdir(join(world.folder, 'pending'))).length, 0)
    assert.equal(listedFiles(world, HOME).length, 1)
    await assertValid(world, trail)
  })

  it('is given up after 30 days, with a recorded gap', async () => {
    using world = new World()
    await begin(world)
    world.bucket.denied = /\/CloudTrail\//
    world.events(eventOf(), eventOf())
    await pass(world)
    world.clock.advance(31 * DAY)
    await pass(world)
    assert.equal((await statusOf(world))?.lost, undefined, 'the clock may have jumped')
    await pass(world, 2 * HOUR)
    world.bucket.denied = undefined
    await world.flush()
    assert.deepEqual(deliveredIds(world), [])
    assert.deepEqual((await statusOf(world))?.lost, { files: 1, events: 2, digests: 0 })
  })

  it('is not given up for a clock that jumps a year ahead and is set right', async () => {
    using world = new World()
    const trail = await begin(world)
    world.bucket.denied = /\/CloudTrail\//
    const event = eventOf()
    world.events(event)
    await pass(world)
    const before = world.clock.now()
    world.clock.set(before + 365 * DAY)
    await pass(world, 10 * MINUTE)
    await pass(world, 10 * MINUTE)
    world.clock.set(before + HOUR)
    world.bucket.denied = undefined
    await pass(world, HOUR)
    assert.deepEqual(deliveredIds(world), [event.eventId])
    assert.equal((await statusOf(world))?.lost, undefined)
    await world.flush()
    assert.equal(listedFiles(world, HOME).length, 1)
    await assertValid(world, trail)
  })

  it('for want of an answer does not hold up the others: they are kept at once', async () => {
    using world = new World({ putTimeoutMs: 30_000, maxFileBytes: 2000 })
    await begin(world)
    let open = () => {}
    world.bucket.gate = new Promise((resolve) => {
      open = resolve
    })
    const events = Array.from({ length: 40 }, () => eventOf({ padding: 1000 }))
    world.events(...events)
    await world.pump()
    world.clock.advance(5 * MINUTE)
    await world.pump()
    assert.ok(world.cursor() < world.head(), 'eight puts wait for the bucket')
    await pass(world, 30_000)
    assert.equal(world.cursor(), world.head(), 'after one time-out, not five')
    assert.equal((await statusOf(world))?.latestDeliveryError, 'RequestTimeout')
    open()
    await world.flush()
    const ids = events.map((event) => event.eventId)
    assert.deepEqual(deliveredIds(world).sort(), ids.sort())
  })

  it('pushes the oldest out of a full pending folder', async () => {
    using world = new World({ pendingBytesMax: 3000 })
    await begin(world)
    world.bucket.denied = /\/CloudTrail\//
    const events = [eventOf(), eventOf(), eventOf(), eventOf()]
    for (const event of events) {
      world.events(event)
      await pass(world)
    }
    world.bucket.denied = undefined
    await world.flush()
    const ids = deliveredIds(world)
    assert.ok(ids.length >= 1 && ids.length < 4)
    // One that is being retried at that moment is spared; the newest always stays.
    const kept = events.map((event) => event.eventId).filter((id) => ids.includes(id))
    assert.deepEqual(ids, kept)
    assert.equal(ids.at(-1), events[3]?.eventId)
    assert.equal((await statusOf(world))?.lost?.files, 4 - ids.length)
  })
})

describe('a digest whose put fails', () => {
  it('is kept and put in order later; the chain is whole', async () => {
    using world = new World()
    const trail = await begin(world)
    world.bucket.denied = /CloudTrail-Digest/
    for (let hour = 0; hour < 3; hour++) {
      world.events(eventOf())
      await pass(world)
      await pass(world, HOUR)
    }
    assert.equal((await statusOf(world))?.latestDigestDeliveryError, 'AccessDenied')
    const before = world.bucket.places('CloudTrail-Digest').length
    await world.restart()
    world.bucket.denied = undefined
    await pass(world, HOUR)
    const places = world.bucket.places('CloudTrail-Digest')
    assert.ok(places.length >= before + 3)
    assert.deepEqual(places, places.toSorted())
    assert.equal((await statusOf(world))?.latestDigestDeliveryError, undefined)
    const { digests, logs } = await assertValid(world, trail)
    assert.equal(digests.valid, places.length)
    assert.equal(logs.valid, 3)
  })
})

describe('storage of our own that fails', () => {
  it('repeats the delivery and records it once', async () => {
    using world = new World()
    const trail = await begin(world)
    const real = world.documents.put.bind(world.documents)
    let failures = 0
    world.documents.put = async (key, value, expected) => {
      if (key.startsWith('trail-status/') && failures++ < 2) throw new Error('The disk is full.')
      return await real(key, value, expected)
    }
    world.events(eventOf())
    await pass(world)
    await pass(world)
    await world.flush()
    assert.ok(failures > 2)
    assert.equal(world.cursor(), world.head())
    assert.equal(listedFiles(world, HOME).length, 1)
    await assertValid(world, trail)
  })

  it('refuses a plan: nothing is put, the events come again', async () => {
    using world = new World()
    await begin(world)
    const real = world.documents.put.bind(world.documents)
    world.documents.put = async () => {
      throw new Error('The disk is full.')
    }
    world.events(eventOf())
    await world.pump()
    world.clock.advance(5 * MINUTE)
    await assert.rejects(world.pump(), /disk is full/)
    assert.ok(world.cursor() < world.head())
    world.documents.put = real
    world.events(eventOf())
    await world.flush()
    const ids = deliveredIds(world)
    assert.equal(ids.length, 2)
    assert.equal(new Set(ids).size, 2)
  })
})
