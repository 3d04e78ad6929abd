/**
 * Every place where a call may carry its operation's name. Services and emulators differ in which
 * of two they believe, and in which of two values, so such a call has no true record: it is refused
 * (docs/decisions/0036).
 */
import type { RequestHead } from '../call.ts'
import { decodePercent } from '../record/wire/form.ts'

export interface SpelledNames {
  readonly cbor: readonly [target: string, name: string] | undefined
  readonly target: readonly [target: string, name: string] | undefined
  /** Where Action and Version stand: the query string, else the form. */
  readonly form: { readonly action: string; readonly version: string | undefined } | undefined
  /**
   * The name stands in two of these places, a parameter of a form has two values, or there is a body
   * that only some would read.
   */
  readonly conflict: boolean
}

const CBOR_PATH = /\/service\/([^/]{1,256})\/operation\/([^/]{1,128})$/

const cborName = (head: RequestHead): SpelledNames['cbor'] => {
  if (head.headers['smithy-protocol'] !== 'rpc-v2-cbor') return undefined
  const [, target, name] = CBOR_PATH.exec(head.rawPath) ?? []
  return target === undefined || name === undefined ? undefined : [target, name]
}

const targetName = (head: RequestHead): SpelledNames['target'] => {
  const target = head.headers['x-amz-target']
  if (target === undefined) return undefined
  const at = target.lastIndexOf('.')
  return at < 0 ? ['', target] : [target.slice(0, at), target.slice(at + 1)]
}

/** The parameters of a query string or form, decoded. Values that differ under one name are noted. */
class Parameters {
  readonly values = new Map<string, string>()
  differ = false

  add(text: string): void {
    for (let from = 0; from < text.length; ) {
      const ampersand = text.indexOf('&', from)
      const end = ampersand < 0 ? text.length : ampersand
      if (end > from) this.#take(text.slice(from, end))
      from = end + 1
    }
  }

  #take(part: string): void {
    const equals = part.indexOf('=')
    const name = decodePercent(equals < 0 ? part : part.slice(0, equals), true)
    const value = equals < 0 ? '' : decodePercent(part.slice(equals + 1), true)
    const earlier = this.values.get(name)
    if (earlier === undefined) this.values.set(name, value)
    else if (earlier !== value) this.differ = true
  }
}

const FORM = 'application/x-www-form-urlencoded'

/** Without a type, a body counts as a form where nothing else names the operation. */
const isForm = (head: RequestHead, otherwise: boolean): boolean =>
  head.headers['content-type']?.toLowerCase().startsWith(FORM) ?? otherwise

const hasAction = ({ values }: Parameters): boolean => values.has('Action')

export const spelledNames = (head: RequestHead, body: Buffer | undefined): SpelledNames => {
  const [cbor, target] = [cborName(head), targetName(head)]
  const held = body !== undefined && body.length > 0
  const form = held && isForm(head, cbor === undefined && target === undefined)
  const all = new Parameters()
  all.add(head.rawQuery)
  const inQuery = hasAction(all)
  if (form) all.add(body.toString('latin1'))
  const action = inQuery || head.method === 'POST' ? all.values.get('Action') : undefined
  const places = [cbor, target, hasAction(all) ? true : undefined]
  return {
    cbor,
    target,
    form: action === undefined ? undefined : { action, version: all.values.get('Version') },
    conflict:
      places.filter((place) => place !== undefined).length > 1 ||
      (hasAction(all) && all.differ) ||
      (inQuery && held && !form),
  }
}
