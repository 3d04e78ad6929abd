import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { Shard } from './journal.ts'

/** What the journal reports of itself; `createJournalTelemetry` puts it into a registry. */
export interface JournalTelemetry {
  /** One commit group is durable. */
  committed(shard: Shard, seconds: number, frames: number, bytes: number): void
  /** Bytes of all segment files. */
  size(bytes: number): void
  refused(code: string): void
}

const COMMIT_SECONDS = [0.0003, 0.0006, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5]

export const createJournalTelemetry = (registry: Registry): JournalTelemetry => {
  const registers = [registry]
  const commit = new Histogram({
    name: 'clew_journal_commit_seconds',
    help: 'Time from taking a commit group to its fdatasync and publication.',
    buckets: COMMIT_SECONDS,
    registers,
  })
  const frames = new Counter({
    name: 'clew_journal_frames_total',
    help: 'Frames that became durable.',
    labelNames: ['shard'],
    registers,
  })
  const written = new Counter({
    name: 'clew_journal_written_bytes_total',
    help: 'Bytes that became durable.',
    registers,
  })
  const size = new Gauge({
    name: 'clew_journal_size_bytes',
    help: 'Bytes of all segment files.',
    registers,
  })
  const refused = new Counter({
    name: 'clew_journal_refused_total',
    help: 'Appends that were not taken, by the code of the error.',
    labelNames: ['code'],
    registers,
  })
  return {
    committed: (shard, seconds, count, bytes) => {
      commit.observe(seconds)
      frames.inc({ shard: String(shard) }, count)
      written.inc(bytes)
    },
    size: (bytes) => size.set(bytes),
    refused: (code) => refused.inc({ code }),
  }
}

/** What the recorder reports. */
export interface RecorderTelemetry {
  recorded(events: number): void
  spooled(events: number): void
  /** Entries that wait in the spool. */
  spoolWaiting(entries: number): void
}

export const createRecorderTelemetry = (registry: Registry): RecorderTelemetry => {
  const registers = [registry]
  const recorded = new Counter({
    name: 'clew_recorder_events_total',
    help: 'Events that became durable, by where: in the journal, or in the spool for now.',
    labelNames: ['into'],
    registers,
  })
  const waiting = new Gauge({
    name: 'clew_recorder_spool_entries',
    help: 'Spool entries that wait for the journal to take them.',
    registers,
  })
  return {
    recorded: (events) => recorded.inc({ into: 'journal' }, events),
    spooled: (events) => {
      recorded.inc({ into: 'spool' }, events)
      waiting.inc()
    },
    spoolWaiting: (entries) => waiting.set(entries),
  }
}

/** What the runner reports of its consumers. */
export interface RunnerTelemetry {
  lag(consumer: string, shard: Shard, frames: number, seconds: number): void
  /** `what`: start, consume, tick, cursor. */
  failed(consumer: string, what: string): void
  healthy(consumer: string, shard: Shard, healthy: boolean): void
  /** Frames that were left out because they cannot be read. */
  skipped(consumer: string, reason: 'truncated' | 'corrupt', frames: number): void
}

export const createRunnerTelemetry = (registry: Registry): RunnerTelemetry => {
  const registers = [registry]
  const gauge = (name: string, help: string) =>
    new Gauge({ name, help, labelNames: ['consumer', 'shard'], registers })
  const lagFrames = gauge('clew_consumer_lag_frames', 'Frames that a consumer has not taken yet.')
  const lagSeconds = gauge(
    'clew_consumer_lag_seconds',
    'Age of the oldest frame that a consumer has not taken yet.',
  )
  const failing = gauge('clew_consumer_failing', '1 while a consumer fails and is tried again.')
  const failures = new Counter({
    name: 'clew_consumer_failures_total',
    help: 'Failed attempts, by what was tried.',
    labelNames: ['consumer', 'what'],
    registers,
  })
  const skipped = new Counter({
    name: 'clew_consumer_skipped_frames_total',
    help: 'Frames that a consumer never saw because they could not be read.',
    labelNames: ['consumer', 'reason'],
    registers,
  })
  return {
    lag: (consumer, shard, frames, seconds) => {
      lagFrames.set({ consumer, shard: String(shard) }, frames)
      lagSeconds.set({ consumer, shard: String(shard) }, seconds)
    },
    failed: (consumer, what) => failures.inc({ consumer, what }),
    healthy: (consumer, shard, healthy) =>
      failing.set({ consumer, shard: String(shard) }, healthy ? 0 : 1),
    skipped: (consumer, reason, frames) => skipped.inc({ consumer, reason }, frames),
  }
}
