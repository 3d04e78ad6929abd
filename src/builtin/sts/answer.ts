/** Answers of the query protocol as STS spells them. */
import type { ServiceAnswer } from '../../identity/verified-call.ts'
import { STS_FAULTS, type StsFault } from './sts-fault.ts'

export const NAMESPACE = 'https://sts.amazonaws.com/doc/2011-06-15/'

/** Members in wire order; undefined ones are left out. */
export interface Members {
  readonly [name: string]: string | Members | undefined
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
}

/** What XML 1.0 cannot hold at all, escaped or not (section 2.2), becomes U+FFFD. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are the ones that must not pass
const NOT_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu

const escapeText = (text: string): string =>
  text.replace(NOT_XML, '\ufffd').replace(/[&<>"]/g, (character) => ENTITIES[character] ?? '')

const render = (members: Members): string =>
  Object.entries(members)
    .map(([name, value]) => {
      if (value === undefined) return ''
      return `<${name}>${typeof value === 'string' ? escapeText(value) : render(value)}</${name}>`
    })
    .join('')

const answer = (
  status: number,
  requestId: string,
  root: string,
  members: Members,
): ServiceAnswer => {
  const body = Buffer.from(`<${root} xmlns="${NAMESPACE}">${render(members)}</${root}>\n`)
  return {
    status,
    headers: {
      'content-type': 'text/xml',
      'content-length': String(body.length),
      'x-amzn-requestid': requestId,
    },
    body,
  }
}

export const resultAnswer = (
  operation: string,
  requestId: string,
  result: Members,
): ServiceAnswer =>
  answer(200, requestId, `${operation}Response`, {
    [`${operation}Result`]: result,
    ResponseMetadata: { RequestId: requestId },
  })

export const faultAnswer = (fault: StsFault, requestId: string): ServiceAnswer => {
  const status = STS_FAULTS[fault.code]
  return answer(status, requestId, 'ErrorResponse', {
    Error: {
      Type: status >= 500 ? 'Receiver' : 'Sender',
      Code: fault.code,
      Message: fault.message,
    },
    RequestId: requestId,
  })
}
