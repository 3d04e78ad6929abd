/** HeadBucket, DeleteBucket, GetBucketLocation and ListBuckets. */
import { emptyAnswer, group, isoTime, leaf, leaves, xmlAnswer } from '../answer.ts'
import { invalidArgument } from '../fault.ts'
import { canonicalUserId } from '../names.ts'
import { type BucketHandler, integerOf, type ServiceHandler } from '../request.ts'
import { mapStoreErrors } from '../store-errors.ts'

const BUCKETS_MAX = 10_000

export const headBucket: BucketHandler = async ({ owner }) =>
  emptyAnswer(200, {
    'content-type': 'application/xml',
    'x-amz-bucket-region': owner.region,
    'x-amz-access-point-alias': 'false',
  })

export const deleteBucket: BucketHandler = async (request, { store }) => {
  await mapStoreErrors(request, () => store.buckets.remove(request.bucket))
  return emptyAnswer(204)
}

/** Empty for us-east-1; `EU` where the bucket was made with that old name. */
export const getBucketLocation: BucketHandler = async ({ owner }) =>
  xmlAnswer('LocationConstraint', owner.settings.locationConstraint ?? '')

/** A page only when `max-buckets` asks for pages. */
export const listBuckets: ServiceHandler = async (request, { store }) => {
  const { call, query } = request
  const max = integerOf(request, 'max-buckets', BUCKETS_MAX, BUCKETS_MAX)
  if (max === 0) {
    throw invalidArgument(
      `Argument max-buckets must be an integer between 1 and ${BUCKETS_MAX}`,
      'max-buckets',
      '0',
    )
  }
  const prefix = query.get('prefix')
  const region = query.get('bucket-region')
  const token = query.get('continuation-token')
  const found = store.buckets.list(call.account, {
    limit: max + 1,
    ...(prefix !== undefined && { prefix }),
    ...(region !== undefined && { region }),
    ...(token !== undefined && { after: Buffer.from(token, 'base64url').toString('utf8') }),
  })
  const shown = found.slice(0, max)
  const last = found.length > max ? shown.at(-1) : undefined
  const buckets = shown.map((bucket) =>
    group(
      'Bucket',
      leaves({
        Name: bucket.name,
        CreationDate: isoTime(bucket.createdAt),
        BucketRegion: bucket.region,
      }),
    ),
  )
  return xmlAnswer(
    'ListAllMyBucketsResult',
    group('Owner', leaf('ID', canonicalUserId(call.account))) +
      group('Buckets', ...buckets) +
      leaf('ContinuationToken', last && Buffer.from(last.name).toString('base64url')) +
      leaf('Prefix', prefix),
  )
}
