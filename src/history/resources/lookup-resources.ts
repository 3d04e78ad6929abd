/**
 * The `Resources` list of LookupEvents. AWS derives it per API from a table of its own, not from the
 * record's `resources` (reference/formats.md §7); the tables beside this file cover the common
 * services, and a record's own `resources` stand in for the others.
 */
import type { JsonObject } from '../json.ts'
import { isObject, textAt } from '../json.ts'
import { DATA_RULES } from './data-services.ts'
import { ec2Resources } from './ec2.ts'
import { IAM_RULES } from './iam.ts'
import { OPERATIONS_RULES } from './operations-services.ts'
import {
  applyRules,
  type LookupResource,
  ResourceList,
  type ResourceRule,
} from './resource-rule.ts'

export type { LookupResource } from './resource-rule.ts'

/** By event source; a map, because an event names its source as it likes (`__proto__`). */
const RULES: ReadonlyMap<string, readonly ResourceRule[]> = new Map(
  Object.entries({ ...IAM_RULES, ...DATA_RULES, ...OPERATIONS_RULES }),
)

/** `arn:aws:s3:::name` or `arn:aws:s3:::name/key`. */
const BUCKET_ARN = /^arn:[^:]*:s3:::([^/]+)$/

const fromRecord = (record: JsonObject, list: ResourceList): void => {
  if (!Array.isArray(record.resources)) return
  for (const resource of record.resources) {
    if (!isObject(resource)) continue
    const name = textAt(resource, 'ARN') ?? textAt(resource, 'arn')
    if (name === undefined) continue
    list.add(textAt(resource, 'type'), BUCKET_ARN.exec(name)?.[1] ?? name)
  }
}

export const lookupResourcesOf = (record: JsonObject): readonly LookupResource[] => {
  const source = textAt(record, 'eventSource')
  const list = new ResourceList()
  if (source === 'ec2.amazonaws.com') ec2Resources(record, list)
  const rules = source === undefined ? undefined : RULES.get(source)
  if (rules !== undefined) applyRules(rules, record, list)
  fromRecord(record, list)
  return list.items
}
