import { hash } from 'node:crypto'

/** 48 bits of SHA-256: collisions cost a comparison, never an event. */
export const shortHash = (text: string): number => hash('sha256', text, 'buffer').readUIntBE(0, 6)

/** A set of many numbers in eight bytes each: a spool may hold millions of event ids. */
export interface HashSet {
  add(value: number): void
  /** Ends adding; the questions below may be asked from here on. */
  seal(): void
  has(value: number): boolean
  /** Was it added more than once? */
  isRepeated(value: number): boolean
}

const INITIAL_LENGTH = 1_024

export const createHashSet = (): HashSet => {
  let values = new Float64Array(INITIAL_LENGTH)
  let length = 0

  /** Index of the first element that is not below `value`. */
  const lowerBound = (value: number): number => {
    let low = 0
    let high = length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((values[middle] ?? 0) < value) low = middle + 1
      else high = middle
    }
    return low
  }

  return {
    add: (value) => {
      if (length === values.length) {
        const larger = new Float64Array(length * 2)
        larger.set(values)
        values = larger
      }
      values[length++] = value
    },
    seal: () => {
      values = values.subarray(0, length).sort()
    },
    has: (value) => values[lowerBound(value)] === value,
    isRepeated: (value) => {
      const index = lowerBound(value)
      return values[index] === value && values[index + 1] === value
    },
  }
}
