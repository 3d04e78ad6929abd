/**
 * Tells repeats among imported events: the hours that are being imported are in memory, all others in
 * the store. A batch's fingerprints are in the store before the next look-up can miss them here.
 */
import { type Destination, HISTORY, type ImportStore } from './import-store.ts'
import { type Finding, RepeatTable } from './repeat-table.ts'

export const HOUR_MS = 3_600_000
/** Memory of the hours; above it those that were used longest ago are let go. */
export const HELD_BYTES_MAX = 128 * 1024 * 1024
const HOURS_MIN = 2

export class RepeatIndex {
  readonly #store: Pick<ImportStore, 'repeats'>
  readonly #destination: Destination
  readonly #heldMax: number
  /** In order of use, the latest last. */
  readonly #hours = new Map<number, RepeatTable>()
  #current: { readonly hour: number; readonly table: RepeatTable } | undefined

  constructor(
    store: Pick<ImportStore, 'repeats'>,
    destination: Destination,
    heldMax = HELD_BYTES_MAX,
  ) {
    this.#store = store
    this.#destination = destination
    this.#heldMax = heldMax
  }

  /** Looks for an event of that hour (epoch hours) and remembers it. */
  add(hour: number, fingerprint: Buffer, at: number): Finding {
    if (this.#current?.hour !== hour) this.#current = { hour, table: this.#tableOf(hour) }
    return this.#current.table.add(fingerprint, at)
  }

  /** Lets go of hours; call it only while every event that was added is in the store. */
  trim(): void {
    let held = 0
    for (const table of this.#hours.values()) held += table.bytes
    for (const [hour, table] of this.#hours) {
      if (held <= this.#heldMax || this.#hours.size <= HOURS_MIN) break
      this.#hours.delete(hour)
      held -= table.bytes
      if (this.#current?.hour === hour) this.#current = undefined
    }
  }

  #tableOf(hour: number): RepeatTable {
    let table = this.#hours.get(hour)
    if (table === undefined) {
      table = new RepeatTable()
      for (const { destination, fingerprints } of this.#store.repeats(hour)) {
        // What an import delivers is in the event history too.
        const here = destination === this.#destination || this.#destination === HISTORY
        table.load(fingerprints, here)
      }
    }
    this.#hours.delete(hour)
    this.#hours.set(hour, table)
    return table
  }
}
