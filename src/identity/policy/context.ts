/** Condition keys of one request: name in lower case to its values. */
export type RequestContext = ReadonlyMap<string, readonly string[]>

/** Names are case-insensitive (IAM User Guide, Condition element); undefined members are absent. */
export const requestContext = (
  keys: Readonly<Record<string, string | readonly string[] | undefined>>,
): RequestContext => {
  const context = new Map<string, readonly string[]>()
  for (const [name, value] of Object.entries(keys)) {
    if (value === undefined) continue
    context.set(name.toLowerCase(), typeof value === 'string' ? [value] : value)
  }
  return context
}
