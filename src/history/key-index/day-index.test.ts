import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { WeightedCache } from '../block-cache.ts'
import { INDEX_FILE } from '../partition/layout.ts'
import { TEST_MASTER } from '../testing/folder-history.ts'
import { DayIndex, type IndexEntry } from './day-index.ts'
import { type CandidateQuery, DayView } from './day-view.ts'
import { checkIndex } from './index-check.ts'
import { ORDINALS, timeOfOrder } from './index-schema.ts'

const DAY = '1970-01-02'
const DAY_START = 86_400_000
const SCOPE = { account: '111122223333', region: 'us-east-1', key: 2 ** 48 - 5 }

/** One day's index in a folder of its own, and the list of what went in. */
class Rig {
  readonly folder = mkdtempSync(join(tmpdir(), 'clew-day-index-'))
  readonly path = join(this.folder, DAY, INDEX_FILE)
  readonly entries: IndexEntry[] = []
  #index: DayIndex
  readonly view: DayView

  constructor(cacheBytes: number) {
    mkdirSync(join(this.folder, DAY))
    this.#index = new DayIndex(this.path, DAY, TEST_MASTER, true)
    const view = DayView.open(this.folder, DAY, TEST_MASTER, new WeightedCache(cacheBytes))
    assert.ok(view !== undefined)
    this.view = view
  }

  insert(batch: readonly { second: number; keys: readonly number[] }[], merge = true): void {
    const entries = batch.map(({ second, keys }, at): IndexEntry => {
      const sequence = this.entries.length + at
      return {
        ...{
          shard: 0,
          sequence,
          index: 0,
          ...SCOPE,
          scope: SCOPE.key,
          idKey: 1_000_000 + sequence,
        },
        time: DAY_START + second * 1000,
        keys: [1_000_000 + sequence, ...keys],
      }
    })
    const locations = entries.map(({ sequence }) => sequence)
    this.#index.insert(this.#index.draft(entries), locations, { file: 1, bytes: 1 })
    if (merge) this.#index.merge()
    this.entries.push(...entries)
  }

  reopen(change: (database: DatabaseSync) => void = () => {}): void {
    this.#index.close(true)
    const database = new DatabaseSync(this.path)
    change(database)
    database.close()
    this.#index = new DayIndex(this.path, DAY, TEST_MASTER, false)
  }

  get index(): DayIndex {
    return this.#index
  }

  found(query: Partial<CandidateQuery>): number[] {
    const found = [...this.view.newest({ ...EVERYTHING, ...query })]
    return found.flatMap((each) => (each === undefined ? [] : [each.sequence]))
  }

  /** The same from the list. */
  expected({
    keys = [],
    from = 0,
    to = Number.MAX_SAFE_INTEGER,
  }: Partial<CandidateQuery>): number[] {
    return this.entries
      .filter(({ time }) => time >= from && time <= to)
      .filter((entry) => keys.every((key) => entry.keys.includes(key)))
      .sort((a, b) => b.time - a.time || b.sequence - a.sequence)
      .map(({ sequence }) => sequence)
  }

  checkSound(): void {
    const database = new DatabaseSync(this.path, { readOnly: true })
    const { problems, compare, left } = checkIndex(database, DAY)
    assert.deepEqual(problems, [])
    for (const entry of this.entries) assert.equal(compare(entry, entry.sequence), undefined)
    assert.equal(left(), 0)
    database.close()
  }

  remove(): void {
    this.view.close()
    this.#index.close(true)
    rmSync(this.folder, { recursive: true })
  }
}

const EVERYTHING: CandidateQuery = {
  ...{ keys: [1], scopes: [SCOPE], from: 0, to: Number.MAX_SAFE_INTEGER, below: undefined },
}

const using = (work: (rig: Rig) => void, cacheBytes = 1_000_000): void => {
  const rig = new Rig(cacheBytes)
  try {
    work(rig)
  } finally {
    rig.remove()
  }
}

