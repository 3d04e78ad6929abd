import type { Documents, Revision } from '../../documents/documents.ts'
import type { Sequence, Shard } from '../journal.ts'

interface CursorValue {
  /** Everything up to here is durable downstream. */
  readonly sequence: Sequence
}

const keyOf = (consumer: string, shard: Shard): string => `cursors/${consumer}/${shard}`

/** The stored cursor, 0 where the consumer has never run. */
export const readCursor = async (
  documents: Documents,
  consumer: string,
  shard: Shard,
): Promise<Sequence> =>
  (await documents.get<CursorValue>(keyOf(consumer, shard)))?.value.sequence ?? 0

/** The cursor of one consumer in one shard: written by compare-and-set, so that two runners collide. */
export interface Cursor {
  /** As stored. */
  readonly sequence: Sequence
  /** Rejects with DocumentsError `conflict` when another runner moved it. */
  save(sequence: Sequence): Promise<void>
}

export const openCursor = async (
  documents: Documents,
  consumer: string,
  shard: Shard,
): Promise<Cursor> => {
  const key = keyOf(consumer, shard)
  const document = await documents.get<CursorValue>(key)
  let revision: Revision | 'absent' = document?.revision ?? 'absent'
  let stored = document?.value.sequence ?? 0
  return {
    get sequence() {
      return stored
    },
    save: async (sequence) => {
      if (sequence <= stored) return
      revision = await documents.put(key, { sequence } satisfies CursorValue, revision)
      stored = sequence
    },
  }
}
