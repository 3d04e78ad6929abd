/**
 * The trails of every account: one document per account, changed by compare-and-set, so that names
 * and quotas hold whoever changes them at the same time.
 *
 * A change is committed together with its announcement (`unannounced`), then announced into every
 * shard of the journal, then answered. What a crash leaves unannounced is announced by the next
 * change of the account or by `announceAll` at start; consumers ignore repeats by incarnation and
 * revision.
 */
import { type Document, type Documents, DocumentsError } from '../documents/documents.ts'
import type { EventRecorder } from '../journal/recorder.ts'
import { messageOf } from '../platform/errors.ts'
import type { Logger } from '../platform/logger.ts'
import type { AccountTrails, Trail, TrailChange } from './trail.ts'

const PREFIX = 'trails/'
/** Attempts at one compare-and-set before the change is given up as a conflict. */
const ATTEMPTS_MAX = 16

/** What a change makes of the account's trails. `revision` and `incarnation` are the caller's. */
export type TrailEdit = { readonly kind: 'put' | 'delete'; readonly trail: Trail } | undefined

export interface TrailStore {
  /** All trails of an account, with what this process has changed; by ARN in byte order. */
  list(account: string): Promise<readonly Trail[]>
  /**
   * `decide` sees the trails as they are and returns what changes, or undefined for nothing; it may
   * be called again after a conflict, and what it throws is thrown. Resolves once the change is
   * durable in every shard. Rejects with DocumentsError `conflict` when others keep changing them,
   * and with JournalError when the change is committed but not announced yet.
   */
  change(
    account: string,
    eventId: string,
    decide: (trails: readonly Trail[]) => TrailEdit,
  ): Promise<void>
  /** At start, before the first change: announces what was left, then every trail as it is. */
  announceAll(): Promise<void>
  close(): void
}

export interface TrailStoreOptions {
  readonly documents: Documents
  readonly recorder: Pick<EventRecorder, 'control'>
  readonly logger: Logger
}

type Stored = Document<AccountTrails> | undefined

const keyOf = (account: string): string => `${PREFIX}${account}`

const sorted = (trails: AccountTrails['trails']): Trail[] =>
  Object.keys(trails)
    .sort()
    .flatMap((arn) => trails[arn] ?? [])

const applied = (
  stored: AccountTrails | undefined,
  edit: NonNullable<TrailEdit>,
  eventId: string,
): AccountTrails => {
  const { [edit.trail.arn]: _before, ...others } = stored?.trails ?? {}
  return edit.kind === 'put'
    ? {
        trails: { ...others, [edit.trail.arn]: edit.trail },
        unannounced: [{ kind: 'put', arn: edit.trail.arn, eventId }],
      }
    : { trails: others, unannounced: [{ kind: 'delete', trail: edit.trail, eventId }] }
}

/** The announcements that a document still owes, in the order of their commits. */
const pendingOf = (stored: AccountTrails | undefined): TrailChange[] =>
  (stored?.unannounced ?? []).flatMap((change): TrailChange[] => {
    if (change.kind === 'delete') return [change]
    const trail = stored?.trails[change.arn]
    return trail === undefined ? [] : [{ kind: 'put', trail, eventId: change.eventId }]
  })

const isConflict = (error: unknown): boolean =>
  error instanceof DocumentsError && error.code === 'conflict'

class DocumentTrailStore implements TrailStore {
  readonly #documents: Documents
  readonly #recorder: Pick<EventRecorder, 'control'>
  readonly #logger: Logger
  readonly #watch: Disposable
  readonly #cache = new Map<string, readonly Trail[]>()
  /** Grows with every change that is seen; a read that began before one is not cached. */
  #changes = 0
  /** The last change under way per account: changes are announced in the order of their commits. */
  readonly #queues = new Map<string, Promise<void>>()

  constructor({ documents, recorder, logger }: TrailStoreOptions) {
    this.#documents = documents
    this.#recorder = recorder
    this.#logger = logger
    this.#watch = documents.watch(PREFIX, (key) => this.#forget(key))
  }

