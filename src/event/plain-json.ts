/** JSON text of anything at all: for records, which must be writable whatever a caller sent. */

declare global {
  // ES2026 "JSON.parse source text access": Node 24 has it, TypeScript's library not yet.
  interface JSON {
    rawJSON(text: string): object
    isRawJSON(value: unknown): boolean
  }
}

/** A value as JSON carries it; `unknown` leaves room for what a hostile body may hold. */
export type JsonObject = Readonly<Record<string, unknown>>

/** Deeper levels are left out: no AWS API nests as deep. */
export const JSON_DEPTH_MAX = 64

/** A lone surrogate in the output of JSON.stringify (which escapes exactly those). */
const LONE_SURROGATE = /\\ud[89a-f]/

const MISSING = '[unreadable]'

const cleanObject = (value: object, depth: number): unknown => {
  if (JSON.isRawJSON(value)) return value
  if (depth >= JSON_DEPTH_MAX) return Array.isArray(value) ? [] : {}
  if (Array.isArray(value)) return value.map((item) => clean(item, depth + 1))
  const copy: Record<string, unknown> = Object.create(null)
  for (const [key, item] of Object.entries(value)) {
    if (item !== undefined) copy[key.toWellFormed()] = clean(item, depth + 1)
  }
  return copy
}

/** A copy that JSON.stringify can write: no cycles, getters, BigInts or lone surrogates. */
const clean = (value: unknown, depth: number): unknown => {
  switch (typeof value) {
    case 'string':
      return value.toWellFormed()
    case 'number':
    case 'boolean':
    case 'undefined':
      return value
    case 'bigint':
      return JSON.rawJSON(value.toString())
    case 'object':
      if (value === null) return null
      try {
        return cleanObject(value, depth)
      } catch {
        // A getter or proxy that throws: the record says so instead of being lost.
        return MISSING
      }
    default:
      return undefined
  }
}

/**
 * Compact JSON, well-formed UTF-16 throughout; undefined where JSON has no value. Never throws.
 * Numbers that JavaScript cannot hold stay exact when they come as JSON.rawJSON.
 */
export const jsonText = (value: unknown): string | undefined => {
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch {
    // A cycle, a BigInt or too deep a nest: written from a cleaned copy below.
    return JSON.stringify(clean(value, 0))
  }
  if (text === undefined || !LONE_SURROGATE.test(text)) return text
  return JSON.stringify(clean(value, 0))
}

/** More digits than a double holds exactly, a fraction or an exponent: 243.0 would become 243. */
const INEXACT_NUMBER = /[:[,\s]-?(?:\d{16,}|\d+(?:\.\d+)?[eE]|\d+\.\d)/

const keepNumber = (_key: string, value: unknown, context: { source?: string }): unknown =>
  typeof value === 'number' && context.source !== undefined && String(value) !== context.source
    ? JSON.rawJSON(context.source)
    : value

/**
 * JSON.parse that keeps numbers as they were written: those that JavaScript would change come back
 * as JSON.rawJSON. Undefined for what is not JSON.
 */
export const parseJson = (text: string): unknown => {
  try {
    if (!INEXACT_NUMBER.test(text)) return JSON.parse(text) as unknown
    return JSON.parse(text, keepNumber as (key: string, value: unknown) => unknown) as unknown
  } catch {
    // Not JSON: the caller decides what that means.
    return undefined
  }
}

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !JSON.isRawJSON(value)
