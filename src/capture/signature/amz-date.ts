/** The three spellings of a request's time that signatures use. */

const BASIC = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/

/** `20260302T081407Z` to epoch milliseconds; undefined for anything that is no such moment. */
export const parseAmzDate = (text: string): number | undefined => {
  const parts = BASIC.exec(text)
  if (parts === null) return undefined
  const [, year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.map(Number)
  if (hour > 23 || minute > 59 || second > 59) return undefined
  // Date.UTC would take a year below 100 for one of the last century.
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  date.setUTCHours(hour, minute, second)
  // It turns 31 February into 3 March; such a date is no date.
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day ? date.getTime() : undefined
}

/** Epoch milliseconds to `20260302T081407Z`. */
export const formatAmzDate = (ms: number): string =>
  `${new Date(ms).toISOString().slice(0, 19).replaceAll('-', '').replaceAll(':', '')}Z`

const HTTP_DATE =
  /^(?:[A-Za-z]{3}, )?\d{1,2} [A-Za-z]{3} \d{4} \d{2}:\d{2}:\d{2} (?:GMT|UTC|\+0000)$/

/**
 * The `Date` header, which takes the place of an absent `X-Amz-Date`: HTTP's form (RFC 9110
 * section 5.6.7) or the basic ISO form.
 */
export const parseDateHeader = (text: string): number | undefined => {
  const basic = parseAmzDate(text)
  if (basic !== undefined || !HTTP_DATE.test(text)) return basic
  const ms = Date.parse(text)
  return Number.isNaN(ms) ? undefined : ms
}
