import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { constantFrom, integer, property, assert as propertyHolds, tuple } from 'fast-check'
import { plainTimeOf } from './plain-time.ts'

const two = (value: number): string => `${value}`.padStart(2, '0')

describe('the plain form of a time', () => {
  it('is what Date.parse says, or is left to it', () => {
    const part = (max: number) => integer({ min: 0, max })
    const given = tuple(
      constantFrom('0000', '1969', '1970', '2024', '2026', '2100', '9999'),
      ...[part(13), part(32), part(25), part(61), part(61)],
    )
    propertyHolds(
      property(given, ([year, month, day, hour, minute, second]) => {
        const text = `${year}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}:${two(second)}Z`
        const time = plainTimeOf(text)
        if (time !== undefined) assert.equal(time, Date.parse(text), text)
        const isUsual = month >= 1 && month <= 12 && day >= 1 && day <= 28 && hour < 24
        if (isUsual && minute < 60 && second < 60) assert.equal(time, Date.parse(text), text)
      }),
      { numRuns: 2_000 },
    )
  })

  it('is no other form', () => {
    for (const text of [
      ...['', '2026-03-02T08:14:07', '2026-03-02T08:14:07.5Z', '2026-03-02 08:14:07Z'],
      ...['2026-03-02T08:14:0xZ', '2026-03-02T0 :14:07Z', '2026-3-002T08:14:07Z'],
      ...['2026-03-02T08-14-07Z', '2026-03-02T08:14:07z', '2026-03-02t08:14:07Z'],
    ]) {
      assert.equal(plainTimeOf(text), undefined, text)
    }
  })
})
