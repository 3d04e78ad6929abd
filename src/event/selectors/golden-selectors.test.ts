import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { EventCategory } from '../sealed-event.ts'
import { compileSelectors } from './compile.ts'
import { SelectorError } from './selector-error.ts'
import { parseSelectors, type SelectorsInput } from './selectors.ts'

interface Golden {
  readonly provenance: string
  readonly input?: SelectorsInput
  readonly cases?: readonly {
    readonly name: string
    readonly category: EventCategory
    readonly event: Record<string, unknown>
    readonly selected: boolean
  }[]
  readonly refused?: readonly { name: string; input: SelectorsInput; message?: string }[]
  readonly taken?: readonly { name: string; input: SelectorsInput }[]
}

const FOLDER = join(import.meta.dirname, '..', '..', '..', 'test', 'golden', 'selectors')

const run = (golden: Golden): void => {
  const { input, cases = [], refused = [], taken = [] } = golden
  assert.ok(cases.length + refused.length + taken.length > 0, 'a golden file without a case')
  if (input !== undefined) {
    const selects = compileSelectors(parseSelectors(input, 'aws'))
    for (const { name, category, event, selected } of cases) {
      assert.equal(selects(event, { category }), selected, name)
    }
  }
  for (const { name, input: given, message } of refused) {
    assert.throws(
      () => parseSelectors(given, 'aws'),
      (error) =>
        error instanceof SelectorError && (message === undefined || error.message === message),
      name,
    )
  }
  for (const { name, input: given } of taken) {
    assert.doesNotThrow(() => parseSelectors(given, 'aws'), name)
  }
}

for (const file of readdirSync(FOLDER).sort()) {
  const golden = JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as Golden
  test(`selectors: ${file}`, () => run(golden))
}
