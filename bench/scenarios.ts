/** The benchmarks, in the order of the report: the lines of the table that they answer. */
import type { Scenario } from './scenario.ts'
import { freshness } from './scenarios/freshness.ts'
import { importing } from './scenarios/import.ts'
import { latency } from './scenarios/latency.ts'
import { lookup } from './scenarios/lookup.ts'
import { memory } from './scenarios/memory.ts'
import { start, startLarge } from './scenarios/start.ts'
import { throughput } from './scenarios/throughput.ts'
import { transfer } from './scenarios/transfer.ts'
import { verify } from './scenarios/verify.ts'

export const SCENARIOS: readonly Scenario[] = [
  latency,
  throughput,
  transfer,
  importing,
  lookup,
  freshness,
  verify,
  memory,
  start,
  startLarge,
]
