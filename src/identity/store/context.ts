import { type Document, type Documents, DocumentsError } from '../../documents/documents.ts'
import type { Clock } from '../../platform/clock.ts'
import type { MasterKey } from '../../platform/encryption.ts'
import type { Logger } from '../../platform/logger.ts'
import { IdentityError } from '../identity-error.ts'
import { FORMAT_VERSION } from './records.ts'

/** What every function of the store works on. */
export interface StoreContext {
  readonly documents: Documents
  readonly master: MasterKey
  readonly clock: Clock
  readonly logger: Logger
}

/** A compare-and-set that loses so often meets something that is broken, not busy. */
export const UPDATE_ATTEMPTS_MAX = 50

export const isConflict = (error: unknown): boolean =>
  error instanceof DocumentsError && error.code === 'conflict'

const checkFormat = <Value extends { readonly version: number }>(
  document: Document<Value> | undefined,
): Document<Value> | undefined => {
  if (document !== undefined && document.value.version > FORMAT_VERSION) {
    throw new IdentityError(
      'newer-format',
      `${document.key} has format ${document.value.version}; this version knows ${FORMAT_VERSION}.`,
      { hint: 'Run the newer version of Clew that wrote this data folder.' },
    )
  }
  return document
}

export const read = async <Value extends { readonly version: number }>(
  { documents }: Pick<StoreContext, 'documents'>,
  key: string,
): Promise<Document<Value> | undefined> => checkFormat(await documents.get<Value>(key))

export const readAll = async <Value extends { readonly version: number }>(
  { documents }: Pick<StoreContext, 'documents'>,
  prefix: string,
): Promise<Document<Value>[]> => {
  const found = await documents.list<Value>(prefix)
  for (const document of found) checkFormat(document)
  return found
}

/**
 * One compare-and-set, repeated while others win. `change` gets the value there is and returns the
 * next one, or the same one to leave it alone, or undefined to remove it. Resolves with the outcome.
 */
export const update = async <Value extends { readonly version: number }>(
  context: Pick<StoreContext, 'documents'>,
  key: string,
  change: (current: Value | undefined) => Value | undefined,
): Promise<Value | undefined> => {
  for (let attempt = 0; attempt < UPDATE_ATTEMPTS_MAX; attempt++) {
    const current = await read<Value>(context, key)
    const next = change(current?.value)
    if (next === current?.value) return next
    try {
      if (next !== undefined) {
        await context.documents.put(key, next, current?.revision ?? 'absent')
      } else if (current !== undefined) {
        await context.documents.remove(key, current.revision)
      }
      return next
    } catch (error) {
      if (!isConflict(error)) throw error
    }
  }
  throw new IdentityError('contended', `${key} kept changing while it was being updated.`, {
    hint: 'Repeat the command.',
  })
}
