/** The trails of one shard as they hold at its place in the order, ready to be asked by account. */
import type { SealedEvent } from '../../../event/sealed-event.ts'
import { accountOfTrail } from '../chain-state.ts'
import type { DeliverySettings, EventPredicate } from '../options.ts'
import { coversEvent, excludesGlobal, mayExcludeGlobal } from './coverage.ts'
import { isLogging, type Snapshot } from './timeline.ts'

export interface ActiveTrail {
  readonly snapshot: Snapshot
  readonly selects: EventPredicate
}

/** A trail whose logging ended: one event of it is still to come. */
export interface ClosingTrail {
  readonly snapshot: Snapshot
  /** While true, the trail's home window stays open and the cursor in front of the change. */
  waiting: boolean
  readonly slot: number
}

const NONE: readonly ActiveTrail[] = []

/** Whose trails are asked: an import names its trail, whichever account its events name. */
const trailAccountOf = ({ account, origin }: SealedEvent): string | undefined => {
  if (origin.kind !== 'import') return account
  return origin.trailArn === undefined ? undefined : accountOfTrail(origin.trailArn)
}

export interface ShardTrails {
  set(snapshot: Snapshot): void
  /** The trails that may take the event: their selectors are asked only about its category. */
  candidates(event: SealedEvent): readonly ActiveTrail[]
  /** Every trail ARN's last form, deleted ones included. */
  latest(trailArn: string): Snapshot | undefined
  readonly closing: Map<string, ClosingTrail>
}

export const createShardTrails = (
  compileSelectors: DeliverySettings['compileSelectors'],
): ShardTrails => {
  const active = new Map<string, readonly ActiveTrail[]>()
  const latest = new Map<string, Snapshot>()
  return {
    set: (snapshot) => {
      const { account, incarnation, arn, selectors } = snapshot.trail
      const others = (active.get(account) ?? NONE).filter(
        (other) => other.snapshot.trail.incarnation !== incarnation,
      )
      const mine = isLogging(snapshot) ? [{ snapshot, selects: compileSelectors(selectors) }] : []
      active.set(account, [...others, ...mine])
      const known = latest.get(arn)
      // A deletion that is announced again says nothing about the trail made after it.
      const stale = known !== undefined && known.trail.createdAt > snapshot.trail.createdAt
      if (!stale) latest.set(arn, snapshot)
    },
    candidates: (event) => {
      const account = trailAccountOf(event)
      const trails = account === undefined ? undefined : active.get(account)
      if (trails === undefined || trails.length === 0) return NONE
      // Nearly always none or all of them: then there is no new list.
      let covering = 0
      for (const trail of trails) if (mayTake(trail, event)) covering++
      if (covering === 0) return NONE
      if (covering === trails.length) return trails
      return trails.filter((trail) => mayTake(trail, event))
    },
    latest: (trailArn) => latest.get(trailArn),
    closing: new Map(),
  }
}

const mayTake = ({ snapshot, selects }: ActiveTrail, event: SealedEvent): boolean =>
  selects.always(event.category) !== false && coversEvent(snapshot.trail, event)

/** False for a candidate that takes the event whatever its record says. */
export const needsRecord = ({ snapshot, selects }: ActiveTrail, event: SealedEvent): boolean =>
  selects.always(event.category) !== true || mayExcludeGlobal(snapshot.trail, event.region)

/** Does the candidate deliver the event? `record` is its parsed text. */
export const selectsEvent = (
  { snapshot, selects }: ActiveTrail,
  event: SealedEvent,
  record: Readonly<Record<string, unknown>>,
): boolean =>
  !excludesGlobal(snapshot.trail, event.region, record.eventSource) && selects(record, event)
