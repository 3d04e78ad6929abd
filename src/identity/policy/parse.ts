/**
 * A policy document: checked once, compiled once (IAM User Guide, "Grammar of the IAM JSON policy
 * language"). What it cannot mean is an error here, never a statement that silently does nothing.
 */
import { CodedError, messageOf } from '../../platform/errors.ts'
import { oneOf, type ParsedStatement, policyDocument } from './document.ts'
import { type CompiledPolicy, compileStatement } from './statement.ts'

/** `too-large`: over the limit of its kind. `malformed`: JSON or grammar. */
export class PolicyError extends CodedError<'malformed' | 'too-large'> {}

/** S3 User Guide, bucket policies: 20 KB. */
export const BUCKET_POLICY_BYTES_MAX = 20 * 1024
/** IAM quotas: role trust policy, white space between tokens not counted; raised on request to 4,096. */
export const TRUST_POLICY_CHARACTERS_MAX = 4_096
/** What is parsed at all, white space included. */
const TRUST_POLICY_BYTES_MAX = 64 * 1024

export type PolicyKind = 'bucket' | 'trust'

const RESOURCES: Readonly<Record<PolicyKind, (statement: ParsedStatement) => string | undefined>> =
  {
    bucket: (given) =>
      oneOf('Resource')(given) ? undefined : 'must have either Resource or NotResource',
    trust: (given) =>
      given.Resource === undefined && given.NotResource === undefined
        ? undefined
        : 'must not have a Resource: a trust policy belongs to its role',
  }

const malformed = (detail: string, cause?: unknown): PolicyError =>
  new PolicyError('malformed', `The policy is not valid: ${detail}.`, { cause })

const tooLarge = (size: string, max: number): PolicyError =>
  new PolicyError('too-large', `The policy has ${size}; the limit is ${max}.`)

/** A schema would pass over such a key in silence, and with it perhaps over a condition. */
const refusePrototype = (key: string, value: unknown): unknown => {
  if (key === '__proto__') throw malformed("there is no element '__proto__'")
  return value
}

const readJson = (json: string, kind: PolicyKind): unknown => {
  const bytes = Buffer.byteLength(json)
  const bytesMax = kind === 'bucket' ? BUCKET_POLICY_BYTES_MAX : TRUST_POLICY_BYTES_MAX
  if (bytes > bytesMax) throw tooLarge(`${bytes} bytes`, bytesMax)
  let value: unknown
  try {
    value = JSON.parse(json, refusePrototype)
  } catch (cause) {
    throw cause instanceof PolicyError ? cause : malformed(messageOf(cause), cause)
  }
  if (kind === 'trust') {
    const { length } = JSON.stringify(value)
    if (length > TRUST_POLICY_CHARACTERS_MAX) {
      throw tooLarge(`${length} characters`, TRUST_POLICY_CHARACTERS_MAX)
    }
  }
  return value
}

/** Throws PolicyError. The result is immutable and may be kept as long as the text is the same. */
export const parsePolicy = (json: string, kind: PolicyKind): CompiledPolicy => {
  const result = policyDocument.safeParse(readJson(json, kind))
  if (!result.success) {
    const [issue] = result.error.issues
    const place = issue?.path.map(String).join('.') ?? ''
    throw malformed(`${place === '' ? 'document' : place}: ${issue?.message ?? 'not valid'}`)
  }
  const { Version, Statement } = result.data
  const variables = Version === '2012-10-17'
  return {
    statements: Statement.map((given, index) => {
      const problem = RESOURCES[kind](given)
      if (problem !== undefined) throw malformed(`Statement.${index}: ${problem}`)
      const compiled = compileStatement(given, variables)
      if ('problem' in compiled) throw malformed(`Statement.${index}.${compiled.problem}`)
      return compiled
    }),
  }
}
