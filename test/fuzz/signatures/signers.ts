/** The AWS SDK's own signers, of both variants; SigV4A's presigning, which it lacks, is built of its parts. */
import { createHash } from 'node:crypto'
import { SignatureV4 } from '@smithy/signature-v4'
import { SignatureV4a } from '@smithy/signature-v4a'
import type { SignedHead } from '../../../src/capture/signature/canonical-request.ts'
import { Sha256 } from '../../../src/capture/signature/signing.test-support.ts'
import {
  CREDENTIALS,
  DATE,
  headOnWire,
  type Intention,
  isS3,
  pathOf,
  queryOnWire,
  REGION,
  type Spelling,
} from './wire.ts'

export interface Way {
  readonly variant: 'SigV4' | 'SigV4A'
  readonly presigned: boolean
  readonly spelling: Spelling
}

const configured = (wanted: Intention) => ({
  service: wanted.service,
  region: REGION,
  uriEscapePath: !isS3(wanted.service),
  applyChecksum: isS3(wanted.service),
  sha256: Sha256,
  credentials: {
    ...CREDENTIALS,
    ...(wanted.sessionToken !== undefined && { sessionToken: wanted.sessionToken }),
  },
})

interface SdkRequest {
  readonly method: string
  readonly protocol: string
  readonly hostname: string
  readonly path: string
  readonly query: Record<string, string | string[]>
  readonly headers: Record<string, string>
  readonly body?: string
}

const requestOf = (wanted: Intention): SdkRequest => ({
  method: wanted.method,
  protocol: 'http:',
  hostname: 'localhost',
  path: pathOf(wanted),
  query: { ...wanted.query },
  headers: { host: 'localhost:4600', ...wanted.headers },
  ...(wanted.body !== '' && { body: wanted.body }),
})

type Signed = Pick<SdkRequest, 'method' | 'path' | 'headers'> & {
  readonly query?: Readonly<Record<string, string | string[] | null>>
}

/** Private in the SDK's type only. */
interface EcdsaSigner {
  getSignature(privateKey: Uint8Array, stringToSign: string): Promise<string>
}

const ASYMMETRIC = 'AWS4-ECDSA-P256-SHA256'

class AsymmetricSigner extends SignatureV4a {
  /** A presigned URL of version 4A, of the SDK's own canonical request, key and ECDSA. */
  async presign(given: SdkRequest, wanted: Intention): Promise<Signed> {
    const { longDate, shortDate } = this.formatDate(DATE)
    const scope = `${shortDate}/${wanted.service}/aws4_request`
    const { sessionToken } = wanted
    const canonicalHeaders = Object.fromEntries(
      Object.entries(given.headers).map(([name, value]) => [
        name.toLowerCase(),
        value.replace(/[ \t]+/g, ' ').replace(/^ | $/g, ''),
      ]),
    )
    const query = {
      ...given.query,
      'X-Amz-Algorithm': ASYMMETRIC,
      'X-Amz-Credential': `${CREDENTIALS.accessKeyId}/${scope}`,
      'X-Amz-Date': longDate,
      'X-Amz-Expires': '60',
      'X-Amz-Region-Set': REGION,
      'X-Amz-SignedHeaders': this.getCanonicalHeaderList(canonicalHeaders),
      ...(sessionToken !== undefined && { 'X-Amz-Security-Token': sessionToken }),
    }
    const hash = isS3(wanted.service)
      ? 'UNSIGNED-PAYLOAD'
      : createHash('sha256').update(wanted.body).digest('hex')
    const canonical = this.createCanonicalRequest({ ...given, query }, canonicalHeaders, hash)
    const text = await this.createStringToSign(longDate, scope, canonical, ASYMMETRIC)
    return { ...given, query: { ...query, 'X-Amz-Signature': await ecdsaOf(text) } }
  }
}

/** The signature of a text, by the SDK's own derivation and curve. */
export const ecdsaOf = async (text: string): Promise<string> => {
  const signer = new SignatureV4a({
    service: 's3',
    region: REGION,
    sha256: Sha256,
    credentials: CREDENTIALS,
  })
  // Both are private to the type alone; the key is caught where the signer hands it on.
  const inside = signer as unknown as EcdsaSigner
  const sign = inside.getSignature
  inside.getSignature = (key) => sign.call(signer, key, text)
  const given = { method: 'GET', protocol: 'http:', hostname: 'h', path: '/', headers: {} }
  const { headers } = await signer.sign({ ...given, query: {} }, { signingDate: DATE })
  return /Signature=([0-9a-f]+)$/.exec(headers.authorization ?? '')?.[1] ?? ''
}

const signedBy = async (wanted: Intention, way: Way): Promise<Signed> => {
  const given = requestOf(wanted)
  if (way.variant === 'SigV4A') {
    const signer = new AsymmetricSigner(configured(wanted))
    return way.presigned
      ? signer.presign(given, wanted)
      : ((await signer.sign(given, { signingDate: DATE })) as Signed)
  }
  const signer = new SignatureV4(configured(wanted))
  const signed = way.presigned
    ? await signer.presign(given, { signingDate: DATE, expiresIn: 60 })
    : await signer.sign(given, { signingDate: DATE })
  return signed as Signed
}

const linesOf = (headers: Readonly<Record<string, string>>, split: boolean): [string, string][] =>
  Object.entries(headers).flatMap(([name, value]): [string, string][] =>
    split && /^x-amz-meta-/i.test(name) && /[^ \t],[^ \t]/.test(value)
      ? value.split(/(?<=[^ \t,]),(?=[^ \t,])/).map((part) => [name, part])
      : [[name, value]],
  )

/** The request as it arrives. */
export const signedHead = async (wanted: Intention, way: Way): Promise<SignedHead> => {
  const signed = await signedBy(wanted, way)
  const query = queryOnWire(signed.query ?? {}, way.spelling)
  const target = query === '' ? signed.path : `${signed.path}?${query}`
  return headOnWire(signed.method, target, linesOf(signed.headers, way.spelling.split))
}
