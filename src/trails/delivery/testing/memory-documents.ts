import { type Document, type Documents, DocumentsError } from '../../../documents/documents.ts'

/** Documents in memory, as strict as the real ones: values are copied, revisions never come back. */
export class MemoryDocuments implements Documents {
  readonly #stored = new Map<string, { text: string; revision: number }>()
  #revision = 0

  async get<Value>(key: string): Promise<Document<Value> | undefined> {
    const found = this.#stored.get(key)
    if (found === undefined) return undefined
    return { key, value: JSON.parse(found.text) as Value, revision: found.revision }
  }

  async list<Value>(prefix: string): Promise<Document<Value>[]> {
    const keys = [...this.#stored.keys()].filter((key) => key.startsWith(prefix)).sort()
    const found = await Promise.all(keys.map((key) => this.get<Value>(key)))
    return found.filter((document) => document !== undefined)
  }

  async put(key: string, value: unknown, expected: number | 'absent' | 'any'): Promise<number> {
    const current = this.#stored.get(key)?.revision ?? 'absent'
    if (expected !== 'any' && expected !== current) {
      throw new DocumentsError('conflict', `${key} is at ${current}, not at ${expected}.`)
    }
    this.#revision++
    this.#stored.set(key, { text: JSON.stringify(value), revision: this.#revision })
    return this.#revision
  }

  async remove(key: string, expected: number | 'any'): Promise<void> {
    const current = this.#stored.get(key)?.revision
    if (expected !== 'any' && expected !== current) {
      throw new DocumentsError('conflict', `${key} is not at ${expected}.`)
    }
    this.#stored.delete(key)
  }

  watch(): Disposable {
    return { [Symbol.dispose]: () => {} }
  }

  async close(): Promise<void> {}
}
