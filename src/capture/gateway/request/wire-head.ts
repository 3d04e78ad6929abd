import type { IncomingMessage } from 'node:http'
import { CallFault } from '../../faults/call-fault.ts'
import type { SignedHead } from '../../signature/canonical-request.ts'

export interface WireHead extends SignedHead {
  readonly rawHeaders: readonly string[]
  /** Bytes; undefined with `Transfer-Encoding: chunked`; 0 when there is no body. */
  readonly contentLength: number | undefined
}

/** Which of two would count is anybody's guess, so none does (request smuggling). */
const SINGLE: ReadonlySet<string> = new Set([
  'authorization',
  'content-length',
  'date',
  'expect',
  'host',
  'transfer-encoding',
  'x-amz-content-sha256',
  'x-amz-date',
  'x-amz-decoded-content-length',
  'x-amz-security-token',
  'x-amz-target',
])

const badRequest = (message: string): CallFault => new CallFault(400, 'InvalidRequest', message)

const readHeaders = (raw: readonly string[]): Record<string, string> => {
  // No prototype: a header may be called __proto__.
  const headers: Record<string, string> = Object.create(null)
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = (raw[index] ?? '').toLowerCase()
    const value = raw[index + 1] ?? ''
    const earlier = headers[name]
    if (earlier !== undefined && SINGLE.has(name)) {
      throw badRequest(`The header ${name} is given twice.`)
    }
    headers[name] = earlier === undefined ? value : `${earlier}, ${value}`
  }
  return headers
}

const bodyLength = (headers: Readonly<Record<string, string>>): number | undefined => {
  const encoding = headers['transfer-encoding']
  const length = headers['content-length']
  if (encoding !== undefined) {
    if (encoding.toLowerCase() !== 'chunked') {
      throw new CallFault(
        501,
        'NotImplemented',
        'A header you provided implies functionality that is not implemented: Transfer-Encoding',
      )
    }
    return undefined
  }
  if (length === undefined) return 0
  if (!/^\d{1,15}$/.test(length)) throw badRequest('Content-Length is no number of bytes.')
  return Number(length)
}

/** The head as it came. Throws CallFault for forms that no AWS client sends. */
export const readHead = (request: IncomingMessage): WireHead => {
  const target = request.url ?? ''
  if (!target.startsWith('/')) {
    throw badRequest('The request target must be a path: proxying to other hosts is not offered.')
  }
  // Node's parser takes any version that it has heard of; there is one framing here.
  if (request.httpVersionMajor !== 1) throw badRequest('The version of HTTP must be 1.1 or 1.0.')
  const headers = readHeaders(request.rawHeaders)
  if (request.httpVersionMinor === 0 && headers['transfer-encoding'] !== undefined) {
    // RFC 9112 section 6.1: such a message may have been framed by somebody who cannot read it.
    throw badRequest('HTTP/1.0 has no Transfer-Encoding.')
  }
  if (headers.upgrade !== undefined) throw badRequest('Upgrading the connection is not offered.')
  const question = target.indexOf('?')
  return {
    method: request.method ?? '',
    rawPath: question < 0 ? target : target.slice(0, question),
    rawQuery: question < 0 ? '' : target.slice(question + 1),
    headers,
    rawHeaders: request.rawHeaders,
    contentLength: bodyLength(headers),
  }
}
