import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import type { Config } from '../config.ts'
import { systemClock } from '../platform/clock.ts'
import { createLogger, type Logger } from '../platform/logger.ts'
import { parseUpstreams } from '../service/upstreams.ts'
import { openDataFolder, pathsOf } from '../supervisor/data-folder.ts'
import type { ForkedRoles } from '../supervisor/fork-role.ts'
import { startSupervisor } from '../supervisor/supervisor.ts'
import { configOf, withSettings } from './settings-options.ts'

/** Seen by scripts/setup.cjs, which does not replace node_modules under a running server. */
const announceProcess = (checkout: string, logger: Logger): Disposable => {
  const folder = join(checkout, 'node_modules', '.clew-running')
  const file = join(folder, String(process.pid))
  try {
    mkdirSync(folder, { recursive: true })
    writeFileSync(file, '')
  } catch (error) {
    logger.debug({ error }, 'The checkout is read-only; set-up cannot see this server.')
  }
  return { [Symbol.dispose]: () => rmSync(file, { force: true }) }
}

/** Resolves with the exit code of the signal: a second signal ends the process at once. */
const stopSignal = (): Promise<number> =>
  new Promise((resolve) => {
    const received = (code: number) => () => {
      process.once('SIGINT', () => process.exit(code))
      process.once('SIGTERM', () => process.exit(code))
      resolve(code)
    }
    process.once('SIGINT', received(130))
    process.once('SIGTERM', received(0))
  })

interface Places {
  readonly endpoint: string
  readonly console: string
}

const welcome = (config: Config, places: Places): string => {
  const profile = pathsOf(config.data).profile
  return [
    `Clew is ready.`,
    `  AWS endpoint  ${places.endpoint}`,
    `  Console       ${places.console}  (health, metrics, flush; token in ${pathsOf(config.data).adminToken})`,
    `  Data folder   ${config.data}`,
    '',
    `Use it from a shell:    . ${profile} && aws cloudtrail lookup-events`,
    `Or watch every call:    npm run --silent clew -- tail --data ${config.data}`,
    '',
  ].join('\n')
}

/** The processes load while the folder is opened or made. */
const start = async (config: Config, script: string, forked: ForkedRoles, logger: Logger) => {
  const prepared = openDataFolder(config)
  const supervisor = startSupervisor({
    ...{ script, config, prepared, forked, clock: systemClock, logger },
  })
  try {
    return { supervisor, folder: await prepared }
  } catch (error) {
    await supervisor.stop()
    throw error
  }
}

const serve = async (config: Config, script: string, forked: ForkedRoles): Promise<number> => {
  parseUpstreams(config.upstream) // what cannot work is told before anything starts
  const logger = createLogger(config.logLevel, 'supervisor')
  const signal = stopSignal()
  const { supervisor, folder } = await start(config, script, forked, logger)
  using _folder = folder
  using _running = announceProcess(join(script, '..', '..'), logger)
  const started = await Promise.race([
    supervisor.ready().then(() => true as const),
    supervisor.failed,
    signal,
  ])
  if (started === true) {
    const places = (await supervisor.channel.call('front', 'places')) as Places
    process.stdout.write(`${welcome(config, places)}\n`)
  }
  const outcome = started === true ? await Promise.race([signal, supervisor.failed]) : started
  if (typeof outcome === 'number' || started === true) logger.info({}, 'Stopping.')
  await supervisor.stop()
  rmSync(pathsOf(config.data).server, { force: true })
  if (typeof outcome === 'number') return outcome
  process.stderr.write(`clew: ${outcome.message}\n`)
  if (outcome.hint !== undefined) process.stderr.write(`      ${outcome.hint}\n`)
  return started === true ? 1 : 2 // 2: an unmet precondition, and nothing was served
}

export const serveCommand = (script: string, forked: ForkedRoles): Command =>
  withSettings(new Command('serve').description('run the server')).action(
    async (_options: unknown, command: Command) => {
      process.exitCode = await serve(configOf(command), script, forked)
      process.exit()
    },
  )
