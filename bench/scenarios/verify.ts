/** `clew verify` beside `aws cloudtrail validate-logs` over the same month of digests. */
import { existsSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { DigestScope } from '../../src/integrity/digest.ts'
import { isoSeconds } from '../../src/platform/clock.ts'
import { removeFolder, startClew, VENV } from '../../test/conformance/clew-server.ts'
import { pythonMissing } from '../../test/conformance/run-command.ts'
import type { Context, Prepared, Sample, Scenario, Target } from '../scenario.ts'
import { type Month, makeSignedMonth } from '../support/data/signed-month.ts'
import { type MeasuredClew, makeTrail, startMeasured, TRAIL } from '../support/servers/clew.ts'
import { cpuMicrosOf, endedCpuMicros } from '../support/servers/processes.ts'
import { timeCommand } from '../support/servers/timed-command.ts'
import { figure, grouped, medianOf } from '../support/statistics.ts'

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'main.ts')
const ARN = `arn:aws:cloudtrail:us-east-1:123456789012:trail/${TRAIL}`
const scope: DigestScope = {
  account: '123456789012',
  region: 'us-east-1',
  trailName: TRAIL,
  homeRegion: 'us-east-1',
  bucket: 'audit',
}

/** A server whose bucket holds the month; its trail has never logged. */
const makeServer = async (
  { sizes }: Context,
  copy: string,
): Promise<{ clew: MeasuredClew; month: Month; keys: string }> => {
  const first = await startClew()
  await makeTrail(first, { logging: false })
  await first.stop()
  const { data } = first
  const counts = { files: sizes.verifyFiles, days: sizes.verifyDays }
  const month = await makeSignedMonth(data, copy, scope, counts)
  const exported = await timeCommand(
    process.execPath,
    [MAIN, 'keys', 'export-public', '--data', data],
    first.environment,
  )
  const keys = join(copy, '..', 'verify-keys.json')
  writeFileSync(keys, exported.stdout)
  return { clew: await startMeasured({ data }), month, keys }
}

const check = (output: string, { digests, files }: Month): void => {
  for (const line of [
    `${digests}/${digests} digest files valid`,
    `${files}/${files} log files valid`,
  ]) {
    if (!output.includes(line)) throw new Error(`not '${line}', but:\n${output}`)
  }
}

const prepare = async (context: Context): Promise<Prepared> => {
  const copy = join(context.cache, 'verify-copy')
  const { clew, month, keys } = await makeServer(context, copy)
  const time = ['--start-time', isoSeconds(month.start - 1000)]
  const clewVerify = async (...args: string[]): Promise<number> => {
    const command = ['--no-maglev', MAIN, 'verify', ...args]
    const { seconds, stdout } = await timeCommand(process.execPath, command, clew.environment)
    check(stdout, month)
    return seconds
  }
  return {
    measure: async (): Promise<Sample> => {
      const objects = month.files + month.digests
      const before = cpuMicrosOf(clew.processes.front)
      const own = endedCpuMicros()
      const endpoint = await clewVerify('--trail-arn', ARN, '--region', 'us-east-1', ...time)
      const front = cpuMicrosOf(clew.processes.front) - before
      const between = endedCpuMicros()
      const offline = await clewVerify(copy, '--public-keys', keys, ...time)
      return {
        endpointSeconds: endpoint,
        offlineSeconds: offline,
        endpointCpu: (between - own) / objects,
        endpointFront: front / objects,
        offlineCpu: (endedCpuMicros() - between) / objects,
      }
    },
    compare: async (): Promise<Sample> => {
      const args = ['cloudtrail', 'validate-logs', '--trail-arn', ARN, ...time]
      const objects = month.files + month.digests
      const front = cpuMicrosOf(clew.processes.front)
      const own = endedCpuMicros()
      const { seconds, stdout } = await timeCommand(join(VENV, 'aws'), args, clew.environment)
      check(stdout, month)
      return {
        seconds,
        cpu: (endedCpuMicros() - own) / objects,
        front: (cpuMicrosOf(clew.processes.front) - front) / objects,
      }
    },
    close: async () => {
      await clew.stop()
      removeFolder(clew.data)
      if (existsSync(copy)) await rm(copy, { recursive: true, force: true })
    },
  }
}

const target = (name: string, measure: string, sizes: Context['sizes']): Target => ({
  measure: `verify ${sizes.verifyDays} days of hourly digests and ${grouped(sizes.verifyFiles)} files, ${measure}`,
  reach: '≥ 10 ×',
  comparedWith: '`aws cloudtrail validate-logs`',
  judge: (rounds) => {
    const factor = medianOf(
      rounds,
      ({ measured, compared }) => figure(compared, 'seconds') / figure(measured, name),
    )
    const seconds = medianOf(rounds, ({ measured }) => figure(measured, name))
    return { result: `${factor.toFixed(1)} × (${seconds.toFixed(1)} s)`, met: factor >= 10 }
  },
})

export const verify: Scenario = {
  name: 'verify',
  title: 'Verification',
  method: () =>
    'Whole processes, start included. The bucket is the built-in S3 of a running server, so every object that is read is also a captured call; log files have 50 events each (about 60 kB). Without a network: the same objects as files, with the metadata of the digests beside them.',
  // The AWS CLI takes minutes for one round.
  rounds: () => ({ counted: 1, warmUp: false }),
  missing: () => (pythonMissing === false ? undefined : pythonMissing),
  prepare,
  targets: ({ sizes }) => [
    target('endpointSeconds', 'against the endpoint', sizes),
    target('offlineSeconds', 'a downloaded copy', sizes),
  ],
  table: (rounds) => ({
    columns: ['', 'seconds', 'CPU µs/object: command', 'server'],
    rows: [
      [
        '`clew verify`, endpoint',
        'measured',
        'endpointSeconds',
        'endpointCpu',
        'endpointFront',
      ] as const,
      ['`clew verify`, copy', 'measured', 'offlineSeconds', 'offlineCpu', undefined] as const,
      ['`aws cloudtrail validate-logs`', 'compared', 'seconds', 'cpu', 'front'] as const,
    ].map(([name, side, seconds, cpu, front]) => {
      const of = (kind: string) => medianOf(rounds, (round) => figure(round[side], kind))
      const server = front === undefined ? '' : of(front).toFixed(0)
      return [name, of(seconds).toFixed(1), of(cpu).toFixed(0), server]
    }),
  }),
}
