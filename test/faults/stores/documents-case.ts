import assert from 'node:assert/strict'
import { join } from 'node:path'
import { DocumentsError } from '../../../src/documents/documents.ts'
import { fsckDocuments } from '../../../src/documents/fsck-documents.ts'
import { openSqliteDocuments } from '../../../src/documents/sqlite-documents.ts'
import { silentLogger } from '../../../src/platform/logger.ts'
import { changeKey, keyFactsOf, possibleValues } from './key-values.ts'
import { impatientClock, type StoreCase } from './store-case.ts'

const pathOf = (folder: string): string => join(folder, 'state', 'documents.sqlite')

const open = (folder: string) =>
  openSqliteDocuments(pathOf(folder), { clock: impatientClock, logger: silentLogger })

const KEYS = ['a', 'b', 'c']
const CHANGES = 14

const isConflict = (error: unknown): boolean =>
  error instanceof DocumentsError && error.code === 'conflict'

/** Changes three documents in turn, by compare-and-set and without, and removes one now and then. */
const work = async (folder: string, tell: (fact: string) => void): Promise<void> => {
  const documents = await open(folder)
  for (let turn = 0; turn < CHANGES; turn++) {
    const key = KEYS[turn % KEYS.length] ?? ''
    const value = turn % 7 === 5 ? null : turn
    const change = async (): Promise<unknown> => {
      if (value === null) return documents.remove(key, 'any')
      if (turn % 2 === 0) return documents.put(key, { value, pad: 'x'.repeat(900) }, 'any')
      const found = await documents.get(key)
      return documents.put(key, { value }, found?.revision ?? 'absent')
    }
    await changeKey(tell, { key, value }, change, isConflict)
  }
  await documents.close()
}

const check = async (folder: string, told: readonly string[]): Promise<void> => {
  const facts = keyFactsOf(told)
  const documents = await open(folder)
  for (const key of KEYS) {
    const found = await documents.get<{ value: number }>(key)
    const value = found?.value.value ?? null
    const allowed = possibleValues(facts, key)
    assert.ok(allowed.has(value), `${key} is ${value}, not one of ${[...allowed].join(', ')}`)
  }
  const revisions = (await documents.list('')).map(({ revision }) => revision)
  const next = await documents.put('after', 1, 'any')
  assert.ok(
    revisions.every((revision) => revision < next),
    'revisions only grow',
  )
  await documents.close()
  assert.deepEqual(fsckDocuments(pathOf(folder)).problems, [])
}

export const documentsCase: StoreCase = { name: 'documents', work, check }
