/** GetObject and HeadObject: the same headers, with and without the bytes. */
import type { Readable } from 'node:stream'
import type { ServiceAnswer } from '../../../identity/verified-call.ts'
import type {
  ByteRange,
  StoredObject,
  StoredPart,
} from '../../../outlets/file-system/stored-object.ts'
import { emptyAnswer, httpTime } from '../answer.ts'
import { requireAccess } from '../authorize.ts'
import { invalidArgument, S3Fault } from '../fault.ts'
import { type BucketHandler, type BucketRequest, integerOf, type S3Context } from '../request.ts'
import { mapStoreErrors } from '../store-errors.ts'
import { checksumHeaders } from './checksums.ts'
import { isNotModified } from './conditions.ts'
import { parseRange } from './range.ts'

interface Selection {
  readonly range: ByteRange | undefined
  /** Of a multipart object, when a part was asked for. */
  readonly partsCount?: number
}

const PART_NUMBER_MAX = 10_000

const selectPart = (
  request: BucketRequest,
  object: StoredObject,
  parts: readonly StoredPart[],
): Selection => {
  if (request.headers.range !== undefined) {
    throw new S3Fault(
      'InvalidRequest',
      'Cannot specify both Range header and partNumber query parameter',
    )
  }
  const number = integerOf(request, 'partNumber', 0, PART_NUMBER_MAX)
  const index = parts.findIndex((part) => part.number === number)
  const part = parts[index]
  if (part === undefined) {
    throw new S3Fault('InvalidPartNumber', undefined, {
      ActualPartCount: String(parts.length),
      PartNumberRequested: String(number),
    })
  }
  const first = parts.slice(0, index).reduce((sum, { size }) => sum + size, 0)
  return {
    range: part.size === 0 ? undefined : { first, last: first + part.size - 1 },
    ...(object.uploadId !== undefined && { partsCount: parts.length }),
  }
}

const select = (
  request: BucketRequest,
  object: StoredObject,
  parts: () => readonly StoredPart[],
): Selection | 'not-modified' => {
  if (isNotModified(request, object)) return 'not-modified'
  return request.query.has('partNumber')
    ? selectPart(request, object, parts())
    : { range: parseRange(request.headers.range, object.size) }
}

const OVERRIDES = [
  'content-type',
  'content-language',
  'expires',
  'cache-control',
  'content-disposition',
  'content-encoding',
] as const

const overridesOf = (request: BucketRequest): Record<string, string> => {
  const headers: Record<string, string> = {}
  for (const name of OVERRIDES) {
    const value = request.query.get(`response-${name}`)
    if (value === undefined) continue
    // A line feed here would let the URL's author write headers of the answer.
    if (/[^\t\x20-\x7e\x80-\xff]/.test(value)) {
      throw invalidArgument('The header value is not valid.', `response-${name}`, value)
    }
    headers[name] = value
  }
  return headers
}

const headersOf = (
  request: BucketRequest,
  object: StoredObject,
  { range, partsCount }: Selection,
): Record<string, string> => {
  const length = range === undefined ? object.size : range.last - range.first + 1
  const wantsChecksum = request.headers['x-amz-checksum-mode']?.toUpperCase() === 'ENABLED'
  return {
    ...object.headers,
    ...overridesOf(request),
    ...Object.fromEntries(
      Object.entries(object.metadata).map(([name, value]) => [`x-amz-meta-${name}`, value]),
    ),
    'accept-ranges': 'bytes',
    'content-length': String(length),
    etag: object.etag,
    'last-modified': httpTime(object.lastModified),
    'x-amz-server-side-encryption': 'AES256',
    ...(range !== undefined && {
      'content-range': `bytes ${range.first}-${range.last}/${object.size}`,
    }),
    ...(partsCount !== undefined && { 'x-amz-mp-parts-count': String(partsCount) }),
    ...(object.tags.length > 0 && { 'x-amz-tagging-count': String(object.tags.length) }),
    ...(object.storageClass !== 'STANDARD' && { 'x-amz-storage-class': object.storageClass }),
    // The stored checksum is the whole object's: clients would compare it with the range they got.
    ...(wantsChecksum && range === undefined && checksumHeaders(object.checksum)),
  }
}

const notModified = ({ etag, lastModified }: StoredObject): ServiceAnswer =>
  emptyAnswer(304, { etag, 'last-modified': httpTime(lastModified) })

/** Whoever may not list the bucket does not learn which keys are missing. */
const hideMissing = async (
  request: BucketRequest,
  context: S3Context,
  error: unknown,
): Promise<unknown> => {
  if (error instanceof S3Fault && error.code === 'NoSuchKey') {
    await requireAccess(context, request.call, 's3:ListBucket', request.owner, undefined)
  }
  return error
}

const answered = async (
  request: BucketRequest,
  context: S3Context,
  work: () => Promise<ServiceAnswer> | ServiceAnswer,
): Promise<ServiceAnswer> => {
  try {
    return await mapStoreErrors(request, work)
  } catch (error) {
    throw await hideMissing(request, context, error)
  }
}

const statusOf = ({ range }: Selection): number => (range === undefined ? 200 : 206)

const NOTHING: ByteRange = { first: 0, last: -1 }
const NO_BODY = Buffer.alloc(0)

export const getObject: BucketHandler = (request, context) =>
  answered(request, context, async () => {
    let selection: Selection | 'not-modified' = 'not-modified'
    const { object, body } = await context.store.objects.read(
      request.bucket,
      request.key,
      (found, parts) => {
        selection = select(request, found, parts)
        return selection === 'not-modified' ? NOTHING : selection.range
      },
    )
    return answerOf(request, object, selection, body)
  })

export const headObject: BucketHandler = (request, context) =>
  answered(request, context, () => {
    const { objects } = context.store
    const { bucket, key } = request
    const object = objects.require(bucket, key)
    const selection = select(request, object, () => objects.parts(bucket, key).parts)
    return answerOf(request, object, selection, NO_BODY)
  })

const answerOf = (
  request: BucketRequest,
  object: StoredObject,
  selection: Selection | 'not-modified',
  body: Buffer | Readable,
): ServiceAnswer => {
  const drop = (): void => {
    if (!Buffer.isBuffer(body)) body.destroy()
  }
  try {
    if (selection !== 'not-modified') {
      const headers = headersOf(request, object, selection)
      if (request.call.method === 'HEAD') return emptyAnswer(statusOf(selection), headers)
      return { status: statusOf(selection), headers, body }
    }
  } catch (error) {
    drop()
    throw error
  }
  drop()
  return notModified(object)
}
