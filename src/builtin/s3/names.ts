/** Names and ids of S3: buckets, canonical users. */
import { createHash, hash } from 'node:crypto'
import { S3Fault } from './fault.ts'

/**
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html: 3 to 63 of lower
 * case letters, digits, dots and hyphens, no address, no reserved prefix or suffix.
 */
export const checkBucketName = (name: string): void => {
  const isFormed =
    /^[a-z0-9](?:[a-z0-9.-]{1,61})[a-z0-9]$/.test(name) &&
    !name.includes('..') &&
    !/^\d{1,3}(?:\.\d{1,3}){3}$/.test(name)
  const isReserved =
    /^(?:xn--|sthree-|amzn-s3-demo-)/.test(name) ||
    /(?:-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)$/.test(name)
  if (!isFormed || isReserved) {
    throw new S3Fault('InvalidBucketName', undefined, { BucketName: name })
  }
}

/** 64 hexadecimal digits that stand for an account in ACLs and Owner elements; not a secret. */
export const canonicalUserId = (account: string): string =>
  createHash('sha256').update(`clew canonical user ${account}`).digest('hex')

/** `x-amz-id-2`: opaque to clients; the same for the same request. */
export const extendedRequestId = (requestId: string): string =>
  hash('sha512', `clew host ${requestId}`, 'base64').slice(0, 76)
