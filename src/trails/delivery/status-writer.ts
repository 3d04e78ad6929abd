/** Keeps the document that GetTrailStatus reads (`../trail-status.ts`). */
import type { Documents } from '../../documents/documents.ts'
import { type TrailStatus, trailStatusKey } from '../trail-status.ts'

export interface StatusTarget {
  readonly trailArn: string
  readonly region: string
  readonly incarnation: string
}

type Losses = NonNullable<TrailStatus['lost']>

export interface StatusWriter {
  /** What is written for another incarnation from now on is ignored. */
  announce(trailArn: string, incarnation: string): void
  delivered(target: StatusTarget, at: number): Promise<void>
  failed(target: StatusTarget, at: number, code: string): Promise<void>
  digestDelivered(target: StatusTarget, at: number): Promise<void>
  digestFailed(target: StatusTarget, code: string): Promise<void>
  lost(target: StatusTarget, losses: Partial<Losses>): Promise<void>
}

/** What waits for one document: written together. */
interface Changes {
  readonly list: { readonly target: StatusTarget; readonly next: StatusChange }[]
  readonly written: Promise<void>
}

type StatusChange = (status: TrailStatus) => TrailStatus

export const createStatusWriter = (documents: Documents): StatusWriter => {
  const incarnations = new Map<string, string>()
  const known = new Map<string, TrailStatus>()
  const waiting = new Map<string, Changes>()
  const writing = new Map<string, Promise<unknown>>()

  const write = async (key: string, changes: Changes['list']): Promise<void> => {
    let status = known.get(key) ?? (await documents.get<TrailStatus>(key))?.value
    for (const { target, next } of changes) {
      const { incarnation } = target
      status = next(status?.incarnation === incarnation ? status : { incarnation })
    }
    if (status === undefined) return
    await documents.put(key, status, 'any')
    known.set(key, status)
  }

  /**
   * In turn per document, so that no member is lost. What comes while one is being written is
   * written together: every file of an import changes the same document.
   */
  const change = async (target: StatusTarget, next: StatusChange): Promise<void> => {
    const current = incarnations.get(target.trailArn)
    if (current !== undefined && current !== target.incarnation) return
    const key = trailStatusKey(target.region, target.trailArn)
    const joined = waiting.get(key)
    if (joined !== undefined) {
      joined.list.push({ target, next })
      await joined.written
      return
    }
    const list: Changes['list'] = [{ target, next }]
    const before = writing.get(key) ?? Promise.resolve()
    const written = before
      .catch(() => {}) // whoever made that change was told
      .then(() => {
        waiting.delete(key)
        return write(key, list)
      })
    waiting.set(key, { list, written })
    writing.set(key, written)
    await written
  }

  return {
    announce: (trailArn, incarnation) => {
      incarnations.set(trailArn, incarnation)
    },
    delivered: (target, at) =>
      change(target, ({ latestDeliveryError: _, ...status }) => ({
        ...status,
        latestDeliveryTime: at,
        latestDeliveryAttemptTime: at,
      })),
    failed: (target, at, code) =>
      change(target, (status) => ({
        ...status,
        latestDeliveryAttemptTime: at,
        latestDeliveryError: code,
      })),
    digestDelivered: (target, at) =>
      change(target, ({ latestDigestDeliveryError: _, ...status }) => ({
        ...status,
        latestDigestDeliveryTime: at,
      })),
    digestFailed: (target, code) =>
      change(target, (status) => ({ ...status, latestDigestDeliveryError: code })),
    lost: (target, losses) =>
      change(target, (status) => ({
        ...status,
        lost: {
          files: (status.lost?.files ?? 0) + (losses.files ?? 0),
          events: (status.lost?.events ?? 0) + (losses.events ?? 0),
          digests: (status.lost?.digests ?? 0) + (losses.digests ?? 0),
        },
      })),
  }
}
