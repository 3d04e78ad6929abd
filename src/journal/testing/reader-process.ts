/** Reads a journal for `remote-reader.ts`, in a process of its own. */
import { systemClock } from '../../platform/clock.ts'
import { masterKeyOf } from '../../platform/encryption.ts'
import { CodedError } from '../../platform/errors.ts'
import type { JournalReader } from '../journal.ts'
import { openSegmentJournalReader } from '../segment-journal.ts'
import type { ReaderRequest, ReaderResponse } from './remote-reader.ts'

let reader: (JournalReader & { close(): Promise<void> }) | undefined
const waits = new Map<number, AbortController>()

const send = (response: ReaderResponse): void => {
  process.send?.(response)
}

const call = async (request: ReaderRequest): Promise<unknown> => {
  if (request.call === 'open') {
    const master = masterKeyOf(Buffer.from(request.secret ?? '', 'hex'))
    reader = await openSegmentJournalReader(request.folder ?? '', { master, clock: systemClock })
    return reader.shards
  }
  const target = reader
  if (target === undefined) throw new Error('Nothing is open.')
  const [shard = 0, second = 0, limit = 0, bytes = 0] = request.numbers
  switch (request.call) {
    case 'read':
      return target.read(shard, second, limit, bytes)
    case 'nextReadable':
      return target.nextReadable(shard, second)
    case 'range':
      return target.range(shard)
    case 'wait': {
      const abort = new AbortController()
      waits.set(request.id, abort)
      return target.wait(shard, second, abort.signal)
    }
    case 'abort':
      waits.get(shard)?.abort()
      return undefined
    case 'close':
      return target.close()
  }
}

process.on('message', (request: ReaderRequest) => {
  void call(request).then(
    (result) => send({ id: request.id, result }),
    (error: unknown) =>
      send({ id: request.id, code: error instanceof CodedError ? error.code : String(error) }),
  )
})
