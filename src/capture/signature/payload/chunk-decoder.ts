/**
 * Reads `aws-chunked` framing in any split:
 * `size[;chunk-signature=…]CRLF data CRLF … 0[;…]CRLF [trailers] CRLF`.
 */
import { parseChunkHeader } from './chunk-header.ts'
import {
  type ChunkSignatures,
  createChunkSignatures,
  uncheckedSignatures,
} from './chunk-signatures.ts'
import { createTrailers } from './chunk-trailers.ts'
import type { PayloadDecoder, PayloadSink } from './payload-decoder.ts'
import { PayloadError } from './payload-error.ts'
import type { PayloadMode } from './payload-mode.ts'

type Chunked = Extract<PayloadMode, { kind: 'chunked' }>

/** Bytes of one line: a chunk header has about 85, a trailer a few dozen. */
const LINE_BYTES_MAX = 1024
const LINE_FEED = 10
const CARRIAGE_RETURN = 13

const wrongLength = (): PayloadError =>
  new PayloadError(
    'IncompleteBody',
    'You did not provide the number of bytes specified by the x-amz-decoded-content-length HTTP header.',
  )

/** Finds lines that may be spread over several writes. */
const createLineReader = () => {
  let partial = ''
  return {
    /** The line that ends at or after `from`, or undefined when `bytes` holds no end of line. */
    read: (
      bytes: Buffer,
      from: number,
    ): { line: string; next: number; bare: boolean } | undefined => {
      const end = bytes.indexOf(LINE_FEED, from)
      const stop = end < 0 ? bytes.length : end
      if (partial.length + stop - from > LINE_BYTES_MAX) {
        throw new PayloadError('InvalidRequest', 'A line of the chunk framing is too long.')
      }
      const text = partial + bytes.toString('latin1', from, stop)
      partial = end < 0 ? text : ''
      if (end < 0) return undefined
      const bare = text.charCodeAt(text.length - 1) !== CARRIAGE_RETURN
      return { line: bare ? text : text.slice(0, -1), next: end + 1, bare }
    },
  }
}

/** Where a ChunkDecoder is in its body. */
type Place = 'header' | 'data' | 'data-end' | 'trailers' | 'done'

class ChunkDecoder implements PayloadDecoder {
  readonly trailers: Readonly<Record<string, string>>
  readonly #mode: Chunked
  readonly #sink: PayloadSink
  readonly #signatures: ChunkSignatures
  readonly #collected: ReturnType<typeof createTrailers>
  readonly #lines = createLineReader()
  #place: Place = 'header'
  /** Bytes of the current chunk that are still to come, and of all chunks so far. */
  #left = 0
  #decoded = 0
  /** Some clients end a trailer with LF and only then send the CRLF of its line. */
  #afterBareTrailer = false

  constructor(mode: Chunked, sink: PayloadSink) {
    this.#mode = mode
    this.#sink = sink
    this.#signatures =
      mode.signing === undefined ? uncheckedSignatures : createChunkSignatures(mode.signing)
    this.#collected = createTrailers(mode, this.#signatures)
    this.trailers = this.#collected.values
  }

  write(bytes: Buffer): void {
    let at = 0
    while (at < bytes.length) {
      if (this.#place === 'done') {
        throw new PayloadError('InvalidRequest', 'Data follows the last chunk.')
      }
      if (this.#place === 'data') {
        at = this.#takeData(bytes, at)
        continue
      }
      const found = this.#lines.read(bytes, at)
      if (found === undefined) return
      at = found.next
      if (this.#place === 'trailers') this.#takeTrailer(found.line, found.bare)
      else this.#takeLine(found.line, found.bare)
    }
  }

  end(): void {
    if (this.#place !== 'done') {
      throw new PayloadError('IncompleteBody', 'The request body terminated unexpectedly')
    }
  }

  #takeData(bytes: Buffer, from: number): number {
    const taken = Math.min(this.#left, bytes.length - from)
    const data = bytes.subarray(from, from + taken)
    this.#signatures.data(data)
    this.#sink(data)
    this.#left -= taken
    if (this.#left === 0) this.#place = 'data-end'
    return from + taken
  }

  #takeLine(line: string, bare: boolean): void {
    if (bare) {
      throw new PayloadError('InvalidRequest', 'A line of the chunk framing ends without CR.')
    }
    if (this.#place === 'header') {
      this.#takeHeader(line)
      return
    }
    if (line !== '') throw new PayloadError('InvalidRequest', 'A chunk is longer than it says.')
    this.#signatures.finish()
    this.#place = 'header'
  }

  #takeHeader(line: string): void {
    const { size, signature } = parseChunkHeader(line, this.#mode.signed)
    this.#signatures.begin(signature)
    this.#left = size
    this.#decoded += size
    if (this.#decoded > this.#mode.decodedLength) throw wrongLength()
    this.#place = size > 0 ? 'data' : 'trailers'
    if (size > 0) return
    this.#signatures.finish()
    if (this.#decoded !== this.#mode.decodedLength) throw wrongLength()
  }

  #takeTrailer(line: string, bare: boolean): void {
    if (line !== '') {
      if (!this.#mode.trailer) throw new PayloadError('InvalidRequest', 'The last chunk has data.')
      this.#afterBareTrailer = bare
      this.#collected.add(line)
      return
    }
    if (this.#afterBareTrailer) {
      this.#afterBareTrailer = false
      return
    }
    this.#collected.finish()
    this.#place = 'done'
  }
}

export const createChunkDecoder = (mode: Chunked, sink: PayloadSink): PayloadDecoder =>
  new ChunkDecoder(mode, sink)
