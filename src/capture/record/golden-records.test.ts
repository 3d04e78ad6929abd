/** Every case of test/golden/records: a request and its answer, and the records they must give. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, it } from 'node:test'
import { type GoldenRecord, recordsOf } from '../../../test/capture/golden-record.ts'
import { loadCatalogue } from '../catalogue/catalogue.ts'

const folder = join(import.meta.dirname, '../../../test/golden/records')
const catalogue = loadCatalogue()

describe('records', () => {
  for (const file of globSync('*.json', { cwd: folder }).sort()) {
    const golden = JSON.parse(readFileSync(join(folder, file), 'utf8')) as GoldenRecord
    it(basename(file, '.json'), () => {
      const records = recordsOf(catalogue, golden)
      assert.deepEqual(records, golden.expected)
      // Composed cases mark every secret so.
      assert.ok(!JSON.stringify(records).includes('topsecret'))
    })
  }
})
