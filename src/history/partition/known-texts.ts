/** What is known of one eventID while a batch is compared: the texts of its events, stored and new. */
import { hash } from 'node:crypto'
import type { StoredEvent } from './block-codec.ts'

/** Events that are compared byte for byte; above it by SHA-256, each computed once. */
const PLAIN_MAX = 4

export type TextFinding = 'new' | 'repeat' | 'changed'

/**
 * Of one key in the index. Keys are hashes: events of another eventID may be among those given.
 * Its cost is linear in the events given and asked about, however many have the same eventID.
 */
export class KnownTexts {
  #plain: StoredEvent[] = []
  /** By eventID: digests of the texts. */
  #digests: Map<string, Set<string>> | undefined

  remember(event: StoredEvent): void {
    if (this.#digests !== undefined) {
      this.#put(this.#digests, event)
      return
    }
    this.#plain.push(event)
    if (this.#plain.length <= PLAIN_MAX) return
    this.#digests = new Map()
    for (const each of this.#plain) this.#put(this.#digests, each)
    this.#plain = []
  }

  /** `changed`: its eventID is known with other texts alone. */
  find({ eventId, text }: StoredEvent): TextFinding {
    if (this.#digests !== undefined) {
      const digests = this.#digests.get(eventId)
      if (digests === undefined) return 'new'
      return digests.has(hash('sha256', text, 'base64')) ? 'repeat' : 'changed'
    }
    const twins = this.#plain.filter((twin) => twin.eventId === eventId)
    if (twins.some((twin) => twin.text.equals(text))) return 'repeat'
    return twins.length > 0 ? 'changed' : 'new'
  }

  #put(digests: Map<string, Set<string>>, { eventId, text }: StoredEvent): void {
    const known = digests.get(eventId)
    const digest = hash('sha256', text, 'base64')
    if (known === undefined) digests.set(eventId, new Set([digest]))
    else known.add(digest)
  }
}
