import { emptyAnswer, group, leaf, leaves, xmlAnswer } from '../answer.ts'
import { requireAccess } from '../authorize.ts'
import { LIST_BODY_BYTES_MAX, nodesOf, parseXml, readSmall, textOf, wordOf } from '../body.ts'
import { notImplemented, S3Fault } from '../fault.ts'
import type { BucketHandler, BucketRequest, S3Context } from '../request.ts'
import { mapStoreErrors } from '../store-errors.ts'
import { checkSmallBody } from './checksums.ts'

const KEYS_MAX = 1_000
const CONDITIONS = ['if-match', 'x-amz-if-match-last-modified-time', 'x-amz-if-match-size']

/** Deleting what is not there succeeds. */
export const deleteObject: BucketHandler = async (request, { store }) => {
  const condition = CONDITIONS.find((name) => request.headers[name] !== undefined)
  if (condition !== undefined) throw notImplemented(`the header ${condition} on DeleteObject`)
  await mapStoreErrors(request, () => store.objects.remove(request.bucket, [request.key]))
  return emptyAnswer(204, request.query.has('versionId') ? { 'x-amz-version-id': 'null' } : {})
}

interface Wanted {
  readonly key: string
  readonly versionId: string | undefined
}

const parseDelete = (body: Buffer): { wanted: Wanted[]; quiet: boolean } => {
  const root = parseXml(body, 'Delete')
  const wanted = nodesOf(root, 'Object').map((node) => {
    for (const name of ['ETag', 'LastModifiedTime', 'Size']) {
      if (nodesOf(node, name).length > 0) throw notImplemented(`${name} in DeleteObjects`)
    }
    const key = textOf(node, 'Key')
    if (key === undefined || key === '') throw new S3Fault('MalformedXML')
    return { key, versionId: wordOf(node, 'VersionId') }
  })
  if (wanted.length === 0 || wanted.length > KEYS_MAX) throw new S3Fault('MalformedXML')
  return { wanted, quiet: wordOf(root, 'Quiet') === 'true' }
}

const mayDelete = async (
  context: S3Context,
  { call, owner }: BucketRequest,
  key: string,
): Promise<boolean> => {
  try {
    await requireAccess(context, call, 's3:DeleteObject', owner, key)
    return true
  } catch (error) {
    if (error instanceof S3Fault && error.code === 'AccessDenied') return false
    throw error
  }
}

/** Each key is judged and answered by itself. */
export const deleteObjects: BucketHandler = async (request, context) => {
  const body = await readSmall(request.call.body, LIST_BODY_BYTES_MAX)
  if (!(await checkSmallBody(request, body))) {
    throw new S3Fault(
      'InvalidRequest',
      'Missing required header for this request: Content-MD5 OR x-amz-checksum-*',
    )
  }
  const { wanted, quiet } = parseDelete(body)
  const removable: Wanted[] = []
  const errors: string[] = []
  const refuse = ({ key, versionId }: Wanted, Code: string, Message: string) =>
    errors.push(group('Error', leaves({ Key: key, VersionId: versionId, Code, Message })))
  for (const object of wanted) {
    if (!(await mayDelete(context, request, object.key))) {
      refuse(object, 'AccessDenied', 'Access Denied')
    } else if (object.versionId !== undefined && object.versionId !== 'null') {
      refuse(object, 'NoSuchVersion', 'The specified version does not exist.')
    } else removable.push(object)
  }
  await mapStoreErrors(request, () =>
    context.store.objects.remove(
      request.bucket,
      removable.map(({ key }) => key),
    ),
  )
  const deleted = quiet
    ? []
    : removable.map(({ key, versionId }) =>
        group('Deleted', leaf('Key', key), leaf('VersionId', versionId)),
      )
  return xmlAnswer('DeleteResult', [...deleted, ...errors].join(''))
}
