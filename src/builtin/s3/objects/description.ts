/** What the headers of a write say about the new object, and what they ask that is not there. */
import type { ObjectDescription } from '../../../outlets/file-system/stored-object.ts'
import { invalidArgument, notImplemented, S3Fault } from '../fault.ts'
import type { S3Request } from '../request.ts'
import { parseTaggingHeader } from '../tags.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html */
const METADATA_BYTES_MAX = 2 * 1024
const METADATA_PREFIX = 'x-amz-meta-'
const DEFAULT_CONTENT_TYPE = 'binary/octet-stream'

/** Kept and returned as they were sent. */
export const STORED_HEADERS = [
  'content-type',
  'content-encoding',
  'content-language',
  'content-disposition',
  'cache-control',
  'expires',
] as const

const STORAGE_CLASSES = new Set([
  'STANDARD',
  'REDUCED_REDUNDANCY',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'GLACIER',
  'GLACIER_IR',
  'DEEP_ARCHIVE',
])

const UNSUPPORTED_HEADERS = [
  'x-amz-server-side-encryption-customer-algorithm',
  'x-amz-server-side-encryption-customer-key',
  'x-amz-copy-source-server-side-encryption-customer-algorithm',
  'x-amz-server-side-encryption-aws-kms-key-id',
  'x-amz-server-side-encryption-context',
  'x-amz-object-lock-mode',
  'x-amz-object-lock-retain-until-date',
  'x-amz-object-lock-legal-hold',
  'x-amz-website-redirect-location',
  'x-amz-write-offset-bytes',
] as const

/** Refuses, by name, what would otherwise be taken and have no effect. */
export const refuseUnsupported = (request: S3Request): void => {
  for (const name of UNSUPPORTED_HEADERS) {
    if (request.headers[name] !== undefined) throw notImplemented(`the header ${name}`)
  }
  const encryption = request.headers['x-amz-server-side-encryption']
  if (encryption !== undefined && encryption !== 'AES256') {
    if (!encryption.startsWith('aws:')) {
      throw invalidArgument(
        'The encryption method specified is not supported',
        'x-amz-server-side-encryption',
        encryption,
      )
    }
    throw notImplemented(`x-amz-server-side-encryption: ${encryption}`)
  }
}

export const storageClassOf = (request: S3Request): string => {
  const storageClass = request.headers['x-amz-storage-class'] ?? 'STANDARD'
  if (!STORAGE_CLASSES.has(storageClass)) {
    throw new S3Fault('InvalidStorageClass', undefined, { StorageClassRequested: storageClass })
  }
  return storageClass
}

/** `aws-chunked` describes the transfer, not the object. */
const contentEncodingOf = (value: string): string =>
  value
    .split(',')
    .filter((coding) => coding.trim().toLowerCase() !== 'aws-chunked')
    .join(',')
    .trim()

export const storedHeadersOf = (request: S3Request): Record<string, string> => {
  const headers: Record<string, string> = {}
  for (const name of STORED_HEADERS) {
    const sent = request.headers[name]
    const value = name === 'content-encoding' && sent !== undefined ? contentEncodingOf(sent) : sent
    if (value !== undefined && value !== '') headers[name] = value
  }
  headers['content-type'] ??= DEFAULT_CONTENT_TYPE
  return headers
}

export const metadataOf = (request: S3Request): Record<string, string> => {
  const metadata: [string, string][] = []
  let bytes = 0
  for (const [name, value] of Object.entries(request.headers)) {
    if (!name.startsWith(METADATA_PREFIX)) continue
    const short = name.slice(METADATA_PREFIX.length)
    // Header values are Latin-1 here: one character is one byte of what was sent.
    bytes += short.length + value.length
    metadata.push([short, value])
  }
  if (bytes > METADATA_BYTES_MAX) {
    throw new S3Fault('MetadataTooLarge', undefined, {
      Size: String(bytes),
      MaxSizeAllowed: String(METADATA_BYTES_MAX),
    })
  }
  // Not by assignment: `x-amz-meta-__proto__` would set a prototype and be lost.
  return Object.fromEntries(metadata)
}

export const descriptionOf = (request: S3Request): ObjectDescription => {
  refuseUnsupported(request)
  return {
    headers: storedHeadersOf(request),
    metadata: metadataOf(request),
    tags: parseTaggingHeader(request.headers['x-amz-tagging']),
    storageClass: storageClassOf(request),
  }
}
