/** The server that an import talks to: the one that runs, or one of its own for the time being. */
import { existsSync, rmSync } from 'node:fs'
import type { Config } from '../../config.ts'
import { systemClock } from '../../platform/clock.ts'
import { CodedError } from '../../platform/errors.ts'
import { createLogger } from '../../platform/logger.ts'
import { openDataFolder, pathsOf } from '../../supervisor/data-folder.ts'
import { startSupervisor } from '../../supervisor/supervisor.ts'
import { consoleOf } from '../flush.ts'

/** `failed`: the server that was started for the import cannot run. */
export class ImportServerError extends CodedError<'failed'> {}

const PROBE_MS = 2_000

export interface ImportServer {
  /** Of its console port. */
  readonly url: string
  /** Ends a server that was started here. */
  stop(): Promise<void>
}

/** Its console, where one answers. */
const running = async (data: string): Promise<string | undefined> => {
  if (!existsSync(pathsOf(data).server)) return undefined
  const url = consoleOf(data)
  try {
    const answer = await fetch(`${url}/livez`, { signal: AbortSignal.timeout(PROBE_MS) })
    return answer.ok ? url : undefined
  } catch {
    // A file that a killed server left: the folder's lock tells whether one runs after all.
    return undefined
  }
}

const LOOPBACK = { host: '127.0.0.1', port: 0 }

/** The server's own processes on free ports of this machine, under the lock of the folder. */
const startOwn = async (config: Config, script: string): Promise<ImportServer> => {
  const logLevel = config.logLevel === 'debug' ? 'debug' : 'warn'
  const own: Config = { ...config, logLevel, listen: LOOPBACK, console: LOOPBACK }
  const logger = createLogger(own.logLevel, 'supervisor')
  const folder = await openDataFolder(own)
  const prepared = Promise.resolve()
  const supervisor = startSupervisor({ script, config: own, prepared, clock: systemClock, logger })
  const stop = async (): Promise<void> => {
    await supervisor.stop()
    rmSync(pathsOf(own.data).server, { force: true })
    folder[Symbol.dispose]()
  }
  const failure = await Promise.race([supervisor.ready(), supervisor.failed])
  if (failure !== undefined) {
    await stop()
    const hint = failure.hint === undefined ? {} : { hint: failure.hint }
    throw new ImportServerError('failed', failure.message, hint)
  }
  const places = (await supervisor.channel.call('front', 'places')) as { console: string }
  return { url: places.console, stop }
}

/** Throws DataFolderError, and ImportServerError where none runs and none can be started. */
export const serverFor = async (config: Config, script: string): Promise<ImportServer> => {
  const url = await running(config.data)
  if (url !== undefined) return { url, stop: async () => {} }
  return startOwn(config, script)
}
