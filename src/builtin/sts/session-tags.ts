/** Session tags of AssumeRole (IAM User Guide, "Pass session tags in AWS STS"). */
import type { SessionTag } from '../../identity/store/records.ts'
import { TEXTS, type Validation } from './constraints.ts'
import { listOf } from './parameters.ts'
import { StsFault } from './sts-fault.ts'

export const TAGS_MAX = 50

export interface RequestedTags {
  readonly tags: readonly { readonly key: string; readonly value: string }[]
  readonly transitiveKeys: readonly string[]
}

export const readTags = (parameters: URLSearchParams, validation: Validation): RequestedTags => {
  const tags = listOf('Tags', TAGS_MAX, (prefix) => {
    const key = parameters.get(`${prefix}.Key`)
    const value = parameters.get(`${prefix}.Value`)
    return key === null && value === null ? undefined : { key, value }
  })
  const transitiveKeys = listOf(
    'TransitiveTagKeys',
    TAGS_MAX,
    (name) => parameters.get(name) ?? undefined,
  )
  validation.listLength('tags', tags.length, TAGS_MAX)
  validation.listLength('transitiveTagKeys', transitiveKeys.length, TAGS_MAX)
  for (const [index, { key, value }] of tags.entries()) {
    validation.required(`tags.${index + 1}.member.key`, key, TEXTS.tagKey)
    validation.required(`tags.${index + 1}.member.value`, value, TEXTS.tagValue)
  }
  return {
    tags: tags.map(({ key, value }) => ({ key: key ?? '', value: value ?? '' })),
    transitiveKeys,
  }
}

const refuse = (message: string): StsFault => new StsFault('ValidationError', message)

/**
 * The tags of the new session: the requested ones and the transitive ones of the caller's own
 * session, which cannot be set again. Keys are unique without regard to case.
 */
export const sessionTagsOf = (
  { tags, transitiveKeys }: RequestedTags,
  callerTags: readonly SessionTag[],
): readonly SessionTag[] => {
  const inherited = callerTags.filter(({ transitive }) => transitive)
  const taken = new Set(inherited.map(({ key }) => key.toLowerCase()))
  const transitive = new Set(transitiveKeys.map((key) => key.toLowerCase()))
  const own = tags.map(({ key, value }): SessionTag => {
    const lowered = key.toLowerCase()
    if (lowered.startsWith('aws:')) throw refuse(`The tag key '${key}' is reserved.`)
    if (taken.has(lowered)) {
      throw refuse(`The tag key '${key}' is given twice or is transitive in the calling session.`)
    }
    taken.add(lowered)
    return { key, value, transitive: transitive.has(lowered) }
  })
  const missing = transitiveKeys.find((key) => !taken.has(key.toLowerCase()))
  if (missing !== undefined) {
    throw refuse(`The transitive tag key '${missing}' is not among the requested tags.`)
  }
  return [...inherited, ...own]
}
