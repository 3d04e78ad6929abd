/** Finds where a JSON value ends, a piece of the stream at a time: the import's innermost loop. */

import {
  BACKSLASH,
  CLASSES,
  IS_CLOSE,
  IS_COLON,
  IS_OPEN,
  IS_QUOTE,
  LINE_FEED,
  OPEN_BRACKET,
  PLAIN,
  QUOTE,
} from '../../../event/json-bytes.ts'
import { RecordOutline } from '../../../event/record-outline.ts'
import { NO_VALUE } from '../../../event/skip-value.ts'
import type { CutRecord } from './cut-record.ts'

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
  /** The value was walked over: then these are its members. */
  #isWalked = false
  readonly #outline = new RecordOutline()
  #depth = 0
  #inString = false

  begin(at: number, depth = 0): void {
    this.at = at
    this.members = 0
    this.spansLines = false
    this.#isWalked = false
    this.#depth = depth
    this.#inString = false
  }

  /**
   * A record whose end has come, nearly every one, is walked over once, for its end, its members and
   * whether it is JSON: then `scan` says `end`. Any other is scanned, and is to be parsed. Behind the
   * last byte there must be a 0, as for `skipValue`.
   */
  walk(bytes: Buffer): void {
    const end = this.#outline.read(bytes, this.at)
    if (end === NO_VALUE) return
    this.at = end
    this.#isWalked = true
  }

  /** What is known of the value, whose bytes these are, at its end. */
  found(value: Buffer): Pick<CutRecord, 'members' | 'spansLines' | 'outline'> {
    const { members, spansLines } = this
    if (!this.#isWalked) return { members, spansLines, outline: undefined }
    const outline = this.#outline
    // JSON has line feeds between tokens only.
    return { members: outline.members, spansLines: value.includes(LINE_FEED), outline }
  }

  /**
   * `arrays`: stop in front of an array that is a member's value right inside the object.
   * `lines`: stop in front of a line feed between tokens.
   */
  scan(bytes: Buffer, stops: { readonly arrays: boolean; readonly lines: boolean }): ScanResult {
    if (this.#isWalked) return 'end'
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
