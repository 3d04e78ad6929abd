import assert from 'node:assert/strict'
import { describe, it, mock } from 'node:test'
import { gatherSiblings, SIBLINGS_MIN, SIBLINGS_WAIT_MS } from './gather-siblings.ts'

/** A lane that `joined` tells of every arrival, as the recorder's does. */
const makeLane = (waiting: number) => {
  const lane = {
    waiting,
    joined: (): void => {},
    join: (): void => {
      lane.waiting++
      lane.joined()
    },
  }
  return lane
}

/** Whether a promise has settled once all that is ready has run. */
const settled = async (promise: Promise<void>): Promise<boolean> => {
  let done = false
  void promise.then(() => {
    done = true
  })
  await new Promise((resolve) => setImmediate(resolve))
  return done
}

describe('gathering siblings', () => {
  it('does not keep a few calls waiting', async () => {
    const lane = makeLane(1)
    const gathered = gatherSiblings(lane, { count: SIBLINGS_MIN - 1 }, () => lane.waiting)
    assert.equal(await settled(gathered), true)
  })

  it('waits for half of the calls under way, and no longer', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const lane = makeLane(1)
    const gathered = gatherSiblings(lane, { count: 6 }, () => lane.waiting)
    lane.join()
    assert.equal(await settled(gathered), false, 'two of six')
    lane.join()
    assert.equal(await settled(gathered), true, 'three of six')
  })

  it('goes on without those that do not come', async () => {
    mock.timers.enable({ apis: ['setTimeout'] })
    try {
      const lane = makeLane(1)
      const gathered = gatherSiblings(lane, { count: 100 }, () => lane.waiting)
      assert.equal(await settled(gathered), false)
      mock.timers.tick(SIBLINGS_WAIT_MS)
      assert.equal(await settled(gathered), true)
    } finally {
      mock.timers.reset()
    }
  })

  it('counts again when calls end while it waits', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const lane = makeLane(1)
    const calls = { count: 100 }
    const gathered = gatherSiblings(lane, calls, () => lane.waiting)
    calls.count = 4
    lane.join()
    assert.equal(await settled(gathered), true)
  })
})
