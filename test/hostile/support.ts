/**
 * What a hostile client needs: raw sockets, a signer that signs what it is told to, and one real
 * server whose log and processes are watched. Nothing here goes through an HTTP client, because
 * those refuse to send what is sent here.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash, createHmac } from 'node:crypto'
import { join } from 'node:path'
import { openWire } from '../../src/capture/gateway/gateway.test-support.ts'
import { type ClewServer, removeFolder, startClew } from '../conformance/clew-server.ts'

export interface Key {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

export interface Sending {
  readonly method?: string
  /** As it goes over the wire, in Latin-1: one character is one byte. */
  readonly path?: string
  /** As it goes over the wire, without the question mark. */
  readonly query?: string
  /** Signed, in lower case. */
  readonly headers?: Readonly<Record<string, string>>
  /** Lines behind the signed headers, not signed. */
  readonly extra?: readonly string[]
  readonly body?: string | Buffer
  readonly service?: string
  readonly region?: string
  /** `20260302T081407Z`. */
  readonly date?: string
  readonly key?: Key
  /** The last line of the canonical request and of `x-amz-content-sha256`; default: the body's hash. */
  readonly payload?: string
  /** Absent: as long as the body. `none`: no such header. */
  readonly contentLength?: string
}

export interface Answer {
  readonly status: number
  readonly head: string
  readonly body: string
  /** `Code` of XML, `__type` of JSON; '' for none. */
  readonly code: string
}

export const sha256 = (bytes: string | Buffer): string =>
  createHash('sha256').update(bytes).digest('hex')
export const hmac = (key: string | Buffer, text: string): Buffer =>
  createHmac('sha256', key).update(text).digest()
export const amzDate = (ms = Date.now()): string =>
  new Date(ms).toISOString().replace(/[-:]|\.\d+/g, '')

export const signingKey = (secret: string, scope: string): Buffer =>
  scope.split('/').reduce<Buffer>((key, part) => hmac(key, part), Buffer.from(`AWS4${secret}`))

/** Sorted as Signature Version 4 sorts a query. */
const sortedQuery = (query: string): string =>
  query
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => pair.split(/=(.*)/s, 2))
    .map(([name = '', value = '']) => [name, value] as const)
    .sort(([a, x], [b, y]) => (a === b ? (x < y ? -1 : 1) : a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')

export interface SignedHead {
  readonly text: string
  readonly signature: string
  readonly scope: string
  readonly date: string
}

/** The bytes of a head with its Authorization header, by the rules of the API guide. */
export const signedHead = (host: string, key: Key, sending: Sending): SignedHead => {
  const { method = 'GET', path = '/', query = '', service = 's3', region = 'us-east-1' } = sending
  const date = sending.date ?? amzDate()
  const payload = sending.payload ?? sha256(sending.body ?? '')
  const headers: Record<string, string> = {
    host,
    'x-amz-date': date,
    ...(service === 's3' && { 'x-amz-content-sha256': payload }),
    ...(key.sessionToken !== undefined && { 'x-amz-security-token': key.sessionToken }),
    ...sending.headers,
  }
  const names = Object.keys(headers).sort()
  const canonical = [
    method,
    path,
    sortedQuery(query),
    ...names.map((name) => `${name}:${(headers[name] ?? '').trim().replace(/[\t ]+/g, ' ')}`),
    '',
    names.join(';'),
    payload,
  ].join('\n')
  const scope = `${date.slice(0, 8)}/${region}/${service}/aws4_request`
  const text = `AWS4-HMAC-SHA256\n${date}\n${scope}\n${sha256(Buffer.from(canonical, 'latin1'))}`
  const signature = hmac(signingKey(key.secretAccessKey, scope), text).toString('hex')
  const authorization = `AWS4-HMAC-SHA256 Credential=${key.accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`
  const length = sending.contentLength ?? String(Buffer.byteLength(sending.body ?? ''))
  const lines = [
    `${method} ${path}${query === '' ? '' : `?${query}`} HTTP/1.1`,
    ...names.map((name) => `${name}: ${headers[name]}`),
    `authorization: ${authorization}`,
    ...(length === 'none' ? [] : [`content-length: ${length}`]),
    ...(sending.extra ?? []),
  ]
  return { text: `${lines.join('\r\n')}\r\n\r\n`, signature, scope, date }
}

/** A presigned query of Signature Version 4, as a path with its query. */
export const presigned = (
  host: string,
  key: Key,
  options: { path: string; method?: string; expires?: string; date?: string; more?: string },
): string => {
  const { path, method = 'GET', expires = '60', date = amzDate(), more = '' } = options
  const scope = `${date.slice(0, 8)}/us-east-1/s3/aws4_request`
  const query = sortedQuery(
    [
      more,
      'X-Amz-Algorithm=AWS4-HMAC-SHA256',
      `X-Amz-Credential=${encodeURIComponent(`${key.accessKeyId}/${scope}`)}`,
      `X-Amz-Date=${date}`,
      `X-Amz-Expires=${expires}`,
      'X-Amz-SignedHeaders=host',
    ].join('&'),
  )
  const canonical = `${method}\n${path}\n${query}\nhost:${host}\n\nhost\nUNSIGNED-PAYLOAD`
  const text = `AWS4-HMAC-SHA256\n${date}\n${scope}\n${sha256(canonical)}`
  const signature = hmac(signingKey(key.secretAccessKey, scope), text).toString('hex')
  return `${path}?${query}&X-Amz-Signature=${signature}`
}

const CODE = /<Code>([^<]*)<\/Code>|"__type":"(?:[^"#]*#)?([^"]*)"/

const answerOf = (bytes: Buffer): Answer => {
  const all = bytes.toString('latin1').replace(/^(?:HTTP\/1\.1 100 Continue\r\n\r\n)+/, '')
  const end = all.indexOf('\r\n\r\n')
  const head = end < 0 ? all : all.slice(0, end)
  const body = end < 0 ? '' : all.slice(end + 4)
  const code = CODE.exec(body)
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1] ?? 0)
  return { status, head, body, code: code?.[1] ?? code?.[2] ?? '' }
}

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'main.ts')
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024

