/**
 * Reads files, cuts and checks records, drops repeats, and hands the rest over in batches. A batch is
 * noted in the store before its frames go out and confirmed, in order, when all of them are in the
 * journal; a few are under way at once.
 */
import type { EventCategory, EventOrigin } from '../../event/sealed-event.ts'
import type { Sequence, Shard } from '../../journal/journal.ts'
import { messageOf } from '../../platform/errors.ts'
import { BATCH_BYTES, BATCH_EVENTS, createShardOf, encodeBatch, type NewEvent } from './batch.ts'
import { createFileProblems, type FileProblems, type Problem } from './file-problems.ts'
import type { CutRecord, CutterPlace } from './json/cut-record.ts'
import { RecordCutter } from './json/record-cutter.ts'
import type { ImportedEvent, ReadEvent } from './read-event.ts'
import { FINGERPRINT_BYTES, type Fingerprint } from './repeats/fingerprint.ts'
import type { Destination, FileProgress, ImportStore } from './repeats/import-store.ts'
import { HOUR_MS, RepeatIndex } from './repeats/repeat-index.ts'
import { contentOf, isFileFault } from './sources/content.ts'
import type { ImportSource } from './sources/source.ts'

/** Batches that were handed over and are not confirmed yet. */
export const BATCHES_UNDER_WAY_MAX = 4
/** Files that end within one batch at most: their progress is one document. */
const FILES_PER_BATCH_MAX = 256

/** What the event history takes (history/consumer.ts). */
const HISTORY_CATEGORIES: ReadonlySet<EventCategory> = new Set(['Management', 'Insight'])

export interface ImportCounts {
  files: number
  /** Finished by an earlier run: not read again. */
  filesKnown: number
  /** Without a byte in them: nothing is wrong with them. */
  filesEmpty: number
  /** Damaged, not readable, or no log file: each counts as one of `skipped` too. */
  filesSkipped: number
  events: number
  /** New to the destination and handed over; whether anything keeps them is told below. */
  imported: number
  repeats: number
  /** Imported, although the same eventID was imported with another text before. */
  changed: number
  skipped: number
  /** Imported, but too old for the event history. */
  tooOld: number
  /** Imported, but not for the event history: too old, or of a category that it does not take. */
  notInHistory: number
  /** Imported, but left out by the trail's selectors or regions; 0 without a trail. */
  leftOut: number
  /** Imported, but neither the event history nor the trail takes them. */
  notKept: number
}

/** Where frames go. `append` resolves when the frame is durable; it waits while there is no room. */
export interface FrameTarget {
  append(shard: Shard, frame: Buffer): Promise<Sequence>
}

export interface ImporterOptions {
  readonly store: Pick<ImportStore, 'file' | 'note' | 'confirm' | 'repeats'>
  readonly destination: Destination
  readonly origin: EventOrigin
  readonly readEvent: ReadEvent
  readonly fingerprint: Fingerprint
  readonly target: FrameTarget
  /** By shard: the highest sequence there is. */
  readonly heads: readonly Sequence[]
  /** Events of other accounts are skipped: the bucket's policy was not checked for them. */
  readonly accounts?: ReadonlySet<string>
  /** Events before it do not enter the event history; epoch milliseconds. */
  readonly oldest: number
  /** Does the trail take the event? Absent where nothing is delivered. */
  readonly takes?: (event: ImportedEvent) => boolean
  readonly problem: (problem: Problem) => void
  /** Stored bytes of files that were read or passed over. */
  readonly advanced: (storedBytes: number) => void
  readonly signal: AbortSignal
  /** Events that close a batch. */
  readonly batchEvents?: number
}

interface UnderWay {
  readonly batch: number
  readonly done: Promise<void>
  isDone: boolean
}

interface OpenFile {
  readonly source: ImportSource
  place: CutterPlace | undefined
  events: number
  clean: boolean
  /** Unpacked, read by this run. */
  bytes: number
  readonly problems: FileProblems
}

