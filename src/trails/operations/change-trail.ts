/** How every operation that changes trails commits: what fails becomes a fault here. */
import { Fault } from '../../contract/fault.ts'
import { DocumentsError } from '../../documents/documents.ts'
import { JournalError } from '../../journal/journal.ts'
import type { TrailBucket } from '../bucket-access.ts'
import type { Trail } from '../trail.ts'
import type { TrailEdit, TrailStore } from '../trail-store.ts'
import { type ChangeCall, findChangeable } from './resolve-trail.ts'

/** What the operations on trails need. */
export interface TrailOperationDeps {
  readonly trails: TrailStore
  /** Undefined when buckets live on an upstream, where this release can not deliver. */
  readonly bucket: TrailBucket | undefined
  /** The enabled regions; multi-region trails have a shadow in each. */
  readonly regions: () => readonly string[]
  /** A new UUID. */
  readonly newId: () => string
}

interface Committing {
  readonly account: string
  readonly eventId: string
  readonly fault: (code: 'ConflictException', message: string) => Fault
}

/** One compare-and-set; resolves when the change is durable in every shard of the journal. */
export const commitTrails = async (
  store: TrailStore,
  call: Committing,
  decide: (trails: readonly Trail[]) => TrailEdit,
): Promise<void> => {
  try {
    await store.change(call.account, call.eventId, decide)
  } catch (error) {
    if (error instanceof DocumentsError && error.code === 'conflict') {
      throw call.fault(
        'ConflictException',
        'Another operation is changing the trails of this account. Try again.',
      )
    }
    if (error instanceof DocumentsError && error.code === 'too-large') {
      throw new Fault(
        'ValidationException',
        'The trails of this account, their selectors and tags would be larger than Clew can store.',
        { cause: error },
      )
    }
    if (error instanceof DocumentsError || error instanceof JournalError) {
      throw new Fault('ServiceUnavailable', 'The change could not be made durable. Try again.', {
        cause: error,
      })
    }
    throw error
  }
}

/**
 * Changes one trail that is named by the client. `edit` returns the members that change, or
 * undefined where the trail is already as wanted. Resolves with the trail as it is now.
 */
export const changeTrail = async (
  store: TrailStore,
  identifier: string,
  call: Committing & ChangeCall,
  edit: (trail: Trail) => Partial<Trail> | undefined,
): Promise<Trail> => {
  let result: Trail | undefined
  await commitTrails(store, call, (trails) => {
    const trail = findChangeable(trails, identifier, call)
    const changes = edit(trail)
    result = changes === undefined ? trail : { ...trail, ...changes, revision: trail.revision + 1 }
    return changes === undefined ? undefined : { kind: 'put', trail: result }
  })
  if (result === undefined) throw new Error('A trail was changed without being decided on')
  return result
}
