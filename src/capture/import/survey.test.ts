import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { loadCatalogue } from '../catalogue/catalogue.ts'
import { JUNK_BYTES_MAX } from './json/cut-record.ts'
import { createFactsOf } from './missing-facts.ts'
import { createReadEvent } from './read-event.ts'
import { type ImportStore, openImportStore } from './repeats/import-store.ts'
import type { ImportSource } from './sources/source.ts'
import { confirmAccounts, surveyAccounts } from './survey.ts'
import { ACCOUNT, documentOf, eventText, sourceOf } from './testing/sample-events.ts'

const readEvent = createReadEvent(createFactsOf(loadCatalogue()))
const OTHER = '210000000002'
const FILE = documentOf([eventText({ id: 'a' })])
const PIECE_BYTES = 1024 * 1024

describe('the survey', () => {
  let root: string
  let store: ImportStore
  before(async () => {
    root = mkdtempSync(join(tmpdir(), 'clew-survey-'))
    store = await openImportStore(root)
  })
  after(() => {
    store.close()
    rmSync(root, { recursive: true })
  })

  const survey = (sources: readonly ImportSource[], signal = new AbortController().signal) =>
    surveyAccounts(sources, store, { advanced: () => {}, signal })

  it('passes over what cannot be read, and looks again when it can', async () => {
    let fails = true
    const source: ImportSource = {
      ...sourceOf('unreadable', FILE),
      open: async function* () {
        if (fails) throw new Error('EACCES: permission denied')
        yield FILE
      },
    }
    const other = sourceOf('other', documentOf([eventText({ id: 'b', account: OTHER })]))
    assert.deepEqual(await survey([source, other]), [OTHER])
    fails = false
    assert.deepEqual(await survey([source, other]), [ACCOUNT, OTHER])
    fails = true
    const confirmed = await confirmAccounts([source, other], [ACCOUNT, OTHER], store, readEvent)
    assert.deepEqual(confirmed, [OTHER])
  })

  it('gives up junk that has no end in sight', async () => {
    let read = 0
    const endless: ImportSource = {
      ...sourceOf('endless', FILE),
      open: async function* () {
        yield FILE
        for (;;) {
          read += PIECE_BYTES
          if (read > 4 * JUNK_BYTES_MAX) throw new RangeError('it reads on')
          yield Buffer.alloc(PIECE_BYTES)
        }
      },
    }
    assert.deepEqual(await survey([endless]), [ACCOUNT])
    assert.ok(read <= JUNK_BYTES_MAX + 2 * PIECE_BYTES, `${read} bytes`)
  })

  it('stops inside a file when it is asked to, and does not take it for looked at', async () => {
    const bomb = gzipSync(Buffer.concat([FILE, Buffer.alloc(4 * PIECE_BYTES, '"')]))
    for (const content of [FILE, bomb]) {
      const stop = new AbortController()
      let pieces = 0
      const source: ImportSource = {
        ...{ name: 'long', version: `${content.length}`, size: 1024 ** 4 },
        open: async function* () {
          yield content
          for (;;) {
            if (++pieces === 3) stop.abort()
            if (pieces > 1_000) throw new RangeError('it reads on')
            yield content
          }
        },
      }
      assert.deepEqual(await survey([source], stop.signal), [])
      assert.equal(store.survey(source.name, source.version), undefined)
      assert.ok(pieces < 100, `${pieces} pieces`)
      const known = { ...source, name: 'known' }
      store.putSurvey(known.name, known.version, [ACCOUNT])
      const none = await confirmAccounts([known], [ACCOUNT], store, readEvent, stop.signal)
      assert.deepEqual([none, store.survey(known.name, known.version)], [[], [ACCOUNT]])
    }
  })
})
