/**
 * Bucket and key of an S3 request, from the path or from AWS's virtual hosts
 * (AmazonS3/latest/userguide/VirtualHosting.html).
 */
import type { RequestHead } from '../call.ts'
import { decodePercent } from '../record/wire/form.ts'

export interface S3Target {
  readonly bucket?: string
  readonly key?: string
}

/** `bucket.s3.eu-west-1.amazonaws.com`, `s3-eu-west-1`, dual stack, accelerate, Express zones. */
const AWS_HOST =
  /^(?:(.+)\.)?s3(?:express-[a-z0-9-]+|-accelerate|-fips)?(?:[.-](?:dualstack|fips))*(?:[.-][a-z0-9-]+)?\.amazonaws\.com(?:\.cn)?(?::\d*)?$/

/** RFC 1035 section 2.3.4 and a port: the expression's work grows with the square of the length. */
const HOST_LENGTH_MAX = 262

/** The bucket that one of AWS's own host names carries. */
export const bucketOfHost = (host: string): string | undefined =>
  host.length <= HOST_LENGTH_MAX && host.includes('.amazonaws.com')
    ? AWS_HOST.exec(host.toLowerCase())?.[1]
    : undefined

/**
 * The gateway puts the bucket of its own virtual hosts into the path before anything is named, so
 * that the host counts only where it is AWS's and the path does not begin with its bucket.
 */
export const s3TargetOf = (head: RequestHead): S3Target => {
  const path = head.rawPath.slice(1)
  const slash = path.indexOf('/')
  const first = decodePercent(slash < 0 ? path : path.slice(0, slash))
  const virtual = bucketOfHost(head.headers.host ?? '')
  if (virtual !== undefined && virtual !== first) {
    return { bucket: virtual, ...(path === '' ? {} : { key: decodePercent(path) }) }
  }
  const key = slash < 0 ? '' : decodePercent(path.slice(slash + 1))
  return first === '' ? {} : { bucket: first, ...(key === '' ? {} : { key }) }
}

/**
 * S3 Control shares the signing name. Its paths begin with its API's date, which may also be a
 * bucket's name, so that the account must be named too: in a header, or in front of the host.
 */
export const isS3Control = (head: RequestHead): boolean =>
  head.rawPath.startsWith('/v20180820/') &&
  ('x-amz-account-id' in head.headers || /^\d{12}\.|(^|\.)s3-control/.test(head.headers.host ?? ''))
