/** The groups of checks in their order, run one after another, and how they are shown. */
import { CodedError, messageOf } from '../../platform/errors.ts'
import { type DoctorContext, type Finding, fail, type Level } from './finding.ts'
import { checkFolder } from './folder.ts'
import { checkClock } from './machine/clock.ts'
import { checkDisk } from './machine/disk.ts'
import { checkFileSystem } from './machine/file-system.ts'
import { checkLimits } from './machine/limits.ts'
import { checkNode } from './machine/node.ts'
import { checkPorts, checkServer, readServerFile } from './ports.ts'
import { checkTrails } from './trails.ts'
import { checkUpstreams } from './upstreams.ts'

export interface Group {
  readonly name: string
  readonly findings: readonly Finding[]
}

/** A check that breaks says so; the others go on. */
const run = async (name: string, check: () => Promise<Finding[]> | Finding[]): Promise<Group> => {
  try {
    return { name, findings: await check() }
  } catch (error) {
    const known = error instanceof CodedError ? error.hint : undefined
    const todo = known ?? 'see whether this user may read the folder; `--log-level debug` says more'
    return { name, findings: [fail(`the check could not be made: ${messageOf(error)}`, todo)] }
  }
}

/** Changes nothing; beside a running server too, and where the folder is not there yet. */
export const examine = async (context: DoctorContext): Promise<Group[]> => {
  const { data } = context.config
  let running = false
  const place = await run('server and ports', async () => {
    const found = readServerFile(data)
    const server = found === undefined ? undefined : await checkServer(found)
    running = server?.running === true
    return [...(server?.findings ?? []), ...(running ? [] : await checkPorts(context))]
  })
  const node = { version: process.versions.node, flags: process.execArgv }
  return [
    await run('node', () => checkNode(node)),
    await run('data folder', () => checkFolder(context, process.getuid?.())),
    await run('file system', () => checkFileSystem(context)),
    await run('disk', () => checkDisk(context)),
    await run('memory and files', () => checkLimits(context, running)),
    await run('clock', () => checkClock(context)),
    place,
    await run('upstreams', () => checkUpstreams(context)),
    await run('trails', () => checkTrails(context)),
  ]
}

export type Paint = (level: Level, text: string) => string

const line = ({ level, what, todo }: Finding, paint: Paint): string =>
  `  ${paint(level, level.padEnd(4))}  ${what}${todo === undefined ? '' : ` - ${todo}`}\n`

export const countOf = (groups: readonly Group[], level: Level): number =>
  groups.flatMap(({ findings }) => findings).filter((finding) => finding.level === level).length

export const reportText = (groups: readonly Group[], paint: Paint): string => {
  const parts = groups.map(
    ({ name, findings }) => `${name}\n${findings.map((finding) => line(finding, paint)).join('')}`,
  )
  const [fails, warns] = [countOf(groups, 'fail'), countOf(groups, 'warn')]
  return `${parts.join('')}${fails} failed, ${warns} to look at\n`
}
