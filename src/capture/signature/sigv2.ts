/**
 * Presigned URLs of Signature Version 2 (S3 user guide, "Signing and authenticating REST requests
 * (AWS signature version 2)").
 */
import { createHmac, type KeyObject } from 'node:crypto'
import { createHeaderReader, type SignedHead } from './canonical-request.ts'
import type { SigV2Claim } from './claim.ts'
import { decodeQueryPart, queryPairs } from './uri-encoding.ts'

/** Query parameters that belong to the resource and are therefore signed. */
const SUB_RESOURCES: ReadonlySet<string> = new Set([
  'accelerate',
  'acl',
  'analytics',
  'cors',
  'defaultObjectAcl',
  'delete',
  'encryption',
  'intelligent-tiering',
  'inventory',
  'legal-hold',
  'lifecycle',
  'location',
  'logging',
  'metrics',
  'notification',
  'object-lock',
  'ownershipControls',
  'partNumber',
  'policy',
  'policyStatus',
  'publicAccessBlock',
  'replication',
  'requestPayment',
  'response-cache-control',
  'response-content-disposition',
  'response-content-encoding',
  'response-content-language',
  'response-content-type',
  'response-expires',
  'restore',
  'retention',
  'select',
  'select-type',
  'storageClass',
  'tagging',
  'torrent',
  'uploadId',
  'uploads',
  'versionId',
  'versioning',
  'versions',
  'website',
])

const byName = (left: readonly [string, string], right: readonly [string, string]): number =>
  left[0] < right[0] ? -1 : 1

/** `?acl&versionId=3`, values decoded, or ''. */
const canonicalSubResources = (rawQuery: string): string => {
  const found: [string, string][] = []
  for (const { name, value, hasValue } of queryPairs(rawQuery)) {
    if (!SUB_RESOURCES.has(name)) continue
    found.push([name, hasValue ? `${name}=${decodeQueryPart(value) ?? value}` : name])
  }
  if (found.length === 0) return ''
  return `?${found
    .sort(byName)
    .map(([, text]) => text)
    .join('&')}`
}

/** Clients move headers that they sign into the URL: `x-amz-*`, Content-MD5 and Content-Type. */
const signedHeader = (
  head: SignedHead,
  query: ReadonlyMap<string, string>,
  name: string,
): string =>
  head.headers[name] === undefined ? (query.get(name) ?? '') : createHeaderReader(head)(name)

/**
 * `virtualBucket`: the bucket of the Host header, which the resource begins with. The text is what
 * HMAC-SHA1 under the bare secret signs.
 */
export const sigV2StringToSign = (
  head: SignedHead,
  claim: SigV2Claim,
  virtualBucket: string | undefined,
): string => {
  const query = new Map<string, string>()
  for (const { name, value } of queryPairs(head.rawQuery)) {
    query.set(name.toLowerCase(), decodeQueryPart(value) ?? value)
  }
  const names = new Set<string>()
  for (const name of [...Object.keys(head.headers), ...query.keys()]) {
    if (name.startsWith('x-amz-')) names.add(name)
  }
  const amzHeaders = [...names]
    .sort()
    .map((name) => `${name}:${signedHeader(head, query, name)}\n`)
    .join('')
  const bucket = virtualBucket === undefined ? '' : `/${virtualBucket}`
  const resource = `${bucket}${head.rawPath}${canonicalSubResources(head.rawQuery)}`
  return `${head.method}\n${signedHeader(head, query, 'content-md5')}\n${signedHeader(head, query, 'content-type')}\n${claim.expires}\n${amzHeaders}${resource}`
}

/** Base64, as the `Signature` parameter carries it. */
export const sigV2Signature = (secret: KeyObject, stringToSign: string): string =>
  createHmac('sha1', secret).update(stringToSign, 'latin1').digest('base64')
