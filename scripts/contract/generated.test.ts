import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { generateContract } from '../generate-contract.ts'
import { printCoverage } from '../generate-coverage.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const MODELS = join(ROOT, '..', 'shared', 'models')

test('the contract is what the models say', (t) => {
  if (!existsSync(MODELS)) {
    t.skip('SKIPPED: the AWS service models are not beside the checkout')
    return
  }
  const files = generateContract(MODELS)
  assert.ok(files !== undefined && files.size === 4)
  assert.deepEqual(generateContract(MODELS), files)
  for (const [name, text] of files) {
    assert.equal(readFileSync(join(ROOT, 'src', 'contract', name), 'utf8'), text, name)
  }
})

test('without models nothing is generated', () => {
  assert.equal(generateContract(join(ROOT, 'no-such-folder')), undefined)
})

test('docs/coverage.md is what the table says', () => {
  assert.equal(readFileSync(join(ROOT, 'docs', 'coverage.md'), 'utf8'), printCoverage())
})