  async list(account: string): Promise<readonly Trail[]> {
    const key = keyOf(account)
    const cached = this.#cache.get(key)
    if (cached !== undefined) return cached
    const before = this.#changes
    const trails = sorted((await this.#read(key))?.value.trails ?? {})
    if (this.#changes === before) this.#cache.set(key, trails)
    return trails
  }

  async change(
    account: string,
    eventId: string,
    decide: (trails: readonly Trail[]) => TrailEdit,
  ): Promise<void> {
    await this.#inTurn(account, async () => {
      const key = keyOf(account)
      if (await this.#commit(key, eventId, decide)) await this.#announcePending(key)
    })
  }

  async announceAll(): Promise<void> {
    for (const { key } of await this.#documents.list<AccountTrails>(PREFIX)) {
      await this.#inTurn(key.slice(PREFIX.length), async () => {
        await this.#announcePending(key)
        for (const trail of sorted((await this.#read(key))?.value.trails ?? {})) {
          await this.#announce({ kind: 'put', trail, eventId: '' })
        }
      })
    }
  }

  close(): void {
    this.#watch[Symbol.dispose]()
  }

  #forget(key: string): void {
    this.#changes++
    this.#cache.delete(key)
  }

  async #read(key: string): Promise<Stored> {
    return await this.#documents.get<AccountTrails>(key)
  }

  /** Runs `work` after everything that was queued for the account before. */
  async #inTurn(account: string, work: () => Promise<void>): Promise<void> {
    const before = this.#queues.get(account) ?? Promise.resolve()
    // Whoever waited for the earlier one has its error; this one goes on either way.
    const mine = before.then(work, work)
    this.#queues.set(account, mine)
    try {
      await mine
    } finally {
      if (this.#queues.get(account) === mine) this.#queues.delete(account)
    }
  }

  async #put(key: string, stored: Stored, value: AccountTrails): Promise<void> {
    try {
      await this.#documents.put(key, value, stored?.revision ?? 'absent')
    } finally {
      // After a failure the outcome may be unknown.
      this.#forget(key)
    }
  }

  async #commit(
    key: string,
    eventId: string,
    decide: (trails: readonly Trail[]) => TrailEdit,
  ): Promise<boolean> {
    for (let attempt = 1; ; attempt++) {
      const stored = await this.#read(key)
      if (pendingOf(stored?.value).length > 0) {
        if (attempt === ATTEMPTS_MAX) {
          throw new DocumentsError('conflict', `The trails in ${key} keep changing.`)
        }
        // What an earlier change left comes first: a repeated StartLogging, which changes nothing,
        // must not be answered before the first one is in the journal.
        await this.#announcePending(key)
        continue
      }
      const edit = decide(sorted(stored?.value.trails ?? {}))
      if (edit === undefined) return false
      try {
        await this.#put(key, stored, applied(stored?.value, edit, eventId))
        return true
      } catch (error) {
        if (!isConflict(error) || attempt === ATTEMPTS_MAX) throw error
      }
    }
  }

  async #announce(change: TrailChange): Promise<void> {
    const { incarnation, revision } = change.trail
    await this.#recorder.control(
      { kind: 'control', topic: 'trail', payload: JSON.stringify(change) },
      `trail/${incarnation}/${revision}/${change.kind}`,
    )
  }

  async #announcePending(key: string): Promise<void> {
    const stored = await this.#read(key)
    if (stored?.value.unannounced === undefined) return
    for (const change of pendingOf(stored.value)) await this.#announce(change)
    try {
      await this.#put(key, stored, { trails: stored.value.trails })
    } catch (error) {
      // The announcement is durable: the next change or start repeats it, and repeats are ignored.
      // After a conflict another process does so.
      if (isConflict(error)) return
      this.#logger.warn(
        { key, error: messageOf(error) },
        'a trail change stays marked as unannounced',
      )
    }
  }
}

/** The caller owns it and closes it before the documents. */
export const openTrailStore = (options: TrailStoreOptions): TrailStore =>
  new DocumentTrailStore(options)
