import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Registry } from 'prom-client'
import { FaultyDisk } from '../../../test/faults/journal-disk.ts'
import type { Documents } from '../../documents/documents.ts'
import { openSqliteDocuments } from '../../documents/sqlite-documents.ts'
import { systemClock } from '../../platform/clock.ts'
import { silentLogger } from '../../platform/logger.ts'
import type { Consumer, Entry } from '../consumer.ts'
import { encodeFrame } from '../frame-codec.ts'
import { createIntentTracker } from '../intents/intent-tracker.ts'
import { type Journal, JournalError } from '../journal.ts'
import { openSegmentJournal } from '../segment-journal.ts'
import type { Spool } from '../spool/spool.ts'
import { master } from '../testing/harness.ts'
import { type Runner, startRunner } from './runner.ts'
import { startTruncation } from './truncation.ts'

let folder: string
let count = 0
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clew-runner-'))
})
after(() => rm(folder, { recursive: true }))

const openDocuments = (): Promise<Documents> =>
  openSqliteDocuments(join(folder, `${count++}.db`), { clock: systemClock, logger: silentLogger })

const openJournal = (disk: FaultyDisk, shards = 2) =>
  openSegmentJournal('/journal', {
    ...{ master, shards, clock: systemClock, logger: silentLogger, files: disk },
    ...{ maxBytes: 1e9, segmentBytes: 3_000, retentionMs: -1 },
  })

const frame = (name: string): Buffer => encodeFrame({ kind: 'control', topic: name, payload: '' })
const never = new AbortController().signal

/** A consumer that keeps what it takes in memory and calls it durable when it is told to. */
class Keeper implements Consumer {
  readonly name: string
  readonly taken = new Map<number, string[]>()
  readonly started = new Map<number, number>()
  flushed = 0
  ticks = 0
  closed = false
  /** Durable at once, or only after `flush` (an open window). */
  lazy = false
  fail: (entry: Entry) => Error | undefined = () => undefined
  failFlush: Error | undefined
  onTake: () => void = () => {}
  readonly #last = new Map<number, number>()
  readonly #durable = new Map<number, number>()

  constructor(name: string) {
    this.name = name
  }

  async start(shard: number, cursor: number): Promise<void> {
    this.started.set(shard, cursor)
    this.#durable.set(shard, cursor)
    this.#last.set(shard, cursor)
  }

  async consume(shard: number, batch: readonly Entry[]): Promise<number> {
    for (const entry of batch) {
      const error = this.fail(entry)
      if (error !== undefined) throw error
    }
    const taken = this.taken.get(shard) ?? []
    this.taken.set(shard, taken)
    for (const { frame: each, sequence } of batch) {
      if (sequence <= (this.#last.get(shard) ?? 0)) continue
      taken.push(each.kind === 'control' ? each.topic : each.kind)
      this.#last.set(shard, sequence)
    }
    if (!this.lazy) this.#durable.set(shard, this.#last.get(shard) ?? 0)
    this.onTake()
    return this.#durable.get(shard) ?? 0
  }

  async tick(shard: number): Promise<number> {
    this.ticks++
    return this.#durable.get(shard) ?? 0
  }

  async flush(shard: number): Promise<number> {
    if (this.failFlush !== undefined) throw this.failFlush
    this.flushed++
    this.#durable.set(shard, this.#last.get(shard) ?? 0)
    return this.#durable.get(shard) ?? 0
  }

  async close(): Promise<void> {
    this.closed = true
  }
}

const append = async (journal: Journal, shard: number, names: readonly string[]): Promise<void> => {
  for (const name of names) await journal.append(shard, frame(name), `${shard} ${name}`)
}

const numbered = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, index) => `f${from + index}`)

interface Scene {
  readonly disk: FaultyDisk
  readonly journal: Journal
  readonly documents: Documents
  readonly registry: Registry
  start(...consumers: Consumer[]): Runner
  end(): Promise<void>
}

const newScene = async (shards = 2): Promise<Scene> => {
  const disk = new FaultyDisk()
  const journal = await openJournal(disk, shards)
  const documents = await openDocuments()
  let registry = new Registry()
  const runners: Runner[] = []
  return {
    ...{ disk, journal, documents },
    get registry() {
      return registry
    },
    start: (...consumers) => {
      registry = new Registry()
      const runner = startRunner({
        ...{ journal, documents, consumers, registry, logger: silentLogger },
        // Pauses are short, so that what is tried again is so at once.
        clock: {
          ...systemClock,
          sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 5), signal),
        },
        tickMs: 20,
      })
      runners.push(runner)
      return runner
    },
    end: async () => {
      await Promise.all(runners.map((runner) => runner.stop(1_000)))
      await journal.close()
      await documents.close()
    },
  }
}

const metric = async (registry: Registry, name: string): Promise<number> => {
  const found = await registry.getSingleMetric(name)?.get()
  return found?.values.reduce((sum, each) => sum + each.value, 0) ?? Number.NaN
}

