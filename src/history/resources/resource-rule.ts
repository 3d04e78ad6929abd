import { isObject, type JsonObject } from '../json.ts'

export interface LookupResource {
  readonly ResourceType?: string
  readonly ResourceName: string
}

/** Longest list that one event gets: a bulk call may name thousands. */
const RESOURCES_MAX = 100
/** As LookupEvents accepts an attribute value (reference/control-plane.md A.3). */
const NAME_CHARACTERS_MAX = 2000

/** Resources in the order found, each once. */
export class ResourceList {
  readonly items: LookupResource[] = []
  readonly #seen = new Set<string>()

  add(type: string | undefined, name: string): void {
    if (this.items.length >= RESOURCES_MAX || name.length > NAME_CHARACTERS_MAX) return
    const key = `${type ?? ''} ${name}`
    if (name === '' || this.#seen.has(key)) return
    this.#seen.add(key)
    this.items.push(
      type === undefined ? { ResourceName: name } : { ResourceType: type, ResourceName: name },
    )
  }
}

/** Paths are split once, at load: `request.instancesSet.items[].instanceId`. */
export interface ResourceRule {
  readonly type: string
  readonly paths: readonly (readonly string[])[]
  /** Applies to calls that change something only. */
  readonly writesOnly: boolean
}

const MEMBER_OF: Readonly<Record<string, string>> = {
  request: 'requestParameters',
  response: 'responseElements',
}

const ruleOf = (type: string, paths: readonly string[], writesOnly: boolean): ResourceRule => ({
  type,
  writesOnly,
  paths: paths.map((path) => {
    const [root = '', ...rest] = path.split('.')
    return [MEMBER_OF[root] ?? root, ...rest]
  }),
})

/** Of every call of a service that names the member. */
export const onEveryCall = (type: string, ...paths: string[]): ResourceRule =>
  ruleOf(type, paths, false)

/** Reads have no resources in the services where AWS shows none for them. */
export const onWrites = (type: string, ...paths: string[]): ResourceRule =>
  ruleOf(type, paths, true)

const collect = (
  value: unknown,
  path: readonly string[],
  at: number,
  type: string,
  list: ResourceList,
): void => {
  const step = path[at]
  if (step === undefined) {
    if (typeof value === 'string') list.add(type, value)
    return
  }
  if (!isObject(value)) return
  if (!step.endsWith('[]')) {
    collect(value[step], path, at + 1, type, list)
    return
  }
  const inner = value[step.slice(0, -2)]
  if (Array.isArray(inner)) for (const item of inner) collect(item, path, at + 1, type, list)
}

export const applyRules = (
  rules: readonly ResourceRule[],
  record: JsonObject,
  list: ResourceList,
): void => {
  const isRead = record.readOnly === true || record.readOnly === 'true'
  for (const rule of rules) {
    if (rule.writesOnly && isRead) continue
    for (const path of rule.paths) collect(record, path, 0, rule.type, list)
  }
}
