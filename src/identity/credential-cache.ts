import type { Credential } from './credentials.ts'
import type { IdentityTelemetry } from './telemetry.ts'

/** About 2 KB each: the key objects live outside of the JavaScript heap. */
export const CACHED_CREDENTIALS_MAX = 10_000

export interface CredentialCache {
  find(accessKeyId: string): Promise<Credential | undefined>
  forget(accessKeyId: string): void
  clear(): void
}

type Load = (accessKeyId: string) => Promise<Credential | undefined>

/**
 * The last used credentials. Unknown keys are not kept: a flood of made-up ids costs one document
 * read each and no memory, and a key that appears later cannot be hidden by an old "no".
 */
export const createCredentialCache = (
  load: Load,
  telemetry?: IdentityTelemetry,
): CredentialCache => {
  const known = new Map<string, Credential>()
  const loading = new Map<string, Promise<Credential | undefined>>()
  /** Counts changes, so that what was read before a change is not kept after it. */
  let changes = 0

  const keep = (credential: Credential): void => {
    known.set(credential.accessKeyId, credential)
    if (known.size <= CACHED_CREDENTIALS_MAX) return
    const [oldest] = known.keys()
    if (oldest !== undefined) known.delete(oldest)
  }

  const loadOnce = async (accessKeyId: string): Promise<Credential | undefined> => {
    const before = changes
    try {
      const credential = await load(accessKeyId)
      if (credential !== undefined && changes === before) keep(credential)
      telemetry?.lookups.inc({ result: credential === undefined ? 'unknown' : 'loaded' })
      return credential
    } finally {
      if (changes === before) loading.delete(accessKeyId)
    }
  }

  const invalidate = (): void => {
    changes++
    // A load under way may have read the old state: later callers MUST NOT join it.
    loading.clear()
  }

  return {
    find: async (accessKeyId) => {
      const credential = known.get(accessKeyId)
      if (credential !== undefined) {
        // Last used, last in the map: the first one is the one to drop.
        known.delete(accessKeyId)
        known.set(accessKeyId, credential)
        telemetry?.lookups.inc({ result: 'cached' })
        return credential
      }
      const underWay = loading.get(accessKeyId) ?? loadOnce(accessKeyId)
      loading.set(accessKeyId, underWay)
      return underWay
    },
    forget: (accessKeyId) => {
      known.delete(accessKeyId)
      invalidate()
    },
    clear: () => {
      known.clear()
      invalidate()
    },
  }
}
