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

export const createStatusWriter = (documents: Documents): StatusWriter => {
  const incarnations = new Map<string, string>()
  const known = new Map<string, TrailStatus>()
  const queues = new Map<string, Promise<unknown>>()

  const write = async (
    key: string,
    target: StatusTarget,
    next: (status: TrailStatus) => TrailStatus,
  ): Promise<void> => {
    const stored = known.get(key) ?? (await documents.get<TrailStatus>(key))?.value
    const { incarnation } = target
    const status = stored?.incarnation === incarnation ? stored : { incarnation }
    const after = next(status)
    await documents.put(key, after, 'any')
    known.set(key, after)
  }

  /** In turn per document, so that no member is lost. */
  const change = async (
    target: StatusTarget,
    next: (status: TrailStatus) => TrailStatus,
  ): Promise<void> => {
    const current = incarnations.get(target.trailArn)
    if (current !== undefined && current !== target.incarnation) return
    const key = trailStatusKey(target.region, target.trailArn)
    const before = queues.get(key) ?? Promise.resolve()
    const mine = before.catch(() => {}).then(() => write(key, target, next))
    queues.set(key, mine)
    await mine
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
