/** The enabled regions: those of the configuration, and those that verified requests named. */
import { type Documents, DocumentsError } from './documents.ts'

/** One installation sees tens of regions; the bound keeps a signer from filling the document. */
export const REGIONS_MAX = 200
const KEY = 'regions/joined'
/** A region is any string that looks like one (DESIGN.md §5). */
const REGION = /^[a-z]{2,}(-[a-z0-9]+)+-\d{1,2}$/
const REGION_LENGTH_MAX = 40

/** Whether a region of a credential scope looks like one. */
export const isRegion = (text: string): boolean =>
  text.length <= REGION_LENGTH_MAX && REGION.test(text)

export interface RegionRegistry {
  list(): readonly string[]
  /** Whether the region is enabled, or may join. */
  accepts(region: string): boolean
  /** Joins a region; resolves when that is durable. What does not look like a region is ignored. */
  join(region: string): Promise<void>
  close(): void
}

export const openRegionRegistry = async (
  documents: Documents,
  configured: readonly string[],
): Promise<RegionRegistry> => {
  let joined: readonly string[] = []
  const load = async () => {
    const stored = await documents.get<string[]>(KEY)
    joined = stored?.value ?? []
    return stored
  }
  await load()
  const watch = documents.watch(KEY, () => void load())
  const list = (): readonly string[] => [...new Set([...configured, ...joined])]

  const join = async (region: string): Promise<void> => {
    if (!isRegion(region) || configured.includes(region)) return
    while (!joined.includes(region) && joined.length < REGIONS_MAX) {
      const stored = await load()
      if (joined.includes(region)) return
      try {
        await documents.put(KEY, [...joined, region], stored?.revision ?? 'absent')
        // The watch may have read it already.
        joined = [...new Set([...joined, region])]
      } catch (error) {
        if (!(error instanceof DocumentsError) || error.code !== 'conflict') throw error
        // Another process joined one at the same moment: read again.
      }
    }
  }
  const accepts = (region: string): boolean =>
    configured.includes(region) ||
    joined.includes(region) ||
    (isRegion(region) && joined.length < REGIONS_MAX)
  return { list, accepts, join, close: () => watch[Symbol.dispose]() }
}
