/**
 * What a folder of events asks of an import, read without any of Clew's own code: which events count,
 * whose they are, and a digest of each one's bytes.
 */
import { hash } from 'node:crypto'
import { createReadStream, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { createGunzip } from 'node:zlib'

/**
 * `management` and `other` as the event itself says; `undecided` where it says nothing: events before
 * version 1.07 have no eventCategory, and only a catalogue knows which of them were data events.
 */
export type Standing = 'management' | 'other' | 'undecided'

export interface SourceEvent {
  readonly digest: string
  readonly account: string
  readonly standing: Standing
  /** Service and operation. */
  readonly name: string
}

export interface Source {
  /** By eventID. */
  readonly events: ReadonlyMap<string, SourceEvent>
  readonly lines: number
}

/** 128 bits tell a million texts apart. */
export const digestOf = (text: string | Buffer): string => hash('sha256', text, 'hex').slice(0, 32)

const standingOf = (category: unknown, managementEvent: unknown): Standing => {
  if (category !== undefined) return category === 'Management' ? 'management' : 'other'
  if (managementEvent === undefined) return 'undecided'
  return managementEvent === true ? 'management' : 'other'
}

/** The rule of DESIGN.md section 5: an eventID, a time and an account. */
const sourceEvent = (text: string): [string, SourceEvent] | undefined => {
  const event = JSON.parse(text)
  const { eventID, eventTime, recipientAccountId, userIdentity, eventSource, eventName } = event
  const account = recipientAccountId ?? userIdentity?.accountId
  if (typeof eventID !== 'string' || Number.isNaN(Date.parse(eventTime))) return undefined
  if (!/^\d{12}$/.test(account)) return undefined
  const standing = standingOf(event.eventCategory, event.managementEvent)
  const name = `${String(eventSource).split('.')[0]} ${eventName}`
  return [eventID, { digest: digestOf(text), account, standing, name }]
}

/** Gzip files of NDJSON. */
export const readSource = async (folder: string): Promise<Source> => {
  const events = new Map<string, SourceEvent>()
  let lines = 0
  for (const file of readdirSync(folder).sort()) {
    const input = createReadStream(join(folder, file)).pipe(createGunzip())
    for await (const line of createInterface({ input })) {
      if (line === '') continue
      lines++
      const found = sourceEvent(line)
      if (found !== undefined && !events.has(found[0])) events.set(...found)
    }
  }
  return { events, lines }
}
