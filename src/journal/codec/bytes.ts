/** Little helpers of the frame codec: big-endian integers and strings that are stored once. */

const SHARED_MAX = 0xffff

/**
 * Collects an index. Strings written with `shared` (accounts, regions, ARNs) go once into a table in
 * front of the rest, because most events of a frame have them in common.
 */
export class ByteWriter {
  readonly #shared = new Map<string, number>()
  #body = Buffer.allocUnsafe(1_024)
  #length = 0

  byte(value: number): void {
    const at = this.#room(1)
    this.#body.writeUInt8(value, at)
  }

  u16(value: number): void {
    const at = this.#room(2)
    this.#body.writeUInt16BE(value, at)
  }

  u32(value: number): void {
    const at = this.#room(4)
    this.#body.writeUInt32BE(value, at)
  }

  bytes(value: Uint8Array): void {
    const at = this.#room(value.byteLength)
    this.#body.set(value, at)
  }

  shared(text: string): void {
    let index = this.#shared.get(text)
    if (index === undefined) {
      index = this.#shared.size
      if (index >= SHARED_MAX) throw new RangeError('A frame has too many different strings.')
      this.#shared.set(text, index)
    }
    this.u16(index)
  }

  /** The table of strings, then what was written. */
  finish(): Buffer {
    const count = Buffer.alloc(2)
    count.writeUInt16BE(this.#shared.size)
    const table = [...this.#shared.keys()].flatMap((text) => {
      const bytes = Buffer.from(text)
      if (bytes.length > SHARED_MAX) throw new RangeError('A string of a frame is too long.')
      const length = Buffer.alloc(2)
      length.writeUInt16BE(bytes.length)
      return [length, bytes]
    })
    return Buffer.concat([count, ...table, this.#body.subarray(0, this.#length)])
  }

  /** Makes room, which may replace the buffer: call it before touching `#body`. */
  #room(bytes: number): number {
    const at = this.#length
    this.#length += bytes
    if (this.#length > this.#body.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#length, this.#body.length * 2))
      this.#body.copy(larger, 0, 0, at)
      this.#body = larger
    }
    return at
  }
}

/** Reads what a ByteWriter made; throws RangeError behind the end. */
export class ByteReader {
  readonly #source: Buffer
  readonly #shared: string[] = []
  #at = 0

  constructor(source: Buffer) {
    this.#source = source
    const count = this.u16()
    for (let index = 0; index < count; index++) this.#shared.push(this.bytes(this.u16()).toString())
  }

  byte(): number {
    const byte = this.#source[this.#at++]
    if (byte === undefined) throw new RangeError('The index ends early.')
    return byte
  }

  u16(): number {
    return this.byte() * 0x100 + this.byte()
  }

  u32(): number {
    return this.u16() * 0x10000 + this.u16()
  }

  bytes(length: number): Buffer {
    const start = this.#at
    this.#at += length
    if (this.#at > this.#source.length) throw new RangeError('The index ends early.')
    return this.#source.subarray(start, this.#at)
  }

  shared(): string {
    const text = this.#shared[this.u16()]
    if (text === undefined) throw new RangeError('The index names a string that it does not have.')
    return text
  }
}
