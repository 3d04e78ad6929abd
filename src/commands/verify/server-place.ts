/** How a verification reaches the server of a data folder, in a shell that has not read profile.env. */
import { readFileSync } from 'node:fs'
import { readConfig } from '../../config.ts'
import { messageOf, systemCodeOf } from '../../platform/errors.ts'
import { pathsOf } from '../../supervisor/data-folder.ts'
import { VerifyError } from './verify-error.ts'

export interface ServerPlace {
  /** The folder that all of this is from. */
  readonly data: string
  readonly endpointUrl: string
  /** Absent: its profile names no key; the environment may. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string }
  readonly defaultRegion?: string
}

const ENDPOINT_VARIABLES = [
  'AWS_ENDPOINT_URL',
  'AWS_ENDPOINT_URL_CLOUDTRAIL',
  'AWS_ENDPOINT_URL_S3',
] as const
const CREDENTIAL_VARIABLES = ['AWS_ACCESS_KEY_ID', 'AWS_PROFILE'] as const

const readIfThere = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    if (systemCodeOf(cause) === 'ENOENT') return undefined
    throw new VerifyError('no-folder', `${file} cannot be read: ${messageOf(cause)}`, {
      cause,
      hint: 'Run as the user of the server, or set AWS_ENDPOINT_URL, keys and a region.',
    })
  }
}

const endpointIn = (file: string, text: string): string => {
  try {
    const places: unknown = JSON.parse(text)
    if (typeof places === 'object' && places !== null && 'endpoint' in places) {
      return String(places.endpoint)
    }
    throw new Error('it names no endpoint')
  } catch (cause) {
    throw new VerifyError('no-folder', `${file}: ${messageOf(cause)}`, {
      cause,
      hint: 'Restart the server, which writes the file, or name it with --endpoint-url.',
    })
  }
}

/** The `export NAME='value'` lines of a profile. */
const profileOf = (text: string): Map<string, string> =>
  new Map(
    [...text.matchAll(/^export (\w+)='([^'\n]*)'$/gm)].map(([, name = '', value = '']) => [
      name,
      value,
    ]),
  )

const readPlace = (data: string): ServerPlace | undefined => {
  const paths = pathsOf(data)
  const text = readIfThere(paths.server)
  if (text === undefined) return undefined
  const profile = profileOf(readIfThere(paths.profile) ?? '')
  const accessKeyId = profile.get('AWS_ACCESS_KEY_ID')
  const secretAccessKey = profile.get('AWS_SECRET_ACCESS_KEY')
  const defaultRegion = profile.get('AWS_REGION')
  return {
    data,
    endpointUrl: endpointIn(paths.server, text),
    ...(accessKeyId === undefined || secretAccessKey === undefined
      ? {}
      : { credentials: { accessKeyId, secretAccessKey } }),
    ...(defaultRegion === undefined ? {} : { defaultRegion }),
  }
}

/**
 * `named`: the folder of `--data`; absent: the default one, where a server runs on it. Undefined
 * where the environment decides: it names an endpoint, or it has credentials (then it means AWS) and
 * no folder was named. Throws VerifyError `no-folder` where a named one has no server.
 */
export const findServer = (
  named: string | undefined,
  environment: NodeJS.ProcessEnv,
): ServerPlace | undefined => {
  const has = (name: string): boolean => (environment[name] ?? '') !== ''
  if (ENDPOINT_VARIABLES.some(has)) return undefined
  const isSignedIn = CREDENTIAL_VARIABLES.some(has)
  if (named === undefined) {
    return isSignedIn ? undefined : readPlace(readConfig(new Map(), environment).data)
  }
  const place = readPlace(named)
  if (place !== undefined || isSignedIn) return place
  const lacks = 'and the environment names neither AWS_ENDPOINT_URL nor credentials'
  throw new VerifyError('no-folder', `No server runs on ${named}, ${lacks}.`, {
    hint: 'Start one with `npm start`, name its folder with --data, or set what AWS clients need: endpoint, keys, region.',
  })
}
