/** additionalEventData, responseElements and resources of S3's records. */
import { partitionOf } from '../../../event/arn.ts'
import type { JsonObject } from '../../../event/plain-json.ts'
import type { RecordResource } from '../../../event/record.ts'
import type { CapturedAnswer, CapturedCall } from '../../call.ts'

const SSE = 'x-amz-server-side-encryption'
const SSE_C = 'x-amz-server-side-encryption-customer-algorithm'

/** How the object was encrypted, `Default_` where the bucket decided and not the caller. */
const encryptionOf = (call: CapturedCall, answer: CapturedAnswer): string | undefined => {
  if (call.identity.key === undefined) return undefined
  if (answer.headers[SSE_C] !== undefined) return 'SSE_C'
  const applied = answer.headers[SSE]
  if (applied === undefined) return undefined
  const name = applied.startsWith('aws:kms') ? 'SSE_KMS' : 'SSE_S3'
  return SSE in call.head.headers ? name : `Default_${name}`
}

/**
 * The order is that of real records. Data events also tell when the call began and ended (epoch
 * milliseconds) and its status (reference/formats.md §1.6).
 */
export const s3AdditionalData = (
  call: CapturedCall,
  answer: CapturedAnswer | undefined,
): JsonObject => {
  const { signature, tls } = call
  const applied = answer === undefined ? undefined : encryptionOf(call, answer)
  const id2 = answer?.headers['x-amz-id-2']
  const data = answer !== undefined && call.identity.category === 'Data'
  return {
    ...(signature === undefined ? {} : { SignatureVersion: signature.version }),
    ...(tls === undefined ? {} : { CipherSuite: tls.cipherSuite }),
    ...(answer === undefined ? {} : { bytesTransferredIn: answer.bytesIn }),
    ...(applied === undefined ? {} : { SSEApplied: applied }),
    ...(data ? { startTime: call.startedAt } : {}),
    ...(signature === undefined ? {} : { AuthenticationMethod: signature.method }),
    ...(data ? { endTime: answer.completedAt } : {}),
    ...(id2 === undefined ? {} : { 'x-amz-id-2': id2 }),
    ...(data && answer.status > 0 ? { httpStatusCode: answer.status } : {}),
    ...(answer === undefined ? {} : { bytesTransferredOut: answer.bytesOut }),
  }
}

/** Response headers that records of writes show. */
const SHOWN_HEADERS = [
  SSE,
  `${SSE}-aws-kms-key-id`,
  `${SSE}-bucket-key-enabled`,
  SSE_C,
  'x-amz-expiration',
  'x-amz-version-id',
  'x-amz-copy-source-version-id',
  'x-amz-delete-marker',
  'x-amz-storage-class',
  'x-amz-request-charged',
  'x-amz-abort-date',
  'x-amz-abort-rule-id',
  'x-amz-restore-output-path',
]

export const s3Elements = (call: CapturedCall, answer: CapturedAnswer): JsonObject | null => {
  if (call.identity.readOnly) return null
  const shown = SHOWN_HEADERS.flatMap((name) => {
    const text = answer.headers[name]
    return text === undefined ? [] : [[name, text] as const]
  })
  return shown.length === 0 ? null : Object.fromEntries(shown)
}

const LISTS = new Set(['ListObjects', 'ListObjectsV2', 'ListObjectVersions'])

/** `resources`: the bucket with its account, then the object without (reference/formats.md §1.5). */
export const s3Resources = (
  call: CapturedCall,
  key: string | undefined = call.identity.key,
): RecordResource[] | undefined => {
  const { bucket, operation, category } = call.identity
  // A bucket that is being made is no resource yet: none of the real records names it.
  if (bucket === undefined || operation === 'CreateBucket') return undefined
  const arn = bucket.startsWith('arn:') ? bucket : `arn:${partitionOf(call.region)}:s3:::${bucket}`
  const resources: RecordResource[] = [
    { accountId: call.account, type: 'AWS::S3::Bucket', ARN: arn },
  ]
  if (category !== 'Data') return resources
  if (key !== undefined) resources.push({ type: 'AWS::S3::Object', ARN: `${arn}/${key}` })
  else if (operation !== undefined && LISTS.has(operation)) {
    const prefix = /(?:^|&)prefix=([^&]*)/.exec(call.head.rawQuery)?.[1] ?? ''
    resources.push({ type: 'AWS::S3::Object', ARNPrefix: `${arn}/${decoded(prefix)}` })
  }
  return resources
}

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    // Not UTF-8: as it was sent.
    return text
  }
}
