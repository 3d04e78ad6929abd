/** SigV4 with node:crypto alone: a load generator signs much and must cost little. */
import { createHash, createHmac } from 'node:crypto'
import { Agent, request } from 'node:http'
import { systemCodeOf } from '../../src/platform/errors.ts'

export interface Call {
  /** Signing name: `s3`, `sts`, `cloudtrail`. */
  readonly service: string
  readonly method: string
  readonly path: string
  /** Already encoded and sorted: `tagging=`. */
  readonly query?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export interface Place {
  /** `http://127.0.0.1:4600` */
  readonly endpoint: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

export interface Answer {
  readonly status: number
  /** The record's requestID. */
  readonly requestId: string
  readonly body: string
}

const REGION = 'us-east-1'
/** A call without an answer for so long counts as not answered. */
const ANSWER_MS_MAX = 30_000

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const hmac = (key: string | Buffer, text: string): Buffer =>
  createHmac('sha256', key).update(text).digest()

/** The headers to send. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html */
export const signedHeaders = (place: Place, call: Call, now: number): Record<string, string> => {
  const stamp = new Date(now).toISOString().replace(/[-:]|\.\d{3}/g, '')
  const day = stamp.slice(0, 8)
  const hash = sha256(call.body ?? '')
  const headers: Record<string, string> = {
    host: new URL(place.endpoint).host,
    'x-amz-date': stamp,
    'x-amz-content-sha256': hash,
    ...(place.sessionToken === undefined ? {} : { 'x-amz-security-token': place.sessionToken }),
    ...call.headers,
  }
  const names = Object.keys(headers).sort()
  const lines = names.map((name) => `${name}:${headers[name]}\n`).join('')
  const signed = names.join(';')
  const canonical = [call.method, call.path, call.query ?? '', lines, signed, hash].join('\n')
  const scope = `${day}/${REGION}/${call.service}/aws4_request`
  const toSign = ['AWS4-HMAC-SHA256', stamp, scope, sha256(canonical)].join('\n')
  const secret = `AWS4${place.secretAccessKey}`
  const key = [day, REGION, call.service, 'aws4_request'].reduce<string | Buffer>(hmac, secret)
  const signature = hmac(key, toSign).toString('hex')
  const credential = `Credential=${place.accessKeyId}/${scope}`
  return {
    ...headers,
    authorization: `AWS4-HMAC-SHA256 ${credential}, SignedHeaders=${signed}, Signature=${signature}`,
    'content-length': String(Buffer.byteLength(call.body ?? '')),
  }
}

export interface CallClient extends Disposable {
  /** Resolves when the whole answer has arrived; rejects when the connection breaks before. */
  send(place: Place, call: Call): Promise<Answer>
}

/** Keep-alive connections, `connections` at most; `now` dates the signatures. The caller disposes of it. */
export const openCallClient = (connections: number, now: () => number = Date.now): CallClient => {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const send = (place: Place, call: Call, isRepeat = false): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const { hostname, port } = new URL(place.endpoint)
      const sent = request(
        {
          ...{ agent, hostname, port, method: call.method },
          path: call.query === undefined ? call.path : `${call.path}?${call.query}`,
          headers: signedHeaders(place, call, now()),
          timeout: ANSWER_MS_MAX,
        },
        (answer) => {
          const { 'x-amzn-requestid': json, 'x-amz-request-id': s3 } = answer.headers
          const requestId = String(json ?? s3 ?? '')
          let body = ''
          answer.setEncoding('utf8').on('data', (chunk: string) => {
            body += chunk
          })
          answer.once('end', () => {
            if (answer.complete) resolve({ status: answer.statusCode ?? 0, requestId, body })
          })
          answer.once('close', () => {
            if (!answer.complete) reject(new Error('The answer ended early.'))
          })
        },
      )
      sent.once('timeout', () => sent.destroy(new Error('No answer.')))
      sent.once('error', (error) => {
        // A server closes an idle connection while the call is on its way: it never saw the call.
        const isIdleEnd = sent.reusedSocket && systemCodeOf(error) === 'ECONNRESET' && !isRepeat
        if (isIdleEnd) send(place, call, true).then(resolve, reject)
        else reject(error)
      })
      sent.end(call.body)
    })
  return { send: (place, call) => send(place, call), [Symbol.dispose]: () => agent.destroy() }
}
