/** Names and quotas over regions: a multi-region trail takes a place in every enabled one. */
import type { Trail } from '../trail.ts'

/** Per region (reference/control-plane.md §E.1). */
export const TRAILS_PER_REGION_MAX = 5

export interface NoRoom {
  readonly kind: 'name' | 'quota'
  /** AWS's words (§0.4). */
  readonly message: string
}

/**
 * Why `candidate` can not stand beside the account's other trails, or undefined. That a shadow's
 * name blocks a trail of the region is UNVERIFIED on AWS (§A.1).
 */
export const roomProblem = (
  trails: readonly Trail[],
  candidate: Trail,
  enabledRegions: readonly string[],
): NoRoom | undefined => {
  const others = trails.filter(
    (trail) => trail.arn !== candidate.arn || trail.incarnation !== candidate.incarnation,
  )
  const occupies = (trail: Trail, region: string): boolean =>
    trail.isMultiRegionTrail || trail.homeRegion === region
  const regions = candidate.isMultiRegionTrail
    ? [...new Set([candidate.homeRegion, ...enabledRegions])]
    : [candidate.homeRegion]
  const taken = others.some(
    (trail) =>
      trail.name === candidate.name &&
      (candidate.isMultiRegionTrail || occupies(trail, candidate.homeRegion)),
  )
  if (taken) {
    return {
      kind: 'name',
      message: `Trail ${candidate.name} already exists for customer: ${candidate.account}`,
    }
  }
  const full = regions.find(
    (region) => others.filter((trail) => occupies(trail, region)).length >= TRAILS_PER_REGION_MAX,
  )
  return full === undefined
    ? undefined
    : {
        kind: 'quota',
        message: `User: ${candidate.account} already has ${TRAILS_PER_REGION_MAX} trails in ${full}.`,
      }
}
