import type { ChecksumAlgorithm } from '../../../outlets/file-system/content/digests.ts'
import type { StoredChecksum } from '../../../outlets/file-system/stored-object.ts'
import { emptyAnswer, leaves, xmlAnswer } from '../answer.ts'
import { checkObjectAcl } from '../buckets/acl.ts'
import { invalidArgument, S3Fault } from '../fault.ts'
import { algorithmOf } from '../objects/checksums.ts'
import { descriptionOf } from '../objects/description.ts'
import type { BucketHandler, S3Request } from '../request.ts'
import { mapStoreErrors } from '../store-errors.ts'

/** Which types each algorithm has; the first is its default. */
const TYPES: Readonly<Record<ChecksumAlgorithm, readonly StoredChecksum['type'][]>> = {
  CRC32: ['COMPOSITE', 'FULL_OBJECT'],
  CRC32C: ['COMPOSITE', 'FULL_OBJECT'],
  CRC64NVME: ['FULL_OBJECT'],
  SHA1: ['COMPOSITE'],
  SHA256: ['COMPOSITE'],
}

const checksumOf = ({
  headers,
}: S3Request): Pick<StoredChecksum, 'algorithm' | 'type'> | undefined => {
  const name = headers['x-amz-checksum-algorithm']
  const wanted = headers['x-amz-checksum-type']
  if (wanted !== undefined && wanted !== 'COMPOSITE' && wanted !== 'FULL_OBJECT') {
    throw invalidArgument(
      'Value for x-amz-checksum-type header is invalid.',
      'x-amz-checksum-type',
      wanted,
    )
  }
  if (name === undefined) {
    if (wanted === undefined) return undefined
    throw new S3Fault(
      'InvalidRequest',
      'The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.',
    )
  }
  const algorithm = algorithmOf(name, 'x-amz-checksum-algorithm')
  const [otherwise = 'FULL_OBJECT', ...more] = TYPES[algorithm]
  const type = wanted ?? otherwise
  if (type !== otherwise && !more.includes(type)) {
    throw new S3Fault(
      'InvalidRequest',
      `The ${type} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
    )
  }
  return { algorithm, type }
}

export const createMultipartUpload: BucketHandler = async (request, { store }) => {
  checkObjectAcl(request)
  const checksum = checksumOf(request)
  const upload = await mapStoreErrors(request, () =>
    store.uploads.create(request.bucket, request.key, {
      ...descriptionOf(request),
      ...(checksum !== undefined && { checksum }),
      initiator: request.call.account,
    }),
  )
  return xmlAnswer(
    'InitiateMultipartUploadResult',
    leaves({ Bucket: request.bucket, Key: request.key, UploadId: upload.id }),
    {
      'x-amz-server-side-encryption': 'AES256',
      ...(checksum !== undefined && {
        'x-amz-checksum-algorithm': checksum.algorithm,
        'x-amz-checksum-type': checksum.type,
      }),
    },
  )
}

export const abortMultipartUpload: BucketHandler = async (request, { store }) => {
  const uploadId = request.query.get('uploadId') ?? ''
  await mapStoreErrors(request, () => store.uploads.abort(request.bucket, request.key, uploadId))
  return emptyAnswer(204)
}
