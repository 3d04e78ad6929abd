/** Spare buffers that are kept; more are left to the garbage collector. */
const SPARE_MAX = 16

/**
 * Buffers for the chunks of log files, used again: each chunk would otherwise leave a quarter of a
 * megabyte to the garbage collector, which counts such memory late.
 */
export class ChunkBuffers {
  readonly #spare: Buffer[] = []

  take(bytes: number): Buffer {
    const index = this.#spare.findIndex((buffer) => buffer.length === bytes)
    const [found] = index === -1 ? [] : this.#spare.splice(index, 1)
    return found ?? Buffer.allocUnsafeSlow(bytes)
  }

  /** Nobody may use the buffer any more. */
  give(buffer: Buffer): void {
    if (this.#spare.length < SPARE_MAX) this.#spare.push(buffer)
  }
}
