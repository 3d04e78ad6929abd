/**
 * Policy variables (IAM User Guide, "IAM policy elements: Variables and tags"): `${key}`,
 * `${key, 'default'}`, and `${*}`, `${?}`, `${$}` for the characters themselves. Only policies of
 * version 2012-10-17 have them; in others the text stands for itself.
 */
import type { RequestContext } from './context.ts'
import type { PatternPart } from './wildcard.ts'

interface Variable {
  /** Lower case. */
  readonly key: string
  readonly otherwise?: string
}

type Piece = PatternPart | Variable

/** A text with its variables found, compiled once per policy. */
export interface Template {
  readonly pieces: readonly Piece[]
  readonly fixed: boolean
}

/** The bounds keep a policy full of unfinished variables cheap. */
const VARIABLE = /\$\{\s*(?:([*?$])|([^\s,{}$]{1,512})\s*(?:,\s*'([^']{0,512})'\s*)?)\}/g

export const compileTemplate = (text: string, variables: boolean): Template => {
  if (!variables) return { pieces: [{ text, literal: false }], fixed: true }
  const pieces: Piece[] = []
  let end = 0
  for (const match of text.matchAll(VARIABLE)) {
    if (match.index > end) pieces.push({ text: text.slice(end, match.index), literal: false })
    const [all, character, key = '', otherwise] = match
    if (character !== undefined) pieces.push({ text: character, literal: true })
    else {
      const lowered = key.toLowerCase()
      pieces.push(otherwise === undefined ? { key: lowered } : { key: lowered, otherwise })
    }
    end = match.index + all.length
  }
  if (end < text.length || pieces.length === 0) {
    pieces.push({ text: text.slice(end), literal: false })
  }
  return { pieces, fixed: pieces.every((piece) => 'text' in piece) }
}

/**
 * The parts of a pattern; undefined where a variable has no value, so that nothing matches it. A
 * value is literal: a session named `*` gains nothing. A key with several values is no variable.
 */
export const resolveTemplate = (
  { pieces }: Template,
  context: RequestContext,
): PatternPart[] | undefined => {
  const parts: PatternPart[] = []
  for (const piece of pieces) {
    if ('text' in piece) {
      parts.push(piece)
      continue
    }
    const values = context.get(piece.key)
    const text = values?.length === 1 ? values[0] : piece.otherwise
    if (text === undefined) return undefined
    parts.push({ text, literal: true })
  }
  return parts
}
