/**
 * `clew verify`: are the log files in a bucket what the trail delivered? Checks what `aws cloudtrail
 * validate-logs` checks, and that nothing was removed at the newest end. A digest whose signature a
 * downloaded folder lacks is not valid (docs/decisions/0040-unsigned-newest-digest.md). Exit codes: 0 valid,
 * 1 something is not, 2 it could not be checked.
 */
import { Command, InvalidArgumentError } from 'commander'
import { createLimiter } from '../integrity/limiter.ts'
import { type Finding, isValid, type VerifyTarget } from '../integrity/verification.ts'
import { verifyChain } from '../integrity/verify-chain.ts'
import { systemClock } from '../platform/clock.ts'
import { messageOf } from '../platform/errors.ts'
import { processEnvironment } from './settings-options.ts'
import { type ChainHead, readChainHeads } from './verify/chain-heads.ts'
import type { ChainFilter } from './verify/chains.ts'
import { openOffline, type VerifySource } from './verify/offline.ts'
import { type ChainProgress, startProgress } from './verify/progress.ts'
import { type ChainReport, type Output, tellChain, tellJson } from './verify/report.ts'
import { findServer } from './verify/server-place.ts'
import { VerifyError } from './verify/verify-error.ts'

const CHAINS_AT_ONCE = 4
const OBJECTS_AT_ONCE = 16

export interface VerifyDependencies {
  readonly output: Output
  /** Epoch milliseconds. */
  readonly now: () => number
  /** The newest digests that were delivered, from the data folder of `--data`. */
  readonly chainHeads: (data: string) => Promise<readonly ChainHead[]>
  /** Where AWS clients look for an endpoint, keys and a region. */
  readonly environment: NodeJS.ProcessEnv
  readonly exit: (code: number) => void
  /** How far it is goes to stderr: a line that is drawn over, or one every few seconds. */
  readonly isTerminal: boolean
}

const processDependencies: VerifyDependencies = {
  output: {
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
  },
  now: () => systemClock.now(),
  chainHeads: readChainHeads,
  environment: processEnvironment(),
  exit: (code) => {
    process.exitCode = code
  },
  isTerminal: process.stderr.isTTY === true,
}

interface Options {
  readonly publicKeys?: string
  readonly endpointUrl?: string
  readonly data?: string
  readonly trailArn?: string
  readonly region?: string
  readonly accountId?: string
  readonly bucket?: string
  readonly prefix?: string
  readonly startTime?: number
  readonly endTime?: number
  readonly expectUntil?: number
  readonly concurrency: number
  readonly allowUnsignedNewest: boolean
  readonly json: boolean
  readonly verbose: boolean
}

const time = (text: string): number => {
  const ms = Date.parse(text)
  if (Number.isNaN(ms)) throw new InvalidArgumentError('It looks like 2026-03-02T08:15:00Z.')
  return ms
}

const positive = (text: string): number => {
  const count = Number(text)
  if (Number.isInteger(count) && count >= 1 && count <= 256) return count
  throw new InvalidArgumentError('It is a number from 1 to 256.')
}

const accountId = (text: string): string => {
  if (/^\d{12}$/.test(text)) return text
  throw new InvalidArgumentError('An account id has 12 digits.')
}

const filterOf = (options: Options): ChainFilter & { bucket?: string } => ({
  ...(options.trailArn === undefined ? {} : { trailArn: options.trailArn }),
  ...(options.region === undefined ? {} : { region: options.region }),
  ...(options.accountId === undefined ? {} : { account: options.accountId }),
  ...(options.prefix === undefined ? {} : { prefix: options.prefix.replace(/\/$/, '') }),
  ...(options.bucket === undefined ? {} : { bucket: options.bucket }),
})

const openSource = async (
  folder: string | undefined,
  options: Options,
  range: { readonly start: number; readonly end: number },
  { chainHeads, environment, output }: VerifyDependencies,
): Promise<VerifySource> => {
  if (folder !== undefined) {
    if (options.publicKeys === undefined) {
      throw new VerifyError('bad-option', 'A folder is verified with --public-keys FILE.', {
        hint: 'Write the file with `clew keys export-public`.',
      })
    }
    const heads = options.data === undefined ? [] : await chainHeads(options.data)
    return await openOffline(folder, options.publicKeys, filterOf(options), heads)
  }
  // The AWS clients are only loaded where they are used.
  const { openEndpoint } = await import('./verify/endpoint/endpoint.ts')
  const { data, endpointUrl } = options
  const server = endpointUrl === undefined ? findServer(data, environment) : undefined
  if (server !== undefined) {
    output.err(`verify: asking the server of ${server.data} at ${server.endpointUrl}\n`)
  }
  return await openEndpoint({
    ...filterOf(options),
    ...range,
    ...(server ?? (endpointUrl === undefined ? {} : { endpointUrl })),
    heads: data === undefined ? [] : await chainHeads(data),
    askStatus: options.endTime === undefined,
    connections: options.concurrency,
  })
}

