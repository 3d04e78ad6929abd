/** ListObjects (version 1) and ListObjectsV2. */
import type { KeyListing } from '../../../outlets/file-system/objects.ts'
import { group, leaf, leaves, xmlAnswer } from '../answer.ts'
import { invalidArgument } from '../fault.ts'
import type { BucketHandler, BucketRequest, S3Context } from '../request.ts'
import { mapStoreErrors } from '../store-errors.ts'
import {
  commonPrefixXml,
  type ListingParameters,
  listingParameters,
  objectXml,
  ownerXml,
} from './parameters.ts'

const listKeys = (
  request: BucketRequest,
  { store }: S3Context,
  { prefix, delimiter, max }: ListingParameters,
  after: string,
): Promise<KeyListing> =>
  mapStoreErrors(request, () =>
    store.objects.list(request.bucket, { prefix, delimiter, after, limit: max }),
  )

const contentsXml = (
  { entries }: KeyListing,
  show: (text: string) => string,
  owner: string,
): string =>
  entries
    .flatMap((entry) =>
      'object' in entry ? [group('Contents', objectXml(entry.object, show), owner)] : [],
    )
    .join('')

const prefixesXml = ({ entries }: KeyListing, show: (text: string) => string): string =>
  entries
    .flatMap((entry) =>
      'commonPrefix' in entry ? [commonPrefixXml(entry.commonPrefix, show)] : [],
    )
    .join('')

const lastOf = ({ entries }: KeyListing): string => {
  const last = entries.at(-1)
  if (last === undefined) return ''
  return 'object' in last ? last.object.key : last.commonPrefix
}

/** `NextMarker` only with a delimiter; without one clients continue behind the last key. */
export const listObjects: BucketHandler = async (request, context) => {
  const parameters = listingParameters(request)
  const { prefix, delimiter, max, show, encodingType } = parameters
  const marker = request.query.get('marker') ?? ''
  const listing = await listKeys(request, context, parameters, marker)
  const next = listing.truncated && delimiter !== '' ? show(lastOf(listing)) : undefined
  return xmlAnswer(
    'ListBucketResult',
    leaves({
      Name: request.bucket,
      Prefix: show(prefix),
      Marker: show(marker),
      NextMarker: next,
      MaxKeys: max,
      Delimiter: delimiter === '' ? undefined : show(delimiter),
      EncodingType: encodingType,
      IsTruncated: listing.truncated,
    }) +
      contentsXml(listing, show, ownerXml(request.owner.account)) +
      prefixesXml(listing, show),
    { 'x-amz-bucket-region': request.owner.region },
  )
}

/** Opaque to clients: a version and the last entry of the page before. */
const TOKEN_VERSION = '1:'
const tokenOf = (last: string): string => Buffer.from(TOKEN_VERSION + last).toString('base64url')
const openToken = (token: string): string => {
  const bytes = Buffer.from(token, 'base64url')
  const text = bytes.toString('utf8')
  if (bytes.toString('base64url') !== token || !text.startsWith(TOKEN_VERSION)) {
    throw invalidArgument(
      'The continuation token provided is incorrect',
      'continuation-token',
      token,
    )
  }
  return text.slice(TOKEN_VERSION.length)
}

export const listObjectsV2: BucketHandler = async (request, context) => {
  const parameters = listingParameters(request)
  const { prefix, delimiter, max, show, encodingType } = parameters
  const token = request.query.get('continuation-token')
  const startAfter = request.query.get('start-after')
  if (token === '') {
    throw invalidArgument('The continuation token provided is incorrect', 'continuation-token', '')
  }
  const after = token === undefined ? (startAfter ?? '') : openToken(token)
  const listing = await listKeys(request, context, parameters, after)
  const wantsOwner = request.query.get('fetch-owner') === 'true'
  return xmlAnswer(
    'ListBucketResult',
    leaves({
      Name: request.bucket,
      Prefix: show(prefix),
      StartAfter: startAfter === undefined ? undefined : show(startAfter),
      ContinuationToken: token,
      NextContinuationToken: listing.truncated ? tokenOf(lastOf(listing)) : undefined,
      KeyCount: listing.entries.length,
      MaxKeys: max,
      Delimiter: delimiter === '' ? undefined : show(delimiter),
      EncodingType: encodingType,
      IsTruncated: listing.truncated,
    }) +
      contentsXml(listing, show, wantsOwner ? ownerXml(request.owner.account) : '') +
      prefixesXml(listing, show),
    { 'x-amz-bucket-region': request.owner.region },
  )
}

/** Without versioning every object is the one version `null`. */
export const listObjectVersions: BucketHandler = async (request, context) => {
  const parameters = listingParameters(request)
  const { prefix, delimiter, max, show, encodingType } = parameters
  const marker = request.query.get('key-marker') ?? ''
  const versionMarker = request.query.get('version-id-marker')
  const listing = await listKeys(request, context, parameters, marker)
  const owner = ownerXml(request.owner.account)
  const versions = listing.entries.flatMap((entry) => {
    if (!('object' in entry)) return []
    const version = leaf('VersionId', 'null') + leaf('IsLatest', true)
    return [group('Version', objectXml(entry.object, show), version, owner)]
  })
  const last = listing.truncated ? listing.entries.at(-1) : undefined
  return xmlAnswer(
    'ListVersionsResult',
    leaves({
      Name: request.bucket,
      Prefix: show(prefix),
      KeyMarker: show(marker),
      VersionIdMarker: versionMarker ?? '',
      NextKeyMarker: last && show(lastOf(listing)),
      NextVersionIdMarker: last && 'object' in last ? 'null' : undefined,
      MaxKeys: max,
      Delimiter: delimiter === '' ? undefined : show(delimiter),
      EncodingType: encodingType,
      IsTruncated: listing.truncated,
    }) +
      versions.join('') +
      prefixesXml(listing, show),
  )
}
