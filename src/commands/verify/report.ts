/** Tells people, or programs, what a verification found. */

import { type Finding, isValid, type VerifySummary } from '../../integrity/verification.ts'
import { isoSeconds } from '../../platform/clock.ts'
import type { ChainPlace } from './chains.ts'

export interface Output {
  out(text: string): void
  err(text: string): void
}

export interface ReportOptions {
  readonly json: boolean
  readonly verbose: boolean
  /** The end of a downloaded chain may lack its signature. */
  readonly allowUnverified: boolean
  readonly start: number
  readonly end: number
}

const ratio = (name: string, { valid, invalid }: VerifySummary['digests']): string[] => {
  const total = valid + invalid
  if (total === 0) return []
  const bad = invalid === 0 ? '' : `, ${invalid}/${total} ${name} files INVALID`
  return [`${valid}/${total} ${name} files valid${bad}`]
}

/** The summary of `aws cloudtrail validate-logs` (reference/formats.md §4.8). */
const summaryLines = (
  summary: VerifySummary,
  { start, end, allowUnverified }: ReportOptions,
): string[] => {
  const lines = [`Results requested for ${isoSeconds(start)} to ${isoSeconds(end)}`]
  const { digests, backfillDigests, logs } = summary
  const found = digests.valid + digests.invalid + backfillDigests.valid + backfillDigests.invalid
  const problems =
    summary.chainProblems === 0 ? [] : [`${summary.chainProblems} problems of the digest chain`]
  const unverified =
    summary.unverified === 0
      ? []
      : [
          `${summary.unverified} digest files without a signature, with the log files they list, NOT VERIFIED`,
          allowUnverified
            ? '(allowed by --allow-unsigned-newest)'
            : '(put their metadata beside them, or pass --allow-unsigned-newest: docs/formats/digest.md, "Verification")',
        ]
  if (found + summary.unverified === 0) return [...lines, 'No digests found', ...problems, '']
  const range =
    summary.foundStart === undefined || summary.foundEnd === undefined
      ? 'No valid digests found in range'
      : `Results found for ${isoSeconds(summary.foundStart)} to ${isoSeconds(summary.foundEnd)}:`
  return [
    ...lines,
    range,
    '',
    ...ratio('digest', digests),
    ...ratio('backfill digest', backfillDigests),
    ...ratio('log', logs),
    ...unverified,
    ...problems,
    '',
  ]
}

const nameOf = (chain: ChainPlace): string =>
  `trail ${chain.trailName} (home ${chain.homeRegion}) of account ${chain.account} in ${chain.region}`

export interface ChainReport {
  readonly chain: ChainPlace
  readonly findings: readonly Finding[]
  readonly summary: VerifySummary
}

/** One chain as text; called when it is complete, so that chains do not mix. */
export const tellChain = (report: ChainReport, options: ReportOptions, output: Output): void => {
  const { chain, findings, summary } = report
  const { start, end, verbose } = options
  const range = `between ${isoSeconds(start)} and ${isoSeconds(end)}`
  output.out(`Validating log files for ${nameOf(chain)} ${range}\n\n`)
  for (const { verdict, text } of findings) {
    if (verdict !== 'valid') output.err(`${text}\n`)
    else if (verbose) output.out(`${text}\n`)
  }
  output.out(`${summaryLines(summary, options).join('\n')}\n`)
}

const wireFinding = ({ subject, backfill, verdict, bucket, key, text }: Finding): object => ({
  subject,
  backfill,
  verdict,
  bucket,
  key,
  message: text,
})

/** All chains as one JSON document. */
export const tellJson = (
  reports: readonly ChainReport[],
  options: ReportOptions,
  output: Output,
): void => {
  const chains = reports.map(({ chain, findings, summary }) => ({
    ...chain,
    valid: isValid(summary, options.allowUnverified),
    ...summary,
    ...(summary.foundStart === undefined ? {} : { foundStart: isoSeconds(summary.foundStart) }),
    ...(summary.foundEnd === undefined ? {} : { foundEnd: isoSeconds(summary.foundEnd) }),
    findings: findings
      .filter(({ verdict }) => options.verbose || verdict !== 'valid')
      .map(wireFinding),
  }))
  const document = {
    start: isoSeconds(options.start),
    end: isoSeconds(options.end),
    valid: reports.every(({ summary }) => isValid(summary, options.allowUnverified)),
    chains,
  }
  output.out(`${JSON.stringify(document, undefined, 2)}\n`)
}
