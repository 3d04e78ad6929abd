/**
 * `npm run soak`: kill and load. `npm run soak -- kill --rounds 200 --seed 7`,
 * `npm run soak -- load --minutes 60 --rate 200`, `npm run soak -- import --events 1000000`,
 * `npm run soak -- faults`. `--json FILE` keeps the
 * report. Exit code 1 when something is lost, doubled, damaged or grows.
 */
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { syntheticMissing } from '../../bench/support/data/synthetic-events.ts'
import { type ImportProof, proveImport } from './import-proof/import-proof.ts'
import { complaintsOf } from './judge.ts'
import { type KillReport, runKillRounds } from './kill-rounds.ts'
import { renderImport, renderKill, renderLoad } from './render.ts'
import { type LoadReport, runSteadyLoad } from './steady-load.ts'

const PARTS = ['kill', 'load', 'import', 'faults'] as const
type Part = (typeof PARTS)[number]

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '200' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e6)) },
    minutes: { type: 'string', default: '60' },
    rate: { type: 'string', default: '200' },
    events: { type: 'string', default: '1000000' },
    json: { type: 'string' },
  },
})
const isPart = (name: string): name is Part => PARTS.some((part) => part === name)
const number = (name: 'rounds' | 'seed' | 'minutes' | 'rate' | 'events'): number => {
  const value = Number(values[name])
  if (Number.isFinite(value) && value >= 0) return value
  process.stderr.write(`--${name} ${values[name]}: give a number.\n`)
  process.exit(2)
}
const wrong = positionals.find((name) => !isPart(name))
if (wrong !== undefined) {
  process.stderr.write(`There is no part ${wrong}: kill, load, import or faults.\n`)
  process.exit(2)
}
const parts: readonly Part[] =
  positionals.length === 0 ? ['kill', 'load'] : positionals.filter(isPart)

const note = (line: string): void => {
  process.stderr.write(`${line}\n`)
}
const report: {
  kill?: KillReport
  load?: LoadReport
  import?: ImportProof
  faults?: number | null
} = {}
const failures: string[] = []

if (parts.includes('faults')) {
  const test = join(import.meta.dirname, '..', 'faults', 'store-faults.test.ts')
  const flags = ['--no-maglev', '--disable-warning=ExperimentalWarning', '--test', test]
  const child = spawn(process.execPath, flags, {
    stdio: 'inherit',
    env: { ...process.env, CLEW_TEST_FAULTS: 'all' },
  })
  report.faults = await new Promise((resolve) => child.once('close', resolve))
  if (report.faults !== 0) failures.push('faults: see above')
}
if (parts.includes('kill')) {
  const [rounds, seed] = [number('rounds'), number('seed')]
  note(`kill: ${rounds} rounds, seed ${seed}`)
  report.kill = await runKillRounds({
    ...{ rounds, seed },
    told: (round, kind, acknowledged) =>
      note(`round ${round} of ${rounds}: ${kind}; ${acknowledged} acknowledged`),
  })
  process.stdout.write(renderKill(report.kill))
  const complaints = complaintsOf(report.kill)
  if (complaints !== '') failures.push(complaints)
}
if (parts.includes('load')) {
  const [minutes, callsPerSecond] = [number('minutes'), number('rate')]
  note(`load: ${minutes} minutes at ${callsPerSecond} calls/s`)
  report.load = await runSteadyLoad({ minutes, callsPerSecond, told: note })
  process.stdout.write(renderLoad(report.load))
  const complaints = complaintsOf(report.load)
  if (complaints !== '') failures.push(complaints)
  if (report.load.grew.length > 0) failures.push(`grew: ${report.load.grew.join(', ')}`)
}
if (parts.includes('import')) {
  const missing = syntheticMissing()
  if (missing !== undefined) {
    note(`import: SKIPPED, ${missing}`)
    failures.push(`import: ${missing}`)
  } else {
    const [events, seed] = [number('events'), number('seed')]
    note(`import: ${events} events, seed ${seed}`)
    report.import = await proveImport({ events, seed, told: note })
    process.stdout.write(renderImport(report.import))
    failures.push(...report.import.complaints)
  }
}
if (values.json !== undefined) {
  writeFileSync(values.json, `${JSON.stringify(report, undefined, 2)}\n`)
}
process.stdout.write(`${failures.length === 0 ? 'Clean.' : failures.join('\n')}\n`)
process.exit(failures.length === 0 ? 0 : 1)
