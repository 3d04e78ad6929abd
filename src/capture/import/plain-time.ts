/** The one form of eventTime that CloudTrail writes, without a regular expression and Date.parse. */

const LENGTH = 'YYYY-MM-DDTHH:MM:SSZ'.length
const DAY_LENGTH = 'YYYY-MM-DD'.length
const DAY = /^\d{4}-\d\d-\d\d$/

/** The day that was asked for last, and its midnight: events come more or less in their order. */
let lastDay = ''
let lastMidnight = Number.NaN

/** The two digits at `at`; NaN where they are none. */
const twoDigits = (value: string, at: number): number => {
  const tens = value.charCodeAt(at) - 0x30
  const ones = value.charCodeAt(at + 1) - 0x30
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : Number.NaN
}

/**
 * Epoch milliseconds of `2026-03-02T08:14:07Z`, as Date.parse tells them; undefined for any other form
 * and for what is no time: then Date.parse is to be asked.
 */
export const plainTimeOf = (value: string): number | undefined => {
  const isForm =
    value.length === LENGTH &&
    value[DAY_LENGTH] === 'T' &&
    value[13] === ':' &&
    value[16] === ':' &&
    value[19] === 'Z'
  if (!isForm) return undefined
  if (!value.startsWith(lastDay) || lastDay === '') {
    const day = value.slice(0, DAY_LENGTH)
    if (!DAY.test(day)) return undefined
    lastDay = day
    lastMidnight = Date.parse(`${day}T00:00:00Z`)
  }
  const [hours, minutes, seconds] = [
    twoDigits(value, 11),
    twoDigits(value, 14),
    twoDigits(value, 17),
  ]
  if (!(hours < 24 && minutes < 60 && seconds < 60) || Number.isNaN(lastMidnight)) return undefined
  return lastMidnight + ((hours * 60 + minutes) * 60 + seconds) * 1000
}
