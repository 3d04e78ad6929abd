/**
 * The other process of the documents tests: serves the calls that `remote-documents.ts` sends, or,
 * with the argument `write`, puts documents without end and reports each that is durable.
 */
import { systemClock } from '../../platform/clock.ts'
import { CodedError } from '../../platform/errors.ts'
import { silentLogger } from '../../platform/logger.ts'
import type { Documents } from '../documents.ts'
import { openSqliteDocuments } from '../sqlite-documents.ts'
import type { Request, Response } from './remote-documents.ts'

const [path = '', mode = 'serve'] = process.argv.slice(2)
const documents = await openSqliteDocuments(path, { clock: systemClock, logger: silentLogger })
const watches = new Map<number, Disposable>()

const send = (message: Response | string): void => {
  process.send?.(message)
}

const call = async (request: Request, target: Documents): Promise<unknown> => {
  switch (request.call) {
    case 'get':
      return target.get(request.key)
    case 'list':
      return target.list(request.key)
    case 'put':
      return target.put(request.key, request.value, request.expected)
    case 'remove':
      return target.remove(request.key, request.expected)
    case 'watch':
      watches.set(
        request.id,
        target.watch(request.key, (key) => send({ id: request.id, changed: key })),
      )
      return undefined
    case 'unwatch':
      watches.get(request.watch)?.[Symbol.dispose]()
      return undefined
    case 'close':
      return target.close()
  }
}

const answer = async (request: Request): Promise<void> => {
  try {
    send({ id: request.id, result: await call(request, documents) })
  } catch (error) {
    const code = error instanceof CodedError ? error.code : 'unavailable'
    send({ id: request.id, error: { code, message: String(error) } })
  }
  if (request.call === 'close') process.disconnect()
}

if (mode === 'serve') {
  process.on('message', (request: Request) => void answer(request))
  send({ id: 0 })
} else {
  for (let index = 0; ; index++) {
    await documents.put(`load/${index}`, { index }, 'absent')
    send(`load/${index}`)
    await new Promise(setImmediate)
  }
}
