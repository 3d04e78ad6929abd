/**
 * Reads objects with a fifth of the CPU that the AWS SDK takes for each. The SDK reads the first one
 * of a bucket; where it went (host, path style, region after redirects) is where the others are read
 * from. Whatever does not answer 200 is left to the SDK, with its retries, redirects and errors.
 */
import { Agent as PlainAgent, request as plainRequest } from 'node:http'
import { Agent as TlsAgent, request as tlsRequest } from 'node:https'
import { GetObjectCommand, NoSuchKey, type S3Client } from '@aws-sdk/client-s3'
import type { FetchedObject } from '../../../integrity/verification.ts'
import { systemClock } from '../../../platform/clock.ts'
import { CodedError } from '../../../platform/errors.ts'
import { createGetSigner, type GetSigner } from './signed-get.ts'

/** A connection that is silent for this long is given up; the SDK then tries again. */
const SILENCE_MS_MAX = 30_000
/** As the largest log file that is taken apart. */
const OBJECT_BYTES_MAX = 512 * 1024 * 1024
const METADATA_PREFIX = 'x-amz-meta-'
const SCOPE = /^AWS4-HMAC-SHA256 Credential=[^/]+\/\d{8}\/([^/]+)\/s3\/aws4_request,/

class ObjectReaderError extends CodedError<'too-large' | 'silent'> {}

/** Where the objects of a bucket are. */
interface Route {
  readonly secure: boolean
  readonly hostname: string
  readonly port: number | undefined
  readonly host: string
  /** In front of the encoded key. */
  readonly path: string
  readonly region: string
}

interface SentRequest {
  readonly protocol: string
  readonly hostname: string
  readonly port?: number
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
}

/** As AWS wants it: all but the unreserved characters of RFC 3986, slashes kept. */
const encodedKey = (key: string): string =>
  encodeURIComponent(key)
    .replaceAll('%2F', '/')
    .replaceAll(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)

/** Undefined where the SDK does something that is not known here. */
const routeOf = (
  { protocol, hostname, port, path, headers }: SentRequest,
  key: string,
): Route | undefined => {
  const region = SCOPE.exec(headers.authorization ?? '')?.[1]
  const end = encodedKey(key)
  if (region === undefined || !path.endsWith(`/${end}`)) return undefined
  const host = headers.host ?? (port === undefined ? hostname : `${hostname}:${port}`)
  const front = path.slice(0, -end.length)
  return { secure: protocol === 'https:', hostname, port, host, path: front, region }
}

export interface ObjectReader {
  /** Undefined: no such object. Rejects with what the SDK throws. */
  read(bucket: string, key: string): Promise<FetchedObject | undefined>
  close(): void
}

class LearningReader implements ObjectReader {
  readonly #s3: S3Client
  readonly #agents: { readonly plain: PlainAgent; readonly secure: TlsAgent }
  /** By bucket; resolves with undefined where only the SDK can read. */
  readonly #routes = new Map<string, Promise<Route | undefined>>()
  readonly #signers = new Map<string, GetSigner>()

  constructor(s3: S3Client, connections: number) {
    this.#s3 = s3
    const options = { keepAlive: true, maxSockets: connections }
    this.#agents = { plain: new PlainAgent(options), secure: new TlsAgent(options) }
  }

  async read(bucket: string, key: string): Promise<FetchedObject | undefined> {
    const known = this.#routes.get(bucket)
    if (known === undefined) {
      const learned = Promise.withResolvers<Route | undefined>()
      this.#routes.set(bucket, learned.promise)
      try {
        return await this.#readSlowly(bucket, key, learned.resolve)
      } finally {
        learned.resolve(undefined)
      }
    }
    const route = await known
    const fast = route && (await this.#readFast(route, key))
    return fast ?? (await this.#readSlowly(bucket, key))
  }

  close(): void {
    this.#agents.plain.destroy()
    this.#agents.secure.destroy()
  }

  async #readSlowly(
    bucket: string,
    key: string,
    learn?: (route: Route | undefined) => void,
  ): Promise<FetchedObject | undefined> {
    const command = new GetObjectCommand({ Bucket: bucket, Key: key })
    let sent: SentRequest | undefined
    command.middlewareStack.add(
      (next) => (args) => {
        sent = args.request as SentRequest
        return next(args)
      },
      { step: 'deserialize', name: 'clewLearnRoute' },
    )
    try {
      const answer = await this.#s3.send(command)
      learn?.(sent && routeOf(sent, key))
      const body = (await answer.Body?.transformToByteArray()) ?? new Uint8Array()
      return { body, metadata: answer.Metadata ?? {} }
    } catch (error) {
      if (!(error instanceof NoSuchKey)) throw error
      learn?.(sent && routeOf(sent, key))
      return undefined
    }
  }

  /** Undefined: the SDK should try. */
  async #readFast(route: Route, key: string): Promise<FetchedObject | undefined> {
    const path = `${route.path}${encodedKey(key)}`
    const signer = await this.#signer(route.region)
    const at = systemClock.now() + (this.#s3.config.systemClockOffset ?? 0)
    const headers = signer.sign(route.host, path, at)
    try {
      return await this.#get(route, path, headers)
    } catch {
      // Whatever it was, the SDK meets it too, tries again, and its error is the one that is told.
      return undefined
    }
  }

  async #signer(region: string): Promise<GetSigner> {
    const credentials = await this.#s3.config.credentials()
    const id = `${region}/${credentials.accessKeyId}`
    const known = this.#signers.get(id)
    if (known !== undefined) return known
    const { accessKeyId, secretAccessKey, sessionToken } = credentials
    const signer = createGetSigner(
      { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
      region,
    )
    this.#signers.set(id, signer)
    return signer
  }

  #get(
    { secure, hostname, port }: Route,
    path: string,
    headers: Record<string, string>,
  ): Promise<FetchedObject | undefined> {
    const { promise, resolve, reject } = Promise.withResolvers<FetchedObject | undefined>()
    const options = { hostname, path, headers, ...(port === undefined ? {} : { port }) }
    const request = secure
      ? tlsRequest({ ...options, agent: this.#agents.secure })
      : plainRequest({ ...options, agent: this.#agents.plain })
    request.setTimeout(SILENCE_MS_MAX, () => {
      request.destroy(new ObjectReaderError('silent', `${hostname} does not answer.`))
    })
    request.on('response', (response) => {
      response.on('error', reject)
      if (response.statusCode !== 200) {
        response.resume()
        resolve(undefined)
        return
      }
      const chunks: Buffer[] = []
      let size = 0
      response.on('data', (chunk: Buffer) => {
        size += chunk.length
        chunks.push(chunk)
        if (size > OBJECT_BYTES_MAX) {
          request.destroy(new ObjectReaderError('too-large', `${path} is too large.`))
        }
      })
      response.on('end', () => {
        const [only] = chunks
        const body = chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks)
        resolve({ body, metadata: metadataOf(response.headers) })
      })
    })
    request.on('error', reject)
    request.end()
    return promise
  }
}

const metadataOf = (headers: NodeJS.Dict<string | string[]>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      name.startsWith(METADATA_PREFIX) && typeof value === 'string'
        ? [[name.slice(METADATA_PREFIX.length), value]]
        : [],
    ),
  )

/** The caller closes it, and the client. */
export const createObjectReader = (s3: S3Client, connections: number): ObjectReader =>
  new LearningReader(s3, connections)
