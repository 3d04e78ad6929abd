import { streamOf } from '../../../outlets/file-system/objects.ts'
import type { ObjectDescription, StoredObject } from '../../../outlets/file-system/stored-object.ts'
import { isoTime, leaves, xmlAnswer } from '../answer.ts'
import { checkObjectAcl } from '../buckets/acl.ts'
import { invalidArgument, S3Fault } from '../fault.ts'
import type { BucketHandler, S3Request } from '../request.ts'
import { mapStoreErrors } from '../store-errors.ts'
import { algorithmOf, checksumElements } from './checksums.ts'
import { checkCopyConditions, putConditionOf } from './conditions.ts'
import { findCopySource } from './copy-source.ts'
import { descriptionOf } from './description.ts'
import { SINGLE_PUT_BYTES_MAX } from './put-object.ts'

const directiveOf = (request: S3Request, header: string): 'COPY' | 'REPLACE' => {
  const value = request.headers[header] ?? 'COPY'
  if (value === 'COPY' || value === 'REPLACE') return value
  throw invalidArgument('Unknown directive.', header, value)
}

/** The storage class is never copied: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html */
const describeCopy = (request: S3Request, source: StoredObject): ObjectDescription => {
  const sent = descriptionOf(request)
  const replacesMetadata = directiveOf(request, 'x-amz-metadata-directive') === 'REPLACE'
  const replacesTags = directiveOf(request, 'x-amz-tagging-directive') === 'REPLACE'
  return {
    headers: replacesMetadata ? sent.headers : source.headers,
    metadata: replacesMetadata ? sent.metadata : source.metadata,
    tags: replacesTags ? sent.tags : source.tags,
    storageClass: sent.storageClass,
  }
}

const refuseIdleCopy = (request: S3Request, object: StoredObject, copy: ObjectDescription) => {
  const { headers } = request
  const changes =
    headers['x-amz-metadata-directive'] === 'REPLACE' ||
    headers['x-amz-tagging-directive'] === 'REPLACE' ||
    headers['x-amz-server-side-encryption'] !== undefined ||
    copy.storageClass !== object.storageClass
  if (changes) return
  throw new S3Fault(
    'InvalidRequest',
    "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
  )
}

/** The bytes stream from one encrypted file into another. */
export const copyObject: BucketHandler = async (request, context) => {
  checkObjectAcl(request)
  const source = await findCopySource(request, context)
  const description = describeCopy(request, source.object)
  if (source.bucket === request.bucket && source.key === request.key) {
    refuseIdleCopy(request, source.object, description)
  }
  const asked = request.headers['x-amz-checksum-algorithm']
  const checksum =
    asked === undefined
      ? source.object.checksum?.algorithm
      : algorithmOf(asked, 'x-amz-checksum-algorithm')
  const object = await mapStoreErrors(request, async () => {
    const { objects } = context.store
    const read = await objects.read(source.bucket, source.key, (found) => {
      checkCopyConditions(request, found)
      if (found.size > SINGLE_PUT_BYTES_MAX) {
        throw new S3Fault(
          'InvalidRequest',
          `The specified copy source is larger than the maximum allowable size for a copy source: ${SINGLE_PUT_BYTES_MAX}`,
        )
      }
      return undefined
    })
    const body = streamOf(read.body)
    try {
      return await objects.put(request.bucket, request.key, body, {
        ...description,
        ...(checksum !== undefined && { checksum }),
        condition: putConditionOf(request),
      })
    } finally {
      body.destroy()
    }
  })
  return xmlAnswer(
    'CopyObjectResult',
    leaves({
      LastModified: isoTime(object.lastModified),
      ETag: object.etag,
      ...checksumElements(object.checksum),
    }),
    { 'x-amz-server-side-encryption': 'AES256' },
  )
}
