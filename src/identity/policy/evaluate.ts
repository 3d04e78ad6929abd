import type { CompiledPolicy, PolicyRequest } from './statement.ts'

/** `none`: no statement covers the request, which denies unless another policy allows. */
export type Decision = 'allow' | 'deny' | 'none'

/** What one resource policy says by itself: an explicit deny wins over every allow. */
export const evaluateResourcePolicy = (
  policy: CompiledPolicy,
  request: PolicyRequest,
): Decision => {
  let decision: Decision = 'none'
  for (const statement of policy.statements) {
    if (!statement.covers(request)) continue
    if (statement.effect === 'deny') return 'deny'
    decision = 'allow'
  }
  return decision
}
