/**
 * `*` and `?` of IAM policies (IAM User Guide, Resource element). Matching keeps one point to go
 * back to, the last `*`, so its work is at most pattern times text, whatever the pattern.
 */

/** One unit of a pattern: a code point to find as it is, `?` or `*`. */
type Token = { readonly literal: string } | 'one' | 'many'

export interface Glob {
  matches(text: string): boolean
}

/** Text that is taken literally between text that may hold wildcards. */
export interface PatternPart {
  readonly text: string
  readonly literal: boolean
}

const tokensOf = (parts: readonly PatternPart[]): Token[] => {
  const tokens: Token[] = []
  for (const { text, literal } of parts) {
    for (const point of text) {
      if (literal || (point !== '*' && point !== '?')) tokens.push({ literal: point })
      else if (point === '?') tokens.push('one')
      else if (tokens.at(-1) !== 'many') tokens.push('many')
    }
  }
  return tokens
}

const matchTokens = (tokens: readonly Token[], text: readonly string[]): boolean => {
  let at = 0
  let token = 0
  let lastMany = -1
  let resumeAt = 0
  while (at < text.length) {
    const wanted = tokens[token]
    if (wanted === 'many') {
      lastMany = token++
      resumeAt = at
    } else if (wanted !== undefined && (wanted === 'one' || wanted.literal === text[at])) {
      token++
      at++
    } else if (lastMany >= 0) {
      // The last `*` takes one more; earlier ones never need to.
      token = lastMany + 1
      at = ++resumeAt
    } else {
      return false
    }
  }
  while (tokens[token] === 'many') token++
  return token === tokens.length
}

const literalOf = (tokens: readonly Token[]): string | undefined => {
  let text = ''
  for (const token of tokens) {
    if (typeof token !== 'object') return undefined
    text += token.literal
  }
  return text
}

/** Compiles a pattern whose parts may be marked as literal (values of policy variables). */
export const globOf = (parts: readonly PatternPart[]): Glob => {
  const tokens = tokensOf(parts)
  if (tokens.length === 1 && tokens[0] === 'many') return { matches: () => true }
  const whole = literalOf(tokens)
  if (whole !== undefined) return { matches: (text) => text === whole }
  const prefix = tokens.at(-1) === 'many' ? literalOf(tokens.slice(0, -1)) : undefined
  if (prefix !== undefined) return { matches: (text) => text.startsWith(prefix) }
  return { matches: (text) => matchTokens(tokens, [...text]) }
}

export const glob = (pattern: string): Glob => globOf([{ text: pattern, literal: false }])

const ARN_FIELDS = 6

/** Splits into six fields; colons behind the fifth belong to the last one. */
const fieldsOf = (parts: readonly PatternPart[]): PatternPart[][] => {
  const fields: PatternPart[][] = [[]]
  for (const { text, literal } of parts) {
    let rest = text
    for (let colon = rest.indexOf(':'); fields.length < ARN_FIELDS && colon >= 0; ) {
      fields.at(-1)?.push({ text: rest.slice(0, colon), literal })
      fields.push([])
      rest = rest.slice(colon + 1)
      colon = rest.indexOf(':')
    }
    fields.at(-1)?.push({ text: rest, literal })
  }
  return fields
}

/** The six fields of a text; undefined where it has fewer. */
const splitArn = (text: string): string[] | undefined => {
  const fields: string[] = []
  let start = 0
  while (fields.length < ARN_FIELDS - 1) {
    const colon = text.indexOf(':', start)
    if (colon < 0) return undefined
    fields.push(text.slice(start, colon))
    start = colon + 1
  }
  fields.push(text.slice(start))
  return fields
}

/**
 * ARN patterns: each of the six fields is matched by itself, so a `*` for the region cannot run on
 * into the account. Missing fields are `*` (IAM User Guide, Resource element, "incomplete ARN").
 */
export const arnGlobOf = (parts: readonly PatternPart[]): Glob => {
  const fields = fieldsOf(parts).map(globOf)
  return {
    matches: (text) => {
      const texts = splitArn(text)
      return texts?.every((field, index) => fields[index]?.matches(field) ?? true) === true
    },
  }
}
