/** How many of Clew's own delivery events are remembered per stream of log files. */
const IDS_MAX = 8192

/** Remembers where an event id was seen first; the oldest are forgotten. */
export class RecentIds {
  readonly #places = new Map<string, string>()

  /** `place`: '' for one that was seen before this process. */
  add(id: string, place: string): void {
    this.#places.delete(id)
    this.#places.set(id, place)
    const [oldest] = this.#places.keys()
    if (this.#places.size > IDS_MAX && oldest !== undefined) this.#places.delete(oldest)
  }

  /** True when the id was seen at another place; else it is remembered. */
  isRepeat(id: string, place: string): boolean {
    const known = this.#places.get(id)
    if (known !== undefined) return known !== place
    this.add(id, place)
    return false
  }
}
