import { FileStoreError } from '../../outlets/file-system/stored-object.ts'
import { ObjectStoreError } from '../../outlets/object-store.ts'
import { S3Fault } from './fault.ts'
import type { S3Target } from './request.ts'

/** What the store's codes are on the wire; anything else stays as it is. */
export const faultOfStoreError = (error: unknown, target: S3Target): unknown => {
  if (error instanceof FileStoreError) {
    return error.code === 'bucket-not-empty'
      ? new S3Fault('BucketNotEmpty', undefined, { BucketName: target.bucket })
      : new S3Fault('NoSuchUpload', undefined, {
          UploadId: target.query.get('uploadId') ?? '',
        })
  }
  if (!(error instanceof ObjectStoreError)) return error
  switch (error.code) {
    case 'no-such-bucket':
      return new S3Fault('NoSuchBucket', undefined, { BucketName: target.bucket })
    case 'no-such-key':
      return new S3Fault('NoSuchKey', undefined, { Key: target.key })
    case 'precondition-failed':
      return new S3Fault('PreconditionFailed')
    case 'access-denied':
      return new S3Fault('AccessDenied')
    case 'bad-digest':
      return new S3Fault('BadDigest')
    case 'failed':
      return error
  }
}

export const mapStoreErrors = async <Result>(
  target: S3Target,
  work: () => Promise<Result> | Result,
): Promise<Result> => {
  try {
    return await work()
  } catch (error) {
    throw faultOfStoreError(error, target)
  }
}
