/**
 * A small reader of the XML that AWS's APIs speak: elements, attributes, text, CDATA and the five
 * entities. No DTD (billion laughs cannot happen), bounded depth, no exceptions.
 */

export interface XmlNode {
  /** Without its prefix. */
  readonly name: string
  /** As written, namespace declarations included. */
  readonly attributes: readonly (readonly [name: string, value: string])[]
  readonly children: XmlNode[]
  /** Of the element itself, entities resolved. */
  text: string
}

const DEPTH_MAX = 64

/** A map, not an object: `&valueOf;` is no entity. */
const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['lt', '<'],
  ['gt', '>'],
  ['amp', '&'],
  ['quot', '"'],
  ['apos', "'"],
])

const characterOf = (digits: string): string => {
  const code = digits.startsWith('x')
    ? Number.parseInt(digits.slice(1), 16)
    : Number.parseInt(digits, 10)
  return Number.isInteger(code) && code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : ''
}

const decode = (text: string): string =>
  text.includes('&')
    ? text.replace(/&(#?)([a-zA-Z0-9]{1,8});/g, (whole, hash: string, name: string) =>
        hash === '' ? (ENTITIES.get(name) ?? whole) : characterOf(name),
      )
    : text

/**
 * The value is optional so that a name without one is passed over in one step: otherwise the search
 * would begin anew at each of its characters, and take the square of a hostile name's length.
 */
const ATTRIBUTE = /([^\s=/>"']+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'))?/g

const attributesOf = (text: string): [string, string][] =>
  text.includes('=')
    ? Array.from(text.matchAll(ATTRIBUTE)).flatMap(
        ([, name = '', double, single]): [string, string][] => {
          const value = double ?? single
          return value === undefined ? [] : [[name, decode(value)]]
        },
      )
    : []

const localName = (name: string): string => name.slice(name.indexOf(':') + 1)

/** Where a tag ends, attributes with `>` in their values minded; -1 where it does not. */
const endOfTag = (text: string, from: number): number => {
  let quote = ''
  for (let at = from; at < text.length; at++) {
    const char = text.charAt(at)
    if (quote !== '') {
      if (char === quote) quote = ''
    } else if (char === '"' || char === "'") quote = char
    else if (char === '>') return at
  }
  return -1
}

/** The end of what is no element (comment, declaration, instruction); undefined for an element. */
const endOfOther = (text: string, at: number): number | undefined => {
  if (text.startsWith('<!--', at)) return text.indexOf('-->', at + 4) + 3
  if (text.startsWith('<?', at)) return text.indexOf('?>', at) + 2
  if (text.startsWith('<!', at)) return text.indexOf('>', at) + 1
  return undefined
}

const CDATA = '<![CDATA['

/** The root element; undefined for what is not well-formed XML. */
export const parseXml = (text: string): XmlNode | undefined => {
  const top: XmlNode = { name: '', attributes: [], children: [], text: '' }
  const open: XmlNode[] = [top]
  let at = 0
  while (at < text.length) {
    const node = open.at(-1) ?? top
    const next = text.indexOf('<', at)
    const end = next < 0 ? text.length : next
    if (end > at) node.text += decode(text.slice(at, end))
    if (next < 0) break
    if (text.startsWith(CDATA, next)) {
      const close = text.indexOf(']]>', next)
      if (close < 0) return undefined
      node.text += text.slice(next + CDATA.length, close)
      at = close + 3
      continue
    }
    const other = endOfOther(text, next)
    if (other !== undefined) {
      // indexOf found nothing: -1 plus the length of the terminator.
      if (other <= next) return undefined
      at = other
      continue
    }
    const close = endOfTag(text, next + 1)
    if (close < 0) return undefined
    if (!readTag(text.slice(next + 1, close), open)) return undefined
    at = close + 1
  }
  return open.length === 1 && top.children.length === 1 ? top.children[0] : undefined
}

/** Opens or closes one element on the stack; false where the tags do not match. */
const readTag = (tag: string, open: XmlNode[]): boolean => {
  const parent = open.at(-1)
  if (parent === undefined) return false
  if (tag.startsWith('/')) {
    return open.length > 1 && open.pop()?.name === localName(tag.slice(1).trim())
  }
  const empty = tag.endsWith('/')
  const body = empty ? tag.slice(0, -1) : tag
  const space = body.search(/\s/)
  const name = space < 0 ? body : body.slice(0, space)
  if (name === '' || open.length > DEPTH_MAX) return false
  const node: XmlNode = {
    name: localName(name),
    attributes: space < 0 ? [] : attributesOf(body.slice(space)),
    children: [],
    text: '',
  }
  parent.children.push(node)
  if (!empty) open.push(node)
  return true
}

export const childOf = (node: XmlNode | undefined, name: string): XmlNode | undefined =>
  node?.children.find((child) => child.name === name)
