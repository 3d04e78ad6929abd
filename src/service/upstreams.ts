/**
 * Which service is answered where (DESIGN.md §2): `http://…` for all, `name=http://…` for one
 * signing name, `name=builtin` to keep the built-in one.
 */
import { ConfigError } from '../config/config-error.ts'

export interface Upstreams {
  /** Where calls of this signing name go; undefined when Clew answers them, or nobody does. */
  of(signingName: string): URL | undefined
  isBuiltin(signingName: string): boolean
}

const BUILTIN = ['s3', 'sts']
/** Clew's own API is never forwarded. */
const OWN = ['cloudtrail', 'cloudtrail-data']
const SIGNING_NAME = /^[a-z0-9][a-z0-9.-]*$/

const badUpstream = (given: string, why: string): ConfigError =>
  new ConfigError('bad-setting', `--upstream ${given}: ${why}`, {
    hint: 'Write http://HOST:PORT for all services, NAME=http://HOST:PORT for one, or s3=builtin.',
  })

const urlOf = (given: string, text: string): URL => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    throw badUpstream(given, `'${text}' is no http or https URL`)
  }
  if (url.pathname !== '/' || url.search !== '' || url.username !== '') {
    throw badUpstream(given, 'an upstream is scheme, host and port, nothing behind them')
  }
  return url
}

export const parseUpstreams = (settings: readonly string[]): Upstreams => {
  const named = new Map<string, URL | 'builtin'>()
  let all: URL | undefined
  for (const given of settings) {
    const [, name, value = given] = /^([^=:/]+)=(.*)$/.exec(given) ?? []
    if (name === undefined) {
      all = urlOf(given, given)
      continue
    }
    if (!SIGNING_NAME.test(name)) throw badUpstream(given, `'${name}' is no signing name`)
    if (OWN.includes(name)) throw badUpstream(given, `Clew itself answers ${name}`)
    if (value === 'builtin' && !BUILTIN.includes(name)) {
      throw badUpstream(given, `there is a built-in ${BUILTIN.join(' and ')} only`)
    }
    named.set(name, value === 'builtin' ? value : urlOf(given, value))
  }
  const of = (signingName: string): URL | undefined => {
    if (OWN.includes(signingName)) return undefined
    const target = named.get(signingName) ?? all
    return target === 'builtin' ? undefined : target
  }
  return {
    of,
    isBuiltin: (signingName) => BUILTIN.includes(signingName) && of(signingName) === undefined,
  }
}
