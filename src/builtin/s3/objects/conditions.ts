/** Conditional requests: RFC 9110 section 13, with S3's answers. */
import type { PutCondition, StoredObject } from '../../../outlets/file-system/stored-object.ts'
import { notImplemented, S3Fault } from '../fault.ts'
import type { S3Request } from '../request.ts'

type Outcome = 'proceed' | 'not-modified' | 'failed'

interface Conditions {
  readonly match: string | undefined
  readonly noneMatch: string | undefined
  readonly modifiedSince: string | undefined
  readonly unmodifiedSince: string | undefined
}

const namesTag = (header: string, etag: string): boolean =>
  header.split(',').some((candidate) => {
    const bare = candidate.trim().replace(/^W\//, '').replaceAll('"', '')
    return bare === '*' || bare === etag.replaceAll('"', '')
  })

/** Whole seconds; a date that cannot be read is ignored, as the RFC says. */
const secondsOf = (header: string | undefined): number | undefined => {
  const ms = header === undefined ? Number.NaN : Date.parse(header)
  return Number.isNaN(ms) ? undefined : Math.floor(ms / 1000)
}

const evaluate = (object: StoredObject, conditions: Conditions): Outcome => {
  const modified = Math.floor(object.lastModified / 1000)
  const { match, noneMatch } = conditions
  if (match !== undefined) {
    if (!namesTag(match, object.etag)) return 'failed'
  } else {
    const since = secondsOf(conditions.unmodifiedSince)
    if (since !== undefined && modified > since) return 'failed'
  }
  if (noneMatch !== undefined) return namesTag(noneMatch, object.etag) ? 'not-modified' : 'proceed'
  const since = secondsOf(conditions.modifiedSince)
  return since !== undefined && modified <= since ? 'not-modified' : 'proceed'
}

const failed = (condition: string): S3Fault =>
  new S3Fault('PreconditionFailed', undefined, { Condition: condition })

/** GET and HEAD; true: answer 304. Throws 412. */
export const isNotModified = ({ headers }: S3Request, object: StoredObject): boolean => {
  const match = headers['if-match']
  const outcome = evaluate(object, {
    match,
    noneMatch: headers['if-none-match'],
    modifiedSince: headers['if-modified-since'],
    unmodifiedSince: headers['if-unmodified-since'],
  })
  if (outcome === 'failed') {
    throw failed(match === undefined ? 'If-Unmodified-Since' : 'If-Match')
  }
  return outcome === 'not-modified'
}

/** Copies answer 412 whichever condition does not hold. */
export const checkCopyConditions = ({ headers }: S3Request, object: StoredObject): void => {
  const outcome = evaluate(object, {
    match: headers['x-amz-copy-source-if-match'],
    noneMatch: headers['x-amz-copy-source-if-none-match'],
    modifiedSince: headers['x-amz-copy-source-if-modified-since'],
    unmodifiedSince: headers['x-amz-copy-source-if-unmodified-since'],
  })
  if (outcome !== 'proceed') throw failed('x-amz-copy-source-if-*')
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html */
export const putConditionOf = ({ headers }: S3Request): PutCondition => {
  const noneMatch = headers['if-none-match']
  const match = headers['if-match']
  if (noneMatch !== undefined && noneMatch.trim() !== '*') {
    throw notImplemented('If-None-Match on a write with anything but *')
  }
  return {
    ...(noneMatch !== undefined && { ifNoneMatch: '*' as const }),
    ...(match !== undefined && { ifMatch: match.trim() }),
  }
}
