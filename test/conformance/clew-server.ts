/**
 * A real `clew serve` for tests: its own process group, a throw-away data folder, free ports.
 * What is started here is ended by `stop` or `kill`, by its own process id.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'main.ts')
export const VENV = join(import.meta.dirname, '..', '..', '.venv', 'bin')

export interface ClewServer {
  readonly data: string
  readonly endpoint: string
  readonly console: string
  /** What `. profile.env` gives, over the test's own environment. */
  readonly environment: NodeJS.ProcessEnv
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** `POST /admin/flush`; rejects with the server's message. */
  flush(): Promise<void>
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>
  /** SIGKILL to the whole process group. */
  kill(): Promise<void>
  /** stderr so far: the JSON log. */
  log(): string
}

export const makeDataFolder = (): string => mkdtempSync(join(tmpdir(), 'clew-test-'))
export const removeFolder = (folder: string): void => {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}

const parseProfile = (text: string): Record<string, string> =>
  Object.fromEntries(
    [...text.matchAll(/^export ([A-Z_]+)=(.*)$/gm)].map((match) => [
      match[1],
      (match[2] ?? '').replace(/^'(.*)'$/, '$1'),
    ]),
  )

/** The caller's environment without anything that would lead an AWS client elsewhere. */
export const cleanEnvironment = (): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(AWS|CLEW|NODE_TEST|https?_proxy)/i.test(name),
    ),
  ),
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_PAGER: '',
})

const ended = (child: ChildProcess): Promise<number | null> =>
  child.exitCode !== null || child.signalCode !== null
    ? Promise.resolve(child.exitCode)
    : new Promise((resolve) => child.once('exit', (code) => resolve(code)))

/** Resolves when the server says that it is ready; rejects with its log when it ends before. */
export const startClew = async (
  options: { data?: string; flags?: readonly string[]; environment?: NodeJS.ProcessEnv } = {},
): Promise<ClewServer> => {
  const data = options.data ?? makeDataFolder()
  const flags = ['--listen', '127.0.0.1:0', '--console', '127.0.0.1:0', '--data', data]
  const child = spawn(
    process.execPath,
    ['--no-maglev', MAIN, 'serve', ...flags, ...(options.flags ?? [])],
    {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...cleanEnvironment(), ...options.environment },
    },
  )
  let log = ''
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    log += chunk
  })
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => {
      if (line.includes('is ready')) resolve()
    })
    child.once('exit', (code) => reject(new Error(`clew serve ended with ${code}: ${log}`)))
  })
  const places = JSON.parse(readFileSync(join(data, 'server.json'), 'utf8'))
  const profile = parseProfile(readFileSync(join(data, 'profile.env'), 'utf8'))
  const token = readFileSync(join(data, 'admin.token'), 'utf8').trim()
  return {
    data,
    endpoint: places.endpoint,
    console: places.console,
    environment: { ...cleanEnvironment(), ...profile },
    accessKeyId: profile.AWS_ACCESS_KEY_ID ?? '',
    secretAccessKey: profile.AWS_SECRET_ACCESS_KEY ?? '',
    flush: async () => {
      const response = await fetch(`${places.console}/admin/flush`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}` },
      })
      if (!response.ok) throw new Error(`flush: ${response.status} ${await response.text()}`)
      await response.text()
    },
    stop: async () => {
      child.kill('SIGTERM')
      return ended(child)
    },
    kill: async () => {
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL')
      await ended(child)
    },
    log: () => log,
  }
}
