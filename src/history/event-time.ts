/** An event's own `eventTime`: ISO 8601 (reference/formats.md §1.2), nearly always whole seconds and Z. */

const FORM = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)$/

/** Events come in the order of time, more or less: one day's midnight is asked for again and again. */
let latest = { date: '1970-01-01', midnight: 0 }

/** Two digits that FORM has seen. */
const pairAt = (text: string, at: number): number =>
  (text.charCodeAt(at) - 48) * 10 + text.charCodeAt(at + 1) - 48

/** Epoch milliseconds; undefined for anything that is no such time. */
export const parseEventTime = (value: unknown): number | undefined => {
  if (typeof value !== 'string' || !FORM.test(value)) return undefined
  const hours = pairAt(value, 11)
  const minutes = pairAt(value, 14)
  const seconds = pairAt(value, 17)
  const isUsual = value.length === 20 && hours < 24 && minutes < 60 && seconds < 60
  if (isUsual && value.startsWith(latest.date)) {
    return latest.midnight + ((hours * 60 + minutes) * 60 + seconds) * 1000
  }
  const time = Date.parse(value)
  if (Number.isNaN(time)) return undefined
  if (isUsual) {
    const midnight = time - ((hours * 60 + minutes) * 60 + seconds) * 1000
    latest = { date: value.slice(0, 10), midnight }
  }
  return time
}
