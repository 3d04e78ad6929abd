/** `events` and `tail` as a process of their own, on a folder sealed with the tests' master key. */
import { Command } from 'commander'
import { openHistory } from '../../history/reader.ts'
import { TEST_MASTER } from '../../history/testing/folder-history.ts'
import { openSegmentJournalReader } from '../../journal/segment-journal.ts'
import { systemClock } from '../../platform/clock.ts'
import { silentLogger } from '../../platform/logger.ts'
import { eventsCommand } from '../events.ts'
import { tailCommand } from '../tail.ts'

const means = { master: TEST_MASTER, clock: systemClock, logger: silentLogger }
const program = new Command('clew')
  .addCommand(eventsCommand(({ data }) => openHistory({ ...means, folder: `${data}/history` })))
  .addCommand(tailCommand(({ data }) => openSegmentJournalReader(`${data}/journal`, means)))
await program.parseAsync()
