import { createHash } from 'node:crypto'
import { createChunkDecoder } from './chunk-decoder.ts'
import { hashMismatch } from './payload-error.ts'
import type { PayloadMode } from './payload-mode.ts'

/** Takes a body as it was sent, in any split, and checks it against what the signature covers. */
export interface PayloadDecoder {
  /** Hands payload bytes to the sink as it finds them. Throws PayloadError. */
  write(bytes: Buffer): void
  /** The body is over. Throws PayloadError when it is incomplete or is not what was signed. */
  end(): void
  /** Trailing headers, names in lower case; complete after `end`. */
  readonly trailers: Readonly<Record<string, string>>
}

/** Slices of what was written, never copies. */
export type PayloadSink = (payload: Buffer) => void

const NO_TRAILERS: Readonly<Record<string, string>> = {}

const createHashDecoder = (sha256: string, sink: PayloadSink): PayloadDecoder => {
  const digest = createHash('sha256')
  return {
    write: (bytes) => {
      digest.update(bytes)
      sink(bytes)
    },
    end: () => {
      if (digest.digest('hex') !== sha256) throw hashMismatch()
    },
    trailers: NO_TRAILERS,
  }
}

/** `deferred` and `unsigned` have nothing to check here. */
export const createPayloadDecoder = (mode: PayloadMode, sink: PayloadSink): PayloadDecoder => {
  if (mode.kind === 'hash') return createHashDecoder(mode.sha256, sink)
  if (mode.kind === 'chunked') return createChunkDecoder(mode, sink)
  return { write: sink, end: () => {}, trailers: NO_TRAILERS }
}
