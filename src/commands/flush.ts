import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { messageOf, systemCodeOf } from '../platform/errors.ts'
import { DataFolderError, pathsOf, readAdminToken } from '../supervisor/data-folder.ts'
import { configOf, withSettings } from './settings-options.ts'

/** Where the running server of a data folder listens. */
export const consoleOf = (data: string): string => {
  try {
    const places: unknown = JSON.parse(readFileSync(pathsOf(data).server, 'utf8'))
    if (typeof places === 'object' && places !== null && 'console' in places) {
      return String(places.console)
    }
    throw new Error('it names no console')
  } catch (cause) {
    const why = systemCodeOf(cause) === 'ENOENT' ? '.' : `: ${messageOf(cause)}`
    throw new DataFolderError('absent', `No server runs on ${data}${why}`, {
      cause,
      hint: 'Start one with `npm start`, or name its folder with --data.',
    })
  }
}

const request = async (data: string): Promise<Response> => {
  const url = `${consoleOf(data)}/admin/flush`
  try {
    const headers = { authorization: `Bearer ${readAdminToken(data)}` }
    return await fetch(url, { method: 'POST', headers })
  } catch (cause) {
    throw new DataFolderError('absent', `The server of ${data} does not answer at ${url}.`, {
      cause,
      hint: 'Was it killed? Start it again with `npm start`.',
    })
  }
}

/** `clew flush`: exit code 1 when a delivery failed, its error on stderr. */
export const flushCommand = (): Command =>
  withSettings(
    new Command('flush').description('deliver what is pending: log files, then digests'),
    ['data'],
  ).action(async (_options: unknown, command: Command) => {
    const response = await request(configOf(command).data)
    const answer = (await response.json()) as { error?: string; hint?: string }
    if (response.ok) return
    process.stderr.write(`clew: ${answer.error ?? `the server answered ${response.status}`}\n`)
    if (answer.hint !== undefined) process.stderr.write(`      ${answer.hint}\n`)
    process.exitCode = 1
  })
