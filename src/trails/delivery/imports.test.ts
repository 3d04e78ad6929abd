import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { EventOrigin } from '../../event/sealed-event.ts'
import type { Trail } from '../trail.ts'
import { assertValid, listedFiles } from './testing/inspect.ts'
import { ACCOUNT, eventOf, HOME, HOUR, trailOf, World } from './testing/world.ts'

const FOREIGN = '310000000009'
const FAR = 'eu-west-3'

const started = async (world: World, changes: Partial<Trail> = {}): Promise<Trail> => {
  const trail = world.startTrail(trailOf({ isMultiRegionTrail: true, ...changes }))
  await world.start()
  return trail
}

const importOf = (trail: Trail): EventOrigin => ({
  kind: 'import',
  jobId: 'job',
  trailArn: trail.arn,
})

const digestsOf = (world: World, account: string, region: string): string[] =>
  world.bucket.order.filter((place) =>
    place.includes(`AWSLogs/${account}/CloudTrail-Digest/${region}/`),
  )

const filesOf = (world: World, account: string, region: string): string[] =>
  world.bucket.order.filter((place) => place.includes(`AWSLogs/${account}/CloudTrail/${region}/`))

/** Verifies the chain of an imported account as an auditor names it. */
const assertChain = async (world: World, trail: Trail, account: string, region: string) => {
  const summary = await assertValid(world, { ...trail, account }, region)
  assert.ok(summary.logs.valid > 0, JSON.stringify(summary))
}

describe('imports', () => {
  it('go through their trail whichever account they name, and never mix in a file', async () => {
    using world = new World({ shards: 3 })
    const trail = await started(world)
    const origin = importOf(trail)
    const mine = eventOf({ origin })
    const theirs = eventOf({ account: FOREIGN, origin })
    const far = eventOf({ account: FOREIGN, region: FAR, origin })
    const unnamed = eventOf({ account: FOREIGN, origin: { kind: 'import', jobId: 'job' } })
    world.events(mine, theirs, far, unnamed, eventOf({ account: FOREIGN }))
    await world.flush()
    for (const [account, region, event] of [
      [ACCOUNT, HOME, mine],
      [FOREIGN, HOME, theirs],
      [FOREIGN, FAR, far],
    ] as const) {
      const [place, ...more] = filesOf(world, account, region)
      assert.deepEqual(more, [])
      assert.equal(world.bucket.text(place ?? ''), `{"Records":[${event.text}]}`)
      await assertChain(world, trail, account, region)
    }
    assert.equal(listedFiles(world, '').length, 3)
  })

  it('bring digests only with files, where nothing but imports comes', async () => {
    using world = new World()
    const trail = await started(world)
    const origin = importOf(trail)
    world.events(
      eventOf({ account: FOREIGN, origin }),
      eventOf({ region: FAR, origin }),
      eventOf({ region: 'eu-west-2' }),
    )
    await world.flush()
    const before = digestsOf(world, FOREIGN, HOME).length
    const farBefore = digestsOf(world, ACCOUNT, FAR).length
    const capturedBefore = digestsOf(world, ACCOUNT, 'eu-west-2').length
    assert.equal(before, 2, 'the one that starts the chain, and the one that lists the file')
    for (let hour = 0; hour < 5; hour++) {
      world.clock.advance(HOUR)
      await world.pump()
      await world.rest()
    }
    assert.equal(digestsOf(world, FOREIGN, HOME).length, before)
    assert.equal(digestsOf(world, ACCOUNT, FAR).length, farBefore)
    assert.equal(digestsOf(world, ACCOUNT, 'eu-west-2').length, capturedBefore + 5)
    // A later import goes on with the chain: one digest for the file, none for the hours between.
    world.events(eventOf({ account: FOREIGN, origin }))
    await world.flush()
    assert.equal(digestsOf(world, FOREIGN, HOME).length, before + 1)
    await assertChain(world, trail, FOREIGN, HOME)
    // A captured event makes the pair an ordinary one.
    world.events(eventOf({ region: FAR }))
    await world.flush()
    const ordinary = digestsOf(world, ACCOUNT, FAR).length
    world.clock.advance(2 * HOUR)
    await world.pump()
    await world.rest()
    assert.equal(digestsOf(world, ACCOUNT, FAR).length, ordinary + 2)
    await assertChain(world, trail, ACCOUNT, FAR)
  })

  it('end without a digest when logging ends, and keep their streams over a restart', async () => {
    using world = new World()
    const trail = await started(world)
    const origin = importOf(trail)
    world.events(eventOf({ account: FOREIGN, origin }))
    await world.flush()
    await world.restart()
    world.events(eventOf({ account: FOREIGN, origin }))
    await world.flush()
    assert.equal(filesOf(world, FOREIGN, HOME).length, 2)
    const digests = digestsOf(world, FOREIGN, HOME).length
    world.control({ ...trail, isLogging: false, revision: trail.revision + 1 })
    await world.flush()
    assert.equal(digestsOf(world, FOREIGN, HOME).length, digests)
    await assertChain(world, trail, FOREIGN, HOME)
    assert.ok(digestsOf(world, ACCOUNT, HOME).length > 0)
  })
})
