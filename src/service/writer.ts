/** What the writer is made of, in one import. */
export { openConsumers } from './writer/consumers.ts'
export { openWriterJournal } from './writer/journal.ts'
