/** `npm run check`: types, format and lint, promise rules, architecture, generated files current. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

const checks: [name: string, command: string, ...args: string[]][] = [
  // npm forgets optional packages of other platforms that its registry could not serve.
  ['lock file', 'npm', 'ci', '--dry-run', '--no-audit', '--no-fund', '--loglevel', 'error'],
  ['types', 'tsc', '--noEmit', '-p', '.'],
  ['format and lint', 'biome', 'ci', '--colors=off', '--error-on-warnings', '.'],
  ['promise rules', 'oxlint', '--type-aware', '--deny-warnings', 'src', 'test', 'scripts', 'bench'],
  ['architecture', process.execPath, '--test', 'test/architecture.test.ts'],
  ['generated files', process.execPath, 'scripts/generate.ts', '--check'],
]

let failed = 0
for (const [name, command, ...args] of checks) {
  const started = performance.now()
  const result = spawnSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  const passed = result.status === 0 && existsSync('package.json')
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  console.log(`${passed ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`)
  if (!passed || name === 'generated files') {
    process.stdout.write(`${result.stdout ?? ''}${result.stderr ?? ''}${result.error ?? ''}`)
  }
  if (!passed) failed++
}
console.log(`${checks.length - failed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