const targetOf = (
  { delivered, ...place }: VerifySource['chains'][number],
  options: Options,
  range: { readonly start: number; readonly end: number },
): VerifyTarget => ({
  ...place,
  ...range,
  ...(delivered === undefined ? {} : { expectDelivered: delivered }),
  ...(options.expectUntil === undefined ? {} : { expectUntil: options.expectUntil }),
})

const verifyOne = async (
  source: VerifySource,
  chain: VerifySource['chains'][number],
  options: Options,
  range: { readonly start: number; readonly end: number },
  progress: ChainProgress,
): Promise<ChainReport> => {
  const findings: Finding[] = []
  const target = targetOf(chain, options, range)
  try {
    const summary = await verifyChain(target, source.accessOf(chain), {
      concurrency: options.concurrency,
      listed: (digests) => progress.listed(digests),
      report: (finding) => {
        progress.found(finding)
        if (options.verbose || finding.verdict !== 'valid') findings.push(finding)
      },
    })
    progress.done()
    return { chain, findings, summary }
  } catch (cause) {
    throw new VerifyError('endpoint', `${chain.bucket} cannot be listed: ${messageOf(cause)}`, {
      cause,
      hint: 'Is it the right bucket, and may these credentials list and read it?',
    })
  }
}

const run = async (
  folder: string | undefined,
  options: Options,
  dependencies: VerifyDependencies,
): Promise<void> => {
  const { now, exit } = dependencies
  const range = { start: options.startTime ?? 0, end: options.endTime ?? now() }
  if (range.start > range.end) {
    throw new VerifyError('bad-option', 'The start time must be before the end time.')
  }
  const { json, verbose, allowUnsignedNewest: allowUnverified } = options
  const report = { json, verbose, allowUnverified, ...range }
  const source = await openSource(folder, options, range, dependencies)
  const limit = createLimiter(CHAINS_AT_ONCE)
  const progress = startProgress(source.chains.length, dependencies)
  const output = progress.over(dependencies.output)
  try {
    const running = source.chains.map((chain) =>
      limit(() => verifyOne(source, chain, options, range, progress.chain())),
    )
    // Whoever is awaited later must not count as unhandled when it fails earlier.
    for (const each of running) each.catch(() => {})
    const reports: ChainReport[] = []
    for (const each of running) {
      const done = await each
      reports.push(done)
      if (!json) tellChain(done, report, output)
    }
    if (json) tellJson(reports, report, output)
    if (!reports.every(({ summary }) => isValid(summary, allowUnverified))) exit(1)
  } finally {
    progress.stop()
    source.close()
  }
}

export const verifyCommand = (dependencies: VerifyDependencies = processDependencies): Command =>
  new Command('verify')
    .description('are the log files what the trails delivered? (validate-logs, and more)')
    .argument('[folder]', 'a downloaded bucket; without it an endpoint is asked')
    .option('--public-keys <file>', 'public keys for a folder: `clew keys export-public`')
    .option('--endpoint-url <url>', 'endpoint of CloudTrail and S3 (AWS, or AWS_ENDPOINT_URL)')
    .option(
      '--data <folder>',
      "Clew's data folder: its server is asked, its chain heads must be in the bucket",
    )
    .option('--trail-arn <arn>', 'this trail only')
    .option('--region <name>', 'log files of this region only')
    .option('--account-id <id>', 'log files of this account only', accountId)
    .option('--bucket <name>', 'bucket, where it is not the one that the trail has now')
    .option('--prefix <prefix>', 'key prefix, where it is not the one that the trail has now')
    .option('--start-time <time>', 'delivered from then on', time)
    .option('--end-time <time>', 'delivered until then (now)', time)
    .option('--expect-until <time>', 'digests must reach this time', time)
    .option('--concurrency <count>', 'objects read at the same time', positive, OBJECTS_AT_ONCE)
    .option(
      '--allow-unsigned-newest',
      'a folder without metadata is valid though the newest digest cannot be checked',
      false,
    )
    .option('--json', 'one JSON document on stdout', false)
    .option('--verbose', 'valid files too', false)
    .action((folder: string | undefined, options: Options) => run(folder, options, dependencies))
