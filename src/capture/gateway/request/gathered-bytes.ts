/** The parts of a body, kept in memory that is in proportion to their bytes. */

const KIB = 1024
/** Parts from this size on are kept as they came. Bytes. */
const KEPT_BYTES_MIN = 4 * KIB
/** So are the first ones, whatever their size: nearly all bodies are one part. */
const KEPT_PARTS = 16
const SLAB_BYTES = 64 * KIB

export interface GatheredBytes {
  add(part: Buffer): void
  /** Everything so far, in order. */
  whole(): Buffer
}

/**
 * A client may send each byte in a chunk of its own, and a Buffer object costs two hundred times as
 * much as the byte in it. Small parts are therefore copied into slabs.
 */
export const gatherBytes = (): GatheredBytes => {
  const parts: Buffer[] = []
  let length = 0
  let slab = Buffer.alloc(0)
  /** What of the slab is filled, but not among the parts yet. */
  let from = 0
  let to = 0

  const cutSlab = (): void => {
    if (to > from) parts.push(slab.subarray(from, to))
    from = to
  }
  const copy = (part: Buffer): void => {
    if (to + part.length > slab.length) {
      cutSlab()
      slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
      from = 0
      to = 0
    }
    to += part.copy(slab, to)
  }
  return {
    add: (part) => {
      length += part.length
      if (part.length < KEPT_BYTES_MIN && parts.length >= KEPT_PARTS) {
        copy(part)
        return
      }
      cutSlab()
      parts.push(part)
    },
    whole: () => {
      cutSlab()
      const [first] = parts
      return parts.length === 1 && first !== undefined ? first : Buffer.concat(parts, length)
    },
  }
}
