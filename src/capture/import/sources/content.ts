/**
 * The content of a log file, unpacked where it is gzip, which its first bytes tell and not its name.
 * A gzip file is checked to its last byte (checksum of every member, nothing behind them) before any
 * of it is handed out: a damaged one must not give events that nobody ever wrote.
 */
import { promisify } from 'node:util'
import { createGunzip, type Gunzip, gunzip } from 'node:zlib'
import { messageOf, systemCodeOf } from '../../../platform/errors.ts'
import { ImportError } from '../import-error.ts'
import type { ImportSource } from './source.ts'

/** Up to so many stored bytes a file is held; longer ones are read twice. */
const HELD_STORED_MAX = 16 * 1024 * 1024
/** Unpacked bytes that are held at most: a longer file, or a gzip bomb, is streamed. */
const HELD_UNPACKED_MAX = 128 * 1024 * 1024
/** Unpacked bytes handed out at a time: what the cutter takes in one go. */
const CHUNK_BYTES = 256 * 1024
const GZIP_MAGIC = Buffer.of(0x1f, 0x8b)

const unpack = promisify(gunzip)

/** With `info`, which the typings of Node.js do not know: how much the engine took. */
interface Unpacked {
  readonly buffer: Buffer
  readonly engine: { readonly bytesWritten: number }
}

const damaged = (offset: number, why: string, cause?: unknown): ImportError =>
  new ImportError('damaged', `the gzip file is damaged at byte ${offset} (${why})`, { cause })

/** What is wrong with one file only: it is refused, and the others are read. */
export const isFileFault = (error: unknown): boolean =>
  error instanceof ImportError && (error.code === 'damaged' || error.code === 'unreadable')

/** The stored bytes; what goes wrong while they are read is `unreadable`. */
async function* storedOf(source: ImportSource): AsyncGenerator<Buffer> {
  try {
    yield* source.open()
  } catch (cause) {
    if (cause instanceof ImportError) throw cause
    throw new ImportError('unreadable', `it cannot be read (${messageOf(cause)})`, { cause })
  }
}

const checkEnd = (taken: number, stored: number): void => {
  if (taken < stored) throw damaged(taken, 'what follows is no gzip')
}

function* pieces(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) yield bytes.subarray(at, at + CHUNK_BYTES)
}

/**
 * One piece for all of the content, as the last member's trailer tells its length (RFC 1952 §2.3.1):
 * pieces of the default 16 KiB would be joined, which costs as much as unpacking. A trailer that lies
 * costs time, nothing else.
 */
const pieceFor = (stored: Buffer): number => {
  const told = stored.length < 4 ? 0 : stored.readUInt32LE(stored.length - 4)
  return Math.min(Math.max(told + 1, CHUNK_BYTES), HELD_UNPACKED_MAX)
}

/** The whole content; undefined where it is too long to be held. */
const unpackHeld = async (stored: Buffer): Promise<Buffer | undefined> => {
  try {
    const options = { maxOutputLength: HELD_UNPACKED_MAX, chunkSize: pieceFor(stored), info: true }
    const result = (await unpack(stored, options)) as unknown as Unpacked
    checkEnd(result.engine.bytesWritten, stored.length)
    return result.buffer
  } catch (error) {
    if (error instanceof ImportError) throw error
    if (systemCodeOf(error) === 'ERR_BUFFER_TOO_LARGE') return undefined
    throw damaged(stored.length, messageOf(error), error)
  }
}

/** Resolves when the engine takes more, or never will. */
const drained = (engine: Gunzip): Promise<void> =>
  new Promise((resolve) => {
    const settle = (): void => {
      engine.off('drain', settle).off('close', settle)
      resolve()
    }
    engine.on('drain', settle).on('close', settle)
  })

/** Unpacks a stream; `engine` tells how much of it was taken. */
async function* unpackStream(source: ImportSource): AsyncGenerator<Buffer> {
  const engine: Gunzip = createGunzip({ chunkSize: CHUNK_BYTES })
  let fed = 0
  const feed = async (): Promise<void> => {
    for await (const chunk of storedOf(source)) {
      fed += chunk.length
      if (engine.writableEnded || engine.destroyed) continue
      if (!engine.write(chunk)) {
        await drained(engine)
      }
    }
    engine.end()
  }
  const feeding = feed().catch((error: unknown) => engine.destroy(error as Error))
  try {
    for await (const chunk of engine) yield chunk as Buffer
    await feeding
    checkEnd(engine.bytesWritten, fed)
  } catch (error) {
    if (error instanceof ImportError) throw error
    throw damaged(engine.bytesWritten, messageOf(error), error)
  } finally {
    engine.destroy()
  }
}

async function* chained(
  first: readonly Buffer[],
  rest: AsyncIterator<Buffer>,
): AsyncGenerator<Buffer> {
  yield* first
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value
}

/** Until the magic number can be seen, or all of a small file. */
const readStart = async (
  stored: AsyncIterator<Buffer>,
  enough: (head: readonly Buffer[], bytes: number) => boolean,
): Promise<{ readonly head: Buffer[]; readonly ended: boolean }> => {
  const head: Buffer[] = []
  let bytes = 0
  while (!enough(head, bytes)) {
    const next = await stored.next()
    if (next.done === true) return { head, ended: true }
    head.push(next.value)
    bytes += next.value.length
  }
  return { head, ended: false }
}

/**
 * The unpacked bytes, in pieces. Throws ImportError `damaged` before the first one, `unreadable` at
 * any time. Ends early when the signal is aborted while a long gzip file is checked.
 */
export async function* contentOf(
  source: ImportSource,
  signal?: AbortSignal,
): AsyncGenerator<Buffer> {
  const stored = storedOf(source)
  try {
    const start = await readStart(stored, (_head, bytes) => bytes >= GZIP_MAGIC.length)
    const magic = Buffer.concat(start.head).subarray(0, GZIP_MAGIC.length)
    if (!magic.equals(GZIP_MAGIC)) {
      yield* chained(start.head, stored)
      return
    }
    if (source.size <= HELD_STORED_MAX) {
      const all = await readStart(stored, (_head, bytes) => bytes > HELD_STORED_MAX)
      const content = all.ended
        ? await unpackHeld(Buffer.concat([...start.head, ...all.head]))
        : undefined
      if (content !== undefined) {
        yield* pieces(content)
        return
      }
    }
  } finally {
    await stored.return(undefined)
  }
  // To the end, or it throws.
  for await (const _ of unpackStream(source)) if (signal?.aborted) return
  yield* unpackStream(source)
}
