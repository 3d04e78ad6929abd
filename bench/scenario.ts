/** What a benchmark is: one file of `scenarios/`, one section of docs/performance.md. */
import type { Sizes } from './sizes.ts'

/** Named figures of one round; the unit is part of the name (`p50Ms`, `callsPerSecond`). */
export type Sample = Readonly<Record<string, number>>

/** One round: Clew, and what it is compared with, one after the other. */
export interface Round {
  readonly measured: Sample
  readonly compared: Sample
}

export interface Context {
  readonly sizes: Sizes
  /** Small sizes: shows that the benchmark works, says little about speed. */
  readonly quick: boolean
  /** Folder for what is costly to make; removed after the run unless `--cache` named it. */
  readonly cache: string
  /** One line of progress. */
  readonly log: (text: string) => void
}

/** A scenario with its servers running and its data made. */
export interface Prepared {
  /** Figures of Clew in one round. */
  measure(round: number): Promise<Sample>
  /** Figures of what it is compared with, in the same round. */
  compare?(round: number): Promise<Sample>
  close(): Promise<void>
}

export interface Judged {
  /** What was reached, in words of the report. */
  readonly result: string
  readonly met: boolean
}

/** One row of the table. */
export interface Target {
  readonly measure: string
  readonly reach: string
  readonly comparedWith: string
  judge(rounds: readonly Round[]): Judged
}

/** More figures than the targets need. Cells are text; the first column is left-aligned. */
export interface Table {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

export interface Scenario {
  /** `npm run bench -- NAME`. */
  readonly name: string
  readonly title: string
  /** How it is measured: sentences of the report. */
  method(context: Context): string
  /** Rounds that count, and whether one is run before them. */
  rounds(sizes: Sizes): { readonly counted: number; readonly warmUp: boolean }
  /** Why it cannot run here, or undefined. */
  missing?(context: Context): string | undefined
  prepare(context: Context): Promise<Prepared>
  targets(context: Context): readonly Target[]
  table?(rounds: readonly Round[]): Table
}
