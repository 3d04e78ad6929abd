/** The eventIDs of one hour, 8 hashed bytes each: a hash table without an object per id. */

const SLOTS_MIN = 256
/** Above this share of used slots the table doubles. */
const LOAD_MAX = 0.6

export class IdSet {
  #slots = SLOTS_MIN
  #words = new Int32Array(SLOTS_MIN * 2)
  #used = 0
  /** The id of zeros, which an empty slot looks like. */
  #hasZero = false

  get bytes(): number {
    return this.#words.byteLength
  }

  /** False when it was there already. */
  add(id0: number, id1: number): boolean {
    if (id0 === 0 && id1 === 0) {
      const isNew = !this.#hasZero
      this.#hasZero = true
      return isNew
    }
    if (this.#used >= this.#slots * LOAD_MAX) this.#grow()
    const base = this.#baseOf(id0, id1)
    if (this.#words[base] === id0 && this.#words[base + 1] === id1) return false
    this.#words[base] = id0
    this.#words[base + 1] = id1
    this.#used++
    return true
  }

  /** Where it is, or the empty slot where it belongs. */
  #baseOf(id0: number, id1: number): number {
    const words = this.#words
    const mask = this.#slots - 1
    for (let slot = id0 & mask; ; slot = (slot + 1) & mask) {
      const base = slot * 2
      const known0 = words[base]
      const known1 = words[base + 1]
      if (known0 === id0 && known1 === id1) return base
      if (known0 === 0 && known1 === 0) return base
    }
  }

  #grow(): void {
    const old = this.#words
    this.#slots *= 2
    this.#words = new Int32Array(this.#slots * 2)
    for (let at = 0; at < old.length; at += 2) {
      const [id0 = 0, id1 = 0] = [old[at], old[at + 1]]
      if (id0 === 0 && id1 === 0) continue
      const base = this.#baseOf(id0, id1)
      this.#words[base] = id0
      this.#words[base + 1] = id1
    }
  }
}
