/** Finds where a JSON value ends, a piece of the stream at a time: the import's innermost loop. */
import {
  BACKSLASH,
  CLASSES,
  IS_CLOSE,
  IS_COLON,
  IS_OPEN,
  IS_QUOTE,
  OPEN_BRACKET,
  PLAIN,
  QUOTE,
} from './bytes.ts'

/** `end`: the value is whole. `more`: the buffer is at its end. `array`, `line`: see `stops`. */
export type ScanResult = 'end' | 'more' | 'array' | 'line'

/**
 * Scans an object, array or string by its brackets and quotes alone: whether it is JSON is for
 * JSON.parse to say. It keeps its place between calls, so that no byte is looked at twice.
 */
export class ValueScanner {
  /** Next byte to look at; behind an escape it may be one past the buffer's end. */
  at = 0
  /** Members of the value where it is an object: the colons right inside it. */
  members = 0
  spansLines = false
  #depth = 0
  #inString = false

  begin(at: number, depth = 0): void {
    this.at = at
    this.members = 0
    this.spansLines = false
    this.#depth = depth
    this.#inString = false
  }

  /**
   * `arrays`: stop in front of an array that is a member's value right inside the object.
   * `lines`: stop in front of a line feed between tokens.
   */
  scan(bytes: Buffer, stops: { readonly arrays: boolean; readonly lines: boolean }): ScanResult {
    const { length } = bytes
    const { arrays, lines } = stops
    let at = this.at
    let depth = this.#depth
    let result: ScanResult = 'more'
    if (this.#inString) at = this.#scanString(bytes, at)
    while (at < length) {
      const kind = CLASSES[bytes[at] as number]
      if (kind === PLAIN) {
        at++
      } else if (kind === IS_QUOTE) {
        at++
        while (at < length) {
          const byte = bytes[at]
          if (byte === QUOTE) break
          at += byte === BACKSLASH ? 2 : 1
        }
        if (at >= length) {
          this.#inString = true
          break
        }
        at++
        if (depth === 0) {
          result = 'end'
          break
        }
      } else if (kind === IS_OPEN) {
        if (depth === 1 && arrays && bytes[at] === OPEN_BRACKET) {
          result = 'array'
          break
        }
        depth++
        at++
      } else if (kind === IS_CLOSE) {
        at++
        if (--depth <= 0) {
          result = 'end'
          break
        }
      } else if (kind === IS_COLON) {
        if (depth === 1) this.members++
        at++
      } else {
        if (lines) {
          result = 'line'
          break
        }
        this.spansLines = true
        at++
      }
    }
    this.at = at
    this.#depth = depth
    return result
  }

  /** Goes on behind an array that `scan` stopped at, as if it were none of interest. */
  pass(): void {
    this.at++
    this.#depth++
  }

  #scanString(bytes: Buffer, from: number): number {
    const { length } = bytes
    let at = from
    this.#inString = true
    while (at < length) {
      const byte = bytes[at]
      if (byte === QUOTE) {
        this.#inString = false
        return at + 1
      }
      at += byte === BACKSLASH ? 2 : 1
    }
    return at
  }
}
