/**
 * Cuts records out of a stream of bytes: the elements of `{"Records":[…]}` and `{"Events":[…]}`, of an
 * array, or objects that stand by themselves, one on a line (NDJSON) or over several lines. A record
 * is cut as bytes and never built anew (docs/decisions/0021-import-records.md).
 *
 * What is damaged must not make a record out of a part of another one. So inside an array the first
 * text that is no JSON ends the file; among objects that stand by themselves everything goes on at
 * the next line that holds exactly one object, from its first column on.
 */
import {
  CLOSE_BRACKET,
  COMMA,
  isScalarEnd,
  isSpace,
  LINE_FEED,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
} from '../../../event/json-bytes.ts'
import { containerAt, tailKind } from './container.ts'
import {
  type CutterPlace,
  type CutterState,
  JUNK_BYTES_MAX,
  RECORD_BYTES_MAX,
  type RecordSink,
} from './cut-record.ts'
import { ValueScanner } from './scan-value.ts'

const START: CutterPlace = { offset: 0, records: 0, inside: 'nothing', strict: false }
const NO_JSON = 'it is no JSON'
const SECOND_LIST = 'the document has another list of records, which is not read'
const END = Buffer.of(0)
const BYTE_ORDER_MARK = Buffer.of(0xef, 0xbb, 0xbf)

export class RecordCutter {
  readonly #sink: RecordSink
  readonly #scanner = new ValueScanner()
  #bytes: Buffer = Buffer.alloc(0)
  /** The same, and a byte that ends a walk. */
  #ended: Buffer = END
  /** Offset of `#bytes` in the stream. */
  #base: number
  #at = 0
  /** Of the value under way; bytes from here on are kept. Undefined: none, or it is too long. */
  #start: number | undefined
  #valueOffset = 0
  #state: CutterState
  #inside: CutterPlace['inside']
  #records: number
  #strict: boolean
  /** The array's next token must be an element: the one before was a comma. */
  #afterComma = false
  #junk = 0
  /** Of the line that `#at` is on. */
  #lineOffset = 0

