import { Command, Option } from 'commander'
import type { Config } from '../config.ts'
import type { EventCategory, SealedEvent } from '../event/sealed-event.ts'
import { parseRecord } from '../history/json.ts'
import { decodeFrame } from '../journal/frame-codec.ts'
import { JournalError, type JournalReader, type Shard } from '../journal/journal.ts'
import { type Clock, systemClock } from '../platform/clock.ts'
import { type EventFilter, filterOf, matches, withFilters } from './event-filter.ts'
import { jsonLine, readableLine } from './output/formats.ts'
import { createOutput, type Output } from './output/stream.ts'
import { configOf, withSettings } from './settings-options.ts'

/** A journal to read, beside the server that writes it. */
export type TailSource = JournalReader & { close(): Promise<void> }

export type OpenTailSource = (config: Config) => Promise<TailSource>

export interface TailRun {
  readonly journal: JournalReader
  readonly filter: EventFilter
  /** Absent: all. */
  readonly category?: EventCategory
  /** Whether to begin with what the journal still has; `filter.from` says from when. */
  readonly history: boolean
  readonly follow: boolean
  readonly json: boolean
  readonly colours: boolean
  readonly output: Output
  readonly notice: (text: string) => void
  /** Ends it. */
  readonly signal: AbortSignal
}

const READ_FRAMES = 256
const READ_BYTES = 4_194_304

/** Writes events as they become durable, until the signal, or until nobody reads them any more. */
export const runTail = async (run: TailRun): Promise<void> => {
  const over = new AbortController()
  const signal = AbortSignal.any([run.signal, over.signal])
  const shards = run.journal.shards.map((shard) => tailShard(run, shard, signal))
  // The first to end without more to come ends all: the reader has gone, or one has failed.
  const guarded = shards.map(async (shard) => {
    try {
      if (!(await shard)) over.abort()
    } catch (error) {
      over.abort()
      throw error
    }
  })
  for (const outcome of await Promise.allSettled(guarded)) {
    if (outcome.status === 'rejected') throw outcome.reason
  }
}

/** False when nobody reads any more. */
const tailShard = async (run: TailRun, shard: Shard, signal: AbortSignal): Promise<boolean> => {
  const { journal } = run
  const { first, next } = await journal.range(shard)
  let at = run.history ? first : next
  while (!signal.aborted) {
    const frames = await readFrom(run, shard, at)
    for (const { sequence, bytes } of frames.stored) {
      const frame = decodeFrame(bytes)
      const events = frame.kind === 'events' ? frame.events : []
      for (const event of events) if (!(await show(run, event))) return false
      at = sequence + 1
    }
    if (frames.stored.length > 0) continue
    if (frames.from > at) {
      at = frames.from
    } else {
      if (!run.follow) return true
      await untilMore(journal, shard, at - 1, signal)
    }
  }
  return true
}

/** What follows; `from` is ahead of `at` where nothing between can be read any more. */
const readFrom = async ({ journal, notice }: TailRun, shard: Shard, at: number) => {
  try {
    return { stored: await journal.read(shard, at, READ_FRAMES, READ_BYTES), from: at }
  } catch (error) {
    if (!(error instanceof JournalError)) throw error
    if (error.code !== 'truncated' && error.code !== 'corrupt') throw error
    const { first } = await journal.range(shard)
    const from = await journal.nextReadable(shard, Math.max(first, at))
    notice(`${from - at} frames of the journal were left out: ${error.message}`)
    return { stored: [], from }
  }
}

const untilMore = async (
  journal: JournalReader,
  shard: Shard,
  after: number,
  signal: AbortSignal,
): Promise<void> => {
  try {
    await journal.wait(shard, after, signal)
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

const show = async (run: TailRun, event: SealedEvent): Promise<boolean> => {
  if (run.category !== undefined && run.category !== event.category) return true
  const record = parseRecord(event.text)
  if (record === undefined || !matches(run.filter, event, record)) return true
  const shown = { text: event.text, record }
  return run.output.write(run.json ? jsonLine(shown) : readableLine(shown, run.colours))
}

const CATEGORIES: readonly EventCategory[] = ['Management', 'Data', 'NetworkActivity', 'Insight']

/** Aborted by the first Ctrl-C; a second one kills as usual. */
const interruption = (): Disposable & { signal: AbortSignal } => {
  const controller = new AbortController()
  const interrupt = (): void => controller.abort()
  process.once('SIGINT', interrupt)
  return {
    signal: controller.signal,
    [Symbol.dispose]: () => {
      process.off('SIGINT', interrupt)
    },
  }
}

/** `clew tail`: every event as it becomes durable, all accounts and categories. Exit code 130 after Ctrl-C. */
export const tailCommand = (open: OpenTailSource, clock: Clock = systemClock): Command =>
  withSettings(
    withFilters(new Command('tail').description('follow every event'), clock.now)
      .addOption(new Option('--category <name>', 'one category only').choices(CATEGORIES))
      .option('--no-follow', 'end where the journal ends')
      .option('--json', 'the events’ own bytes, one on a line'),
    ['data', 'masterKeyCommand'],
  ).action(async (options: Record<string, unknown>, command: Command) => {
    const journal = await open(configOf(command))
    const output = createOutput(process.stdout)
    using interrupt = interruption()
    const follow = options.follow !== false
    const category = CATEGORIES.find((each) => each === options.category)
    try {
      await runTail({
        ...{ journal, output, follow, filter: filterOf(options), signal: interrupt.signal },
        ...(category === undefined ? {} : { category }),
        history: options.since !== undefined || !follow,
        json: options.json === true,
        colours: process.stdout.isTTY && process.stdout.hasColors(),
        notice: (text) => process.stderr.write(`clew: ${text}\n`),
      })
    } finally {
      await journal.close()
    }
    if (interrupt.signal.aborted) process.exitCode = 130
  })
