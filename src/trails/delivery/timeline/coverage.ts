/**
 * Which events a trail takes, before its selectors are asked: account, region, origin
 * (reference/control-plane.md §A.12).
 */
import type { SealedEvent } from '../../../event/sealed-event.ts'
import type { Trail } from '../../trail.ts'

/** Where AWS writes the events of its global services. */
export const GLOBAL_REGION = 'us-east-1'

/** Services whose events are global service events (DESIGN.md §5, reference/capture.md §2). */
const GLOBAL_SOURCES: ReadonlySet<string> = new Set([
  'iam.amazonaws.com',
  'sts.amazonaws.com',
  'cloudfront.amazonaws.com',
  'route53.amazonaws.com',
  'route53domains.amazonaws.com',
  'organizations.amazonaws.com',
])

export const coversRegion = (
  trail: Pick<Trail, 'homeRegion' | 'isMultiRegionTrail'>,
  region: string,
): boolean => trail.isMultiRegionTrail || trail.homeRegion === region

/** A trail never gets its own deliveries; an import goes to the one trail that it names, if any. */
const coversOrigin = (trail: Trail, { origin }: SealedEvent): boolean => {
  switch (origin.kind) {
    case 'capture':
      return true
    case 'delivery':
      return origin.trailArn !== trail.arn
    case 'import':
      return origin.trailArn === trail.arn
  }
}

/** An import delivers through the trail that it names whichever account its events name. */
const coversAccount = (trail: Trail, { origin, account }: SealedEvent): boolean =>
  origin.kind === 'import' || trail.account === account

export const coversEvent = (trail: Trail, event: SealedEvent): boolean =>
  coversAccount(trail, event) && coversRegion(trail, event.region) && coversOrigin(trail, event)

/** A single-region trail may leave the global services out. */
export const mayExcludeGlobal = (
  trail: Pick<Trail, 'includeGlobalServiceEvents'>,
  region: string,
): boolean => !trail.includeGlobalServiceEvents && region === GLOBAL_REGION

/** `eventSource`: of the record. */
export const excludesGlobal = (
  trail: Pick<Trail, 'includeGlobalServiceEvents'>,
  region: string,
  eventSource: unknown,
): boolean =>
  mayExcludeGlobal(trail, region) &&
  typeof eventSource === 'string' &&
  GLOBAL_SOURCES.has(eventSource)
