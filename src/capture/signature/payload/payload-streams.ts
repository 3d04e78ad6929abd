/**
 * Bodies that are too large to hold, with back-pressure. Both forms end only after everything was
 * verified: a mismatch is an error of the stream, and what was read until then is worth nothing.
 */
import { Transform } from 'node:stream'
import { createPayloadDecoder } from './payload-decoder.ts'
import type { PayloadMode } from './payload-mode.ts'

export interface PayloadStream {
  readonly stream: Transform
  /** Trailing headers; complete once the stream ended. */
  readonly trailers: Readonly<Record<string, string>>
  /** Bytes of payload so far, without framing. */
  bytes(): number
}

/** A stream's callback takes errors as Error objects only. */
const attempt = (callback: (error?: Error | null) => void, work: () => void): void => {
  try {
    work()
  } catch (error) {
    callback(error instanceof Error ? error : new Error(String(error)))
    return
  }
  callback()
}

/** The payload without its framing: for services that Clew itself answers. */
export const decodedPayload = (mode: PayloadMode): PayloadStream => {
  let bytes = 0
  const decoder = createPayloadDecoder(mode, (payload) => {
    bytes += payload.length
    stream.push(payload)
  })
  const stream: Transform = new Transform({
    transform: (bytes: Buffer, _encoding, callback) =>
      attempt(callback, () => decoder.write(bytes)),
    flush: (callback) => attempt(callback, () => decoder.end()),
  })
  return { stream, trailers: decoder.trailers, bytes: () => bytes }
}

/**
 * The body as it was sent, for an upstream. The last block that came is held back until hash or
 * final chunk signature hold; so an upstream never has a whole body that does not verify.
 */
export const rawPayload = (mode: PayloadMode): PayloadStream => {
  let bytes = 0
  const decoder = createPayloadDecoder(mode, (payload) => {
    bytes += payload.length
  })
  let held: Buffer | undefined
  const stream = new Transform({
    transform: (bytes: Buffer, _encoding, callback) =>
      attempt(callback, () => {
        decoder.write(bytes)
        if (held !== undefined) stream.push(held)
        held = bytes
      }),
    flush: (callback) =>
      attempt(callback, () => {
        decoder.end()
        if (held !== undefined) stream.push(held)
      }),
  })
  return { stream, trailers: decoder.trailers, bytes: () => bytes }
}

/** The same check for a body that is in memory: the payload without its framing. Throws PayloadError. */
export const decodeWhole = (
  mode: PayloadMode,
  body: Buffer,
): { readonly payload: Buffer; readonly trailers: Readonly<Record<string, string>> } => {
  // Copied at once: a slice for every chunk of a byte would take two hundred times the body.
  const payload = mode.kind === 'chunked' ? Buffer.allocUnsafe(body.length) : body
  let length = 0
  const decoder = createPayloadDecoder(mode, (part) => {
    if (mode.kind === 'chunked') part.copy(payload, length)
    length += part.length
  })
  if (body.length > 0) decoder.write(body)
  decoder.end()
  return { payload: payload.subarray(0, length), trailers: decoder.trailers }
}
