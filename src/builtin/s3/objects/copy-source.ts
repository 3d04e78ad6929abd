/** The source of CopyObject and UploadPartCopy. */
import type { StoredObject } from '../../../outlets/file-system/stored-object.ts'
import { requireAccess } from '../authorize.ts'
import { invalidArgument, notImplemented, S3Fault } from '../fault.ts'
import { parseQuery, percentDecode, type S3Context, type S3Request } from '../request.ts'
import { mapStoreErrors } from '../store-errors.ts'
import { checkCopyConditions } from './conditions.ts'

export interface CopySource {
  readonly bucket: string
  readonly key: string
}

/** `[/]bucket/key[?versionId=null]`, percent-encoded. */
export const copySourceOf = ({ headers }: S3Request): CopySource => {
  const header = headers['x-amz-copy-source'] ?? ''
  if (header.startsWith('arn:')) throw notImplemented('access points in x-amz-copy-source')
  const question = header.indexOf('?')
  const path = question < 0 ? header : header.slice(0, question)
  const versionId =
    question < 0 ? undefined : parseQuery(header.slice(question + 1)).get('versionId')
  if (versionId !== undefined && versionId !== 'null') {
    throw invalidArgument('Invalid version id specified', 'x-amz-copy-source', header)
  }
  const decoded = percentDecode(path).replace(/^\//, '')
  const slash = decoded.indexOf('/')
  if (slash < 1 || slash === decoded.length - 1) {
    throw invalidArgument(
      'Copy Source must mention the source bucket and key: sourcebucket/sourcekey',
      'x-amz-copy-source',
      header,
    )
  }
  return { bucket: decoded.slice(0, slash), key: decoded.slice(slash + 1) }
}

/** Whether the caller may read the source, and the source as it is now, its conditions checked. */
export const findCopySource = async (
  request: S3Request,
  context: S3Context,
): Promise<CopySource & { object: StoredObject }> => {
  const source = copySourceOf(request)
  const target = { ...source, query: request.query }
  const bucket = context.store.buckets.find(source.bucket)
  await requireAccess(context, request.call, 's3:GetObject', bucket, source.key)
  const expected = request.headers['x-amz-source-expected-bucket-owner']
  if (expected !== undefined && bucket !== undefined && expected !== bucket.account) {
    throw new S3Fault('AccessDenied')
  }
  const object = await mapStoreErrors(target, () =>
    context.store.objects.require(source.bucket, source.key),
  )
  checkCopyConditions(request, object)
  return { ...source, object }
}
