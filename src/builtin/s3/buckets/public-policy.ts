/**
 * Whether a bucket policy makes the bucket public, as GetBucketPolicyStatus and BlockPublicPolicy
 * mean it: a statement allows everybody and no condition ties it to fixed values
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html).
 */

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const listOf = (value: unknown): unknown[] =>
  Array.isArray(value) ? value : value === undefined ? [] : [value]

/** Keys that narrow a statement when all their values are fixed. */
const NARROWING_KEYS = new Set([
  'aws:principalorgid',
  'aws:principalorgpaths',
  'aws:principalaccount',
  'aws:principalarn',
  'aws:sourcearn',
  'aws:sourceaccount',
  'aws:sourceorgid',
  'aws:sourceorgpaths',
  'aws:sourceowner',
  'aws:sourceip',
  'aws:sourcevpc',
  'aws:sourcevpce',
  'aws:userid',
  's3:dataaccesspointaccount',
  's3:dataaccesspointarn',
  's3:x-amz-server-side-encryption-aws-kms-key-id',
])
const NARROWING_OPERATORS =
  /^(?:ForAnyValue:)?(?:StringEquals|StringEqualsIgnoreCase|StringLike|ArnEquals|ArnLike|IpAddress)$/i

const isFixed = (key: string, value: unknown): boolean => {
  if (typeof value !== 'string') return false
  if (key === 'aws:sourceip') return !/\/0$/.test(value)
  // An ARN may leave its last part open, as long as the account is named.
  if (value.startsWith('arn:'))
    return /^arn:[^*?:]+:[^*?:]+:[^:]*:(?:\d{12}|[^*?]*):?[^:]*/.test(value)
  return !/[*?]/.test(value) && !value.includes('${')
}

const isNarrowed = (condition: unknown): boolean =>
  isRecord(condition) &&
  Object.entries(condition).some(
    ([operator, keys]) =>
      NARROWING_OPERATORS.test(operator) &&
      isRecord(keys) &&
      Object.entries(keys).some(([name, values]) => {
        const key = name.toLowerCase()
        const all = listOf(values)
        return NARROWING_KEYS.has(key) && all.length > 0 && all.every((one) => isFixed(key, one))
      }),
  )

const namesEverybody = (principal: unknown): boolean =>
  principal === '*' ||
  (isRecord(principal) &&
    Object.values(principal).some((names) =>
      listOf(names).some((name) => typeof name === 'string' && name.includes('*')),
    ))

export const isPublicPolicy = (policy: unknown): boolean =>
  isRecord(policy) &&
  listOf(policy.Statement).some(
    (statement) =>
      isRecord(statement) &&
      statement.Effect === 'Allow' &&
      (statement.NotPrincipal !== undefined || namesEverybody(statement.Principal)) &&
      !isNarrowed(statement.Condition),
  )

/** The first thing that is wrong with a policy document for `bucket`, in AWS's words. */
export const policyProblem = (policy: unknown, bucketArn: string): string | undefined => {
  if (!isRecord(policy)) return "Policies must be valid JSON and the first byte must be '{'"
  const version = policy.Version
  if (version !== undefined && version !== '2012-10-17' && version !== '2008-10-17') {
    return 'The policy must contain a valid version string'
  }
  const statements = listOf(policy.Statement)
  if (statements.length === 0) return 'Missing required field Statement'
  return statements
    .map((one) => statementProblem(one, bucketArn))
    .find((text) => text !== undefined)
}

const statementProblem = (statement: unknown, bucketArn: string): string | undefined => {
  if (!isRecord(statement)) return 'Syntax errors in policy'
  if (statement.Effect !== 'Allow' && statement.Effect !== 'Deny') {
    return `Invalid effect: ${String(statement.Effect)}`
  }
  const principal = statement.Principal ?? statement.NotPrincipal
  if (principal === undefined) return 'Missing required field Principal'
  if (principal !== '*' && !isRecord(principal)) return 'Invalid principal in policy'
  const actions = listOf(statement.Action ?? statement.NotAction)
  if (actions.length === 0) return 'Missing required field Action'
  if (!actions.every((action) => typeof action === 'string' && /^(?:\*$|s3:)/i.test(action))) {
    return 'Policy has invalid action'
  }
  const resources = listOf(statement.Resource ?? statement.NotResource)
  if (resources.length === 0) return 'Missing required field Resource'
  const isInBucket = (resource: unknown): boolean =>
    typeof resource === 'string' &&
    (resource === bucketArn || resource === `${bucketArn}*` || resource.startsWith(`${bucketArn}/`))
  if (!resources.every(isInBucket)) return 'Policy has invalid resource'
  const condition = statement.Condition
  return condition === undefined || isRecord(condition) ? undefined : 'Syntax errors in policy'
}
