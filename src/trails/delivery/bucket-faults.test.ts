/**
 * Everything that a bucket can do to a put, during log files and during digests, with the process
 * dying before and after each durable step: in the end every event is in one file, every file in one
 * digest, the chain is valid and in order, nothing is pending, and GetTrailStatus has told of it.
 */
import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { SealedEvent } from '../../event/sealed-event.ts'
import type { TrailStatus } from '../trail-status.ts'
import { assertValid, deliveredIds, listedFiles } from './testing/inspect.ts'
import type { Death } from './testing/life.ts'
import type { PutFault } from './testing/memory-bucket.ts'
import { livesOf } from './testing/survive.ts'
import { eventOf, HOME, HOUR, MINUTE, trailOf, World } from './testing/world.ts'

/** The literal code in GetTrailStatus; undefined where the delivery does not fail. */
const CODES: Readonly<Record<PutFault, string | undefined>> = {
  denied: 'AccessDenied',
  missing: 'NoSuchBucket',
  half: 'InternalError',
  unanswered: 'InternalError',
  hangs: 'RequestTimeout',
  slow: undefined,
}
const FAULTS = Object.keys(CODES) as PutFault[]
const TARGETS = { 'log files': /\/CloudTrail\//, digests: /\/CloudTrail-Digest\// } as const
type Target = keyof typeof TARGETS
/** Every how many durable steps the process dies. */
const STRIDE = 12

const assertAllThere = async (world: World, expected: readonly SealedEvent[]): Promise<void> => {
  const trail = trailOf()
  const delivered = deliveredIds(world)
  assert.deepEqual(delivered.sort(), expected.map(({ eventId }) => eventId).sort())
  await assertValid(world, trail)
  const listed = listedFiles(world, HOME).map(({ bucket, key }) => `${bucket}/${key}`)
  assert.deepEqual(listed.sort(), world.bucket.places('CloudTrail', HOME).sort())
  const digests = world.bucket.places('CloudTrail-Digest', HOME)
  assert.deepEqual(digests, digests.toSorted(), 'digests are put in the order of their ends')
  assert.equal((await world.documents.list('delivery/digests/')).length, 0)
  assert.deepEqual(await readdir(join(world.folder, 'pending')), [])
}

const statusOf = async (world: World): Promise<TrailStatus | undefined> =>
  (await world.documents.get<TrailStatus>(`trail-status/${HOME}/${trailOf().arn}`))?.value

const run = async (fault: PutFault, target: Target, death?: Death) => {
  using world = new World()
  world.bucket.elapse = (ms) => world.clock.advance(ms)
  const { go, count } = livesOf(world)
  const expected: SealedEvent[] = []
  const pass = async (ms: number): Promise<void> => {
    const event = eventOf()
    expected.push(event)
    world.events(event)
    await go(() => world.pump())
    world.clock.advance(ms)
    await go(() => world.pump())
  }
  world.startTrail(trailOf())
  await world.start(death)
  // A plan holds whatever the settings are when it is executed again.
  world.changed = { gzipLevel: 1 }
  await pass(5 * MINUTE)
  world.bucket.fault = (key) => (TARGETS[target].test(key) ? fault : undefined)
  await pass(5 * MINUTE)
  await pass(HOUR)
  const during = await statusOf(world)
  const code =
    target === 'digests' ? during?.latestDigestDeliveryError : during?.latestDeliveryError
  if (death === undefined) assert.equal(code, CODES[fault])
  world.bucket.fault = undefined
  await pass(2 * HOUR)
  await pass(2 * HOUR)
  await go(() => world.flush())
  await assertAllThere(world, expected)
  if (fault !== 'half') assert.deepEqual(world.bucket.rewritten, [], 'a repeat is the same bytes')
  const after = await statusOf(world)
  assert.equal(after?.latestDeliveryError, undefined)
  assert.equal(after?.latestDigestDeliveryError, undefined)
  assert.equal(after?.lost, undefined)
  return { steps: world.life.steps, lives: count() }
}

describe('a bucket whose puts', () => {
  for (const target of Object.keys(TARGETS) as Target[]) {
    for (const [index, fault] of FAULTS.entries()) {
      it(`of ${target} are ${fault}, and a crash at any step, lose nothing`, async () => {
        const { steps } = await run(fault, target)
        assert.ok(steps > 20, `${steps} steps`)
        let deaths = 0
        // Another residue for every fault, so that all steps are met.
        for (let step = 1 + (index % STRIDE); step <= steps; step += STRIDE) {
          for (const when of ['before', 'after'] as const) {
            try {
              deaths += (await run(fault, target, { step, when })).lives - 1
            } catch (cause) {
              throw new Error(`Died ${when} step ${step} of ${steps}.`, { cause })
            }
          }
        }
        assert.ok(deaths > 0, `${deaths} deaths`)
      })
    }
  }
})
