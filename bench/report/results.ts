/** What was measured so far, one section per scenario: a run of one scenario replaces its section. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Table } from '../scenario.ts'
import type { Machine } from './machine.ts'

export interface Row {
  readonly measure: string
  readonly reach: string
  readonly comparedWith: string
  readonly result: string
  readonly met: boolean
}

export interface Section {
  readonly title: string
  readonly method: string
  readonly command: string
  /** ISO date and time, UTC. */
  readonly measuredAt: string
  readonly machine: Machine
  readonly rounds: number
  /** Calibration in steps per microsecond: the best and the worst of the run. */
  readonly calibration: { readonly best: number; readonly worst: number }
  readonly rows: readonly Row[]
  readonly table?: Table
}

export type Results = Readonly<Record<string, Section>>

const FILE = join(import.meta.dirname, '..', 'results.generated.json')

export const readResults = (): Results =>
  existsSync(FILE) ? (JSON.parse(readFileSync(FILE, 'utf8')) as Results) : {}

export const writeResults = (results: Results): void =>
  writeFileSync(FILE, `${JSON.stringify(results, undefined, 2)}\n`)
