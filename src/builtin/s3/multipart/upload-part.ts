/** UploadPart and UploadPartCopy. */
import type { ChecksumAlgorithm } from '../../../outlets/file-system/content/digests.ts'
import { streamOf } from '../../../outlets/file-system/objects.ts'
import type { ByteRange, StoredPart } from '../../../outlets/file-system/stored-object.ts'
import type { Upload } from '../../../outlets/file-system/uploads.ts'
import { emptyAnswer, isoTime, leaf, leaves, xmlAnswer } from '../answer.ts'
import { invalidArgument, S3Fault } from '../fault.ts'
import { checksumHeader, uploadCheck } from '../objects/checksums.ts'
import { checkCopyConditions } from '../objects/conditions.ts'
import { findCopySource } from '../objects/copy-source.ts'
import { refuseUnsupported } from '../objects/description.ts'
import { bodyOf, declaredSize, SINGLE_PUT_BYTES_MAX } from '../objects/put-object.ts'
import type { BucketHandler, BucketRequest, S3Context } from '../request.ts'
import { mapStoreErrors } from '../store-errors.ts'

export const PARTS_MAX = 10_000

const partNumberOf = ({ query }: BucketRequest): number => {
  const text = query.get('partNumber') ?? ''
  const number = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (number >= 1 && number <= PARTS_MAX) return number
  throw invalidArgument(
    `Part number must be an integer between 1 and ${PARTS_MAX}, inclusive`,
    'partNumber',
    text,
  )
}

const findUpload = (request: BucketRequest, { store }: S3Context): Promise<Upload> =>
  mapStoreErrors(request, () =>
    store.uploads.find(request.bucket, request.key, request.query.get('uploadId') ?? ''),
  )

const checkAlgorithm = (upload: Upload, sent: ChecksumAlgorithm | undefined): void => {
  const expected = upload.checksum?.algorithm
  if (expected === undefined || sent === undefined || sent === expected) return
  throw new S3Fault(
    'InvalidRequest',
    `Checksum Type mismatch occurred, expected checksum Type: ${expected.toLowerCase()}, actual checksum Type: ${sent.toLowerCase()}`,
  )
}

const answerHeaders = ({ etag, checksum }: StoredPart): Record<string, string> => ({
  etag,
  'x-amz-server-side-encryption': 'AES256',
  ...(checksum !== undefined && { [checksumHeader(checksum.algorithm)]: checksum.value }),
})

export const uploadPart: BucketHandler = async (request, context) => {
  refuseUnsupported(request)
  const number = partNumberOf(request)
  const upload = await findUpload(request, context)
  const { algorithm, check } = uploadCheck(request, declaredSize(request))
  checkAlgorithm(upload, algorithm)
  const part = await mapStoreErrors(request, () =>
    context.store.uploads.putPart(request.bucket, upload, number, bodyOf(request), {
      ...(algorithm !== undefined && { checksum: algorithm }),
      check,
    }),
  )
  return emptyAnswer(200, answerHeaders(part))
}

/** Unlike `Range`, both ends must be there and inside the source. */
const copyRangeOf = ({ headers }: BucketRequest, size: number): ByteRange | undefined => {
  const header = headers['x-amz-copy-source-range']
  if (header === undefined) return undefined
  const matched = /^bytes=(\d{1,15})-(\d{1,15})$/.exec(header)
  const [first, last] = [Number(matched?.[1]), Number(matched?.[2])]
  if (matched === null || last < first) {
    throw invalidArgument(
      'The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy',
      'x-amz-copy-source-range',
      header,
    )
  }
  if (last >= size) {
    throw invalidArgument(
      `Range specified is not valid for source object of size: ${size}`,
      'x-amz-copy-source-range',
      header,
    )
  }
  return { first, last }
}

export const uploadPartCopy: BucketHandler = async (request, context) => {
  refuseUnsupported(request)
  const number = partNumberOf(request)
  const upload = await findUpload(request, context)
  const source = await findCopySource(request, context)
  const part = await mapStoreErrors(request, async () => {
    const read = await context.store.objects.read(source.bucket, source.key, (found) => {
      checkCopyConditions(request, found)
      const range = copyRangeOf(request, found.size)
      const size = range === undefined ? found.size : range.last - range.first + 1
      if (size > SINGLE_PUT_BYTES_MAX) throw new S3Fault('EntityTooLarge')
      return range
    })
    const body = streamOf(read.body)
    try {
      return await context.store.uploads.putPart(request.bucket, upload, number, body, {})
    } finally {
      body.destroy()
    }
  })
  return xmlAnswer(
    'CopyPartResult',
    leaves({ LastModified: isoTime(part.lastModified), ETag: part.etag }) +
      (part.checksum === undefined
        ? ''
        : leaf(`Checksum${part.checksum.algorithm}`, part.checksum.value)),
    { 'x-amz-server-side-encryption': 'AES256' },
  )
}
