/** Texts of forms, headers, query strings and XML as the values that their shapes ask for. */
import type { ShapeKind } from '../catalogue/shapes.ts'

/** A number as JSON writes one. */
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/

/** A JSON number that keeps every digit; the text itself where it is none. */
export const exactNumber = (text: string): unknown => {
  if (!NUMBER.test(text)) return text
  const value = Number(text)
  return String(value) === text ? value : JSON.rawJSON(text)
}

/** Old SDKs write `True` in headers. */
export const coerceText = (text: string, kind: ShapeKind): unknown => {
  switch (kind) {
    case 'integer':
    case 'decimal':
      return exactNumber(text)
    case 'boolean':
      return /^(true|false)$/i.test(text) ? text.toLowerCase() === 'true' : text
    case 'timestamp':
      // Epoch seconds in query strings; ISO 8601 and RFC 822 texts are parsed by the renderer.
      return NUMBER.test(text) ? Number(text) : text
    default:
      return text
  }
}

/** The types that a model-free XML to JSON conversion guesses (reference/capture.md §1.4, S3). */
export const guessScalar = (text: string): unknown => {
  if (text === 'true' || text === 'false') return text === 'true'
  return text.length <= 20 && /^-?\d/.test(text) ? exactNumber(text) : text
}
