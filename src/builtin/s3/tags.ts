/**
 * Tag sets of buckets and objects
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html).
 */
import type { Tag } from '../../outlets/file-system/stored-object.ts'
import { group, leaves } from './answer.ts'
import { nodesOf, parseXml, textOf, type XmlNode } from './body.ts'
import { invalidArgument, S3Fault } from './fault.ts'
import { parseQuery } from './request.ts'

export const OBJECT_TAGS_MAX = 10
export const BUCKET_TAGS_MAX = 50
const KEY_CHARACTERS_MAX = 128
const VALUE_CHARACTERS_MAX = 256
const ALLOWED = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u

export const checkTags = (tags: readonly Tag[], max: number): readonly Tag[] => {
  if (tags.length > max) {
    const kind = max === OBJECT_TAGS_MAX ? 'Object' : 'Bucket'
    throw new S3Fault('InvalidTag', `${kind} tags cannot be greater than ${max}`)
  }
  const seen = new Set<string>()
  for (const { key, value } of tags) {
    if (key === '' || key.length > KEY_CHARACTERS_MAX || !ALLOWED.test(key)) {
      throw new S3Fault('InvalidTag', 'The TagKey you have provided is invalid', { TagKey: key })
    }
    if (key.toLowerCase().startsWith('aws:')) {
      throw new S3Fault('InvalidTag', 'System tags cannot be added/updated by requester')
    }
    if (value.length > VALUE_CHARACTERS_MAX || !ALLOWED.test(value)) {
      throw new S3Fault('InvalidTag', 'The TagValue you have provided is invalid', { TagKey: key })
    }
    if (seen.has(key)) {
      throw new S3Fault('InvalidTag', 'Cannot provide multiple Tags with the same key')
    }
    seen.add(key)
  }
  return tags
}

export const tagsOfNode = (tagSet: XmlNode | undefined): Tag[] =>
  (tagSet === undefined ? [] : nodesOf(tagSet, 'Tag')).map((node) => {
    const key = textOf(node, 'Key')
    const value = textOf(node, 'Value')
    if (key === undefined || value === undefined) throw new S3Fault('MalformedXML')
    return { key, value }
  })

export const parseTagging = (body: Uint8Array, max: number): readonly Tag[] => {
  const [tagSet] = nodesOf(parseXml(body, 'Tagging'), 'TagSet')
  if (tagSet === undefined) throw new S3Fault('MalformedXML')
  return checkTags(tagsOfNode(tagSet), max)
}

/** `x-amz-tagging`: `key=value&key2=value2`, percent-encoded. */
export const parseTaggingHeader = (header: string | undefined): readonly Tag[] => {
  if (header === undefined || header === '') return []
  const pairs = header.split('&').filter((pair) => pair !== '')
  const tags = [...parseQuery(header)].map(([key, value]) => ({ key, value }))
  if (tags.length !== pairs.length) {
    throw invalidArgument(
      'The header x-amz-tagging shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.',
      'x-amz-tagging',
      header,
    )
  }
  return checkTags(tags, OBJECT_TAGS_MAX)
}

export const tagSetXml = (tags: readonly Tag[]): string =>
  group('TagSet', ...tags.map(({ key, value }) => group('Tag', leaves({ Key: key, Value: value }))))