describe('runner', () => {
  it('hands everything to every consumer, in order, and stores the cursors', async () => {
    const scene = await newScene()
    await append(scene.journal, 0, numbered(1, 40))
    const [a, b] = [new Keeper('a'), new Keeper('b')]
    const runner = scene.start(a, b)
    await append(scene.journal, 0, numbered(41, 60))
    await append(scene.journal, 1, ['other'])
    await runner.flushTo(undefined, never)
    for (const keeper of [a, b]) {
      assert.deepEqual(keeper.taken.get(0), numbered(1, 60))
      assert.deepEqual(keeper.taken.get(1), ['other'])
      assert.equal(keeper.flushed, 2)
    }
    assert.deepEqual((await scene.documents.get('cursors/a/0'))?.value, { sequence: 60 })
    assert.equal(runner.lowestCursor(0), 60)
    assert.equal(runner.lowestCursor(1), 1)
    await runner.stop()
    assert.ok(a.closed && b.closed)

    await append(scene.journal, 0, ['later'])
    const again = new Keeper('a')
    await scene.start(again).flushTo(undefined, never)
    assert.equal(again.started.get(0), 60)
    assert.deepEqual(again.taken.get(0), ['later'])
    await scene.end()
  })

  it('sees a new frame without a flush', async () => {
    const scene = await newScene(1)
    const keeper = new Keeper('a')
    const { promise: took, resolve } = Promise.withResolvers<void>()
    keeper.onTake = resolve
    scene.start(keeper)
    await append(scene.journal, 0, ['one'])
    await took
    assert.deepEqual(keeper.taken.get(0), ['one'])
    await scene.end()
  })

  it('stores only what is durable, and repeats the rest after a restart', async () => {
    const scene = await newScene(1)
    const lazy = new Keeper('a')
    lazy.lazy = true
    const runner = scene.start(lazy)
    await append(scene.journal, 0, numbered(1, 5))
    await runner.flushTo(undefined, never)
    const { promise: took, resolve } = Promise.withResolvers<void>()
    lazy.onTake = resolve
    await append(scene.journal, 0, ['f6'])
    await took
    // A second of this clock passes within four of its ticks: the cursor was stored meanwhile.
    for (const enough = lazy.ticks + 60; lazy.ticks < enough; ) await new Promise(setImmediate)
    lazy.failFlush = new Error('no')
    await runner.stop()
    assert.deepEqual((await scene.documents.get('cursors/a/0'))?.value, { sequence: 5 })
    const again = new Keeper('a')
    await scene.start(again).flushTo(undefined, never)
    assert.deepEqual(again.taken.get(0), ['f6'])
    await scene.end()
  })

  it('tries a failing batch again and never leaves it out', async () => {
    const scene = await newScene(1)
    const keeper = new Keeper('a')
    const other = new Keeper('b')
    let failures = 4
    keeper.fail = (entry) =>
      entry.sequence === 3 && failures-- > 0 ? new Error('poisoned') : undefined
    await append(scene.journal, 0, numbered(1, 6))
    const runner = scene.start(keeper, other)
    const first = await runner.flushTo(undefined, never).catch((error: unknown) => error)
    assert.match(String(first), /a could not consume in shard 0 .*poisoned/)
    while (keeper.taken.get(0)?.length !== 6) await new Promise(setImmediate)
    await runner.flushTo(undefined, never)
    assert.deepEqual(keeper.taken.get(0), numbered(1, 6))
    assert.deepEqual(other.taken.get(0), numbered(1, 6))
    assert.ok((await metric(scene.registry, 'clew_consumer_failures_total')) >= 4)
    await scene.end()
  })

  it('names the consumer whose flush fails, and tries it once', async () => {
    const scene = await newScene(1)
    const keeper = new Keeper('trails')
    keeper.failFlush = new Error('the bucket is gone')
    const runner = scene.start(keeper)
    await append(scene.journal, 0, ['one'])
    await assert.rejects(runner.flushTo(undefined, never), /trails could not flush.*bucket is gone/)
    keeper.failFlush = undefined
    await runner.flushTo(undefined, never)
    await scene.end()
  })

  it('steps over a damaged frame and counts it', async () => {
    const scene = await newScene(1)
    await append(scene.journal, 0, numbered(1, 5))
    const path = '/journal/shard-000/0000000000000001.seg'
    const content = scene.disk.content(path)
    const place = content.indexOf('CLF1', content.indexOf('CLF1') + 1) + 70
    content[place] = (content[place] ?? 0) ^ 1
    scene.disk.overwrite(path, content)
    const keeper = new Keeper('a')
    await scene.start(keeper).flushTo(undefined, never)
    assert.deepEqual(keeper.taken.get(0), ['f1', 'f3', 'f4', 'f5'])
    assert.equal(await metric(scene.registry, 'clew_consumer_skipped_frames_total'), 1)
    await scene.end()
  })

  it('goes on at the first kept frame where it fell behind truncation', async () => {
    const scene = await newScene(1)
    await append(scene.journal, 0, numbered(1, 60))
    await scene.journal.truncate(0, 50)
    const { first } = await scene.journal.range(0)
    assert.ok(first > 1)
    const keeper = new Keeper('a')
    await scene.start(keeper).flushTo(undefined, never)
    assert.deepEqual(keeper.taken.get(0), numbered(first, 60))
    assert.equal(await metric(scene.registry, 'clew_consumer_skipped_frames_total'), first - 1)
    await scene.end()
  })

  it('waits while the journal cannot be read, and goes on', async () => {
    const scene = await newScene(1)
    await append(scene.journal, 0, numbered(1, 3))
    let failures = 3
    scene.disk.fault = (call) => (call.name === 'read' && failures-- > 0 ? 'error' : undefined)
    const keeper = new Keeper('a')
    const runner = scene.start(keeper)
    while (keeper.taken.get(0)?.length !== 3) await new Promise(setImmediate)
    await runner.flushTo(undefined, never)
    assert.deepEqual(keeper.taken.get(0), numbered(1, 3))
    await scene.end()
  })

  it('ends where another runner moved the cursor', async () => {
    const scene = await newScene(1)
    const runner = scene.start(new Keeper('a'))
    await append(scene.journal, 0, ['one'])
    await runner.flushTo(undefined, never)
    await scene.documents.put('cursors/a/0', { sequence: 1 }, 'any')
    await append(scene.journal, 0, ['two'])
    await assert.rejects(runner.flushTo(undefined, never), { code: 'superseded' })
    await scene.end()
  })

  it('ends a flush that its caller gives up', async () => {
    const scene = await newScene(1)
    const runner = scene.start(new Keeper('a'))
    const giveUp = new AbortController()
    const flushing = assert.rejects(runner.flushTo(new Map([[0, 99]]), giveUp.signal), /given up/)
    giveUp.abort(new Error('given up'))
    await flushing
    await scene.end()
  })

  it('does not wait for ever for a consumer that hangs', async () => {
    const scene = await newScene(1)
    const keeper = new Keeper('a')
    const { promise: hanging, resolve } = Promise.withResolvers<void>()
    keeper.consume = (_shard, _batch, signal?: AbortSignal) => {
      resolve()
      return new Promise((_, reject) => {
        signal?.addEventListener('abort', () => reject(new Error('aborted')))
      })
    }
    const runner = scene.start(keeper)
    await append(scene.journal, 0, ['one'])
    await hanging
    await runner.stop(1)
    assert.ok(keeper.closed)
    await scene.end()
  })
})

