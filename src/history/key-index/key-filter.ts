/**
 * A Bloom filter over the EventId keys of one run of the index: whether an event may be a repeat is
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
  add(key: number): void {
    const first = Math.floor(key / 2 ** 24)
    const stride = (key - first * 2 ** 24) | 1
    for (let probe = 0, bit = first; probe < PROBES; probe++, bit += stride) {
      const at = bit % this.#count
      this.bits[at >>> 3] = (this.bits[at >>> 3] ?? 0) | (1 << (at & 7))
    }
  }

  mayHave(key: number): boolean {
    const first = Math.floor(key / 2 ** 24)
    const stride = (key - first * 2 ** 24) | 1
    for (let probe = 0, bit = first; probe < PROBES; probe++, bit += stride) {
      const at = bit % this.#count
      if (((this.bits[at >>> 3] ?? 0) & (1 << (at & 7))) === 0) return false
    }
    return true
  }
}
