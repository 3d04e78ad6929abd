/** Which services a signing name, a target or an API version may mean. */
import type { Catalogue } from '../catalogue/catalogue.ts'
import type { IndexEntry } from '../catalogue/format.ts'

export interface ServiceIndex {
  /** Undefined for a signing name that the catalogue does not know. */
  bySigningName(signingName: string): readonly IndexEntry[] | undefined
  /** By the last dot segment: CloudTrail has a short and a long form. */
  byTarget(prefix: string): readonly IndexEntry[]
  byVersion(apiVersion: string): readonly IndexEntry[]
  /** REST services with operations that come without a signature. */
  readonly open: readonly IndexEntry[]
}

/** Signing names that reach services whose own is another. */
const ALSO: Readonly<Record<string, readonly string[]>> = {
  's3-object-lambda': ['s3'],
  s3express: ['s3'],
  's3-outposts': ['s3', 's3control', 's3outposts'],
  // Old SDKs sign IoT so; API Gateway's own stages do too, and are then unknown.
  'execute-api': ['iot', 'iot-data'],
  iotdevicegateway: ['iot-data'],
}

const lastSegment = (text: string): string => text.slice(text.lastIndexOf('.') + 1)

export const createServiceIndex = (catalogue: Catalogue): ServiceIndex => {
  const byId = new Map(catalogue.index.map((entry) => [entry.id, entry]))
  const bySigningName = Map.groupBy(catalogue.index, (entry) => entry.signingName)
  for (const [signingName, ids] of Object.entries(ALSO)) {
    const entries = ids.flatMap((id) => byId.get(id) ?? [])
    if (entries.length > 0) bySigningName.set(signingName, entries)
  }
  const byTarget = Map.groupBy(catalogue.index, (entry) => lastSegment(entry.target ?? ''))
  const byVersion = Map.groupBy(catalogue.index, (entry) => entry.apiVersion)
  return {
    bySigningName: (signingName) => bySigningName.get(signingName),
    byTarget: (prefix) => {
      const segment = lastSegment(prefix)
      return segment === '' ? [] : (byTarget.get(segment) ?? [])
    },
    byVersion: (apiVersion) => byVersion.get(apiVersion) ?? [],
    open: catalogue.index.filter((entry) => entry.open === true),
  }
}
