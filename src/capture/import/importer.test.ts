import assert from 'node:assert/strict'
import { createReadStream, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { masterKeyOf } from '../../platform/encryption.ts'
import { loadCatalogue } from '../catalogue/catalogue.ts'
import type { Problem } from './file-problems.ts'
import { Importer, type ImporterOptions } from './importer.ts'
import { createFactsOf } from './missing-facts.ts'
import { createReadEvent } from './read-event.ts'
import { createFingerprint } from './repeats/fingerprint.ts'
import { type ImportStore, openImportStore } from './repeats/import-store.ts'
import { type Settled, settleOpenBatches } from './settle-open.ts'
import type { ImportSource } from './sources/source.ts'
import { MemoryJournal } from './testing/memory-journal.ts'
import { documentOf, eventText, sourceOf } from './testing/sample-events.ts'

let root: string
let folders = 0
before(() => {
  root = mkdtempSync(join(tmpdir(), 'clew-import-'))
})
after(() => rmSync(root, { recursive: true }))

const readEvent = createReadEvent(createFactsOf(loadCatalogue()))
const fingerprint = createFingerprint(masterKeyOf(Buffer.alloc(32, 7)))
const newFolder = (): string => join(root, String(folders++))
const id = (number: number): string => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`

class Killed extends Error {}

interface Run {
  readonly importer: Importer
  readonly problems: Problem[]
  readonly settled: Settled
  readonly steps: number
}

interface RunOptions extends Partial<ImporterOptions> {
  readonly deliver?: string
  /** Dies at this step, before it or after it. */
  readonly death?: { readonly step: number; readonly when: 'before' | 'after' }
}

/** One run of the command: settle what is open, import everything. Rejects with Killed when it dies. */
const run = async (
  folder: string,
  journal: MemoryJournal,
  sources: readonly ImportSource[],
  options: RunOptions = {},
): Promise<Run> => {
  const { deliver, death, ...rest } = options
  let steps = 0
  let dead = false
  const step = <Result>(work: () => Result): Result => {
    if (dead) throw new Killed()
    steps++
    if (death?.step === steps && death.when === 'before') dead = true
    if (dead) throw new Killed()
    const result = work()
    if (death?.step === steps) dead = true
    if (dead) throw new Killed()
    return result
  }
  const store: ImportStore = await openImportStore(folder)
  try {
    const problems: Problem[] = []
    const settled = await settleOpenBatches(store, journal)
    const importer = new Importer({
      store: {
        file: (...given) => store.file(...given),
        repeats: (hour) => store.repeats(hour),
        note: (...given) => step(() => store.note(...given)),
        confirm: (...given) => step(() => store.confirm(...given)),
      },
      destination: store.destination(deliver),
      origin: { kind: 'import', jobId: 'job', ...(deliver ? { trailArn: deliver } : {}) },
      ...{ readEvent, fingerprint, heads: journal.heads(), oldest: 0 },
      target: { append: async (shard, frame) => step(() => journal.append(shard, frame)) },
      problem: (problem) => problems.push(problem),
      advanced: () => {},
      signal: new AbortController().signal,
      ...rest,
    })
    for (const source of sources) await importer.file(source)
    await importer.finish()
    return { importer, problems, settled, steps }
  } finally {
    store.close()
  }
}

const texts = (from: number, to: number, regions: readonly string[] = ['eu-west-1']): string[] =>
  Array.from({ length: to - from }, (_, index) =>
    eventText({
      id: id(from + index),
      region: regions[index % regions.length] ?? '',
      more: `,"pad":"${'x'.repeat(400)}"`,
    }),
  )

const idsOf = (journal: MemoryJournal): string[] => journal.events().map(({ eventId }) => eventId)
const assertOnce = (journal: MemoryJournal, expected: readonly string[]): void => {
  const found = journal.events().map(({ text }) => text.toString())
  assert.deepEqual(found.toSorted(), expected.toSorted())
}

describe('an import', () => {
  it('carries the bytes of one-line records, and those of others without the white space', async () => {
    const journal = new MemoryJournal(3)
    const one = eventText({ id: id(1) }).replaceAll(',"', ' ,\t"')
    const spread = eventText({ id: id(2) }).replaceAll(',', '\n , ')
    const sources = [sourceOf('a', Buffer.from(`{"Records": [${one},\n${spread}]}`))]
    const { importer, problems } = await run(newFolder(), journal, sources)
    assert.deepEqual(problems, [])
    assert.equal(importer.counts.imported, 2)
    assertOnce(journal, [one, eventText({ id: id(2) })])
  })

  it('drops repeats, keeps another text of an id, and tells both', async () => {
    const folder = newFolder()
    const journal = new MemoryJournal()
    const text = eventText({ id: id(1) })
    const other = eventText({ id: id(1), more: ',"addendum":1' })
    const first = [sourceOf('a', Buffer.from(`${text}\n${text}\n${other}\n`))]
    const { counts } = (await run(folder, journal, first)).importer
    assert.deepEqual([counts.imported, counts.repeats, counts.changed], [2, 1, 1])
    // The same under another name, and later again.
    const second = await run(folder, journal, [sourceOf('b', documentOf([other, text]))])
    assert.deepEqual([second.importer.counts.imported, second.importer.counts.repeats], [0, 2])
    assertOnce(journal, [text, other])
  })

  it('delivers what the history has, each event once per trail', async () => {
    const folder = newFolder()
    const journal = new MemoryJournal()
    const all = texts(0, 50)
    const sources = [sourceOf('a', documentOf(all))]
    const counts = async (deliver?: string) => {
      const options = deliver === undefined ? {} : { deliver }
      const { imported, repeats, filesKnown } = (await run(folder, journal, sources, options))
        .importer.counts
      return [imported, repeats, filesKnown]
    }
    assert.deepEqual(await counts(), [50, 0, 0])
    assert.deepEqual(await counts('arn:trail/a'), [50, 0, 0])
    assert.deepEqual(await counts('arn:trail/a'), [0, 0, 1])
    assert.deepEqual(await counts('arn:trail/b'), [50, 0, 0])
    const changed = [sourceOf('a', documentOf(all), 1_000, '2')]
    assert.equal((await run(folder, journal, changed)).importer.counts.repeats, 50)
    assert.equal(idsOf(journal).length, 150)
  })

  it('reports every refused record by file, number and offset, and imports the rest', async () => {
    const journal = new MemoryJournal()
    const good = eventText({ id: id(1) })
    const bad = eventText({ id: id(2) }).replace('"eventTime":"2026', '"eventTime":"two 2026')
    const sources = [
      sourceOf('a.json', documentOf([bad, good, '7'])),
      sourceOf('b.gz', gzipSync(documentOf(texts(5, 8))).fill(0, 40, 44)),
    ]
    const folder = newFolder()
    const { problems, importer } = await run(folder, journal, sources)
    assert.equal(importer.counts.skipped, 3)
    assert.deepEqual(
      problems.map(({ file, record, offset }) => [file, record, offset]),
      [
        ['a.json', 1, 12],
        ['a.json', 3, 12 + bad.length + 1 + good.length + 1],
        ['b.gz', undefined, undefined],
      ],
    )
    assertOnce(journal, [good])
    // What was skipped is told by every run, not by the first alone.
    const again = await run(folder, journal, sources)
    assert.equal(again.problems.length, 3)
    assert.equal(again.importer.counts.repeats, 1)
  })

  it('refuses a file that cannot be read, before or in its middle, and imports the others', async () => {
    const folder = newFolder()
    const journal = new MemoryJournal()
    const all = texts(0, 9)
    const lines = sourceOf('cut.ndjson', Buffer.from(`${all.slice(3, 6).join('\n')}\n`))
    const packed = sourceOf('packed.gz', gzipSync(documentOf(all)))
    let fails = true
    const failing = (source: ImportSource): ImportSource => ({
      ...source,
      open: async function* () {
        yield* source.open()
        if (fails) throw new Error('EIO: i/o error')
      },
    })
    const absent = {
      ...sourceOf('absent', Buffer.alloc(9)),
      open: () => createReadStream(join(root, 'absent')),
    }
    const sources = [
      sourceOf('a', documentOf(all.slice(0, 3))),
      ...[absent, failing(lines), failing(packed), failing({ ...packed, name: 'l', size: 1e9 })],
      sourceOf('z', documentOf(all.slice(6))),
    ]
    const { problems } = await run(folder, journal, sources)
    assert.deepEqual(
      problems.map(({ file, record }) => [file, record]),
      [
        ['absent', undefined],
        ['cut.ndjson', undefined],
        ['packed.gz', undefined],
        ['l', undefined],
      ],
    )
    assert.match(problems[0]?.reason ?? '', /cannot be read \(ENOENT/)
    assert.match(problems[1]?.reason ?? '', /cannot be read \(EIO/)
    assertOnce(journal, all)
    // It is read again when it can be.
    fails = false
    const again = await run(folder, journal, sources)
    assert.deepEqual([again.problems.length, again.importer.counts.filesKnown], [1, 2])
    assertOnce(journal, all)
    // What goes wrong elsewhere is no fault of a file.
    const target = { append: () => Promise.reject(new Error('no journal')) }
    const fresh = run(newFolder(), journal, sources, { target })
    await assert.rejects(fresh, /no journal/)
  })

  it('tells a file in which nothing is an event in one line, and an empty one not as an error', async () => {
    const journal = new MemoryJournal()
    const good = eventText({ id: id(1) })
    const sources = [
      sourceOf('LICENSE', Buffer.from('Terms and conditions\n'.repeat(200))),
      sourceOf('list.json', Buffer.from('[1,2,3,{"name":"x"}]')),
      sourceOf('random', Buffer.from([0x00, 0xff, 0x7b, 0x0a, 0x5b, 0x0a, 0x7d, 0x22])),
      sourceOf('empty', Buffer.alloc(0)),
      sourceOf('none.json', documentOf([])),
      // These are logs: each of their records counts.
      sourceOf('headed.ndjson', Buffer.from(`# one\n# two\n${good}\n`)),
      sourceOf('damaged.json', documentOf(['{"a":1}', '{"b":2}'])),
      sourceOf('no-id.ndjson', Buffer.from('{"eventTime":"x"}\n{"eventTime":"y"}\n')),
    ]
    const { problems, importer } = await run(newFolder(), journal, sources)
    const told = problems.map(({ file, record }) => `${file} ${record ?? 'whole'}`)
    assert.deepEqual(told, [
      ...['LICENSE whole', 'list.json whole', 'random whole', 'headed.ndjson 1', 'headed.ndjson 2'],
      ...['damaged.json 1', 'damaged.json 2', 'no-id.ndjson 1', 'no-id.ndjson 2'],
    ])
    assert.match(problems[0]?.reason ?? '', /^it is no log file: .*byte 0: no object begins here/)
    const { skipped, filesSkipped, filesEmpty, imported } = importer.counts
    assert.deepEqual([skipped, filesSkipped, filesEmpty, imported], [9, 3, 1, 1])
  })

  it('counts what the event history and the trail do not take', async () => {
    const at = (number: number, category: string, time: string): string =>
      eventText({ id: id(number), time }).replace('"Management"', `"${category}"`)
    const [old, young] = ['2026-01-01T00:00:00Z', '2026-03-01T00:00:00Z']
    const all = [
      ...[at(1, 'Management', old), at(2, 'Management', young)],
      ...[at(3, 'Data', old), at(4, 'Data', young)],
    ]
    const oldest = Date.parse('2026-02-01T00:00:00Z')
    const count = async (options: RunOptions) => {
      const sources = [sourceOf('a', documentOf(all))]
      const { importer } = await run(newFolder(), new MemoryJournal(), sources, options)
      const { imported, tooOld, notInHistory, leftOut, notKept } = importer.counts
      return [imported, tooOld, notInHistory, leftOut, notKept]
    }
    assert.deepEqual(await count({ oldest }), [4, 2, 3, 0, 3])
    const takes: ImporterOptions['takes'] = ({ eventId }) => eventId === id(1)
    assert.deepEqual(await count({ oldest, deliver: 'arn', takes }), [4, 2, 3, 3, 2])
  })

  it('refuses events of accounts for which the bucket policy was not checked', async () => {
    const journal = new MemoryJournal()
    const sources = [sourceOf('a', documentOf(texts(0, 3)))]
    const { problems } = await run(newFolder(), journal, sources, { accounts: new Set(['1']) })
    assert.match(problems[0]?.reason ?? '', /policy was not checked/)
    assert.deepEqual(idsOf(journal), [])
  })

  it('loses nothing and repeats nothing, killed before and after every step', async () => {
    const regions = ['eu-west-1', 'eu-west-2', 'us-east-1']
    const all = texts(0, 120, regions)
    const sources = [
      sourceOf('a.ndjson', Buffer.from(`${all.slice(0, 60).join('\n')}\n`), 4_000),
      sourceOf('b.json.gz', gzipSync(documentOf(all.slice(50, 90)))),
      sourceOf('c.json', documentOf(all.slice(90)), 4_000),
    ]
    const batchEvents = 20
    const { steps } = await run(newFolder(), new MemoryJournal(2), sources, { batchEvents })
    assert.ok(steps > 12, `${steps} steps`)
    for (let step = 1; step <= steps; step++) {
      for (const when of ['before', 'after'] as const) {
        const folder = newFolder()
        const journal = new MemoryJournal(2)
        await assert.rejects(
          run(folder, journal, sources, { batchEvents, death: { step, when } }),
          Killed,
        )
        await run(folder, journal, sources, { batchEvents })
        assertOnce(journal, all)
        const third = await run(folder, journal, sources)
        assert.equal(third.importer.counts.filesKnown, sources.length, `${when} step ${step}`)
      }
    }
  })

  it('goes on in the middle of a file instead of reading it again', async () => {
    const folder = newFolder()
    const journal = new MemoryJournal()
    const all = texts(0, 400)
    const sources = [sourceOf('a', documentOf(all), 10_000)]
    const batchEvents = 50
    await assert.rejects(
      run(folder, journal, sources, { batchEvents, death: { step: 9, when: 'before' } }),
      Killed,
    )
    const { importer } = await run(folder, journal, sources)
    assert.equal(importer.counts.repeats, 0)
    assert.ok(importer.counts.events < 400, `${importer.counts.events} read again`)
    assertOnce(journal, all)
  })

  it('tells what may come twice where the journal was truncated before it went on', async () => {
    const folder = newFolder()
    const journal = new MemoryJournal()
    const sources = [sourceOf('a', documentOf(texts(0, 10)))]
    await assert.rejects(
      run(folder, journal, sources, { death: { step: 2, when: 'after' } }),
      Killed,
    )
    journal.truncate(0, 2)
    const { settled } = await run(folder, journal, sources)
    assert.deepEqual([settled.missing, settled.doubtful], [10, 10])
  })

  it('stops between two batches when it is asked to, and goes on from there', async () => {
    const folder = newFolder()
    const journal = new MemoryJournal()
    const all = texts(0, 5_000)
    const sources = [sourceOf('a', Buffer.from(all.join('\n')), 100_000)]
    const stop = new AbortController()
    const target = {
      append: async (shard: number, frame: Buffer) => {
        stop.abort()
        return journal.append(shard, frame)
      },
    }
    const { importer } = await run(folder, journal, sources, { signal: stop.signal, target })
    assert.ok(importer.counts.imported < 5_000)
    const rest = await run(folder, journal, sources)
    assert.equal(rest.importer.counts.repeats, 0)
    assertOnce(journal, all)
  })

  it('refuses a second import on the same folder, and a newer format', async () => {
    const folder = newFolder()
    const store = await openImportStore(folder)
    await assert.rejects(openImportStore(folder), { code: 'busy' })
    store.close()
    ;(await openImportStore(folder)).close()
    const database = new DatabaseSync(join(folder, 'imports.sqlite'))
    database.exec('PRAGMA user_version = 2')
    database.close()
    await assert.rejects(openImportStore(folder), { code: 'newer-format' })
  })
})
