/** Request bodies that fit in memory: none at all, JSON policies and small XML documents. */
import type { Readable } from 'node:stream'
import { XMLParser, XMLValidator } from 'fast-xml-parser'
import { S3Fault } from './fault.ts'

/** Settings documents and bodies of operations that have none. */
export const SMALL_BODY_BYTES_MAX = 1024 * 1024
/**
 * Lists: 10,000 parts of a completion with their checksums, or 1,000 keys of 1,024 bytes, are legal
 * and larger than a settings document.
 */
export const LIST_BODY_BYTES_MAX = 4 * 1024 * 1024

/** Reads to the end, because a body that does not match its signature fails there. */
export const readSmall = async (body: Buffer | Readable, bytesMax: number): Promise<Buffer> => {
  if (Buffer.isBuffer(body)) {
    if (body.length > bytesMax) throw new S3Fault('MalformedXML')
    return body
  }
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body.iterator({ destroyOnReturn: false })) {
    size += chunk.length
    if (size > bytesMax) throw new S3Fault('MalformedXML')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** Every element is a list, also where it occurs once. */
export interface XmlNode {
  readonly [name: string]: readonly XmlNode[] | string
}

/** A map, not an object: `&constructor;` is no entity. */
const PREDEFINED: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
])

/** The five predefined entities and character references; there is no document type to add more. */
const decodeEntities = (text: string): string =>
  text.replace(/&([^;&]*);?/g, (_, name: string) => {
    const predefined = PREDEFINED.get(name)
    if (predefined !== undefined) return predefined
    const hex = /^#x([0-9A-Fa-f]{1,6})$/.exec(name)?.[1]
    const decimal = /^#(\d{1,7})$/.exec(name)?.[1]
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16)
    if (Number.isNaN(code) || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
      throw new S3Fault('MalformedXML')
    }
    return String.fromCodePoint(code)
  })

const parser = new XMLParser({
  ignoreAttributes: true,
  removeNSPrefix: true,
  parseTagValue: false,
  trimValues: false,
  alwaysCreateTextNode: true,
  processEntities: false,
  cdataPropName: '#cdata',
  isArray: () => true,
})

const strictUtf8 = new TextDecoder('utf-8', { fatal: true })

/** Parses a document whose root element is `root`. No document type, no external anything. */
export const parseXml = (body: Uint8Array, root: string): XmlNode => {
  let document: XmlNode
  try {
    const text = strictUtf8.decode(body)
    if (/<!(?:DOCTYPE|ENTITY)/i.test(text) || XMLValidator.validate(text) !== true) {
      throw new S3Fault('MalformedXML')
    }
    document = parser.parse(text)
  } catch {
    throw new S3Fault('MalformedXML')
  }
  const [node, second] = nodesOf(document, root)
  if (node === undefined || second !== undefined) throw new S3Fault('MalformedXML')
  return node
}

export const nodesOf = (node: XmlNode, name: string): readonly XmlNode[] => {
  const nodes = Object.hasOwn(node, name) ? node[name] : undefined
  return typeof nodes === 'object' ? nodes : []
}

const own = (node: XmlNode, name: string): readonly XmlNode[] | string | undefined =>
  Object.hasOwn(node, name) ? node[name] : undefined

/** The text of the one child `name`; undefined when there is none. */
export const textOf = (node: XmlNode, name: string): string | undefined => {
  const [child, second] = nodesOf(node, name)
  if (child === undefined) return undefined
  if (second !== undefined) throw new S3Fault('MalformedXML')
  const cdata = nodesOf(child, '#cdata').map((part) => {
    const literal = own(part, '#text')
    return typeof literal === 'string' ? literal : ''
  })
  const text = own(child, '#text')
  return decodeEntities(typeof text === 'string' ? text : '') + cdata.join('')
}

/** Like `textOf` without the white space around, for values that are no keys. */
export const wordOf = (node: XmlNode, name: string): string | undefined =>
  textOf(node, name)?.trim()
