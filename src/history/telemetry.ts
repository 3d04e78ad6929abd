import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

export type EventOutcome = 'stored' | 'repeat' | 'changed' | 'expired' | 'untimed' | 'other'

export interface HistoryTelemetry {
  /** `changed` events are also `stored`. */
  counted(outcome: EventOutcome, events: number): void
  storedBytes(bytes: number): void
  consumed(seconds: number): void
  rebuilt(): void
  days(count: number): void
}

export const createHistoryTelemetry = (registry: Registry): HistoryTelemetry => {
  const registers = [registry]
  const events = new Counter({
    name: 'clew_history_events_total',
    help: 'Events that the history took from the journal, by outcome.',
    labelNames: ['outcome'],
    registers,
  })
  const bytes = new Counter({
    name: 'clew_history_stored_bytes',
    help: 'Bytes of event text stored, before compression.',
    registers,
  })
  const duration = new Histogram({
    name: 'clew_history_consume_seconds',
    help: 'Time until a batch was durable and visible.',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers,
  })
  const rebuilds = new Counter({
    name: 'clew_history_index_rebuilds_total',
    help: 'Day indexes that were built anew from their blocks.',
    registers,
  })
  const days = new Gauge({
    name: 'clew_history_days',
    help: 'Days that the history holds.',
    registers,
  })
  return {
    counted: (outcome, count) => events.inc({ outcome }, count),
    storedBytes: (count) => bytes.inc(count),
    consumed: (seconds) => duration.observe(seconds),
    rebuilt: () => rebuilds.inc(),
    days: (count) => days.set(count),
  }
}
