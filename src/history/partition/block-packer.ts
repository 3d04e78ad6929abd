import { once } from 'node:events'
import { constants, createZstdCompress } from 'node:zlib'
import { PLAIN_BYTES_USUAL, ZSTD_PARAMETERS } from './block-codec.ts'

/** Lanes: two cores; two of the four threads of the pool stay free for fsync. */
const LANES = 2
/** What a packed block usually fits into. */
const OUTPUT_BYTES = 32_768
/** Above all that one write gives: a lane never waits for its reader. */
const READABLE_BYTES = 67_108_864

/** A constant of its own: Node's types do not name the options of the stream beneath. */
const OPTIONS = {
  params: ZSTD_PARAMETERS,
  flush: constants.ZSTD_e_end,
  chunkSize: OUTPUT_BYTES,
  readableHighWaterMark: READABLE_BYTES,
}

/** One compressor that makes a frame of each write. Its context is kept: making one costs 0.1 ms. */
class Lane {
  readonly scratch = Buffer.allocUnsafeSlow(PLAIN_BYTES_USUAL)
  readonly #stream = createZstdCompress(OPTIONS)

  constructor() {
    // A failed write rejects `pack`; without a listener the event would end the process.
    this.#stream.on('error', () => {})
  }

  pack(plain: Buffer): Promise<Buffer> {
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
    this.#stream.write(plain, (error) => {
      const whole: unknown = this.#stream.read()
      if (error != null) reject(error)
      else if (Buffer.isBuffer(whole)) resolve(whole)
      else reject(new RangeError('The compressor gave nothing.'))
    })
    return promise
  }

  async close(): Promise<void> {
    if (this.#stream.destroyed) return
    const closed = once(this.#stream, 'close')
    this.#stream.destroy()
    await closed
  }
}

/** Packs many blocks on threads of the pool, while this one prepares and indexes others. */
export class BlockPacker {
  readonly #lanes = new Set<Lane>()
  readonly #idle: Lane[] = []
  readonly #waiting: ((lane: Lane) => void)[] = []

  /** `fill` gives the plaintext of a block; it may use the scratch, which is its own until then. */
  async pack(count: number, fill: (at: number, scratch: Buffer) => Buffer): Promise<Buffer[]> {
    const packed: Buffer[] = []
    let next = 0
    const work = async (): Promise<void> => {
      while (next < count) {
        const at = next++
        packed[at] = await this.#withLane((lane) => lane.pack(fill(at, lane.scratch)))
      }
    }
    const ends = await Promise.allSettled(Array.from({ length: LANES }, work))
    for (const end of ends) if (end.status === 'rejected') throw end.reason
    return packed
  }

  async #withLane(work: (lane: Lane) => Promise<Buffer>): Promise<Buffer> {
    const lane = await this.#take()
    try {
      const packed = await work(lane)
      this.#give(lane)
      return packed
    } catch (error) {
      // Its state is unknown: another one takes its place.
      this.#lanes.delete(lane)
      await lane.close()
      this.#give(this.#open())
      throw error
    }
  }

  #open(): Lane {
    const lane = new Lane()
    this.#lanes.add(lane)
    return lane
  }

  async #take(): Promise<Lane> {
    const idle = this.#idle.pop()
    if (idle !== undefined) return idle
    if (this.#lanes.size < LANES) return this.#open()
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  #give(lane: Lane): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#idle.push(lane)
    else next(lane)
  }

  /** After the last `pack`. */
  async close(): Promise<void> {
    for (const lane of this.#lanes) await lane.close()
    this.#lanes.clear()
    this.#idle.length = 0
  }
}
