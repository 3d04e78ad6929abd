/** AWS JSON 1.1: from a call's head and body to a name and JSON, and back (§0.1, §0.2). */
import type { Readable } from 'node:stream'
import { Fault } from '../contract/fault.ts'
import type { ServiceAnswer } from '../identity/verified-call.ts'

const TARGET =
  /^(?:com\.amazonaws\.cloudtrail\.v20131101\.)?CloudTrail_20131101\.(?<operation>[A-Za-z]{1,128})$/

/** The operation that `X-Amz-Target` names; SDKs send the long prefix, the short one is taken too. */
export const operationOf = (headers: Readonly<Record<string, string>>): string | undefined =>
  TARGET.exec(headers['x-amz-target'] ?? '')?.groups?.operation

const tooLarge = (bytesMax: number): Fault =>
  new Fault('RequestEntityTooLargeException', `The request is larger than ${bytesMax} bytes.`)

/**
 * The whole body. Throws RequestEntityTooLargeException behind `bytesMax`, without reading further;
 * what the stream itself fails with (a payload hash that is wrong) is thrown as it is.
 */
export const readBody = async (body: Buffer | Readable, bytesMax: number): Promise<Buffer> => {
  if (Buffer.isBuffer(body)) {
    if (body.length > bytesMax) throw tooLarge(bytesMax)
    return body
  }
  const chunks: Buffer[] = []
  let bytes = 0
  // Not destroyed on the way out: the gateway still has an answer to send on this connection.
  for await (const chunk of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > bytesMax) throw tooLarge(bytesMax)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, bytes)
}

/** An empty body counts as `{}`. Throws SerializationException for what is no JSON object. */
export const parseBody = (body: Buffer): object => {
  if (body.length === 0) return {}
  let json: unknown
  try {
    // Strict: invalid UTF-8 would otherwise become other text without anybody noticing.
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body))
  } catch (cause) {
    throw new Fault('SerializationException', 'The request is not valid JSON in UTF-8.', { cause })
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new Fault('SerializationException', 'The request is not a JSON object.')
  }
  return json
}

const answer = (status: number, requestId: string, json: object): ServiceAnswer => ({
  status,
  headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': requestId },
  body: Buffer.from(JSON.stringify(json, (_name, value: unknown) => value ?? undefined)),
})

/** Members that are null or undefined are left out. */
export const answerOutput = (output: object, requestId: string): ServiceAnswer =>
  answer(200, requestId, output)

/** The member is spelled `Message` for faults of the service. */
export const answerFault = (fault: Fault, requestId: string): ServiceAnswer =>
  answer(fault.status, requestId, { __type: fault.code, Message: fault.message })
