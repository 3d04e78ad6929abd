/** Reads a digest document as the AWS CLI does: what is missing makes it invalid, more is ignored. */

export interface ParsedLogFile {
  readonly bucket: string
  readonly key: string
  readonly hash: string
}

export interface ParsedDigest {
  /** Epoch milliseconds. */
  readonly start: number
  readonly end: number
  /** Verbatim: it is signed as it stands. */
  readonly endTime: string
  readonly bucket: string
  readonly key: string
  readonly fingerprint: string
  /** Verbatim; null in a starting digest. */
  readonly previousSignature: string | null
  /** Where the chain goes on; undefined in a starting digest. `hash` is absent in none of AWS's. */
  readonly previous:
    | { readonly bucket: string; readonly key: string; readonly hash: string | undefined }
    | undefined
  readonly logFiles: readonly ParsedLogFile[]
}

type Fields = Readonly<Record<string, unknown>>

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : undefined

const logFileOf = (value: unknown): ParsedLogFile | undefined => {
  if (!isFields(value)) return undefined
  const bucket = textOf(value.s3Bucket)
  const key = textOf(value.s3Object)
  const hash = textOf(value.hashValue)
  if (bucket === undefined || key === undefined || hash === undefined) return undefined
  return { bucket, key, hash }
}

const logFilesOf = (value: unknown): ParsedLogFile[] | undefined => {
  if (!Array.isArray(value)) return undefined
  const files = value.map(logFileOf)
  return files.every((file) => file !== undefined) ? files : undefined
}

const timeOf = (value: unknown): number | undefined => {
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN
  return Number.isNaN(ms) ? undefined : ms
}

const parseJson = (bytes: Uint8Array): unknown => {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    // No JSON is one of the findings that the caller reports.
    return undefined
  }
}

/** Undefined: invalid format. */
export const parseDigest = (bytes: Uint8Array): ParsedDigest | undefined => {
  const fields = parseJson(bytes)
  if (!isFields(fields)) return undefined
  const start = timeOf(fields.digestStartTime)
  const end = timeOf(fields.digestEndTime)
  const endTime = textOf(fields.digestEndTime)
  const bucket = textOf(fields.digestS3Bucket)
  const key = textOf(fields.digestS3Object)
  const fingerprint = textOf(fields.digestPublicKeyFingerprint)
  const logFiles = logFilesOf(fields.logFiles)
  const previousSignature = fields.previousDigestSignature
  if (start === undefined || end === undefined || endTime === undefined) return undefined
  if (bucket === undefined || key === undefined || fingerprint === undefined) return undefined
  if (logFiles === undefined) return undefined
  if (typeof previousSignature !== 'string' && previousSignature !== null) return undefined
  const previousBucket = textOf(fields.previousDigestS3Bucket)
  const previousKey = textOf(fields.previousDigestS3Object)
  const previous =
    previousBucket === undefined || previousKey === undefined
      ? undefined
      : {
          bucket: previousBucket,
          key: previousKey,
          hash: textOf(fields.previousDigestHashValue),
        }
  return {
    start,
    end,
    endTime,
    bucket,
    key,
    fingerprint,
    previousSignature,
    previous,
    logFiles,
  }
}
