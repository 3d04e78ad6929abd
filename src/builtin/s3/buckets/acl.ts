/**
 * Access control lists. Everything here belongs to the account that owns the bucket and nobody else
 * is ever granted anything, so reads answer "owner: FULL_CONTROL", and only lists that say the same
 * can be written (https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html).
 */
import { emptyAnswer, group, leaf, xmlAnswer } from '../answer.ts'
import { nodesOf, parseXml, readSmall, SMALL_BODY_BYTES_MAX, wordOf } from '../body.ts'
import { invalidArgument, notImplemented, S3Fault } from '../fault.ts'
import { canonicalUserId } from '../names.ts'
import { checkSmallBody } from '../objects/checksums.ts'
import type { BucketHandler, BucketRequest } from '../request.ts'
import { mapStoreErrors } from '../store-errors.ts'

const GRANT_HEADERS = [
  'x-amz-grant-full-control',
  'x-amz-grant-read',
  'x-amz-grant-read-acp',
  'x-amz-grant-write',
  'x-amz-grant-write-acp',
] as const
const OWNER_ONLY = new Set(['private', 'bucket-owner-full-control', 'bucket-owner-read'])
const PUBLIC = new Set(['public-read', 'public-read-write', 'authenticated-read'])
const OTHER_CANNED = new Set(['aws-exec-read', 'log-delivery-write'])

const grantHeaderOf = (headers: Readonly<Record<string, string>>): string | undefined =>
  GRANT_HEADERS.find((name) => headers[name] !== undefined)

const checkCanned = (acl: string, blocksPublic: boolean): void => {
  if (OWNER_ONLY.has(acl)) return
  if (PUBLIC.has(acl)) {
    if (blocksPublic) throw new S3Fault('AccessDenied')
    throw notImplemented(`x-amz-acl: ${acl} (nobody but the owner is served by an ACL)`)
  }
  if (OTHER_CANNED.has(acl)) throw notImplemented(`x-amz-acl: ${acl}`)
  throw invalidArgument('', 'x-amz-acl', acl)
}

/** `x-amz-acl` and the grant headers of a write to an object. */
export const checkObjectAcl = ({ headers, owner }: BucketRequest): void => {
  const acl = headers['x-amz-acl']
  const grant = grantHeaderOf(headers)
  if (acl === undefined && grant === undefined) return
  const { ownership, publicAccessBlock } = owner.settings
  if (ownership === 'BucketOwnerEnforced') {
    if (acl === 'bucket-owner-full-control' && grant === undefined) return
    throw new S3Fault('AccessControlListNotSupported')
  }
  if (grant !== undefined) throw notImplemented(`the header ${grant}`)
  checkCanned(acl ?? 'private', publicAccessBlock?.BlockPublicAcls === true)
}

/** The same for CreateBucket, where the ownership is being chosen. */
export const checkNewBucketAcl = (
  headers: Readonly<Record<string, string>>,
  ownership: string,
): void => {
  const acl = headers['x-amz-acl'] ?? 'private'
  const grant = grantHeaderOf(headers)
  if (acl === 'private' && grant === undefined) return
  if (ownership === 'BucketOwnerEnforced') throw new S3Fault('InvalidBucketAclWithObjectOwnership')
  if (grant !== undefined) throw notImplemented(`the header ${grant}`)
  // New buckets block public access until their owner says otherwise.
  checkCanned(acl, true)
}

const ownerXml = (account: string): string => group('Owner', leaf('ID', canonicalUserId(account)))

const aclXml = (account: string): string =>
  ownerXml(account) +
  group(
    'AccessControlList',
    group(
      'Grant',
      `<Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser">${leaf('ID', canonicalUserId(account))}</Grantee>`,
      leaf('Permission', 'FULL_CONTROL'),
    ),
  )

export const getBucketAcl: BucketHandler = async ({ owner }) =>
  xmlAnswer('AccessControlPolicy', aclXml(owner.account))

export const getObjectAcl: BucketHandler = async (request, { store }) => {
  await mapStoreErrors(request, () => store.objects.require(request.bucket, request.key))
  return xmlAnswer('AccessControlPolicy', aclXml(request.owner.account))
}

/** A list that grants anything to anybody but "everything to the owner" is not there to be had. */
const checkPolicyDocument = (body: Buffer, account: string): void => {
  const root = parseXml(body, 'AccessControlPolicy')
  const grants = nodesOf(root, 'AccessControlList').flatMap((list) => nodesOf(list, 'Grant'))
  const isOwnerOnly = grants.every((grant) => {
    const [grantee] = nodesOf(grant, 'Grantee')
    return (
      grantee !== undefined &&
      wordOf(grantee, 'ID') === canonicalUserId(account) &&
      wordOf(grant, 'Permission') === 'FULL_CONTROL'
    )
  })
  if (grants.length === 0 || !isOwnerOnly) throw notImplemented('grants to others in an ACL')
}

const putAcl = async (request: BucketRequest): Promise<void> => {
  const { headers, owner, call } = request
  const body = await readSmall(call.body, SMALL_BODY_BYTES_MAX)
  await checkSmallBody(request, body)
  const { ownership, publicAccessBlock } = owner.settings
  const acl = headers['x-amz-acl']
  const grant = grantHeaderOf(headers)
  const isEnforced = ownership === 'BucketOwnerEnforced'
  if (isEnforced && (grant !== undefined || (acl ?? '') !== '')) {
    if (grant === undefined && acl === 'bucket-owner-full-control') return
    throw new S3Fault('AccessControlListNotSupported')
  }
  if (grant !== undefined) throw notImplemented(`the header ${grant}`)
  if (acl !== undefined) {
    checkCanned(acl, publicAccessBlock?.BlockPublicAcls === true)
    return
  }
  if (body.length === 0) throw new S3Fault('MalformedACLError')
  try {
    checkPolicyDocument(body, owner.account)
  } catch (error) {
    const isForeign = error instanceof S3Fault && error.code === 'NotImplemented'
    throw isForeign && isEnforced ? new S3Fault('AccessControlListNotSupported') : error
  }
}

export const putBucketAcl: BucketHandler = async (request) => {
  await putAcl(request)
  return emptyAnswer(200)
}

export const putObjectAcl: BucketHandler = async (request, { store }) => {
  await putAcl(request)
  await mapStoreErrors(request, () => store.objects.require(request.bucket, request.key))
  return emptyAnswer(200)
}
