/**
 * Signature Version 4 of a GET without a query or a body, as S3 wants it: the path encoded once, the
 * hash of an empty payload (https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html).
 */
import { createHash, createHmac, createSecretKey, type KeyObject } from 'node:crypto'

const ALGORITHM = 'AWS4-HMAC-SHA256'
const EMPTY_PAYLOAD = createHash('sha256').digest('hex')

export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

const hmac = (key: KeyObject, text: string): Buffer =>
  createHmac('sha256', key).update(text).digest()

const deriveKey = (secret: string, parts: readonly string[]): KeyObject =>
  parts.reduce(
    (key, part) => createSecretKey(hmac(key, part)),
    createSecretKey(Buffer.from(`AWS4${secret}`)),
  )

export interface GetSigner {
  /** The headers to send. `path` is encoded; `at` in epoch milliseconds. */
  sign(host: string, path: string, at: number): Record<string, string>
}

/** Keeps the derived key of a day, which would cost more than all else. */
export const createGetSigner = (
  { accessKeyId, secretAccessKey, sessionToken }: Credentials,
  region: string,
): GetSigner => {
  let derived: { readonly scope: string; readonly key: KeyObject } | undefined
  const keyOf = (day: string): { readonly scope: string; readonly key: KeyObject } => {
    const scope = `${day}/${region}/s3/aws4_request`
    if (derived?.scope !== scope) {
      derived = { scope, key: deriveKey(secretAccessKey, scope.split('/')) }
    }
    return derived
  }
  return {
    sign: (host, path, at) => {
      const time = new Date(at).toISOString().replaceAll(/[-:]|\.\d+/g, '')
      const { scope, key } = keyOf(time.slice(0, 8))
      const headers: Record<string, string> = {
        host,
        'x-amz-content-sha256': EMPTY_PAYLOAD,
        'x-amz-date': time,
        ...(sessionToken === undefined ? {} : { 'x-amz-security-token': sessionToken }),
      }
      const names = Object.keys(headers).join(';')
      const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`)
      const canonical = ['GET', path, '', lines.join(''), names, EMPTY_PAYLOAD].join('\n')
      const hash = createHash('sha256').update(canonical).digest('hex')
      const signature = hmac(key, [ALGORITHM, time, scope, hash].join('\n')).toString('hex')
      return {
        ...headers,
        authorization: `${ALGORITHM} Credential=${accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`,
      }
    },
  }
}
