/**
 * A trail's way into its bucket: every access is made as `cloudtrail.amazonaws.com` and goes by the
 * bucket policy, as AWS does it (reference/formats.md §3.3, reference/control-plane.md §E.5). The
 * preflight of CreateTrail and every delivery use it.
 */
import { requestContext } from '../identity/policy/context.ts'
import type { PolicyRequest } from '../identity/policy/statement.ts'
import { type BucketFacts, type ObjectStore, ObjectStoreError } from '../outlets/object-store.ts'
import type { Trail } from './trail.ts'

export const TRAIL_SERVICE = 'cloudtrail.amazonaws.com'
/** The canned ACL that every object is written with; AWS's bucket policies demand it. */
export const TRAIL_OBJECT_ACL = 'bucket-owner-full-control'

export interface BucketCheckOptions<Policy> {
  /** Undefined: there is no such bucket. */
  readonly bucket: (name: string) => Promise<BucketFacts | undefined>
  /** identity/policy/parse.ts, for buckets. Throws where the text is no policy; such a policy allows nothing. */
  readonly parsePolicy: (text: string) => Policy
  /** identity/policy/evaluate.ts. */
  readonly evaluate: (policy: Policy, request: PolicyRequest) => 'allow' | 'deny' | 'none'
  /** `off`: for emulators whose buckets have no policies (DESIGN.md §5). */
  readonly policyMode: 'strict' | 'off'
}

export interface TrailBucketOptions<Policy> extends Omit<BucketCheckOptions<Policy>, 'bucket'> {
  readonly objects: ObjectStore
}

/** What an access needs to know of its trail. */
export type TrailTarget = Pick<Trail, 'arn' | 'account' | 's3BucketName'>

export interface TrailObject {
  readonly contentType?: string
  readonly contentEncoding?: string
  readonly metadata?: Readonly<Record<string, string>>
}

/** Both reject with ObjectStoreError: `no-such-bucket`, `access-denied`. Nothing is written. */
export interface BucketCheck {
  /** May the service read the bucket's ACL? */
  checkAcl(trail: TrailTarget): Promise<void>
  /** May it put an object? */
  checkPut(trail: TrailTarget, key: string): Promise<void>
  /** As `PutForEvery`; a bucket that is not there lets nobody write. */
  mayPutForEvery: PutForEvery
}

/**
 * May it put these objects whatever the account in their keys is? False where the policy allows it to
 * some, or does not say it plainly enough.
 */
export type PutForEvery = (
  trail: TrailTarget,
  keysOf: (account: string) => readonly string[],
) => Promise<boolean>

/** Both reject with ObjectStoreError: `no-such-bucket`, `access-denied`, or what the store says. */
export interface TrailBucket extends Pick<BucketCheck, 'checkAcl'> {
  /** Durable when it resolves. */
  put(trail: TrailTarget, key: string, body: Uint8Array, object: TrailObject): Promise<void>
}

const partitionOf = (arn: string): string => arn.split(':')[1] ?? 'aws'

const requestOf = (
  trail: TrailTarget,
  action: string,
  resource: string,
  extra: Readonly<Record<string, string>>,
): PolicyRequest => ({
  principal: { kind: 'service', service: TRAIL_SERVICE },
  action,
  resource: `arn:${partitionOf(trail.arn)}:s3:::${resource}`,
  context: requestContext({
    'aws:SourceArn': trail.arn,
    'aws:SourceAccount': trail.account,
    'aws:PrincipalIsAWSService': 'true',
    'aws:PrincipalServiceName': TRAIL_SERVICE,
    'aws:SecureTransport': 'true',
    ...extra,
  }),
})

/**
 * Stands for any account id in a key: twelve characters that no policy has (a private use area of
 * Unicode), so that a pattern that matches them does so by its wildcards.
 */
const ANY_CHARACTER = '\u{f8f7}'
const ANY_ACCOUNT = ANY_CHARACTER.repeat(12)

/**
 * Could the policy treat one account in another way than ANY_ACCOUNT, though it allows that one? It
 * could by a Deny, by a NotResource, and by naming its characters. Conditions do not see the key.
 */
const isPlain = (policy: string): boolean => {
  const { Statement } = JSON.parse(policy) as { Statement: object | readonly object[] }
  const plain = [Statement].flat().every((statement) => {
    return 'Effect' in statement && statement.Effect === 'Allow' && !('NotResource' in statement)
  })
  return plain && !JSON.stringify(Statement).includes(ANY_CHARACTER)
}

/** What the policies of buckets allow to trails. */
export const createBucketCheck = <Policy>(options: BucketCheckOptions<Policy>): BucketCheck => {
  const { bucket, parsePolicy, evaluate, policyMode } = options

  const decide = (facts: BucketFacts, request: PolicyRequest): void => {
    if (policyMode === 'off') return
    let policy: Policy | undefined
    let cause: unknown
    try {
      policy = facts.policy === undefined ? undefined : parsePolicy(facts.policy)
    } catch (error) {
      cause = error
    }
    if (policy !== undefined && evaluate(policy, request) === 'allow') return
    throw new ObjectStoreError(
      'access-denied',
      `The policy of bucket ${facts.name} does not allow ${request.action} by ${TRAIL_SERVICE}.`,
      {
        cause,
        hint: `Let ${TRAIL_SERVICE} do s3:GetBucketAcl on the bucket and s3:PutObject below AWSLogs/, or set trails.bucketPolicy to off.`,
      },
    )
  }

  const factsOf = async (name: string): Promise<BucketFacts> => {
    const facts = await bucket(name)
    if (facts !== undefined) return facts
    throw new ObjectStoreError('no-such-bucket', `There is no bucket ${name}.`, {
      hint: 'Create the bucket and give it the policy that trails need.',
    })
  }

  const decidePut = (facts: BucketFacts, trail: TrailTarget, key: string): void => {
    const acl = { 's3:x-amz-acl': TRAIL_OBJECT_ACL }
    decide(facts, requestOf(trail, 's3:PutObject', `${trail.s3BucketName}/${key}`, acl))
  }

  return {
    checkAcl: async (trail) => {
      const name = trail.s3BucketName
      decide(await factsOf(name), requestOf(trail, 's3:GetBucketAcl', name, {}))
    },
    checkPut: async (trail, key) => decidePut(await factsOf(trail.s3BucketName), trail, key),
    mayPutForEvery: async (trail, keysOf) => {
      const facts = await bucket(trail.s3BucketName)
      if (facts === undefined) return false
      try {
        for (const key of keysOf(ANY_ACCOUNT)) decidePut(facts, trail, key)
      } catch (error) {
        if (error instanceof ObjectStoreError && error.code === 'access-denied') return false
        throw error
      }
      return policyMode === 'off' || (facts.policy !== undefined && isPlain(facts.policy))
    },
  }
}

/** An ObjectStore as the trails may use it. */
export const createTrailBucket = <Policy>({
  objects,
  ...rest
}: TrailBucketOptions<Policy>): TrailBucket => {
  const check = createBucketCheck({ ...rest, bucket: (name) => objects.bucket(name) })
  return {
    checkAcl: check.checkAcl,
    put: async (trail, key, body, object) => {
      await check.checkPut(trail, key)
      await objects.put(trail.s3BucketName, key, body, { ...object, acl: TRAIL_OBJECT_ACL })
    },
  }
}
