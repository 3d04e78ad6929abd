/** Careful reads of parsed event text: any member may be absent or of another type. */

export type JsonObject = Readonly<Record<string, unknown>>

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** An object member, or an empty object. */
export const objectAt = (object: JsonObject, key: string): JsonObject => {
  const value = object[key]
  return isObject(value) ? value : {}
}

/** A string member that is not empty. */
export const textAt = (object: JsonObject, key: string): string | undefined => {
  const value = object[key]
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** The record of an event's text; undefined where it is no JSON object. */
export const parseRecord = (text: Buffer): JsonObject | undefined => {
  try {
    const value: unknown = JSON.parse(text.toString('utf8'))
    return isObject(value) ? value : undefined
  } catch {
    // The caller counts and reports what is no JSON.
    return undefined
  }
}
