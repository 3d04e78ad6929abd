/** Answers: XML documents as S3 spells them, and empty ones. */
import type { ServiceAnswer } from '../../identity/verified-call.ts'

/**
 * Text for an element. Control characters become character references as AWS sends them (not all
 * parsers take those, which is what `encoding-type=url` is for); a carriage return must, or parsers
 * turn it into a line feed.
 */
export const escapeXml = (text: string): string =>
  text.replace(/[&<>"\ufffe\uffff]|\p{Cc}/gu, (character) => {
    const named = NAMED[character]
    return named ?? `&#x${character.charCodeAt(0).toString(16)};`
  })

const NAMED: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
}

type Text = string | number | boolean

/** `<Name>text</Name>`; nothing for undefined. */
export const leaf = (name: string, text: Text | undefined): string =>
  text === undefined ? '' : `<${name}>${escapeXml(String(text))}</${name}>`

/** `<Name>…</Name>` around elements that are written already. */
export const group = (name: string, ...content: readonly string[]): string =>
  `<${name}>${content.join('')}</${name}>`

export const leaves = (values: Readonly<Record<string, Text | undefined>>): string =>
  Object.entries(values)
    .map(([name, value]) => leaf(name, value))
    .join('')

const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/'
const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'

export const xmlAnswer = (
  root: string,
  content: string,
  headers: Readonly<Record<string, string>> = {},
): ServiceAnswer => ({
  status: 200,
  headers: { 'content-type': 'application/xml', ...headers },
  body: Buffer.from(`${DECLARATION}<${root} xmlns="${NAMESPACE}">${content}</${root}>`),
})

export const emptyAnswer = (
  status: number,
  headers: Readonly<Record<string, string>> = {},
): ServiceAnswer => ({ status, headers, body: Buffer.alloc(0) })

/** The error document has no namespace. */
export const errorBody = (elements: Readonly<Record<string, string>>): Buffer =>
  Buffer.from(`${DECLARATION}<Error>${leaves(elements)}</Error>`)

/** S3 shows whole seconds with three zeros behind. */
export const isoTime = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}.000Z`

/** As `Last-Modified`: RFC 9110 section 5.6.7. */
export const httpTime = (ms: number): string => new Date(ms).toUTCString()
