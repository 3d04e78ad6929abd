/**
 * After an import was cut off: which of the frames that it had noted are in the journal? A frame is
 * known by its bytes. What is there is confirmed, what is not is read again, so that no event is lost
 * and none is in the journal twice (docs/decisions/0020-import-index.md).
 */
import { createHash } from 'node:crypto'
import type { JournalReader, Sequence, Shard } from '../../journal/journal.ts'
import { scanFrames } from '../../journal/scan.ts'
import type { ImportStore, OpenBatch } from './repeats/import-store.ts'

export interface Settled {
  readonly batches: number
  /** Events of frames that the journal has. */
  readonly found: number
  /** Events of frames that it does not have: they are read again. */
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
  readonly present: ReadonlySet<string>
  /** Up to here a shard's frames are gone. */
  readonly truncated: ReadonlyMap<Shard, Sequence>
}

const survey = async (
  journal: JournalReader,
  heads: ReadonlyMap<Shard, Sequence>,
): Promise<Survey> => {
  const present = new Set<string>()
  const truncated = new Map<Shard, Sequence>()
  for (const [shard, head] of heads) {
    const { first, next } = await journal.range(shard)
    truncated.set(shard, first - 1)
    for await (const { bytes } of scanFrames(journal, shard, Math.max(head + 1, first), next)) {
      present.add(place(shard, createHash('sha256').update(bytes).digest('hex')))
    }
  }
  return { present, truncated }
}

/** Call it while nobody appends for an earlier import any more. */
export const settleOpenBatches = async (
  store: ImportStore,
  journal: JournalReader,
): Promise<Settled> => {
  const batches = store.open()
  const { present, truncated } = await survey(journal, headsOf(batches))
  let [found, missing, doubtful] = [0, 0, 0]
  let holds = true
  for (const { batch, frames } of batches) {
    const absent = frames.filter(({ shard, digest }) => !present.has(place(shard, digest)))
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
