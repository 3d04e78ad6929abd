/** What the server checks of a frame before it appends it as it came. */
import type { SealedEvent } from '../../event/sealed-event.ts'
import { decodeFrame, FrameCodecError } from '../../journal/frame-codec.ts'
import type { Shard } from '../../journal/journal.ts'
import { ImportError } from './import-error.ts'
import { factsOfText } from './read-event.ts'

export interface ExpectedFrame {
  readonly shard: Shard
  readonly shardOf: (account: string, region: string) => Shard
  /** Of the session: undefined where nothing is delivered. */
  readonly trailArn: string | undefined
}

const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const LINE_FEED = 0x0a

const refuse = (what: string): never => {
  throw new ImportError('refused', `The server does not take a frame: ${what}.`, {
    hint: 'Import with the same release of Clew as the server runs.',
  })
}

/** Account and region become parts of keys and file names: what the text does not bear out goes nowhere. */
const checkText = ({ text, eventId, account, region, category }: SealedEvent): void => {
  // Where the text names no category, the import's catalogue decided between these two.
  const isData = category === 'Data'
  const facts = factsOfText(text, () => ({ isData, readOnly: false }))
  const isBare = text[0] === OPEN_BRACE && text.at(-1) === CLOSE_BRACE
  if (facts === undefined || !isBare) refuse('a text is no event')
  const agrees =
    facts?.eventId === eventId &&
    facts.account === account &&
    facts.region === region &&
    facts.category === category
  if (!agrees) refuse('an event is not what its text says')
}

const checkEvent = (event: SealedEvent, { shard, shardOf, trailArn }: ExpectedFrame): void => {
  const { account, region, origin } = event
  if (origin.kind !== 'import') refuse('its events are not of an import')
  else if (origin.trailArn !== trailArn) refuse('it names another trail than the import')
  checkText(event)
  if (shardOf(account, region) !== shard) refuse('an event belongs into another shard')
}

/** Throws ImportError `refused`. */
export const checkFrame = (bytes: Buffer, expected: ExpectedFrame): void => {
  try {
    const frame = decodeFrame(bytes)
    if (frame.kind !== 'events') refuse('it holds no events')
    for (const event of frame.kind === 'events' ? frame.events : []) {
      if (event.text.includes(LINE_FEED)) refuse('a text is not on one line')
      checkEvent(event, expected)
    }
  } catch (error) {
    if (error instanceof FrameCodecError) refuse(error.message)
    throw error
  }
}
