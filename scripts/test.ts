/**
 * `npm test`: every test of the tree, or those whose path contains one of the arguments.
 * Prints what was skipped and why, last, so that nobody has to look for it.
 */
import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { availableParallelism } from 'node:os'

const wanted = process.argv.slice(2)
const files = globSync(['src/**/*.test.ts', 'test/**/*.test.ts', 'scripts/**/*.test.ts'])
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .sort()
if (files.length === 0) {
  console.error(`No test file matches ${wanted.join(' ')}.`)
  process.exit(2)
}

const runner = spawn(
  process.execPath,
  [
    '--no-maglev',
    '--disable-warning=ExperimentalWarning',
    '--test',
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    `--test-concurrency=${availableParallelism()}`,
    ...files,
  ],
  { stdio: ['ignore', 'pipe', 'inherit'] },
)
const skipped: string[] = []
let rest = ''
runner.stdout.setEncoding('utf8').on('data', (chunk: string) => {
  process.stdout.write(chunk)
  const lines = (rest + chunk).split('\n')
  rest = lines.pop() ?? ''
  skipped.push(...lines.filter((line) => line.includes('# ') && line.includes('﹣')))
})
runner.on('close', (code, signal) => {
  if (skipped.length > 0) {
    console.log(
      `\nSkipped here, each with its reason:\n${skipped.map((line) => line.trim()).join('\n')}`,
    )
  }
  process.exit(signal === null ? (code ?? 1) : 1)
})
