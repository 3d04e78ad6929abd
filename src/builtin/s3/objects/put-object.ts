import { emptyAnswer } from '../answer.ts'
import { requireAccess } from '../authorize.ts'
import { checkObjectAcl } from '../buckets/acl.ts'
import { S3Fault } from '../fault.ts'
import type { BucketHandler, S3Request } from '../request.ts'
import { mapStoreErrors } from '../store-errors.ts'
import { checksumHeaders, uploadCheck } from './checksums.ts'
import { putConditionOf } from './conditions.ts'
import { descriptionOf } from './description.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
export const SINGLE_PUT_BYTES_MAX = 5 * 1024 ** 3

/** Bytes of the object itself: chunk framing has a header of its own for them. */
export const declaredSize = ({ headers }: S3Request): number => {
  const text = headers['x-amz-decoded-content-length'] ?? headers['content-length']
  if (text === undefined || !/^\d{1,15}$/.test(text)) throw new S3Fault('MissingContentLength')
  const size = Number(text)
  if (size > SINGLE_PUT_BYTES_MAX) {
    throw new S3Fault('EntityTooLarge', undefined, {
      ProposedSize: text,
      MaxSizeAllowed: String(SINGLE_PUT_BYTES_MAX),
    })
  }
  return size
}

/** Destroying the request's body would cut the connection before the error is answered. */
export const bodyOf = ({ call: { body } }: S3Request): AsyncIterable<Uint8Array> =>
  Buffer.isBuffer(body) ? oneBlock(body) : body.iterator({ destroyOnReturn: false })

async function* oneBlock(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield bytes
}

export const putObject: BucketHandler = async (request, context) => {
  checkObjectAcl(request)
  const description = descriptionOf(request)
  if (description.tags.length > 0) {
    await requireAccess(context, request.call, 's3:PutObjectTagging', request.owner, request.key)
  }
  const { algorithm, check } = uploadCheck(request, declaredSize(request))
  const object = await mapStoreErrors(request, () =>
    context.store.objects.put(request.bucket, request.key, bodyOf(request), {
      ...description,
      ...(algorithm !== undefined && { checksum: algorithm }),
      condition: putConditionOf(request),
      check,
    }),
  )
  return emptyAnswer(200, {
    etag: object.etag,
    'x-amz-server-side-encryption': 'AES256',
    ...checksumHeaders(object.checksum),
  })
}
