/** The fingerprints of one hour in memory: a hash table without an object per event. */
import { FINGERPRINT_BYTES } from './fingerprint.ts'
import { IdSet } from './id-set.ts'

/** `repeat`: the same event went to the same destination before. `changed`: its eventID is known with another text. */
export type Finding = 'new' | 'repeat' | 'changed'

const WORDS = FINGERPRINT_BYTES / 4
const SLOTS_MIN = 256
/** Above this share of used slots the table doubles. */
const LOAD_MAX = 0.6

const EMPTY = 0
/** It went to another destination. */
const ELSEWHERE = 1
const HERE = 2

export class RepeatTable {
  #slots = SLOTS_MIN
  #words = new Int32Array(SLOTS_MIN * WORDS)
  #states = new Uint8Array(SLOTS_MIN)
  #used = 0
  #looks = 0
  readonly #ids = new IdSet()

  get bytes(): number {
    return this.#slots * (FINGERPRINT_BYTES + 1) + this.#ids.bytes
  }

  /** Slots that were looked at so far: its cost. */
  get looks(): number {
    return this.#looks
  }

  /** Fingerprints that are stored already, one behind the other. */
  load(fingerprints: Buffer, here: boolean): void {
    for (let at = 0; at + FINGERPRINT_BYTES <= fingerprints.length; at += FINGERPRINT_BYTES) {
      this.#put(fingerprints, at, here ? HERE : ELSEWHERE)
    }
  }

  /** Looks for the event and remembers it as one that goes here. */
  add(fingerprint: Buffer, at: number): Finding {
    return this.#put(fingerprint, at, HERE)
  }

  #put(from: Buffer, at: number, state: number): Finding {
    if (this.#used >= this.#slots * LOAD_MAX) this.#grow()
    const id0 = from.readInt32LE(at)
    const id1 = from.readInt32LE(at + 4)
    const mask = this.#slots - 1
    // The text is in it: many texts of one eventID would otherwise be one long row of slots.
    for (let slot = (id0 ^ from.readInt32LE(at + 8)) & mask; ; slot = (slot + 1) & mask) {
      this.#looks++
      const base = slot * WORDS
      const known = this.#states[slot]
      if (known === EMPTY) {
        for (let word = 0; word < WORDS; word++) {
          this.#words[base + word] = from.readInt32LE(at + word * 4)
        }
        this.#states[slot] = state
        this.#used++
        return this.#ids.add(id0, id1) ? 'new' : 'changed'
      }
      if (this.#words[base] !== id0 || this.#words[base + 1] !== id1) continue
      if (!this.#isText(base, from, at)) continue
      if (known === HERE) return 'repeat'
      this.#states[slot] = state
      return 'new'
    }
  }

  #isText(base: number, from: Buffer, at: number): boolean {
    for (let word = 2; word < WORDS; word++) {
      if (this.#words[base + word] !== from.readInt32LE(at + word * 4)) return false
    }
    return true
  }

  #grow(): void {
    const { length } = this.#states
    const words = this.#words
    const states = this.#states
    this.#slots = length * 2
    this.#words = new Int32Array(this.#slots * WORDS)
    this.#states = new Uint8Array(this.#slots)
    const mask = this.#slots - 1
    for (let old = 0; old < length; old++) {
      const state = states[old] ?? EMPTY
      if (state === EMPTY) continue
      const base = old * WORDS
      let slot = ((words[base] ?? 0) ^ (words[base + 2] ?? 0)) & mask
      while (this.#states[slot] !== EMPTY) slot = (slot + 1) & mask
      this.#words.set(words.subarray(base, base + WORDS), slot * WORDS)
      this.#states[slot] = state
    }
  }
}
