import type { EvaluateBucketPolicy } from '../../builtin/s3/authorize.ts'
import { partitionOf } from '../../event/arn.ts'
import { requestContext } from '../../identity/policy/context.ts'
import { evaluateResourcePolicy } from '../../identity/policy/evaluate.ts'
import { PolicyError } from '../../identity/policy/parse.ts'
import { requestPrincipalOf } from '../../identity/policy/principal.ts'
import type { CompiledPolicy } from '../../identity/policy/statement.ts'

/** What a bucket policy says of a caller. A stored text that is no policy allows nothing. */
export const evaluateForCaller =
  (parse: (text: string) => CompiledPolicy, region: string): EvaluateBucketPolicy =>
  (text, question) => {
    const principal = requestPrincipalOf(question.principal, partitionOf(region))
    if (principal === undefined) return 'none'
    try {
      const context = requestContext(question.context)
      return evaluateResourcePolicy(parse(text), { ...question, principal, context })
    } catch (error) {
      if (error instanceof PolicyError) return 'none'
      throw error
    }
  }
