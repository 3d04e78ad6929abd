/** An event history whose files were damaged: what is found was stored, and what is gone is told. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { fsckHistory } from '../../../src/history/fsck.ts'
import type { HistoryQuery } from '../../../src/history/history.ts'
import {
  type FolderHistoryRig,
  startFolderHistory,
  TEST_MASTER,
} from '../../../src/history/testing/folder-history.ts'
import { CodedError } from '../../../src/platform/errors.ts'
import { allPages, entryOf, eventOf, NOW } from '../../contracts/history.ts'
import { type Mutation, mutate, mutations } from '../mutations.ts'
import { holds } from '../runs.ts'

const EVERYTHING: HistoryQuery = {
  ...{ category: 'Management', attributes: [], from: 0, to: Number.MAX_SAFE_INTEGER, limit: 1000 },
}

const eventsOf = (frame: number, count: number) =>
  Array.from({ length: count }, (_, n) =>
    eventOf({ id: `${frame}-${n}`, time: NOW - n * 1000, user: `user-${n % 7}` }),
  )

/** Undefined where a coded error came out; no other may. */
const attempt = async <Result>(work: () => Promise<Result>): Promise<Result | undefined> => {
  try {
    return await work()
  } catch (error) {
    assert.ok(error instanceof CodedError, String(error))
    return undefined
  }
}

const filled = async (frames: readonly number[]) => {
  const rig = await startFolderHistory({ now: NOW })
  const stored = new Set<string>()
  for (const [index, count] of frames.entries()) {
    const events = eventsOf(index + 1, count)
    for (const { text } of events) stored.add(text.toString('hex'))
    await rig.consume(0, [entryOf(0, index + 1, events)])
  }
  await rig.stop()
  return { rig, stored }
}

const search = async (rig: FolderHistoryRig): Promise<string[] | undefined> => {
  const pages = await attempt(() => allPages(rig.history, EVERYTHING))
  return pages?.map(({ text }) => text.toString('hex'))
}

const counts = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 3 })

describe('a damaged history', () => {
  it('finds events that were stored, each once, and tells of blocks that it cannot read', () =>
    holds<[number[], Mutation[]]>(6, [counts, mutations], async (frames, changes) => {
      const { rig, stored } = await filled(frames)
      try {
        const [path] = rig.files('*/*.blk')
        assert.ok(path !== undefined)
        const before = readFileSync(path)
        writeFileSync(path, mutate(before, changes))
        const report = await attempt(() => fsckHistory(rig.folder, { master: TEST_MASTER }))
        const started = await attempt(() => rig.restart())
        const found = started === undefined ? undefined : await search(rig)
        for (const text of found ?? []) assert.ok(stored.has(text))
        assert.equal(new Set(found).size, found?.length ?? 0)
        if (found === undefined || found.length < stored.size) {
          assert.ok(report === undefined || report.problems.length > 0, 'fsck tells it')
        }
      } finally {
        await rig.remove()
      }
    }))

  it('whose index is damaged finds nothing that was not stored', () =>
    holds<[number[], number, Mutation[]]>(
      4,
      [counts, fc.nat(), mutations],
      async (frames, at, changes) => {
        const { rig, stored } = await filled(frames)
        try {
          const files = rig.files('**/*').filter((file) => /sqlite/.test(file))
          const path = files[at % files.length]
          assert.ok(path !== undefined)
          writeFileSync(path, mutate(readFileSync(path), changes))
          await attempt(() => fsckHistory(rig.folder, { master: TEST_MASTER }))
          const started = await attempt(() => rig.restart())
          const found = started === undefined ? undefined : await search(rig)
          for (const text of found ?? []) assert.ok(stored.has(text))
        } finally {
          await rig.remove()
        }
      },
    ))
})
