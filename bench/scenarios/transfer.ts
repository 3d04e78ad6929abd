/** Large objects through Clew to an S3 that takes and gives as fast as it can. */
import { removeFolder } from '../../test/conformance/clew-server.ts'
import type { Context, Prepared, Sample, Scenario, Target } from '../scenario.ts'
import { makeUpload, PAYLOADS } from '../support/client/s3-upload.ts'
import { headBytes, type Signer, signedHeaders } from '../support/client/signed-request.ts'
import { timeDownload, timeUpload } from '../support/client/transfer.ts'
import { startPortProcess } from '../support/servers/child.ts'
import { startMeasured } from '../support/servers/clew.ts'
import { cpuMicrosOf } from '../support/servers/processes.ts'
import { figure, medianOf } from '../support/statistics.ts'

const MIB = 1024 * 1024
/** The table speaks of MB. */
const MB = 1e6
const PATH = '/bench/large'

const prepare = async ({ sizes }: Context): Promise<Prepared> => {
  const bytes = Math.ceil(sizes.transferBytes / MIB) * MIB
  const upstream = await startPortProcess('stub-s3.ts', String(bytes))
  const clew = await startMeasured({
    flags: ['--upstream', `s3=http://127.0.0.1:${upstream.port}`],
  })
  const transfers = async (port: number, signer: Signer): Promise<Sample> => {
    const sample: Record<string, number> = {}
    const timed = async (name: string, transfer: () => Promise<number>): Promise<void> => {
      const before = cpuMicrosOf(clew.processes.front)
      sample[name] = bytes / MB / (await transfer())
      sample[`${name}Cpu`] = (cpuMicrosOf(clew.processes.front) - before) / (bytes / MB)
    }
    for (const payload of PAYLOADS) {
      const upload = await makeUpload(signer, PATH, bytes, payload)
      await timed(payload, () => timeUpload(port, upload))
    }
    const headers = await signedHeaders(signer, {
      service: 's3',
      method: 'GET',
      path: PATH,
      headers: { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' },
    })
    await timed('download', () => timeDownload(port, headBytes('GET', PATH, headers)))
    return sample
  }
  return {
    measure: () => transfers(clew.port, clew),
    compare: () => transfers(upstream.port, clew),
    close: async () => {
      await clew.stop()
      await upstream.stop()
      removeFolder(clew.data)
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
    'One PutObject or GetObject at a time on a raw socket; the upstream swallows what is put and makes up what is asked for. A payload signed by its hash must be hashed before its last block is released, one signed in chunks must have every chunk checked.',
  rounds: ({ rounds }) => ({ counted: rounds, warmUp: true }),
  prepare,
  targets: ({ sizes }) => {
    const size = `${Math.ceil(sizes.transferBytes / MIB)} MiB`
    return [...PAYLOADS.map((payload) => uploadTarget(payload, size)), downloadTarget(size)]
  },
  table: (rounds) => ({
    columns: ['', 'through Clew MB/s', 'direct MB/s', 'CPU of the front, µs/MB'],
    rows: [...PAYLOADS, 'download' as const].map((kind) => [
      kind === 'download' ? 'download' : `upload, ${WORDS[kind]}`,
      medianOf(rounds, ({ measured }) => figure(measured, kind)).toFixed(0),
      medianOf(rounds, ({ compared }) => figure(compared, kind)).toFixed(0),
      medianOf(rounds, ({ measured }) => figure(measured, `${kind}Cpu`)).toFixed(0),
    ]),
  }),
}
