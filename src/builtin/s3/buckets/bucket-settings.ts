/** Tagging, ownership controls and the public access block: small documents kept as settings. */

import type { ServiceAnswer } from '../../../identity/verified-call.ts'
import type {
  BucketSettings,
  ObjectOwnership,
  PublicAccessBlock,
} from '../../../outlets/file-system/buckets.ts'
import { emptyAnswer, group, leaf, leaves, xmlAnswer } from '../answer.ts'
import {
  nodesOf,
  parseXml,
  readSmall,
  SMALL_BODY_BYTES_MAX,
  wordOf,
  type XmlNode,
} from '../body.ts'
import { S3Fault } from '../fault.ts'
import { checkSmallBody } from '../objects/checksums.ts'
import type { BucketHandler, BucketRequest, S3Context } from '../request.ts'
import { mapStoreErrors } from '../store-errors.ts'
import { BUCKET_TAGS_MAX, parseTagging, tagSetXml } from '../tags.ts'

const readBody = async (request: BucketRequest): Promise<Buffer> => {
  const body = await readSmall(request.call.body, SMALL_BODY_BYTES_MAX)
  await checkSmallBody(request, body)
  return body
}

const update = async (
  request: BucketRequest,
  { store }: S3Context,
  status: number,
  change: (settings: BucketSettings) => BucketSettings,
): Promise<ServiceAnswer> => {
  await mapStoreErrors(request, () => store.buckets.update(request.bucket, change))
  return emptyAnswer(status)
}

export const getBucketTagging: BucketHandler = async ({ owner, bucket }) => {
  const { tags } = owner.settings
  if (tags === undefined) throw new S3Fault('NoSuchTagSet', undefined, { BucketName: bucket })
  return xmlAnswer('Tagging', tagSetXml(tags))
}

export const putBucketTagging: BucketHandler = async (request, context) => {
  const tags = parseTagging(await readBody(request), BUCKET_TAGS_MAX)
  return update(request, context, 204, (settings) => ({ ...settings, tags }))
}

export const deleteBucketTagging: BucketHandler = (request, context) =>
  update(request, context, 204, ({ tags: _tags, ...rest }) => rest)

export const getOwnershipControls: BucketHandler = async ({ owner, bucket }) => {
  const { ownership } = owner.settings
  if (ownership === undefined) {
    throw new S3Fault('OwnershipControlsNotFoundError', undefined, { BucketName: bucket })
  }
  return xmlAnswer('OwnershipControls', group('Rule', leaf('ObjectOwnership', ownership)))
}

const ownershipOf = (root: XmlNode): ObjectOwnership => {
  const [rule, second] = nodesOf(root, 'Rule')
  const value = rule && wordOf(rule, 'ObjectOwnership')
  if (second !== undefined) throw new S3Fault('MalformedXML')
  if (value === 'BucketOwnerEnforced' || value === 'BucketOwnerPreferred') return value
  if (value === 'ObjectWriter') return value
  throw new S3Fault('MalformedXML')
}

export const putOwnershipControls: BucketHandler = async (request, context) => {
  const ownership = ownershipOf(parseXml(await readBody(request), 'OwnershipControls'))
  return update(request, context, 200, (settings) => ({ ...settings, ownership }))
}

export const deleteOwnershipControls: BucketHandler = (request, context) =>
  update(request, context, 204, ({ ownership: _ownership, ...rest }) => rest)

export const getPublicAccessBlock: BucketHandler = async ({ owner, bucket }) => {
  const block = owner.settings.publicAccessBlock
  if (block === undefined) {
    throw new S3Fault('NoSuchPublicAccessBlockConfiguration', undefined, { BucketName: bucket })
  }
  return xmlAnswer('PublicAccessBlockConfiguration', leaves({ ...block }))
}

const flagOf = (root: XmlNode, name: string): boolean => {
  const value = wordOf(root, name)?.toLowerCase() ?? 'false'
  if (value === 'true' || value === 'false') return value === 'true'
  throw new S3Fault('MalformedXML')
}

export const putPublicAccessBlock: BucketHandler = async (request, context) => {
  const root = parseXml(await readBody(request), 'PublicAccessBlockConfiguration')
  const publicAccessBlock: PublicAccessBlock = {
    BlockPublicAcls: flagOf(root, 'BlockPublicAcls'),
    IgnorePublicAcls: flagOf(root, 'IgnorePublicAcls'),
    BlockPublicPolicy: flagOf(root, 'BlockPublicPolicy'),
    RestrictPublicBuckets: flagOf(root, 'RestrictPublicBuckets'),
  }
  return update(request, context, 200, (settings) => ({ ...settings, publicAccessBlock }))
}

export const deletePublicAccessBlock: BucketHandler = (request, context) =>
  update(request, context, 204, ({ publicAccessBlock: _block, ...rest }) => rest)
