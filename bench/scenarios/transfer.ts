/** Large objects through Clew to an S3 that takes and gives as fast as it can. */
import { removeFolder } from '../../test/conformance/clew-server.ts'
import type { Context, Prepared, Sample, Scenario, Target } from '../scenario.ts'
import { makeUpload, PAYLOADS } from '../support/client/s3-upload.ts'
import { headBytes, type Signer, signedHeaders } from '../support/client/signed-request.ts'
import { timeDownload, timeUpload } from '../support/client/transfer.ts'
import { type PortProcess, startPortProcess } from '../support/servers/child.ts'
import { type MeasuredClew, startMeasured } from '../support/servers/clew.ts'
import { cpuMicrosOf } from '../support/servers/processes.ts'
import { figure, medianOf } from '../support/statistics.ts'

const MIB = 1024 * 1024
/** The table speaks of MB. */
const MB = 1e6
const PATH = '/bench/large'

/** What is put there is digested, or thrown away unseen (stub-s3.ts). */
const UPSTREAMS = ['true', 'swallow'] as const
type Kind = (typeof UPSTREAMS)[number]

/** The figures of the upstream that swallows carry its name. */
const nameOf = (figureName: string, kind: Kind): string =>
  kind === 'swallow' ? `${figureName}Swallowed` : figureName

interface Pair {
  readonly kind: Kind
  readonly clew: MeasuredClew
  readonly upstream: PortProcess
}

const startPair = async (kind: Kind, bytes: number): Promise<Pair> => {
  const upstream = await startPortProcess('stub-s3.ts', String(bytes), kind)
  const flags = ['--upstream', `s3=http://127.0.0.1:${upstream.port}`]
  return { kind, clew: await startMeasured({ flags }), upstream }
}

const timeDown = async (port: number, signer: Signer): Promise<number> => {
  const headers = await signedHeaders(signer, {
    service: 's3',
    method: 'GET',
    path: PATH,
    headers: { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' },
  })
  return timeDownload(port, headBytes('GET', PATH, headers))
}

/** `port`: of Clew, or of the upstream itself. */
const transfers = async ({ kind, clew }: Pair, port: number, bytes: number): Promise<Sample> => {
  const sample: Record<string, number> = {}
  const timed = async (name: string, transfer: () => Promise<number>): Promise<void> => {
    const before = cpuMicrosOf(clew.processes.front)
    sample[nameOf(name, kind)] = bytes / MB / (await transfer())
    const spent = cpuMicrosOf(clew.processes.front) - before
    sample[nameOf(`${name}Cpu`, kind)] = spent / (bytes / MB)
  }
  for (const payload of PAYLOADS) {
    const upload = await makeUpload(clew, PATH, bytes, payload)
    await timed(payload, () => timeUpload(port, upload))
  }
  if (kind === 'true') await timed('download', () => timeDown(port, clew))
  return sample
}

const prepare = async ({ sizes }: Context): Promise<Prepared> => {
  const bytes = Math.ceil(sizes.transferBytes / MIB) * MIB
  const pairs: Pair[] = []
  for (const kind of UPSTREAMS) pairs.push(await startPair(kind, bytes))
  const all = async (portOf: (pair: Pair) => number): Promise<Sample> => {
    const sample: Record<string, number> = {}
    for (const pair of pairs) Object.assign(sample, await transfers(pair, portOf(pair), bytes))
    return sample
  }
  return {
    measure: () => all(({ clew }) => clew.port),
    compare: () => all(({ upstream }) => upstream.port),
    close: async () => {
      for (const { clew, upstream } of pairs) {
        await clew.stop()
        await upstream.stop()
        removeFolder(clew.data)
      }
    },
  }
}

const WORDS = {
  unsigned: 'payload not signed',
  hashed: 'payload signed by its hash',
  chunked: 'payload signed in chunks of 64 KiB',
} as const

const uploadTarget = (payload: keyof typeof WORDS, size: string): Target => ({
  measure: `S3 upload of ${size} through pass-through, ${WORDS[payload]}`,
  reach: '≥ 0.7 × direct',
  comparedWith: 'the same bytes to the upstream directly',
  judge: (rounds) => {
    const share = medianOf(
      rounds,
      ({ measured, compared }) => figure(measured, payload) / figure(compared, payload),
    )
    const speed = medianOf(rounds, ({ measured }) => figure(measured, payload))
    return { result: `${share.toFixed(2)} × (${speed.toFixed(0)} MB/s)`, met: share >= 0.7 }
  },
})

const downloadTarget = (size: string): Target => ({
  measure: `S3 download of ${size} through pass-through`,
  reach: '≥ 300 MB/s',
  comparedWith: 'from the upstream directly',
  judge: (rounds) => {
    const speed = medianOf(rounds, ({ measured }) => figure(measured, 'download'))
    const direct = medianOf(rounds, ({ compared }) => figure(compared, 'download'))
    return {
      result: `${speed.toFixed(0)} MB/s (${(speed / direct).toFixed(2)} × direct)`,
      met: speed >= 300,
    }
  },
})

export const transfer: Scenario = {
  name: 'transfer',
  title: 'Large objects',
  method: () =>
    'One PutObject or GetObject at a time on a raw socket. The upstream digests what is put and answers its MD5 as the ETag, as every S3 does: uploads are judged beside the same bytes sent to it directly. Beside an upstream that throws away what is put without looking at it, which no S3 can, stand the rows “swallowed”: they show what Clew costs against the fastest receiver that there can be. A payload signed by its hash must be hashed before its last block is released, one signed in chunks must have every chunk checked.',
  rounds: ({ rounds }) => ({ counted: rounds, warmUp: true }),
  prepare,
  targets: ({ sizes }) => {
    const size = `${Math.ceil(sizes.transferBytes / MIB)} MiB`
    return [...PAYLOADS.map((payload) => uploadTarget(payload, size)), downloadTarget(size)]
  },
  table: (rounds) => ({
    columns: ['', 'through Clew MB/s', 'direct MB/s', '×', 'CPU of the front, µs/MB'],
    rows: UPSTREAMS.flatMap((kind) =>
      [...PAYLOADS, ...(kind === 'true' ? (['download'] as const) : [])].map((transfered) => {
        const of = (name: string) => nameOf(name, kind)
        const through = medianOf(rounds, ({ measured }) => figure(measured, of(transfered)))
        const direct = medianOf(rounds, ({ compared }) => figure(compared, of(transfered)))
        const share = medianOf(
          rounds,
          ({ measured, compared }) =>
            figure(measured, of(transfered)) / figure(compared, of(transfered)),
        )
        const cpu = medianOf(rounds, ({ measured }) => figure(measured, of(`${transfered}Cpu`)))
        const name =
          transfered === 'download'
            ? 'download'
            : `upload, ${WORDS[transfered]}${kind === 'swallow' ? ', swallowed' : ''}`
        return [name, through.toFixed(0), direct.toFixed(0), share.toFixed(2), cpu.toFixed(0)]
      }),
    ),
  }),
}
