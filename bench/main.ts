/**
 * `npm run bench -- [NAME…]`: the measures of docs/performance.md, each a file of bench/scenarios/.
 * With `--quick` everything runs with small sizes and nothing is written. Exits 1 when a benchmark
 * broke, never because one was slow; 2 for a wrong command line.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { messageOf } from '../src/platform/errors.ts'
import { describeMachine } from './report/machine.ts'
import { render } from './report/render.ts'
import { readResults, type Section, writeResults } from './report/results.ts'
import { runScenario } from './run-scenario.ts'
import type { Context, Scenario } from './scenario.ts'
import { SCENARIOS } from './scenarios.ts'
import { sizesOf } from './sizes.ts'
import { childrenOf } from './support/servers/processes.ts'

const INTERRUPTED = 130
const REPORT = join(import.meta.dirname, '..', 'docs', 'performance.md')

const USAGE = `npm run bench -- [NAME…] [options]

  --list              the benchmarks
  --quick             small sizes, two minutes, nothing is written (npm run bench:quick)
  --dry-run           measure, print, but do not write docs/performance.md
  --size NAME=COUNT   another size (repeatable); bench/sizes.ts names them
  --cache DIR         keep and reuse there what is costly to make (10 million events)
  --render            write docs/performance.md anew from what was measured, measure nothing
`

const readArguments = () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      list: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      'dry-run': { type: 'boolean', default: false },
      render: { type: 'boolean', default: false },
      size: { type: 'string', multiple: true, default: [] },
      cache: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  const unknown = positionals.filter((name) => SCENARIOS.every((each) => each.name !== name))
  if (unknown.length > 0) {
    const names = SCENARIOS.map(({ name }) => name).join(', ')
    throw new Error(`there is no benchmark ${unknown.join(', ')}; there are ${names}`)
  }
  const chosen = SCENARIOS.filter(
    ({ name }) => positionals.length === 0 || positionals.includes(name),
  )
  return { ...values, chosen, sizes: sizesOf(values.quick, values.size) }
}

type Arguments = ReturnType<typeof readArguments>

const writeReport = (): void => {
  const text = render(
    readResults(),
    SCENARIOS.map(({ name }) => name),
  )
  writeFileSync(REPORT, text)
}

/** Small sizes say nothing about targets. */
const tell = ({ title, rows }: Section, quick: boolean): void => {
  console.log(`\n${title}`)
  for (const { measure, reach, result, met } of rows) {
    const verdict = met ? 'met   ' : 'missed'
    console.log(
      quick ? `  ${measure}: ${result}` : `  ${verdict}  ${measure}: ${result} (${reach})`,
    )
  }
}

/** True when the benchmark ran; a missing precondition is told loudly and is no failure. */
const runOne = async (scenario: Scenario, context: Context, args: Arguments): Promise<boolean> => {
  const { name } = scenario
  const missing = scenario.missing?.(context)
  if (missing !== undefined) {
    console.error(`\n*** SKIPPED ${name}: ${missing} ***\n`)
    return true
  }
  const sizes = args.size.map((text) => ` --size ${text}`).join('')
  const command = `npm run bench -- ${name}${sizes}`
  try {
    const section = await runScenario(scenario, context, describeMachine(), command)
    tell(section, args.quick)
    if (!args.quick && !args['dry-run']) {
      writeResults({ ...readResults(), [name]: section })
      writeReport()
    }
    return true
  } catch (error) {
    console.error(`\n*** BROKEN ${name}: ${messageOf(error)} ***`)
    if (error instanceof Error) console.error(error.stack)
    return false
  }
}

const runAll = async (args: Arguments): Promise<boolean> => {
  const own = args.cache === undefined
  const cache = args.cache ?? mkdtempSync(join(tmpdir(), 'clew-bench-'))
  mkdirSync(cache, { recursive: true })
  const started = performance.now()
  let sound = true
  try {
    for (const scenario of args.chosen) {
      const log = (text: string): void => {
        const seconds = ((performance.now() - started) / 1000).toFixed(0)
        console.error(`[${seconds} s] ${scenario.name}: ${text}`)
      }
      const context = { sizes: args.sizes, quick: args.quick, cache, log }
      sound = (await runOne(scenario, context, args)) && sound
    }
  } finally {
    if (own) rmSync(cache, { recursive: true, force: true })
  }
  return sound
}

/** Servers lead process groups of their own: Ctrl-C does not reach them. */
const interrupted = (): void => {
  for (const pid of childrenOf(process.pid)) process.kill(pid, 'SIGTERM')
  process.exit(INTERRUPTED)
}

const main = async (): Promise<number> => {
  let args: Arguments
  try {
    args = readArguments()
  } catch (error) {
    console.error(`${messageOf(error)}\n\n${USAGE}`)
    return 2
  }
  if (args.help) console.log(USAGE)
  else if (args.list)
    for (const { name, title } of SCENARIOS) console.log(`${name.padEnd(12)} ${title}`)
  else if (args.render) writeReport()
  else return (await runAll(args)) ? 0 : 1
  return 0
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, interrupted)
process.exitCode = await main()
