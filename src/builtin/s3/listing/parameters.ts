/** What the listings have in common. */
import type { StoredChecksum, StoredObject } from '../../../outlets/file-system/stored-object.ts'
import { group, isoTime, leaf, leaves } from '../answer.ts'
import { invalidArgument } from '../fault.ts'
import { canonicalUserId } from '../names.ts'
import { integerOf, type S3Request } from '../request.ts'

const PAGE_MAX = 1_000

export interface ListingParameters {
  readonly prefix: string
  readonly delimiter: string
  readonly max: number
  /** Writes a key or prefix: with `encoding-type=url` percent-encoded. */
  readonly show: (text: string) => string
  readonly encodingType: string | undefined
}

/** Percent-encodes all but what S3 leaves as it is; `/` stays. */
export const encodeKey = (key: string): string =>
  encodeURIComponent(key)
    .replace(/[!'()]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%2F', '/')

export const listingParameters = (request: S3Request, maxName = 'max-keys'): ListingParameters => {
  const { query } = request
  const encodingType = query.get('encoding-type') || undefined
  if (encodingType !== undefined && encodingType !== 'url') {
    throw invalidArgument(
      'Invalid Encoding Method specified in Request',
      'encoding-type',
      encodingType,
    )
  }
  return {
    prefix: query.get('prefix') ?? '',
    delimiter: query.get('delimiter') ?? '',
    max: Math.min(PAGE_MAX, integerOf(request, maxName, PAGE_MAX)),
    show: encodingType === undefined ? (text) => text : encodeKey,
    encodingType,
  }
}

export const ownerXml = (account: string, name = 'Owner'): string =>
  group(name, leaf('ID', canonicalUserId(account)))

const checksumXml = (checksum: StoredChecksum | undefined): string =>
  checksum === undefined
    ? ''
    : leaves({ ChecksumAlgorithm: checksum.algorithm, ChecksumType: checksum.type })

/** The elements of one object in a listing. */
export const objectXml = (object: StoredObject, show: (text: string) => string): string =>
  leaves({
    Key: show(object.key),
    LastModified: isoTime(object.lastModified),
    ETag: object.etag,
  }) +
  checksumXml(object.checksum) +
  leaves({ Size: object.size, StorageClass: object.storageClass })

export const commonPrefixXml = (prefix: string, show: (text: string) => string): string =>
  group('CommonPrefixes', leaf('Prefix', show(prefix)))
