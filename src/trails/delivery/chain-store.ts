/** The chain documents: read once, kept, changed by compare-and-set. */
import {
  type Document,
  type Documents,
  DocumentsError,
  type Revision,
} from '../../documents/documents.ts'
import { accountOfTrail, type ChainDocument, newChainDocument } from './chain-state.ts'

export const CHAINS_PREFIX = 'delivery/chains/'
/** Attempts at one compare-and-set; each loses only to another one that succeeded. */
const ATTEMPTS_MAX = 32

/** An imported account other than the trail's has documents of its own. */
export const chainKey = (trailArn: string, account: string, region: string): string => {
  const own = `${CHAINS_PREFIX}${trailArn}/${region}`
  return account === accountOfTrail(trailArn) ? own : `${own}/${account}`
}

interface Kept {
  readonly value: ChainDocument
  readonly revision: Revision | 'absent'
}

export interface ChainStore {
  /** Reads every document once; call it before the others. */
  load(): Promise<void>
  keys(): readonly string[]
  /** As last seen by this process. */
  known(key: string): ChainDocument | undefined
  read(trailArn: string, account: string, region: string): Promise<ChainDocument>
  /** `next` may be called again after a conflict; returning its argument writes nothing. */
  update(key: string, next: (document: ChainDocument) => ChainDocument): Promise<ChainDocument>
  /** False when the document is no longer `before`; the store has then read it again. */
  replace(key: string, before: ChainDocument, after: ChainDocument): Promise<boolean>
}

const isConflict = (error: unknown): boolean =>
  error instanceof DocumentsError && error.code === 'conflict'

export const createChainStore = (documents: Documents): ChainStore => {
  const kept = new Map<string, Kept>()

  const keep = (found: Document<ChainDocument>): Kept => {
    const entry = { value: found.value, revision: found.revision }
    kept.set(found.key, entry)
    return entry
  }

  const refresh = async (key: string): Promise<void> => {
    const found = await documents.get<ChainDocument>(key)
    const entry = kept.get(key)
    if (found !== undefined) keep(found)
    else if (entry !== undefined) kept.set(key, { value: entry.value, revision: 'absent' })
  }

  const replace = async (
    key: string,
    before: ChainDocument,
    after: ChainDocument,
  ): Promise<boolean> => {
    const entry = kept.get(key)
    if (entry?.value !== before) return false
    try {
      const revision = await documents.put(key, after, entry.revision)
      kept.set(key, { value: after, revision })
      return true
    } catch (error) {
      // Of an append whose outcome is unknown the truth is in the store.
      await refresh(key)
      if (isConflict(error)) return false
      throw error
    }
  }

  return {
    load: async () => {
      for (const found of await documents.list<ChainDocument>(CHAINS_PREFIX)) keep(found)
    },
    keys: () => [...kept.keys()],
    known: (key) => kept.get(key)?.value,
    read: async (trailArn, account, region) => {
      const key = chainKey(trailArn, account, region)
      if (!kept.has(key)) await refresh(key)
      const entry = kept.get(key)
      if (entry !== undefined) return entry.value
      const value = newChainDocument(trailArn, account, region)
      kept.set(key, { value, revision: 'absent' })
      return value
    },
    update: async (key, next) => {
      for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        const before = kept.get(key)?.value
        if (before === undefined) {
          throw new DocumentsError('unavailable', `The document ${key} was never read.`)
        }
        const after = next(before)
        if (after === before || (await replace(key, before, after))) return after
      }
      throw new DocumentsError('conflict', `The document ${key} keeps changing.`)
    },
    replace,
  }
}

/** Every chain document as it is stored; for readers in other processes. */
export const readChainDocuments = async (documents: Documents): Promise<ChainDocument[]> =>
  (await documents.list<ChainDocument>(CHAINS_PREFIX)).map(({ value }) => value)