export class Importer {
  readonly counts: ImportCounts = {
    ...{ files: 0, filesKnown: 0, events: 0, imported: 0, repeats: 0, changed: 0, skipped: 0 },
    ...{ filesEmpty: 0, filesSkipped: 0, tooOld: 0, notInHistory: 0, leftOut: 0, notKept: 0 },
  }
  readonly #o: ImporterOptions
  readonly #index: RepeatIndex
  readonly #heads: Sequence[]
  readonly #shardOf: (account: string, region: string) => Shard
  #events: NewEvent[] = []
  #bytes = 0
  #ended: FileProgress[] = []
  readonly #underWay: UnderWay[] = []

  constructor(options: ImporterOptions) {
    this.#o = options
    this.#index = new RepeatIndex(options.store, options.destination)
    this.#heads = [...options.heads]
    this.#shardOf = createShardOf(options.heads.length)
  }

  /** Imports one file; returns early when the signal is aborted. */
  async file(source: ImportSource): Promise<void> {
    const { store, destination } = this.#o
    this.counts.files++
    const before = store.file(destination, source.name, source.version)
    if (before?.done === true) {
      this.counts.filesKnown++
      this.#o.advanced(source.size)
      return
    }
    const { place, events = 0 } = before ?? {}
    const problems = createFileProblems(source.name, (problem, records) => {
      this.counts.skipped += records
      if (problem.record === undefined) this.counts.filesSkipped++
      this.#o.problem(problem)
    })
    const file: OpenFile = { source, place, events, clean: true, bytes: 0, problems }
    if (events > 0) problems.isLog()
    try {
      await this.#read(file)
    } catch (error) {
      if (!isFileFault(error)) throw error
      problems.isLog()
      this.#skip(file, { reason: messageOf(error) })
    }
    if (this.#o.signal.aborted) return
    problems.end()
    if (file.clean && file.bytes === 0) this.counts.filesEmpty++
    if (file.clean) this.#ended.push(progressOf(file, true))
    if (this.#ended.length >= FILES_PER_BATCH_MAX) await this.#handOver(undefined)
    this.#o.advanced(source.size)
  }

  /** Hands over what is left and waits until everything is in the journal. */
  async finish(): Promise<void> {
    await this.#handOver(undefined)
    await this.#settle(0)
    this.#o.store.confirm(this.#underWay.splice(0).map(({ batch }) => batch))
  }

  async #read(file: OpenFile): Promise<void> {
    const { signal, batchEvents = BATCH_EVENTS } = this.#o
    const cutter = new RecordCutter(
      {
        record: (bytes, facts) => this.#record(file, cutter, bytes, facts),
        problem: (reason, { number, offset }) => {
          // `{"Records":[`: whatever is wrong inside it, it is a log file.
          if (cutter.place().inside === 'document') file.problems.isLog()
          this.#skip(file, { record: number, offset, reason })
        },
      },
      file.place,
    )
    let skip = file.place?.offset ?? 0
    for await (const piece of contentOf(file.source, signal)) {
      file.bytes += piece.length
      const rest = skip < piece.length ? piece.subarray(skip) : undefined
      skip = Math.max(0, skip - piece.length)
      if (rest !== undefined) cutter.push(rest)
      if (this.#bytes >= BATCH_BYTES || this.#events.length >= batchEvents) {
        await this.#handOver(file)
      }
      if (signal.aborted || cutter.ended) break
    }
    if (signal.aborted) await this.#handOver(file)
    else cutter.end()
  }

  #record(file: OpenFile, cutter: RecordCutter, bytes: Buffer, facts: CutRecord): boolean {
    const { number, offset, members, spansLines, outline } = facts
    const event = this.#o.readEvent({ bytes, members, spansLines, outline })
    if (event === 'no-json') return false
    const isLog = !('refused' in event) || event.isEvent || cutter.place().inside === 'document'
    if (isLog) file.problems.isLog()
    if ('refused' in event) this.#skip(file, { record: number, offset, reason: event.refused })
    else if (this.#o.accounts?.has(event.account) === false) {
      const reason = `the bucket policy was not checked for its account ${event.account}`
      this.#skip(file, { record: number, offset, reason })
    } else this.#take(event)
    file.events++
    file.place = cutter.place()
    return true
  }

