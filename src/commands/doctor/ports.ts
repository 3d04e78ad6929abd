/** Where `serve` would listen: free, held by this folder's own server, or taken by somebody. */
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { messageOf, systemCodeOf } from '../../platform/errors.ts'
import { pathsOf } from '../../supervisor/data-folder.ts'
import { startFailureOf } from '../../supervisor/start-failure.ts'
import { type DoctorContext, type Finding, fail, ok, type SystemRoots, warn } from './finding.ts'

const ANSWER_MS_MAX = 5_000
/** proc(5), /proc/net/tcp: the state of a socket that listens. */
const LISTEN_STATE = '0A'

/** What `server.json` says; undefined when no server runs on the folder, or none that answers. */
export interface RunningServer {
  readonly endpoint: string
  readonly console: string
  readonly pid: number
}

const isServer = (value: unknown): value is RunningServer =>
  typeof value === 'object' &&
  value !== null &&
  'endpoint' in value &&
  'console' in value &&
  typeof value.console === 'string'

/** Left behind by kill -9 as well: only an answer proves that it runs. */
export const readServerFile = (data: string): RunningServer | undefined => {
  const file = pathsOf(data).server
  if (!existsSync(file)) return undefined
  const value: unknown = JSON.parse(readFileSync(file, 'utf8'))
  return isServer(value) ? value : undefined
}

const statusOf = async (url: string): Promise<number> => {
  const answer = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS_MAX) })
  await answer.body?.cancel()
  return answer.status
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return systemCodeOf(error) === 'EPERM'
  }
}

/** The health of the folder's own server, as its console port tells it. */
export const checkServer = async (
  server: RunningServer,
): Promise<{ running: boolean; findings: Finding[] }> => {
  try {
    const [live, ready] = [
      await statusOf(`${server.console}/livez`),
      await statusOf(`${server.console}/readyz`),
    ]
    const text = `a server runs on this folder: ${server.endpoint}, console ${server.console}`
    if (live !== 200) return { running: true, findings: [fail(text, 'see its log; restart it')] }
    const todo = 'it recovers, or a process is missing: see its log'
    return {
      running: true,
      findings: [ready === 200 ? ok(text) : warn(`${text}, not ready`, todo)],
    }
  } catch (error) {
    if (!isAlive(server.pid)) {
      const text = 'server.json is left of a server that was killed'
      return { running: false, findings: [ok(text, 'the next start recovers by itself')] }
    }
    const text = `process ${server.pid} of this folder does not answer at ${server.console}: ${messageOf(error)}`
    return { running: true, findings: [fail(text, 'see its log; restart it')] }
  }
}

/** Inodes of the sockets that listen on a port. */
const listenersOn = (port: number, { proc }: SystemRoots): Set<string> => {
  const inodes = new Set<string>()
  for (const table of ['tcp', 'tcp6']) {
    const file = join(proc, 'net', table)
    if (!existsSync(file)) continue
    for (const line of readFileSync(file, 'utf8').split('\n').slice(1)) {
      const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/)
      const isPort = Number.parseInt(local.split(':')[1] ?? '', 16) === port
      if (isPort && state === LISTEN_STATE) inodes.add(`socket:[${inode}]`)
    }
  }
  return inodes
}

const holds = (descriptors: string, inodes: ReadonlySet<string>): boolean => {
  try {
    return readdirSync(descriptors).some((name) =>
      inodes.has(readlinkSync(join(descriptors, name))),
    )
  } catch {
    return false // another user's process, or one that has ended
  }
}

/** `node (pid 4711)`, where /proc lets this user see it. */
export const holderOf = (port: number, roots: SystemRoots): string | undefined => {
  const inodes = listenersOn(port, roots)
  if (inodes.size === 0) return undefined
  const pid = readdirSync(roots.proc).find(
    (name) => /^\d+$/.test(name) && holds(join(roots.proc, name, 'fd'), inodes),
  )
  if (pid === undefined) return undefined
  return `${readFileSync(join(roots.proc, pid, 'comm'), 'utf8').trim()} (pid ${pid})`
}

const tryListen = (host: string, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve()))
  })

/** Listens for a moment on each address, as `serve` would. */
export const checkPorts = async ({ config, roots }: DoctorContext): Promise<Finding[]> => {
  const findings: Finding[] = []
  for (const [flag, { host, port }] of [
    ['--listen', config.listen],
    ['--console', config.console],
  ] as const) {
    try {
      await tryListen(host, port)
      findings.push(ok(`${host}:${port} (${flag}) ${port === 0 ? 'takes a free port' : 'is free'}`))
    } catch (error) {
      const { message, hint = '' } = startFailureOf(error, config)
      const holder = holderOf(port, roots)
      const who = holder === undefined ? '' : ` It is held by ${holder}.`
      findings.push(fail(`${message}${who}`, hint))
    }
  }
  return findings
}
