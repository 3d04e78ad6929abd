/**
 * A Bloom filter over the EventId keys of one index segment: whether an event may be a repeat is
 * asked for every event that arrives, and nearly always it is not. With 16 bits a key and 5 probes
 * one of 700 answers is a needless look into the index.
 */
const BITS_PER_KEY = 16
const PROBES = 5

export class KeyFilter {
  readonly bits: Uint8Array
  readonly #count: number

  /** Of stored bits, or empty for a number of keys. */
  constructor(from: Uint8Array | number) {
    this.bits = typeof from === 'number' ? new Uint8Array((from * BITS_PER_KEY) / 8) : from
    this.#count = this.bits.length * 8
  }

  /** The keys are hashes already: two halves of one give all probes (Kirsch and Mitzenmacher 2006). */
  #probe(key: number, step: number): number {
    const unsigned = key + 2 ** 47
    const high = Math.floor(unsigned / 2 ** 24)
    return (high + step * ((unsigned % 2 ** 24) | 1)) % this.#count
  }

  add(key: number): void {
    for (let step = 0; step < PROBES; step++) {
      const bit = this.#probe(key, step)
      this.bits[bit >>> 3] = (this.bits[bit >>> 3] ?? 0) | (1 << (bit & 7))
    }
  }

  mayHave(key: number): boolean {
    for (let step = 0; step < PROBES; step++) {
      const bit = this.#probe(key, step)
      if (((this.bits[bit >>> 3] ?? 0) & (1 << (bit & 7))) === 0) return false
    }
    return true
  }
}