  #take(event: ImportedEvent): void {
    const { counts } = this
    counts.events++
    const fingerprint = Buffer.allocUnsafe(FINGERPRINT_BYTES)
    this.#o.fingerprint(event, fingerprint, 0)
    const found = this.#index.add(Math.floor(event.time / HOUR_MS), fingerprint, 0)
    if (found === 'repeat') {
      counts.repeats++
      return
    }
    if (found === 'changed') counts.changed++
    this.#countPlaces(event)
    counts.imported++
    this.#bytes += event.text.length
    const { text, eventId, account, region, category, time } = event
    // Member by member: a spread costs ten times as much.
    this.#events.push({
      text,
      eventId,
      account,
      region,
      category,
      time,
      fingerprint,
    })
  }

  /** Where will it be found? */
  #countPlaces(event: ImportedEvent): void {
    const { counts } = this
    const { takes, oldest } = this.#o
    const tooOld = event.time < oldest
    const inHistory = !tooOld && HISTORY_CATEGORIES.has(event.category)
    const taken = takes?.(event)
    if (tooOld) counts.tooOld++
    if (!inHistory) counts.notInHistory++
    if (taken === false) counts.leftOut++
    if (!inHistory && taken !== true) counts.notKept++
  }

  #skip(file: OpenFile, problem: Omit<Problem, 'file'>): void {
    file.clean = false
    file.problems.add(problem)
  }

  /** `file`: the one that is read, whose progress up to here goes along. */
  async #handOver(file: OpenFile | undefined): Promise<void> {
    const files = this.#ended
    if (file?.place !== undefined && file.clean) files.push(progressOf(file, false))
    if (this.#events.length === 0 && files.length === 0) return
    const { store, destination, origin, target } = this.#o
    const frames = encodeBatch(this.#events, {
      ...{ origin, shardOf: this.#shardOf },
      headOf: (shard) => this.#heads[shard] ?? 0,
    })
    this.#events = []
    this.#bytes = 0
    this.#ended = []
    const note = { frames: frames.map((frame) => frame.note), files }
    const batch = store.note(destination, note, this.#takeDone())
    // From here on the store has the fingerprints, so that the index may let hours go.
    this.#index.trim()
    const sent = frames.map(async ({ shard, bytes }) => {
      const sequence = await target.append(shard, bytes)
      this.#heads[shard] = Math.max(this.#heads[shard] ?? 0, sequence)
    })
    const done = Promise.all(sent).then(() => {
      underWay.isDone = true
    })
    done.catch(() => {}) // `#settle` awaits it
    const underWay: UnderWay = { batch, done, isDone: false }
    this.#underWay.push(underWay)
    await this.#settle(BATCHES_UNDER_WAY_MAX - 1)
  }

  /** The finished batches in front of the first that is still under way. */
  #takeDone(): number[] {
    const open = this.#underWay.findIndex(({ isDone }) => !isDone)
    const count = open === -1 ? this.#underWay.length : open
    return this.#underWay.splice(0, count).map(({ batch }) => batch)
  }

  /** Waits until at most `left` batches are under way. Rejects when a frame could not be appended. */
  async #settle(left: number): Promise<void> {
    const open = this.#underWay.filter(({ isDone }) => !isDone)
    for (const { done } of open.slice(0, Math.max(0, open.length - left))) await done
  }
}

const progressOf = ({ source, place, events }: OpenFile, done: boolean): FileProgress => ({
  path: source.name,
  version: source.version,
  done,
  events,
  ...(done || place === undefined ? {} : { place }),
})
