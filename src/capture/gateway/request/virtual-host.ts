import type { RequestHead } from '../../call.ts'

/** With and without DNS for the buckets of a local endpoint. */
export const VIRTUAL_HOST_SUFFIXES = ['s3.localhost', 'localhost'] as const

/**
 * The bucket in the Host header (`bucket.s3.localhost:4600`), for S3 requests only. S3 Control puts
 * the account id there instead, also for a custom endpoint (reference/capture.md §8).
 */
export const createVirtualHost = (
  suffixes: readonly string[],
): ((head: RequestHead) => string | undefined) => {
  const longestFirst = [...suffixes].sort((left, right) => right.length - left.length)
  return ({ headers, rawPath }) => {
    const host = (headers.host ?? '').replace(/:\d+$/, '').toLowerCase()
    // The longest suffix decides: `s3.localhost` is no bucket of `localhost`.
    const suffix = longestFirst.find((one) => host === one || host.endsWith(`.${one}`))
    if (suffix === undefined || host === suffix) return undefined
    const bucket = host.slice(0, -suffix.length - 1)
    const control = /^\d{12}$/.test(bucket) && rawPath.startsWith('/v20180820/')
    return control || headers['x-amz-account-id'] !== undefined ? undefined : bucket
  }
}

/** The same request with its bucket in the path. */
export const inPathStyle = <Head extends RequestHead>(
  head: Head,
  bucket: string | undefined,
): Head => (bucket === undefined ? head : { ...head, rawPath: `/${bucket}${head.rawPath}` })
