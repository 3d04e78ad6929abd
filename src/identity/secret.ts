import { inspect } from 'node:util'

const HIDDEN = '[secret]'

/** A secret on its way through the process: nothing that prints or serialises it shows it. */
export class Secret {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  /** The plain text. Its result MUST NOT reach a log, an error or a document. */
  reveal(): string {
    return this.#text
  }

  toString(): string {
    return HIDDEN
  }

  toJSON(): string {
    return HIDDEN
  }

  [inspect.custom](): string {
    return HIDDEN
  }
}
