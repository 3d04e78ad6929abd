import { type PolicyKind, parsePolicy } from './parse.ts'
import type { CompiledPolicy } from './statement.ts'

/** Policies kept compiled, a few kilobytes each. */
export const COMPILED_POLICIES_MAX = 256

/** Compiles a policy's text once. The function that it makes throws PolicyError as `parsePolicy`. */
export const createPolicyCache = (kind: PolicyKind): ((text: string) => CompiledPolicy) => {
  const compiled = new Map<string, CompiledPolicy>()
  return (text) => {
    const known = compiled.get(text)
    if (known !== undefined) return known
    const policy = parsePolicy(text, kind)
    const [oldest] = compiled.keys()
    if (compiled.size >= COMPILED_POLICIES_MAX && oldest !== undefined) compiled.delete(oldest)
    compiled.set(text, policy)
    return policy
  }
}
