import { isRegion } from '../../../documents/region-registry.ts'
import type {
  BucketSettings,
  ObjectOwnership,
  PublicAccessBlock,
} from '../../../outlets/file-system/buckets.ts'
import type { Tag } from '../../../outlets/file-system/stored-object.ts'
import { emptyAnswer } from '../answer.ts'
import { nodesOf, parseXml, readSmall, SMALL_BODY_BYTES_MAX, wordOf } from '../body.ts'
import { invalidArgument, notImplemented, S3Fault } from '../fault.ts'
import { checkBucketName } from '../names.ts'
import { checkSmallBody } from '../objects/checksums.ts'
import type { S3Context, S3Request, ServiceHandler } from '../request.ts'
import { BUCKET_TAGS_MAX, checkTags, tagsOfNode } from '../tags.ts'
import { checkNewBucketAcl } from './acl.ts'

const CLASSIC_REGION = 'us-east-1'

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/create-bucket-faq.html: since April 2023. */
const BLOCK_ALL: PublicAccessBlock = {
  BlockPublicAcls: true,
  IgnorePublicAcls: true,
  BlockPublicPolicy: true,
  RestrictPublicBuckets: true,
}

interface Configuration {
  readonly locationConstraint: string | undefined
  readonly tags: readonly Tag[]
}

const parseConfiguration = (body: Buffer): Configuration => {
  if (body.length === 0) return { locationConstraint: undefined, tags: [] }
  const root = parseXml(body, 'CreateBucketConfiguration')
  for (const name of ['Location', 'Bucket']) {
    if (nodesOf(root, name).length > 0) throw notImplemented(`${name} in CreateBucketConfiguration`)
  }
  return {
    locationConstraint: wordOf(root, 'LocationConstraint') || undefined,
    tags: checkTags(tagsOfNode(nodesOf(root, 'Tags')[0]), BUCKET_TAGS_MAX),
  }
}

/**
 * Without a constraint the bucket is made in us-east-1, which only that region's endpoint accepts;
 * us-east-1 takes any constraint, every other region only its own
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html).
 */
const regionOf = (constraint: string | undefined, endpoint: string): string => {
  if (constraint === undefined) {
    if (endpoint !== CLASSIC_REGION) throw new S3Fault('IllegalLocationConstraintException')
    return CLASSIC_REGION
  }
  const region = constraint === 'EU' ? 'eu-west-1' : constraint
  if (!isRegion(region) || region === CLASSIC_REGION) {
    throw new S3Fault('InvalidLocationConstraint', undefined, { LocationConstraint: constraint })
  }
  if (endpoint !== CLASSIC_REGION && endpoint !== region) {
    throw new S3Fault(
      'IllegalLocationConstraintException',
      `The ${constraint} location constraint is incompatible for the region specific endpoint this request was sent to.`,
    )
  }
  return region
}

const OWNERSHIPS: readonly ObjectOwnership[] = [
  'BucketOwnerEnforced',
  'BucketOwnerPreferred',
  'ObjectWriter',
]

const ownershipOf = ({ headers }: S3Request): ObjectOwnership => {
  const value = headers['x-amz-object-ownership'] ?? 'BucketOwnerEnforced'
  const known = OWNERSHIPS.find((ownership) => ownership === value)
  if (known === undefined) {
    throw invalidArgument('Invalid x-amz-object-ownership header', 'x-amz-object-ownership', value)
  }
  return known
}

const refuseUnsupported = ({ headers }: S3Request): void => {
  if (headers['x-amz-bucket-object-lock-enabled']?.toLowerCase() === 'true') {
    throw notImplemented('x-amz-bucket-object-lock-enabled')
  }
  if ((headers['x-amz-bucket-namespace'] ?? 'global') !== 'global') {
    throw notImplemented('x-amz-bucket-namespace')
  }
}

export const createBucket: ServiceHandler = async (request, context: S3Context) => {
  const { call, bucket: name, headers } = request
  checkBucketName(name)
  const body = await readSmall(call.body, SMALL_BODY_BYTES_MAX)
  await checkSmallBody(request, body)
  refuseUnsupported(request)
  const ownership = ownershipOf(request)
  checkNewBucketAcl(headers, ownership)
  const { locationConstraint, tags } = parseConfiguration(body)
  const region = regionOf(locationConstraint, call.region)
  const settings: BucketSettings = {
    ownership,
    publicAccessBlock: BLOCK_ALL,
    ...(tags.length > 0 && { tags }),
    ...(locationConstraint !== undefined && { locationConstraint }),
  }
  const { created, bucket } = await context.store.buckets.create({
    name,
    account: call.account,
    region,
    settings,
  })
  if (!created) {
    const details = { BucketName: name }
    if (bucket.account !== call.account) {
      throw new S3Fault('BucketAlreadyExists', undefined, details)
    }
    // In us-east-1 making one's own bucket again succeeds and changes nothing.
    if (bucket.region !== CLASSIC_REGION || region !== CLASSIC_REGION) {
      throw new S3Fault('BucketAlreadyOwnedByYou', undefined, details)
    }
  }
  return emptyAnswer(200, { location: `/${name}` })
}
