/** The rules of tags (reference/control-plane.md §A.4, §E.1). */
import type { Fault } from '../../../contract/fault.ts'
import type { Trail } from '../../trail.ts'

export type Tag = Trail['tags'][number]

export const TAGS_MAX = 50
const KEY_MAX = 128
const VALUE_MAX = 256

const CHARACTERS = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u

type TagFault = (code: 'InvalidTagParameterException', message: string) => Fault

/** Throws InvalidTagParameterException. */
export const checkTags = (given: readonly Tag[], fault: TagFault): void => {
  const refuse = (message: string): Fault => fault('InvalidTagParameterException', message)
  const keys = new Set<string>()
  for (const { Key, Value = '' } of given) {
    if (Key.length === 0 || Key.length > KEY_MAX) {
      throw refuse(`A tag key must have 1 to ${KEY_MAX} characters.`)
    }
    if (Value.length > VALUE_MAX) {
      throw refuse(`The value of the tag ${Key} must have at most ${VALUE_MAX} characters.`)
    }
    if (!CHARACTERS.test(Key) || !CHARACTERS.test(Value)) {
      throw refuse(`The tag ${Key} contains characters that are not allowed.`)
    }
    if (Key.toLowerCase().startsWith('aws:')) {
      throw refuse(`The tag key ${Key} begins with aws:, which is reserved.`)
    }
    if (keys.has(Key)) throw refuse(`The tag key ${Key} is specified more than once.`)
    keys.add(Key)
  }
}

/**
 * `existing` with `given` put over it by key. Throws InvalidTagParameterException and
 * TagsLimitExceededException.
 */
export const withTags = (
  existing: readonly Tag[],
  given: readonly Tag[],
  call: {
    readonly fault: (
      code: 'InvalidTagParameterException' | 'TagsLimitExceededException',
      message: string,
    ) => Fault
  },
): Tag[] => {
  checkTags(given, call.fault)
  const merged = new Map([...existing, ...given].map((tag) => [tag.Key, tag]))
  if (merged.size > TAGS_MAX) {
    throw call.fault(
      'TagsLimitExceededException',
      `A resource can have at most ${TAGS_MAX} tags; this one would have ${merged.size}.`,
    )
  }
  return [...merged.values()]
}
