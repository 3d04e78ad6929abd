import { partitionOf } from '../../../event/arn.ts'
import type { BucketSettings } from '../../../outlets/file-system/buckets.ts'
import { emptyAnswer, leaf, xmlAnswer } from '../answer.ts'
import { readSmall, SMALL_BODY_BYTES_MAX } from '../body.ts'
import { S3Fault } from '../fault.ts'
import { checkSmallBody } from '../objects/checksums.ts'
import type { BucketHandler, BucketRequest } from '../request.ts'
import { mapStoreErrors } from '../store-errors.ts'
import { isPublicPolicy, policyProblem } from './public-policy.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html */
const POLICY_BYTES_MAX = 20 * 1024

const policyOf = ({ owner, bucket }: BucketRequest): string => {
  const { policy } = owner.settings
  if (policy === undefined) {
    throw new S3Fault('NoSuchBucketPolicy', undefined, { BucketName: bucket })
  }
  return policy
}

export const getBucketPolicy: BucketHandler = async (request) => ({
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: Buffer.from(policyOf(request)),
})

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Bytes that are no UTF-8 would be stored as other ones. */
const textOf = (body: Buffer): string => {
  try {
    return strictUtf8.decode(body)
  } catch {
    throw new S3Fault('MalformedPolicy')
  }
}

const parsePolicy = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    throw new S3Fault('MalformedPolicy')
  }
}

export const putBucketPolicy: BucketHandler = async (request, { store }) => {
  const { call, owner, bucket } = request
  const body = await readSmall(call.body, SMALL_BODY_BYTES_MAX)
  await checkSmallBody(request, body)
  const policy = textOf(body)
  const parsed = parsePolicy(policy)
  if (body.length > POLICY_BYTES_MAX) {
    throw new S3Fault('MalformedPolicy', 'Policies can be at most 20 KB in size')
  }
  const problem = policyProblem(parsed, `arn:${partitionOf(owner.region)}:s3:::${bucket}`)
  if (problem !== undefined) throw new S3Fault('MalformedPolicy', problem)
  if (owner.settings.publicAccessBlock?.BlockPublicPolicy === true && isPublicPolicy(parsed)) {
    throw new S3Fault(
      'AccessDenied',
      'The policy is public and the BlockPublicPolicy setting of this bucket does not allow that.',
    )
  }
  await mapStoreErrors(request, () =>
    store.buckets.update(bucket, (settings) => ({ ...settings, policy })),
  )
  return emptyAnswer(204)
}

const withoutPolicy = ({ policy: _policy, ...rest }: BucketSettings): BucketSettings => rest

export const deleteBucketPolicy: BucketHandler = async (request, { store }) => {
  await mapStoreErrors(request, () => store.buckets.update(request.bucket, withoutPolicy))
  return emptyAnswer(204)
}

export const getBucketPolicyStatus: BucketHandler = async (request) =>
  xmlAnswer('PolicyStatus', leaf('IsPublic', isPublicPolicy(parsePolicy(policyOf(request)))))
