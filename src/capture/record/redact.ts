/** Carries out a redaction style on a value (event/redaction.ts says which styles there are). */
import { isObject } from '../../event/plain-json.ts'
import { HIDDEN, MARKERS, type RedactionStyle } from '../../event/redaction.ts'

/** Sets a key that came from outside: `__proto__` is a name like any other. */
export const put = (target: Record<string, unknown>, key: string, value: unknown): void => {
  if (key !== '__proto__') target[key] = value
  else Object.defineProperty(target, key, { value, enumerable: true, configurable: true })
}

/** `{S: 'a'}` or `{N: '1'}`; binary and compound values are not shown. */
const plainAttribute = (value: unknown): unknown => {
  if (!isObject(value)) return undefined
  const text = value.S ?? value.N
  return typeof text === 'string' ? text : undefined
}

const keyAttributes = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(keyAttributes)
  if (!isObject(value)) return HIDDEN
  const shown: Record<string, unknown> = {}
  for (const [name, attribute] of Object.entries(value)) {
    put(shown, name, plainAttribute(attribute) ?? HIDDEN)
  }
  return shown
}

const attributeNames = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(attributeNames)
  return isObject(value) ? Object.keys(value) : HIDDEN
}

/** What the record shows instead of `value`; undefined where it shows nothing. */
export const redact = (style: RedactionStyle, value: unknown): unknown => {
  switch (style) {
    case 'omit':
      return undefined
    case 'empty-object':
      return {}
    case 'attribute-names':
      return attributeNames(value)
    case 'key-attributes':
      return keyAttributes(value)
    default:
      return MARKERS[style] ?? HIDDEN
  }
}

const LABELS = /^(key|name|parameterkey|parametername|optionname|settingname|variablename)$/i
const VALUES = /^(value|values|parametervalue|stringvalue|optionvalue|settingvalue|variablevalue)$/i

/**
 * `{name: 'DB_PASSWORD', value: 'x'}`: where the label gives a secret away, its value goes. Changes
 * and returns `rendered`.
 */
export const hidePairs = (
  rendered: Record<string, unknown>,
  looksSecret: (name: string) => boolean,
): Record<string, unknown> => {
  let secret = false
  for (const [key, value] of Object.entries(rendered)) {
    if (typeof value === 'string' && LABELS.test(key) && looksSecret(value)) secret = true
  }
  if (!secret) return rendered
  for (const key of Object.keys(rendered)) if (VALUES.test(key)) rendered[key] = HIDDEN
  return rendered
}
