/** Bodies as values, whatever a client or an upstream put there. Nothing here throws. */
import { parseJson } from '../../event/plain-json.ts'
import { parseCbor } from './wire/cbor.ts'
import { parseXml, type XmlNode } from './wire/xml.ts'

/** Larger bodies are not read: their records say so. */
export const BODY_BYTES_MAX = 1024 * 1024

export const isTooLarge = (body: Buffer | undefined): boolean =>
  body !== undefined && body.length > BODY_BYTES_MAX

const textOf = (body: Buffer | undefined, bytesMax = BODY_BYTES_MAX): string =>
  body === undefined || body.length > bytesMax ? '' : body.toString('utf8')

/** Undefined for what is absent, too large or not JSON. */
export const jsonBody = (body: Buffer | undefined): unknown => {
  const text = textOf(body)
  return text === '' ? undefined : parseJson(text)
}

/** `bytesMax`: where more than the usual must be read. */
export const xmlBody = (body: Buffer | undefined, bytesMax?: number): XmlNode | undefined => {
  const text = textOf(body, bytesMax)
  return text === '' ? undefined : parseXml(text)
}

export const cborBody = (body: Buffer | undefined): unknown =>
  body === undefined || isTooLarge(body) ? undefined : parseCbor(body)

export const formBody = (body: Buffer | undefined): string => textOf(body)

/** What stands where a body was too large to be read (event/size-caps.ts has the same shape). */
export const tooLarge = (field: string, body: Buffer): Record<string, unknown> => ({
  reason: `${field} too large`,
  omitted: 'true',
  originalSize: String(body.length),
})
