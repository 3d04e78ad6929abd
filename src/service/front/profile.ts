/** `<data>/profile.env` and `<data>/server.json`: how people and commands reach the server. */

import type { Config } from '../../config.ts'
import { writeFileDurably } from '../../platform/durable-files.ts'
import { pathsOf } from '../../supervisor/data-folder.ts'

export interface RootKey {
  readonly accessKeyId: string
  readonly secret: string
}

const hostFor = (host: string): string => {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}

export const urlOf = (address: { host: string; port: number }): string =>
  `http://${hostFor(address.host)}:${address.port}`

/** `root` undefined: the operator removed all root keys; the profile then names no key. */
export const writeProfile = async (
  config: Config,
  endpoint: string,
  root: RootKey | undefined,
): Promise<void> => {
  const variables = [
    ['AWS_ENDPOINT_URL', endpoint],
    ...(root === undefined
      ? []
      : [
          ['AWS_ACCESS_KEY_ID', root.accessKeyId],
          ['AWS_SECRET_ACCESS_KEY', root.secret],
        ]),
    ['AWS_REGION', config.region],
    ['AWS_DEFAULT_REGION', config.region],
  ]
  const lines = variables.map(([name, value]) => `export ${name}='${value}'\n`)
  await writeFileDurably(
    pathsOf(config.data).profile,
    `unset AWS_SESSION_TOKEN AWS_PROFILE\n${lines.join('')}`,
  )
}

export const writeServerFile = async (
  config: Config,
  places: { endpoint: string; console: string },
): Promise<void> => {
  const content = { ...places, pid: process.ppid }
  await writeFileDurably(pathsOf(config.data).server, `${JSON.stringify(content)}\n`)
}