/** Events of the key 1, of some of the keys 2 to 5, and of the times given. */
const eventsOf = (count: number, seed: number) =>
  Array.from({ length: count }, (_, n) => ({
    second: (n * 7919 + seed * 104_729) % 500,
    keys: [1, 2 + ((n * 31 + seed) % 4)],
  }))

describe('day index', () => {
  it('answers as a plain list would, through batches of any size, merges and restarts', () => {
    const size = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 1_500 }))
    const batches = fc.array(fc.tuple(size, fc.nat(50), fc.boolean(), fc.boolean()), {
      ...{ minLength: 5, maxLength: 14, size: 'max' as const },
    })
    const seconds = fc.tuple(fc.nat(520), fc.nat(520))
    fc.assert(
      fc.property(batches, seconds, ([...steps], [one, two]) => {
        using((rig) => {
          for (const [count, seed, merge, reopen] of steps) {
            // Without the merge: as if the process had died before it.
            rig.insert(eventsOf(count, seed), merge)
            if (reopen) rig.reopen()
          }
          const range = { from: DAY_START + one * 1000, to: DAY_START + two * 1000 }
          for (const keys of [[1], [2], [3, 1], [9]]) {
            assert.deepEqual(rig.found({ keys }), rig.expected({ keys }))
            assert.deepEqual(rig.found({ keys, ...range }), rig.expected({ keys, ...range }))
          }
          for (const entry of rig.entries.slice(0, 40)) {
            assert.deepEqual(rig.index.locationsOf(entry.idKey, SCOPE.key, 10), [entry.sequence])
          }
          assert.deepEqual(rig.index.locationsOf(77, SCOPE.key, 10), [])
          rig.checkSound()
        })
      }),
      { numRuns: 6 },
    )
  })

  it('goes on behind any event', () => {
    using((rig) => {
      for (let batch = 0; batch < 9; batch++) rig.insert(eventsOf(900, batch))
      const all = rig.found({})
      for (const at of [0, 1, 99, 4_000, all.length - 1]) {
        const entry = rig.entries[all[at] ?? -1]
        assert.ok(entry !== undefined)
        const below = rig.view.orderOf(entry.time, entry)
        assert.equal(timeOfOrder(DAY, below), entry.time)
        assert.deepEqual(rig.found({ below }), all.slice(at + 1))
      }
      const gone = rig.view.orderOf(DAY_START + 5_000, { shard: 0, sequence: -1, index: 0 })
      assert.ok(
        rig.found({ below: gone }).every((n) => (rig.entries[n]?.time ?? 0) < DAY_START + 5_000),
      )
    })
  })

  it('loses and repeats nothing when runs are merged under a walk', () => {
    using((rig) => {
      for (let batch = 0; batch < 3; batch++) rig.insert(eventsOf(1_500, batch), false)
      const before = rig.expected({})
      const seen: number[] = []
      let turn = 0
      for (const each of rig.view.newest(EVERYTHING)) {
        assert.ok(each !== undefined)
        seen.push(each.sequence)
        // Later events than all that are looked for, so that the answer stays the same.
        if (++turn % 500 === 0) {
          rig.insert([{ second: 600 + turn, keys: [1] }])
          rig.insert(eventsOf(20, 3).map(({ second }) => ({ second: second + 700, keys: [1] })))
        }
      }
      assert.deepEqual(seen, before)
      assert.ok(rig.view.count(1, [SCOPE]) >= 1_000)
      // Without a cache, so that it meets pages that are gone.
    }, 1)
  })

  it('numbers on when arrivals wrap around within one moment', () => {
    using((rig) => {
      rig.insert([{ second: 1, keys: [1] }])
      rig.reopen((database) => {
        database.prepare("UPDATE state SET value = ? WHERE name = 'arrivals'").run(ORDINALS)
      })
      rig.insert(Array.from({ length: 3 }, () => ({ second: 1, keys: [1] })))
      assert.equal(new Set(rig.found({})).size, 4)
      rig.checkSound()
    })
  })
})