  readonly #steps: Readonly<Record<Exclude<CutterState, 'ended'>, () => boolean>> = {
    between: () => this.#between(),
    value: () => this.#value(),
    'after-value': () => this.#afterValue(),
    junk: () => this.#skipJunk(),
    element: () => this.#element(),
    'after-element': () => this.#afterElement(),
    tail: () => this.#tail(),
  }

  constructor(sink: RecordSink, from: CutterPlace = START) {
    this.#sink = sink
    this.#base = from.offset
    this.#records = from.records
    this.#inside = from.inside
    this.#strict = from.strict
    this.#state = from.inside === 'nothing' ? 'between' : 'after-element'
  }

  /** True once nothing more of the stream can be used. */
  get ended(): boolean {
    return this.#state === 'ended'
  }

  /** Behind the last whole record; valid inside `record` too, for the one that is handed over. */
  place(): CutterPlace {
    const offset = this.#base + this.#at
    const { inside, strict } = { inside: this.#inside, strict: this.#strict }
    return { offset, records: this.#records, inside, strict }
  }

  push(chunk: Buffer): void {
    if (this.#state === 'ended') return
    const keep = this.#start ?? Math.min(this.#at, this.#bytes.length)
    const rest = this.#bytes.subarray(keep)
    this.#ended = Buffer.concat([rest, chunk, END])
    this.#bytes = this.#ended.subarray(0, -1)
    if (this.#start !== undefined) this.#start = 0
    this.#base += keep
    this.#at -= keep
    this.#scanner.at -= keep
    this.#run()
  }

  end(): void {
    while (this.#finishValue()) this.#run()
    if (this.#state === 'junk' || this.#state === 'ended') return
    if (this.#state === 'between' && this.#at >= this.#bytes.length) return
    const where = this.#inside === 'nothing' ? this.#valueOffset : this.#base + this.#bytes.length
    this.#fail('the file ends inside it', where)
  }

  /** At the end of the stream: is there more to look at? */
  #finishValue(): boolean {
    if (this.#state === 'value') return this.#rewind()
    if (this.#state !== 'after-value') return false
    this.#acceptValue()
    return true
  }

  /** Steps until the buffer is used up: a step returns false for want of bytes. */
  #run(): void {
    while (this.#state !== 'ended' && this.#steps[this.#state]());
  }

  #skipSpace(): boolean {
    const from = this.#at
    while (isSpace(this.#bytes[this.#at])) {
      if (this.#bytes[this.#at++] === LINE_FEED) this.#lineOffset = this.#base + this.#at
    }
    const isMore = this.#at < this.#bytes.length
    this.#junk += this.#at - from
    if (this.#junk > JUNK_BYTES_MAX) {
      this.#giveUp('there is nothing but white space')
      return false
    }
    if (isMore) this.#junk = 0
    return isMore
  }

  /** At the first byte of a value. After damage it ends with its line, which the walk does not see. */
  #begin(): void {
    this.#start = this.#at
    this.#scanner.begin(this.#at)
    if (!this.#strict) this.#scanner.walk(this.#ended)
  }

  #between(): boolean {
    const isFirst = this.#base + this.#at === 0
    if (isFirst && this.#bytes.length < 3 && this.#bytes[0] === 0xef) return false
    // A byte order mark, which RFC 8259 §8.1 lets readers ignore.
    if (isFirst && this.#bytes.subarray(0, 3).equals(BYTE_ORDER_MARK)) this.#at = 3
    if (!this.#skipSpace()) return false
    this.#valueOffset = this.#base + this.#at
    const byte = this.#bytes[this.#at]
    if (byte === OPEN_BRACKET) {
      this.#at++
      this.#enter('array')
    } else if (byte === OPEN_BRACE && this.#startsLine()) {
      this.#begin()
      this.#state = 'value'
    } else {
      this.#records++
      this.#sink.problem('no object begins here', {
        number: this.#records,
        offset: this.#valueOffset,
      })
      this.#state = 'junk'
      this.#strict = true
    }
    return true
  }

  /** After damage only a line that holds one object, from its first column on, is a record. */
  #startsLine(): boolean {
    return !this.#strict || this.#base + this.#at === this.#lineOffset
  }

  #value(): boolean {
    const found = this.#scanner.scan(this.#bytes, { arrays: true, lines: this.#strict })
    if (found === 'array') {
      const container = containerAt(this.#bytes.subarray(this.#start, this.#scanner.at))
      if (!container) this.#scanner.pass()
      else {
        this.#at = this.#scanner.at + 1
        this.#start = undefined
        this.#enter('document')
      }
      return true
    }
    if (found === 'line') {
      this.#valueFailed('it does not end on its line')
      return true
    }
    const length = Math.min(this.#scanner.at, this.#bytes.length) - (this.#start ?? 0)
    if (length > RECORD_BYTES_MAX) {
      this.#valueFailed(`it has more than ${RECORD_BYTES_MAX} bytes`)
      return true
    }
    if (found === 'more') return false
    this.#at = this.#scanner.at
    this.#state = 'after-value'
    return true
  }

  /** Behind an object that stands by itself its line must end. */
  #afterValue(): boolean {
    let at = this.#at
    while (at < this.#bytes.length && this.#bytes[at] !== LINE_FEED && isSpace(this.#bytes[at]))
      at++
    if (at >= this.#bytes.length) {
      if (at - this.#at <= RECORD_BYTES_MAX) return false
      this.#valueFailed('a long run of white space follows it')
    } else if (this.#bytes[at] === LINE_FEED) this.#acceptValue()
    else this.#valueFailed('other text follows it on its line')
    return true
  }

  #acceptValue(): void {
    const start = this.#start ?? 0
    this.#start = undefined
    this.#state = 'between'
    if (this.#emit(start)) return
    this.#start = start
    this.#records--
    this.#valueFailed(NO_JSON)
  }

  /** Hands over the record from `start` to `#at`. */
  #emit(start: number): boolean {
    const bytes = this.#bytes.subarray(start, this.#at)
    const offset = this.#valueOffset
    const number = ++this.#records
    return this.#sink.record(bytes, { number, offset, ...this.#scanner.found(bytes) })
  }

  #valueFailed(reason: string): void {
    this.#sink.problem(reason, { number: ++this.#records, offset: this.#valueOffset })
    if (this.#start !== undefined && this.#rewind(false)) return
    this.#at = Math.min(this.#scanner.at, this.#bytes.length)
    this.#start = undefined
    this.#strict = true
    this.#state = 'junk'
  }

  /** Goes on behind the first line of the value that failed. False: it has only that line. */
  #rewind(report = true): boolean {
    const feed = this.#bytes.indexOf(LINE_FEED, this.#start)
    if (feed === -1 || feed >= this.#bytes.length - 1) return false
    if (report) {
      this.#sink.problem('it does not end', { number: ++this.#records, offset: this.#valueOffset })
    }
    this.#at = feed + 1
    this.#lineOffset = this.#base + this.#at
    this.#start = undefined
    this.#strict = true
    this.#state = 'between'
    return true
  }

  /** To the end of the line. */
  #skipJunk(): boolean {
    const feed = this.#bytes.indexOf(LINE_FEED, this.#at)
    const end = feed === -1 ? this.#bytes.length : feed
    this.#junk += end - this.#at
    this.#at = end
    if (this.#junk > JUNK_BYTES_MAX) this.#giveUp('there is no end of a line in sight')
    if (feed === -1) return false
    this.#junk = 0
    this.#at = feed + 1
    this.#lineOffset = this.#base + this.#at
    this.#state = 'between'
    return true
  }

  #enter(inside: 'document' | 'array'): void {
    this.#inside = inside
    this.#afterComma = false
    this.#state = 'element'
    this.#start = undefined
  }

  #element(): boolean {
    if (this.#start === undefined && !this.#beginElement()) return false
    if (this.#state !== 'element') return true
    const found = this.#scanner.scan(this.#bytes, { arrays: false, lines: false })
    const length = this.#base + Math.min(this.#scanner.at, this.#bytes.length) - this.#valueOffset
    if (length > JUNK_BYTES_MAX) {
      this.#giveUp(`it has more than ${JUNK_BYTES_MAX} bytes`)
      return false
    }
    if (found === 'more') {
      // Too long to be kept: its end is looked for, and the record is refused.
      if (length > RECORD_BYTES_MAX) this.#start = Math.min(this.#scanner.at, this.#bytes.length)
      return false
    }
    const start = this.#start ?? 0
    this.#start = undefined
    this.#at = this.#scanner.at
    this.#state = 'after-element'
    if (length > RECORD_BYTES_MAX) {
      const reason = `it has more than ${RECORD_BYTES_MAX} bytes`
      this.#sink.problem(reason, { number: ++this.#records, offset: this.#valueOffset })
    } else if (!this.#emit(start)) {
      this.#records--
      this.#fail(`${NO_JSON}, nor is what follows`, this.#valueOffset)
    }
    return true
  }

  #beginElement(): boolean {
    if (!this.#skipSpace()) return false
    this.#valueOffset = this.#base + this.#at
    const byte = this.#bytes[this.#at]
    if (byte === CLOSE_BRACKET && !this.#afterComma) return this.#leave()
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET || byte === QUOTE) {
      this.#begin()
      return true
    }
    return this.#scalarElement()
  }

  /** A number or literal: no record, but what follows may be some. */
  #scalarElement(): boolean {
    let end = this.#at
    while (end < this.#bytes.length && !isScalarEnd(this.#bytes[end])) end++
    if (end === this.#bytes.length && end - this.#at < RECORD_BYTES_MAX) return false
    this.#scanner.begin(end)
    const start = this.#at
    this.#at = end
    this.#state = 'after-element'
    if (start === end || !this.#emit(start)) {
      if (start !== end) this.#records--
      this.#fail(`${NO_JSON}, nor is what follows`, this.#valueOffset)
    }
    return true
  }

  #afterElement(): boolean {
    if (!this.#skipSpace()) return false
    this.#valueOffset = this.#base + this.#at
    const byte = this.#bytes[this.#at]
    if (byte === CLOSE_BRACKET) return this.#leave()
    if (byte === COMMA) {
      this.#at++
      this.#afterComma = true
      this.#state = 'element'
      return true
    }
    this.#fail('the list of records is damaged from here on', this.#valueOffset)
    return false
  }

  #leave(): boolean {
    this.#at++
    if (this.#inside === 'array') {
      this.#inside = 'nothing'
      this.#state = 'between'
      return true
    }
    this.#state = 'tail'
    this.#start = this.#at
    this.#scanner.begin(this.#at, 1)
    return true
  }

  /** What stands behind the array in its document: nothing, most of the time. */
  #tail(): boolean {
    const start = this.#start ?? 0
    const found = this.#scanner.scan(this.#bytes, { arrays: false, lines: false })
    if (Math.min(this.#scanner.at, this.#bytes.length) - start > RECORD_BYTES_MAX) {
      this.#giveUp('the document goes on too long behind its records')
      return false
    }
    if (found === 'more') return false
    this.#at = this.#scanner.at
    const offset = this.#base + start
    const kind = tailKind(this.#bytes.subarray(start, this.#at))
    if (kind === 'damaged') {
      this.#fail('the document is damaged behind its records', offset)
      return false
    }
    if (kind === 'second-list') this.#sink.problem(SECOND_LIST, { number: ++this.#records, offset })
    this.#start = undefined
    this.#inside = 'nothing'
    this.#state = 'between'
    return true
  }

  #fail(reason: string, offset: number): void {
    this.#sink.problem(reason, { number: ++this.#records, offset })
    this.#state = 'ended'
  }

  #giveUp(reason: string): void {
    this.#fail(`${reason}: the rest of the file is given up`, this.#base + this.#at)
  }
}
