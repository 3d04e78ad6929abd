/** An event's own `eventTime`: ISO 8601 (reference/formats.md §1.2), nearly always whole seconds and Z. */

const FORM = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)$/

/** Epoch milliseconds; undefined for anything that is no such time. */
export const parseEventTime = (value: unknown): number | undefined => {
  if (typeof value !== 'string' || !FORM.test(value)) return undefined
  const time = Date.parse(value)
  return Number.isNaN(time) ? undefined : time
}
