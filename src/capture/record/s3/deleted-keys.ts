/** DeleteObjects: the keys, and what became of each. CloudTrail writes one DeleteObject per key. */
import type { CapturedAnswer, CapturedCall } from '../../call.ts'
import { xmlBody } from '../bodies.ts'
import { childOf, type XmlNode } from '../wire/xml.ts'

export interface DeletedKey {
  readonly key: string
  readonly versionId: string | undefined
  readonly error: { readonly code: string; readonly message?: string } | undefined
}

/** The most that one request may name (API/API_DeleteObjects.html). */
const KEYS_MAX = 1000

/** A thousand keys of a thousand bytes, escaped. */
const BYTES_MAX = 8 * 1024 * 1024

const textOf = (node: XmlNode, name: string): string | undefined => childOf(node, name)?.text

const named = (root: XmlNode | undefined, element: string): XmlNode[] =>
  root?.children.filter((child) => child.name === element) ?? []

/** In the order of the request; from the answer where the request was not kept. */
export const deletedKeys = (call: CapturedCall, answer: CapturedAnswer): DeletedKey[] => {
  const result = xmlBody(answer.body, BYTES_MAX)
  const errors = new Map<string, DeletedKey['error']>()
  for (const node of named(result, 'Error')) {
    const message = textOf(node, 'Message')
    errors.set(textOf(node, 'Key') ?? '', {
      code: textOf(node, 'Code') ?? 'UnknownError',
      ...(message === undefined ? {} : { message }),
    })
  }
  const asked = named(xmlBody(call.body, BYTES_MAX), 'Object')
  const nodes = asked.length > 0 ? asked : [...named(result, 'Deleted'), ...named(result, 'Error')]
  return nodes.slice(0, KEYS_MAX).flatMap((node) => {
    const key = textOf(node, 'Key')
    if (key === undefined) return []
    return [{ key, versionId: textOf(node, 'VersionId'), error: errors.get(key) }]
  })
}
