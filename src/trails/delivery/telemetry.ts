import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import { DELIVERY_ERROR_CODES } from './errors.ts'

export interface DeliveryTelemetry {
  delivered(events: number, bytes: number, ageSeconds: number): void
  failed(code: string): void
  digest(): void
  /** Given up for good. */
  lost(files: number, events: number): void
  /** The record of an own put could not be appended to the journal. */
  unrecorded(): void
  /** A replay did not give the bytes that its plan announced. */
  mismatch(): void
  pending(files: number, bytes: number): void
  held(bytes: number): void
}

/** Registers the metrics of deliveries; call it once per registry. */
export const deliveryTelemetry = (registry: Registry): DeliveryTelemetry => {
  const registers = [registry]
  const counter = (name: string, help: string): Counter =>
    new Counter({ name: `clew_delivery_${name}_total`, help, registers })
  const gauge = (name: string, help: string): Gauge =>
    new Gauge({ name: `clew_delivery_${name}`, help, registers })
  const files = counter('files', 'log files delivered')
  const events = counter('events', 'events delivered, once per trail')
  const bytes = counter('bytes', 'bytes of log files put, compressed')
  const digests = counter('digests', 'digests delivered')
  const lostFiles = counter('lost_files', 'log files and digests given up')
  const lostEvents = counter('lost_events', 'events in log files given up')
  const unrecorded = counter('unrecorded', 'own puts whose record the journal did not take')
  const mismatches = counter('mismatches', 'plans whose replay gave other bytes')
  const failures = new Counter({
    name: 'clew_delivery_failures_total',
    help: 'puts that failed, by S3 error code',
    labelNames: ['code'],
    registers,
  })
  // From the start on: a rate over a series that appears with its first failure misses that one.
  for (const code of DELIVERY_ERROR_CODES) failures.inc({ code }, 0)
  const pendingFiles = gauge('pending_files', 'log files waiting to be retried')
  const pendingBytes = gauge('pending_bytes', 'bytes of the pending folder')
  const heldBytes = gauge('held_bytes', 'memory of open log files')
  const age = new Histogram({
    name: 'clew_delivery_age_seconds',
    help: 'from the oldest event of a log file to its put',
    buckets: [10, 60, 120, 300, 360, 600, 1200, 3600, 14_400, 86_400],
    registers,
  })
  return {
    delivered: (count, size, seconds) => {
      files.inc()
      events.inc(count)
      bytes.inc(size)
      age.observe(seconds)
    },
    failed: (code) => failures.inc({ code }),
    digest: () => digests.inc(),
    lost: (count, held) => {
      lostFiles.inc(count)
      lostEvents.inc(held)
    },
    unrecorded: () => unrecorded.inc(),
    mismatch: () => mismatches.inc(),
    pending: (count, size) => {
      pendingFiles.set(count)
      pendingBytes.set(size)
    },
    held: (size) => heldBytes.set(size),
  }
}
