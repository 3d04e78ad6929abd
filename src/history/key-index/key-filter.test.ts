import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import { KeyFilter } from './key-filter.ts'

const keyOf = (n: number): number =>
  createHash('sha256').update(String(n)).digest().readUIntBE(0, 6)

describe('KeyFilter', () => {
  it('knows every key that was added, and nearly none that was not', () => {
    const filter = new KeyFilter(20_000)
    for (let n = 0; n < 20_000; n++) filter.add(keyOf(n))
    const again = new KeyFilter(filter.bits)
    let wrong = 0
    for (let n = 0; n < 20_000; n++) {
      assert.ok(again.mayHave(keyOf(n)))
      if (again.mayHave(keyOf(-1 - n))) wrong++
    }
    assert.ok(wrong < 100, `${wrong} of 20000 false answers`)
  })
})
