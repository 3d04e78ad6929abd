/** `clew import` of log files into journal, event history and one trail with validation. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { trailBucketPolicy } from '../../src/trails/testing/bucket-policy.ts'
import { removeFolder } from '../../test/conformance/clew-server.ts'
import { run } from '../../test/conformance/run-command.ts'
import type { Context, Prepared, Sample, Scenario } from '../scenario.ts'
import { HISTORY_MS, makeEvents, syntheticMissing } from '../support/data/synthetic-events.ts'
import { makeTrail, startMeasured, TRAIL } from '../support/servers/clew.ts'
import { importEvents, importMissing } from '../support/servers/clew-command.ts'
import { cpuMicrosOf, endedCpuMicros } from '../support/servers/processes.ts'
import { figure, grouped, medianOf } from '../support/statistics.ts'

/** With few events the many small log files of many accounts would be all that is measured. */
const accountsOf = ({ quick }: Context): number => (quick ? 2 : 20)
const FILES = 20
const SEED = 4
const PER_SECOND_MIN = 30_000
const BASELINE = join(import.meta.dirname, '..', 'support', 'data', 'import-baseline.ts')

/** Log files of every account may come: the accounts of an import are not known before. */
const POLICY = trailBucketPolicy('audit', '*')

/** A fresh server each time: an event is imported once. */
const measureImport = async (events: string): Promise<Sample> => {
  const clew = await startMeasured()
  try {
    await makeTrail(clew, { logging: true, policy: POLICY })
    const { front, writer } = clew.processes
    const before = { front: cpuMicrosOf(front), writer: cpuMicrosOf(writer) }
    const ended = endedCpuMicros()
    const at = performance.now()
    const { imported } = await importEvents(events, clew.data, ['--deliver', TRAIL])
    const seconds = (performance.now() - at) / 1000
    if (imported === 0) throw new Error('nothing was imported')
    return {
      seconds,
      imported,
      commandMicros: (endedCpuMicros() - ended) / imported,
      frontMicros: (cpuMicrosOf(front) - before.front) / imported,
      writerMicros: (cpuMicrosOf(writer) - before.writer) / imported,
    }
  } finally {
    await clew.stop()
    removeFolder(clew.data)
  }
}

const prepare = async (context: Context): Promise<Prepared> => {
  const { sizes, cache } = context
  const folder = join(cache, 'import-events')
  await rm(folder, { recursive: true, force: true })
  const end = Date.now()
  await makeEvents(folder, {
    ...{ events: sizes.importEvents, seed: SEED, accounts: accountsOf(context), gzipFiles: FILES },
    ...{ start: end - HISTORY_MS, end },
  })
  return {
    measure: () => measureImport(folder),
    compare: async () => {
      const { code, stdout, stderr } = await run(process.execPath, [BASELINE, folder])
      if (code !== 0) throw new Error(`the baseline failed: ${stderr}`)
      return JSON.parse(stdout) as Sample
    },
    close: () => rm(folder, { recursive: true, force: true }),
  }
}

export const importing: Scenario = {
  name: 'import',
  title: 'Import',
  method: (context) =>
    `\`clew import DIR --deliver ${TRAIL}\` with a running server and an empty history, from starting the process until everything is in the event history and delivered, digests included. ${grouped(context.sizes.importEvents)} synthetic events of the last 90 days, ${accountsOf(context)} accounts, ${FILES} gzip files of NDJSON.`,
  rounds: () => ({ counted: 1, warmUp: false }),
  missing: () => importMissing() ?? syntheticMissing(),
  prepare,
  targets: ({ sizes }) => [
    {
      measure: `import of ${grouped(sizes.importEvents)} events → journal + history + one trail with validation`,
      reach: `≥ ${grouped(PER_SECOND_MIN)} events/s`,
      comparedWith: 'gunzip + JSON.parse + gzip of the same files in one thread',
      judge: (rounds) => {
        const rate = medianOf(
          rounds,
          ({ measured }) => figure(measured, 'imported') / figure(measured, 'seconds'),
        )
        const share = medianOf(
          rounds,
          ({ measured, compared }) =>
            figure(measured, 'imported') /
            figure(measured, 'seconds') /
            (figure(compared, 'events') / figure(compared, 'seconds')),
        )
        return {
          result: `${grouped(rate)} events/s (${share.toFixed(2)} × the comparison)`,
          met: rate >= PER_SECOND_MIN,
        }
      },
    },
  ],
  table: (rounds) => {
    const of = (name: string) => medianOf(rounds, ({ measured }) => figure(measured, name))
    return {
      columns: [
        'events',
        'seconds',
        'CPU µs/event: command',
        'front',
        'writer',
        'comparison, µs/event',
      ],
      rows: [
        [
          grouped(of('imported')),
          of('seconds').toFixed(1),
          of('commandMicros').toFixed(1),
          of('frontMicros').toFixed(1),
          of('writerMicros').toFixed(1),
          medianOf(
            rounds,
            ({ compared }) => (figure(compared, 'seconds') / figure(compared, 'events')) * 1e6,
          ).toFixed(1),
        ],
      ],
    }
  },
}
