import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { recordTexts } from './record-texts.ts'

const fileOf = (texts: readonly string[]): Buffer => Buffer.from(`{"Records":[${texts.join(',')}]}`)

describe('the texts of a log file', () => {
  it('are those that were put in, whatever their strings hold', () => {
    fc.assert(
      fc.property(fc.array(fc.dictionary(fc.string(), fc.jsonValue())), (records) => {
        const texts = records.map((record) => JSON.stringify(record))
        assert.deepEqual(recordTexts(fileOf(texts)).map(String), texts)
      }),
    )
  })

  it('are not those of a file that was cut off', () => {
    const file = fileOf(['{"a":"}"}', '{"b":{}}'])
    for (let length = 1; length < file.length; length++) {
      assert.throws(() => recordTexts(file.subarray(0, length)), /cut off/)
    }
  })
})
