/** An endpoint for `clew verify`. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  fingerprint,
  publicKey,
  type SignedBucket,
  START,
  scope,
  trailArn,
} from './signed-bucket.ts'

const PAGE_KEYS = 2

/** ListObjectsV2 in pages; with a delimiter, of the folders directly below the prefix. */
const listing = (bucket: SignedBucket, query: URLSearchParams): string => {
  const prefix = query.get('prefix') ?? ''
  const after = query.get('continuation-token') ?? query.get('start-after') ?? ''
  const below = [...bucket.objects.keys()].filter((key) => key.startsWith(prefix))
  const folders = query.has('delimiter')
  const names = folders
    ? below.map((key) => key.slice(0, key.indexOf('/', prefix.length) + 1))
    : below
  const left = [...new Set(names)].filter((name) => name > after).sort()
  const page = left.slice(0, PAGE_KEYS)
  const entries = page.map((name) =>
    folders
      ? `<CommonPrefixes><Prefix>${name}</Prefix></CommonPrefixes>`
      : `<Contents><Key>${name}</Key><LastModified>${new Date(bucket.modified?.get(name) ?? START).toISOString()}</LastModified></Contents>`,
  )
  const more = left.length > PAGE_KEYS
  const next = more ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : ''
  return `<ListBucketResult>${entries.join('')}<IsTruncated>${more}</IsTruncated>${next}</ListBucketResult>`
}

/** CloudTrail and S3 as far as a verification asks them. */
export const serveBucket = async (bucket: SignedBucket, delivered: number) => {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost')
    const target = String(request.headers['x-amz-target'] ?? '')
      .split('.')
      .at(-1)
    const json = (value: object): void => {
      response.setHeader('content-type', 'application/x-amz-json-1.1')
      response.end(JSON.stringify(value))
    }
    request.resume()
    if (target === 'DescribeTrails') {
      json({ trailList: [{ TrailARN: trailArn, S3BucketName: scope.bucket }] })
    } else if (target === 'GetTrailStatus') json({ LatestDigestDeliveryTime: delivered / 1000 })
    else if (target === 'ListPublicKeys') {
      json({ PublicKeyList: [{ Value: publicKey.toString('base64'), Fingerprint: fingerprint }] })
    } else if (url.searchParams.has('list-type')) {
      response.end(listing(bucket, url.searchParams))
    } else {
      const object = bucket.objects.get(
        decodeURIComponent(url.pathname).slice(scope.bucket.length + 2),
      )
      if (object === undefined) {
        response.statusCode = 404
        response.end('<Error><Code>NoSuchKey</Code><Message>gone</Message></Error>')
        return
      }
      for (const [name, value] of Object.entries(object.metadata)) {
        response.setHeader(`x-amz-meta-${name}`, value)
      }
      response.setHeader('content-encoding', 'gzip')
      response.end(object.body)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, close: () => server.close() }
}
