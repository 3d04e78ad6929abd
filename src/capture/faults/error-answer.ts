/**
 * An error in the client's own protocol. An error that a client cannot parse shows up there as a
 * broken XML or JSON document instead of as the error (reference/capture.md §3).
 */
import type { ServiceAnswer } from '../../identity/verified-call.ts'
import type { AwsProtocol } from '../call.ts'
import { cborMap } from './cbor-map.ts'

export interface ErrorFacts {
  readonly code: string
  readonly message: string
  readonly status: number
  readonly requestId: string
  /** S3: the path of the bucket or object. */
  readonly resource?: string
  /** Whose fault it is; follows from the status where absent. */
  readonly type?: 'Sender' | 'Receiver'
  /** Further elements of S3's document. */
  readonly details?: Readonly<Record<string, string>>
}

const XML_SPECIAL: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
}

/** XML 1.0 has no place for most control characters, not even escaped; nor for lone surrogates. */
const escapeXml = (text: string): string =>
  text
    .toWellFormed()
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
    .replace(/[&<>"]/g, (char) => XML_SPECIAL[char] ?? char)

const element = (name: string, text: string): string => `<${name}>${escapeXml(text)}</${name}>`

const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'

const typeOf = (error: ErrorFacts): string =>
  error.type ?? (error.status >= 500 ? 'Receiver' : 'Sender')

const s3Document = (error: ErrorFacts): string => {
  const details = Object.entries(error.details ?? {}).map(([name, text]) => element(name, text))
  const resource = error.resource === undefined ? '' : element('Resource', error.resource)
  return `${DECLARATION}<Error>${element('Code', error.code)}${element('Message', error.message)}${details.join('')}${resource}${element('RequestId', error.requestId)}${element('HostId', error.requestId)}</Error>`
}

const queryDocument = (error: ErrorFacts): string =>
  `<ErrorResponse>\n  <Error>\n    ${element('Type', typeOf(error))}\n    ${element('Code', error.code)}\n    ${element('Message', error.message)}\n  </Error>\n  ${element('RequestId', error.requestId)}\n</ErrorResponse>\n`

const ec2Document = (error: ErrorFacts): string =>
  `${DECLARATION}<Response><Errors><Error>${element('Code', error.code)}${element('Message', error.message)}</Error></Errors>${element('RequestID', error.requestId)}</Response>`

/** Header values are one byte a character, without line ends. */
const headerSafe = (text: string): string => text.replace(/[^\x20-\x7e]/g, '?')

const answer = (
  error: ErrorFacts,
  contentType: string,
  body: Buffer | string,
  headers: Record<string, string>,
): ServiceAnswer => {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  return {
    status: error.status,
    headers: { 'content-type': contentType, 'content-length': String(bytes.length), ...headers },
    body: bytes,
  }
}

const jsonHeaders = (error: ErrorFacts): Record<string, string> => ({
  'x-amzn-requestid': error.requestId,
  'x-amzn-errortype': headerSafe(error.code),
})

export const errorAnswer = (protocol: AwsProtocol, error: ErrorFacts): ServiceAnswer => {
  const { code, message, requestId } = error
  switch (protocol) {
    case 'json':
      return answer(
        error,
        'application/x-amz-json-1.1',
        JSON.stringify({ __type: code, message }),
        jsonHeaders(error),
      )
    case 'rest-json':
      return answer(
        error,
        'application/json',
        JSON.stringify({ __type: code, message }),
        jsonHeaders(error),
      )
    case 'rpc-v2-cbor':
      return answer(error, 'application/cbor', cborMap({ __type: code, message }), {
        'smithy-protocol': 'rpc-v2-cbor',
        'x-amzn-requestid': requestId,
      })
    case 'query':
      return answer(error, 'text/xml', queryDocument(error), { 'x-amzn-requestid': requestId })
    case 'ec2':
      return answer(error, 'text/xml;charset=UTF-8', ec2Document(error), {
        'x-amzn-requestid': requestId,
      })
    case 'rest-xml':
      return answer(error, 'application/xml', s3Document(error), {
        'x-amz-request-id': requestId,
        'x-amz-id-2': requestId,
      })
  }
}
