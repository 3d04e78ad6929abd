/** Constraints of STS's service model, and what AWS says when they are not met. */
import { StsFault } from './sts-fault.ts'

interface TextConstraint {
  readonly min: number
  readonly max: number
  readonly pattern?: RegExp
  /** As AWS's messages spell the pattern. */
  readonly shown?: string
}

/** From the STS model: arnType, roleSessionNameType, externalIdType, sourceIdentityType, Tag. */
export const TEXTS = {
  roleArn: {
    min: 20,
    max: 2_048,
    pattern: /^[\t\n\r\x20-\x7e\x85\u{a0}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]+$/u,
    shown:
      '[\\u0009\\u000A\\u000D\\u0020-\\u007E\\u0085\\u00A0-\\uD7FF\\uE000-\\uFFFD\\u10000-\\u10FFFF]+',
  },
  roleSessionName: { min: 2, max: 64, pattern: /^[\w+=,.@-]*$/, shown: '[\\w+=,.@-]*' },
  externalId: { min: 2, max: 1_224, pattern: /^[\w+=,.@:/-]*$/, shown: '[\\w+=,.@:\\/-]*' },
  sourceIdentity: { min: 2, max: 64, pattern: /^[\w+=,.@-]*$/, shown: '[\\w+=,.@-]*' },
  tagKey: {
    min: 1,
    max: 128,
    pattern: /^[\p{L}\p{Z}\p{N}_.:/=+\-@]+$/u,
    shown: '[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+',
  },
  tagValue: {
    min: 0,
    max: 256,
    pattern: /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u,
    shown: '[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*',
  },
} as const satisfies Readonly<Record<string, TextConstraint>>

/** So much of a refused value is shown back. */
const SHOWN_CHARACTERS_MAX = 256

/** Collects what is wrong with one request, so that the answer names all of it as AWS's does. */
export interface Validation {
  text(member: string, value: string | null, constraint: TextConstraint): void
  required(member: string, value: string | null, constraint: TextConstraint): void
  listLength(member: string, length: number, max: number): void
  /** The number, or `otherwise` when it is absent or wrong. */
  integer(
    member: string,
    value: string | null,
    range: { min: number; max: number; otherwise: number },
  ): number
  /** Throws ValidationError when anything was wrong. */
  finish(): void
}

export const startValidation = (): Validation => {
  const problems: string[] = []
  const problem = (member: string, value: string | null, constraint: string): void => {
    const shown = value === null ? 'null' : `'${value.slice(0, SHOWN_CHARACTERS_MAX)}'`
    problems.push(`Value ${shown} at '${member}' failed to satisfy constraint: ${constraint}`)
  }
  const text: Validation['text'] = (member, value, { min, max, pattern, shown }) => {
    if (value === null) return
    const { length } = [...value]
    if (length < min) {
      problem(member, value, `Member must have length greater than or equal to ${min}`)
    }
    if (length > max) {
      problem(member, value, `Member must have length less than or equal to ${max}`)
    }
    if (pattern?.test(value) === false) {
      problem(member, value, `Member must satisfy regular expression pattern: ${shown}`)
    }
  }
  return {
    text,
    required: (member, value, constraint) => {
      if (value === null) problem(member, value, 'Member must not be null')
      text(member, value, constraint)
    },
    listLength: (member, length, max) => {
      if (length > max) {
        problem(member, `${length} items`, `Member must have length less than or equal to ${max}`)
      }
    },
    integer: (member, value, { min, max, otherwise }) => {
      if (value === null) return otherwise
      if (!/^-?\d{1,15}$/.test(value)) {
        problem(member, value, 'Member must be an integer')
        return otherwise
      }
      const number = Number(value)
      if (number < min) {
        problem(member, value, `Member must have value greater than or equal to ${min}`)
      }
      if (number > max) {
        problem(member, value, `Member must have value less than or equal to ${max}`)
      }
      return number
    },
    finish: () => {
      if (problems.length === 0) return
      const count = `${problems.length} validation error${problems.length === 1 ? '' : 's'}`
      throw new StsFault('ValidationError', `${count} detected: ${problems.join('; ')}`)
    },
  }
}
