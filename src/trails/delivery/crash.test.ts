import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import type { SealedEvent } from '../../event/sealed-event.ts'
import { assertValid, deliveredIds, listedFiles } from './testing/inspect.ts'
import type { Death } from './testing/life.ts'
import { livesOf } from './testing/survive.ts'
import { eventOf, HOUR, MINUTE, trailOf, World, type WorldOptions } from './testing/world.ts'

const DATA_SELECTORS = {
  advanced: [{ FieldSelectors: [{ Field: 'eventCategory', Equals: ['Data'] }] }],
}

/** What happens to the world, step by step; `go` runs the process, and a new one when it dies. */
const story = async (world: World, go: (work: () => Promise<boolean>) => Promise<void>) => {
  const expected: SealedEvent[] = []
  const call = (...events: SealedEvent[]): void => {
    expected.push(...events)
    world.events(...events)
  }
  const pump = () => go(() => world.pump(2))
  const flush = () => go(() => world.flush())
  const trail = world.startTrail(trailOf({ isMultiRegionTrail: true }))
  const watcher = trailOf({
    name: 'watcher',
    arn: `${trail.arn}-watcher`,
    incarnation: 'incarnation-watcher',
    s3KeyPrefix: 'watcher',
    selectors: DATA_SELECTORS,
    logFileValidationEnabled: false,
  })
  world.startTrail(watcher)
  call(eventOf({ padding: 900 }), eventOf({ region: 'us-east-1' }), eventOf({ padding: 900 }))
  call(eventOf(), eventOf({ region: 'us-east-1' }))
  await pump()
  world.clock.advance(5 * MINUTE)
  await pump()
  call(eventOf(), eventOf({ padding: 1200 }))
  await flush()
  world.bucket.denied = /CloudTrail\/us-east-1/
  call(eventOf({ region: 'us-east-1' }), eventOf())
  world.clock.advance(5 * MINUTE)
  await pump()
  world.bucket.denied = undefined
  world.clock.advance(HOUR)
  await pump()
  const stop = randomUUID()
  const stopped = { ...trail, isLogging: false, stopLoggingTime: world.clock.now(), revision: 3 }
  call(eventOf())
  world.control(stopped, stop)
  world.events(eventOf({ name: 'AfterTheStop' }))
  call(eventOf({ eventId: stop, name: 'StopLogging', source: 'cloudtrail.amazonaws.com' }))
  await pump()
  // The first flush has more own puts recorded; the second delivers those to the watcher.
  await flush()
  await flush()
  return { trail, watcher, expected }
}

const run = async (options: WorldOptions, death?: Death) => {
  using world = new World({ maxFileBytes: 2200, loop: true, ...options })
  await world.start(death)
  const { go, count } = livesOf(world)
  const { trail, watcher, expected } = await story(world, go)
  const all = deliveredIds(world)
  const ids = expected.map((event) => event.eventId)
  const ofTrail = all.filter((id) => ids.includes(id))
  assert.deepEqual(ofTrail.sort(), ids.sort(), 'every event once, none lost')
  assert.equal(new Set(all).size, all.length, 'no event is in two objects')
  const recorded = new Set(world.recorded.map((event) => event.eventId))
  assert.ok(all.every((id) => ids.includes(id) || recorded.has(id)))
  for (const region of [trail.homeRegion, 'us-east-1']) {
    await assertValid(world, trail, region)
    const listed = listedFiles(world, region).map(({ bucket, key }) => `${bucket}/${key}`)
    const put = world.bucket
      .places('CloudTrail', region)
      .filter((place) => !place.includes(`/${watcher.s3KeyPrefix}/`))
    assert.deepEqual(listed.sort(), put.sort(), 'every file is in one digest')
  }
  assert.equal((await world.documents.list('delivery/digests/')).length, 0)
  return { steps: world.life.steps, lives: count() }
}

describe('a crash', () => {
  const cases: readonly [WorldOptions, number][] = [
    [{}, 7],
    [{ losesCursors: true }, 17],
    [{ shards: 2 }, 17],
  ]
  for (const [options, stride] of cases) {
    it(`at any step loses nothing and doubles nothing: ${JSON.stringify(options)}`, async () => {
      const { steps } = await run(options)
      assert.ok(steps > 40, `${steps} steps`)
      let deaths = 0
      for (let step = 1; step <= steps; step += stride) {
        for (const when of ['before', 'after'] as const) {
          try {
            deaths += (await run(options, { step, when })).lives - 1
          } catch (cause) {
            throw new Error(`Died ${when} step ${step} of ${steps}.`, { cause })
          }
        }
      }
      assert.ok(deaths > steps / stride, `${deaths} deaths`)
    })
  }
})
