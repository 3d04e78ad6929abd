/** `a=b&c=d`: query strings and form bodies. */

/** %XX and, in forms, + for a blank; bytes that are not UTF-8 become U+FFFD. */
export const decodePercent = (text: string, plusIsBlank = false): string => {
  const plain = plusIsBlank && text.includes('+') ? text.replaceAll('+', ' ') : text
  if (!plain.includes('%')) return plain
  try {
    return decodeURIComponent(plain)
  } catch {
    // A lone % or bytes that are not UTF-8: decoded byte by byte.
    const bytes = plain.replace(/%([0-9a-fA-F]{2})|([^%]+)/g, (_, hex: string, rest: string) =>
      hex === undefined
        ? Buffer.from(rest).toString('latin1')
        : String.fromCharCode(Number.parseInt(hex, 16)),
    )
    return Buffer.from(bytes, 'latin1').toString('utf8')
  }
}

/** Pairs in the order of the text. At most `limit`. */
export const parsePairs = (
  text: string,
  plusIsBlank = true,
  limit = 10_000,
): [name: string, value: string][] => {
  if (text === '') return []
  const pairs: [string, string][] = []
  for (const part of text.split('&', limit)) {
    if (part === '') continue
    const at = part.indexOf('=')
    const name = at < 0 ? part : part.slice(0, at)
    const value = at < 0 ? '' : part.slice(at + 1)
    pairs.push([decodePercent(name, plusIsBlank), decodePercent(value, plusIsBlank)])
  }
  return pairs
}

/** A node of `A.B.1.C=value`: both a value and children may be there. */
export interface FormNode {
  value: string | undefined
  readonly children: Map<string, FormNode>
}

const DEPTH_MAX = 64

/** The pairs as the tree that their dots describe. */
export const formTree = (pairs: readonly (readonly [string, string])[]): FormNode => {
  const root: FormNode = { value: undefined, children: new Map() }
  for (const [name, value] of pairs) {
    let node = root
    for (const part of name.split('.', DEPTH_MAX)) {
      let next = node.children.get(part)
      if (next === undefined) {
        next = { value: undefined, children: new Map() }
        node.children.set(part, next)
      }
      node = next
    }
    node.value ??= value
  }
  return root
}

/** The children `1`, `2`, … in their order. */
export const numbered = (node: FormNode): [position: number, child: FormNode][] =>
  [...node.children]
    .filter(([name]) => /^\d{1,9}$/.test(name))
    .map(([name, child]): [number, FormNode] => [Number(name), child])
    .sort(([a], [b]) => a - b)