/** Runs a command on the server's data folder; resolves with its stdout. */
export const clew = ({ server }: Target, args: readonly string[]): Promise<string> =>
  new Promise((resolve, reject) => {
    const all = ['--no-maglev', MAIN, ...args, '--data', server.data]
    const options = { env: server.environment, maxBuffer: OUTPUT_BYTES_MAX }
    execFile(process.execPath, all, options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else reject(new Error(`clew ${args.join(' ')}: ${stderr}`, { cause: error }))
    })
  })

export interface Target {
  readonly server: ClewServer
  readonly port: number
  readonly host: string
  readonly root: Key
  /** The bytes as they are, `connection: close` being the caller's business; the whole answer. */
  raw(bytes: string | Buffer): Promise<Answer>
  /** A signed request on a connection of its own. */
  send(sending: Sending): Promise<Answer>
  /** A CloudTrail call. */
  trail(operation: string, input: unknown, more?: Sending): Promise<Answer>
  /** Fails where a process died, something unexpected was logged, or the next call is not answered. */
  stillAnswers(after: string): Promise<void>
  stop(): Promise<void>
}

/** A case of a table: what is sent, and the answer it must get; '' where the answer has no code. */
export type Case = readonly [name: string, send: Sending, status: number, code: string]

/** Sends every case of a table, each on its own connection, and checks that life goes on. */
export const checkCases = async (target: Target, cases: readonly Case[]): Promise<void> => {
  for (const [name, sending, status, code] of cases) {
    const answer = await target.send(sending)
    assert.deepEqual([answer.status, answer.code], [status, code], `${name}: ${answer.body}`)
  }
  await target.stillAnswers(cases.at(-1)?.[0] ?? 'nothing')
}

export const TARGET_PREFIX = 'com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.'

/** What an operator must never see because of what a client sent. */
const ALARM = /unexpected|process ended|ended; restarting|heap|internal error|failed to answer/i

export const startTarget = async (flags: readonly string[] = []): Promise<Target> => {
  const server = await startClew({ flags })
  const { host, port: portText } = new URL(server.endpoint)
  const port = Number(portText)
  const { accessKeyId, secretAccessKey } = server
  const root: Key = { accessKeyId, secretAccessKey }

  const raw = async (bytes: string | Buffer): Promise<Answer> => {
    const wire = await openWire(port)
    wire.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
    return answerOf(Buffer.from(await wire.closed(), 'latin1'))
  }
  const send = (sending: Sending): Promise<Answer> => {
    const head = signedHead(host, sending.key ?? root, {
      ...sending,
      extra: ['connection: close', ...(sending.extra ?? [])],
    })
    return raw(Buffer.concat([Buffer.from(head.text, 'latin1'), Buffer.from(sending.body ?? '')]))
  }
  const trail = (operation: string, input: unknown, more: Sending = {}): Promise<Answer> =>
    send({
      method: 'POST',
      service: 'cloudtrail',
      body: typeof input === 'string' || Buffer.isBuffer(input) ? input : JSON.stringify(input),
      ...more,
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': `${TARGET_PREFIX}${operation}`,
        ...more.headers,
      },
    })
  const stillAnswers = async (after: string): Promise<void> => {
    const alarm = server
      .log()
      .split('\n')
      .find((line) => ALARM.test(line))
    assert.equal(alarm, undefined, `the server's log after ${after}`)
    const { status, body } = await trail('DescribeTrails', {})
    assert.equal(status, 200, `the next call after ${after}: ${body}`)
  }
  return {
    server,
    port,
    host,
    root,
    raw,
    send,
    trail,
    stillAnswers,
    stop: async () => {
      await server.stop()
      removeFolder(server.data)
    },
  }
}
