/** The journal as the writer has it: it follows, and asks the front to append. */
import type { SealedEvent } from '../../event/sealed-event.ts'
import { encodeFrame } from '../../journal/frame-codec.ts'
import type { JournalReader } from '../../journal/journal.ts'
import { openSegmentJournalReader } from '../../journal/segment-journal.ts'
import { systemClock } from '../../platform/clock.ts'
import { pathsOf } from '../../supervisor/data-folder.ts'
import type { RoleHost } from '../../supervisor/role-process.ts'
import type { Stores } from '../stores.ts'

export interface WriterJournal {
  readonly reader: JournalReader
  /** Clew's own deliveries, appended by the front. */
  readonly record: (events: SealedEvent[]) => Promise<void>
  close(): Promise<void>
}

export const openWriterJournal = async (
  { config, channel }: RoleHost,
  { master }: Stores,
): Promise<WriterJournal> => {
  const folder = pathsOf(config.data).journal
  const reader = await openSegmentJournalReader(folder, { master, clock: systemClock })
  return {
    reader,
    record: async (events) => {
      await channel.call('front', 'append', encodeFrame({ kind: 'events', events }))
    },
    close: () => reader.close(),
  }
}
