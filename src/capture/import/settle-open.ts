/**
 * After an import was cut off: which of the frames that it had noted are in the journal? A frame is
 * known by its bytes. What is there is confirmed, what is not is read again, so that no event is lost
 * and none is in the journal twice (docs/decisions/0020-import-index.md).
 */
import { createHash } from 'node:crypto'
import { decodeFrame, readFrameIndex } from '../../journal/frame-codec.ts'
import type { JournalReader, Sequence, Shard } from '../../journal/journal.ts'
import { scanFrames } from '../../journal/scan.ts'
import { destinationName, type ImportStore, type OpenBatch } from './repeats/import-store.ts'

export interface Settled {
  readonly batches: number
  /** Events of frames that the journal has, and a trail takes if they were for one. */
  readonly found: number
  /** Events of the other frames: they are read again. */
  readonly missing: number
  /** Of the missing: the journal was truncated meanwhile, so that they may have been there. */
  readonly doubtful: number
}

const headsOf = (batches: readonly OpenBatch[]): Map<Shard, Sequence> => {
  const heads = new Map<Shard, Sequence>()
  for (const { shard, head } of batches.flatMap(({ frames }) => frames)) {
    heads.set(shard, Math.min(head, heads.get(shard) ?? head))
  }
  return heads
}

const place = (shard: Shard, digest: string): string => `${shard} ${digest}`

interface Survey {
  /** Where each frame is. */
  readonly present: ReadonlyMap<string, Sequence>
  /** By shard and destination: where its trail stopped or was deleted. */
  readonly stops: ReadonlyMap<string, readonly Sequence[]>
  /** Up to here a shard's frames are gone. */
  readonly truncated: ReadonlyMap<Shard, Sequence>
}

/** What is read of an announcement (`TrailChange` in trails/trail.ts). */
interface Announced {
  readonly kind: 'put' | 'delete'
  readonly trail: {
    readonly arn: string
    readonly incarnation: string
    readonly isLogging: boolean
  }
}

/** The destination that ends with a frame of the journal. */
const stoppedBy = (bytes: Buffer): string | undefined => {
  const { kind, topic } = readFrameIndex(bytes)
  if (kind !== 'control' || topic !== 'trail') return undefined
  const frame = decodeFrame(bytes)
  if (frame.kind !== 'control') return undefined
  const change = JSON.parse(frame.payload) as Announced
  if (change.kind === 'put' && change.trail.isLogging) return undefined
  return destinationName(change.trail)
}

const survey = async (
  journal: JournalReader,
  heads: ReadonlyMap<Shard, Sequence>,
): Promise<Survey> => {
  const present = new Map<string, Sequence>()
  const stops = new Map<string, Sequence[]>()
  const truncated = new Map<Shard, Sequence>()
  for (const [shard, head] of heads) {
    const { first, next } = await journal.range(shard)
    truncated.set(shard, first - 1)
    const frames = scanFrames(journal, shard, Math.max(head + 1, first), next)
    for await (const { sequence, bytes } of frames) {
      present.set(place(shard, createHash('sha256').update(bytes).digest('hex')), sequence)
      const stopped = stoppedBy(bytes)
      if (stopped === undefined) continue
      const key = place(shard, stopped)
      stops.set(key, [...(stops.get(key) ?? []), sequence])
    }
  }
  return { present, stops, truncated }
}

/** Call it while nobody appends for an earlier import any more. */
export const settleOpenBatches = async (
  store: ImportStore,
  journal: JournalReader,
): Promise<Settled> => {
  const batches = store.open()
  const { present, stops, truncated } = await survey(journal, headsOf(batches))
  let [found, missing, doubtful] = [0, 0, 0]
  let holds = true
  for (const { batch, destination, frames } of batches) {
    const absent = frames.filter(({ shard, head, digest }) => {
      const sequence = present.get(place(shard, digest))
      if (sequence === undefined || destination === undefined) return sequence === undefined
      // Behind its trail's stop nobody took it: it is as good as absent.
      const ends = stops.get(place(shard, destination)) ?? []
      return ends.some((end) => end > head && end < sequence)
    })
    for (const { shard, head, events } of absent) {
      missing += events
      if ((truncated.get(shard) ?? 0) > head) doubtful += events
    }
    found += frames.reduce((sum, { events }) => sum + events, 0)
    if (absent.length > 0) holds = false
    store.settle(
      batch,
      absent.map(({ frame }) => frame),
      holds,
    )
  }
  return { batches: batches.length, found: found - missing, missing, doubtful }
}