describe('truncation', () => {
  it('spares what a consumer, an intent or the spool still needs', async () => {
    const scene = await newScene(1)
    await append(scene.journal, 0, numbered(1, 100))
    const tracker = createIntentTracker()
    let noted: number | undefined = 70
    const spool = { lowestNoted: () => noted } as Pick<Spool, 'lowestNoted'> as Spool
    const options = { ...scene, tracker, spool, consumers: ['a', 'b'], logger: silentLogger }
    await using truncation = startTruncation(options)
    const firstAfter = async (): Promise<number> => {
      await truncation.run()
      return (await scene.journal.range(0)).first
    }
    tracker.reached(0, 100)
    await scene.documents.put('cursors/a/0', { sequence: 95 }, 'any')
    assert.equal(await firstAfter(), 1, 'b has never run')
    await scene.documents.put('cursors/b/0', { sequence: 30 }, 'any')
    const ofCursor = await firstAfter()
    assert.ok(ofCursor > 1 && ofCursor <= 31, `${ofCursor}`)
    await scene.documents.put('cursors/b/0', { sequence: 95 }, 'any')
    const ofSpool = await firstAfter()
    assert.ok(ofSpool > ofCursor && ofSpool <= 70, `${ofSpool}`)
    noted = undefined
    tracker.opened(0, 80, ['open'])
    const ofIntent = await firstAfter()
    assert.ok(ofIntent > ofSpool && ofIntent <= 80, `${ofIntent}`)
    tracker.resolved(['open'])
    await append(scene.journal, 0, numbered(101, 200))
    tracker.reached(0, 200)
    for (const name of ['a', 'b'])
      await scene.documents.put(`cursors/${name}/0`, { sequence: 200 }, 'any')
    assert.ok((await firstAfter()) > ofIntent)
    await scene.end()
  })

  it('logs a failure and goes on', async () => {
    const scene = await newScene(1)
    const spool = { lowestNoted: () => undefined } as Pick<Spool, 'lowestNoted'> as Spool
    const journal: Journal = Object.assign(Object.create(scene.journal), {
      shards: [0],
      truncate: () => Promise.reject(new JournalError('closed', 'closed')),
    })
    const tracker = createIntentTracker()
    const options = { documents: scene.documents, journal, tracker, spool, consumers: [] }
    await using truncation = startTruncation({ ...options, logger: silentLogger })
    await assert.rejects(truncation.run(), { code: 'closed' })
    await assert.rejects(truncation.run(), { code: 'closed' })
    await scene.end()
  })
})
