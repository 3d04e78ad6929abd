/** Merges descending runs of numbers into one, without reading more of a run than is asked for. */

/** A descending run of numbers. */
export interface Run {
  /** No number of it is at or above this; it is read only when everything above has been given. */
  readonly bound: number
  /** The next numbers, descending; fewer than `limit` at the end. */
  fetch(limit: number): readonly number[]
}

/** A run starts with a small page, because most searches end early, and grows. */
const FIRST_PAGE = 8
const PAGE_MAX = 512

class Cursor {
  readonly #run: Run
  #page: readonly number[] | undefined
  #limit = FIRST_PAGE
  #at = 0

  constructor(run: Run) {
    this.#run = run
  }

  /** Its largest number, or the most that it can be while nothing was read. */
  get head(): number | undefined {
    return this.#page === undefined ? this.#run.bound : this.#page[this.#at]
  }

  get isRead(): boolean {
    return this.#page !== undefined
  }

  read(): void {
    this.#page = this.#run.fetch(this.#limit)
  }

  advance(): void {
    const page = this.#page ?? []
    const passed = page[this.#at]
    this.#at++
    if (passed === undefined || this.#at < page.length || page.length < this.#limit) return
    this.#limit = Math.min(this.#limit * 2, PAGE_MAX)
    this.#page = this.#run.fetch(this.#limit)
    this.#at = 0
  }
}

/** Restores the order of a binary heap (largest head on top) below `at`. */
const sink = (heap: Cursor[], at: number): void => {
  for (let parent = at; ; ) {
    let largest = parent
    for (const child of [2 * parent + 1, 2 * parent + 2]) {
      if ((heap[child]?.head ?? -1) > (heap[largest]?.head ?? -1)) largest = child
    }
    const [a, b] = [heap[parent], heap[largest]]
    if (largest === parent || a === undefined || b === undefined) return
    heap[parent] = b
    heap[largest] = a
    parent = largest
  }
}

/** All numbers of all runs, largest first. */
export function* newestFirst(runs: readonly Run[]): Generator<number> {
  const heap = [...runs].sort((a, b) => b.bound - a.bound).map((run) => new Cursor(run))
  for (;;) {
    const top = heap[0]
    const head = top?.head
    if (top === undefined || head === undefined) return
    if (top.isRead) {
      yield head
      top.advance()
    } else {
      top.read()
    }
    if (top.head === undefined) {
      const last = heap.pop()
      if (last !== undefined && last !== top) heap[0] = last
    }
    sink(heap, 0)
  }
}
