/**
 * `npm run generate [-- --check]`: everything that is generated and committed. The AWS service
 * models are read from the folder in CLEW_MODELS, or ../shared/models beside the checkout; any
 * botocore `data/` folder will do too.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

const models = process.env.CLEW_MODELS ?? join(import.meta.dirname, '..', '..', 'shared', 'models')
const check = process.argv.includes('--check') ? ['--check'] : []
const fromModels = ['generate-contract.ts', 'generate-catalogue.ts']
const fromCode = ['generate-coverage.ts']

const run = (script: string, args: string[]): boolean => {
  const path = join(import.meta.dirname, script)
  return spawnSync(process.execPath, [path, ...args], { stdio: 'inherit' }).status === 0
}

let passed = true
if (existsSync(models)) {
  for (const script of fromModels) passed = run(script, [models, ...check]) && passed
} else {
  console.log(`SKIPPED: ${fromModels.join(', ')}: no AWS models found (set CLEW_MODELS).`)
}
for (const script of fromCode) passed = run(script, check) && passed
process.exit(passed ? 0 : 1)
