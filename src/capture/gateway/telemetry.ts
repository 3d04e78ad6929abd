import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { CallsUnderWay } from '../../journal/recording/gather-siblings.ts'
import { CONNECTION_LOSSES } from '../../platform/connection-limit.ts'
import type { CallIdentity } from '../call.ts'

/** Seconds. The target for the added part is a median of 1 ms. */
const BUCKETS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30]

export type Outcome = 'success' | 'client_error' | 'server_error' | 'no_answer'

const outcomeOf = (status: number): Outcome => {
  if (status === 0) return 'no_answer'
  if (status < 400) return 'success'
  return status < 500 ? 'client_error' : 'server_error'
}

export interface GatewayTelemetry {
  /** A recorded call: milliseconds in all, and of these the time that the service took. */
  call(identity: CallIdentity, status: number, totalMs: number, serviceMs: number): void
  inFlight(change: 1 | -1): void
  signatureRefused(reason: string): void
  /** The journal could not take an intent or a record. */
  journalRefused(stage: 'intent' | 'record'): void
  /** A connection was closed, refused or not accepted because there were too many. */
  connectionLost(reason: string): void
  /** Gives the means to count the open connections. */
  countConnections(count: () => number): void
}

/** Calls under way are counted in `underWay` too. */
export const createGatewayTelemetry = (
  registry: Registry,
  underWay: CallsUnderWay = { count: 0 },
): GatewayTelemetry => {
  const registers = [registry]
  const calls = new Counter({
    name: 'clew_capture_calls_total',
    help: 'Calls recorded, by service and operation of the catalogue.',
    labelNames: ['service', 'operation', 'outcome'],
    registers,
  })
  const seconds = new Histogram({
    name: 'clew_capture_duration_seconds',
    help: 'Duration of calls: total, in the service behind, and what capture added.',
    labelNames: ['part'],
    buckets: BUCKETS,
    registers,
  })
  const inFlight = new Gauge({
    name: 'clew_capture_in_flight',
    help: 'Requests that are being served.',
    registers,
  })
  const signatures = new Counter({
    name: 'clew_capture_signature_refusals_total',
    help: 'Requests refused because of their signature.',
    labelNames: ['reason'],
    registers,
  })
  const journal = new Counter({
    name: 'clew_capture_journal_refusals_total',
    help: 'Intents and records that the journal and the spool could not take.',
    labelNames: ['stage'],
    registers,
  })
  let openConnections = (): number => 0
  new Gauge({
    name: 'clew_connections_open',
    help: 'Connections of clients to the AWS endpoint.',
    registers,
    collect() {
      this.set(openConnections())
    },
  })
  const lost = new Counter({
    name: 'clew_connections_lost_total',
    help: 'Connections closed or refused because there were too many, by reason.',
    labelNames: ['reason'],
    registers,
  })
  // From the start on: a rate over a series that appears with its first loss misses that one.
  for (const reason of CONNECTION_LOSSES) lost.inc({ reason }, 0)
  /** By their label values: prom-client would sort and join the labels anew at every call. */
  const counters = new Map<string, Counter.Internal>()
  const counterOf = (labels: readonly [string, string, Outcome]): Counter.Internal => {
    const key = labels.join('/')
    const counter = counters.get(key) ?? calls.labels(...labels)
    counters.set(key, counter)
    return counter
  }
  const [total, service, added] = ['total', 'service', 'added'].map((part) => seconds.labels(part))
  return {
    call: (identity, status, totalMs, serviceMs) => {
      // Names outside the catalogue come from clients: they must not become labels.
      const { serviceId, operation } = identity
      const name = serviceId === undefined ? 'other' : (operation ?? 'other')
      counterOf([serviceId ?? 'other', name, outcomeOf(status)]).inc()
      total?.observe(totalMs / 1000)
      service?.observe(serviceMs / 1000)
      added?.observe(Math.max(0, totalMs - serviceMs) / 1000)
    },
    inFlight: (change) => {
      inFlight.inc(change)
      underWay.count += change
    },
    signatureRefused: (reason) => signatures.inc({ reason }),
    journalRefused: (stage) => journal.inc({ stage }),
    connectionLost: (reason) => lost.inc({ reason }),
    countConnections: (count) => {
      openConnections = count
    },
  }
}
