/** A digest before it is signed: pure rules of when and what (reference/formats.md §4.6). */
import type { Trail } from '../../trail.ts'
import type { Chain, ChainDocument, ChainTrail } from '../chain-state.ts'
import { coversRegion } from '../timeline/coverage.ts'
import { isLogging, type Snapshot } from '../timeline/timeline.ts'
import { nextEnd } from './grid.ts'

export interface Draft {
  readonly trail: ChainTrail
  /** Epoch milliseconds, whole seconds. */
  readonly start: number
  readonly end: number
  /** A starting digest links to nothing and lists nothing. */
  readonly starting: boolean
  /** Of the chain behind it. */
  readonly phase: Chain['phase']
  /** Sequence of the trail change that it follows. */
  readonly control?: number
}

export const chainTrailOf = (trail: Trail): ChainTrail => ({
  arn: trail.arn,
  name: trail.name,
  account: trail.account,
  homeRegion: trail.homeRegion,
  incarnation: trail.incarnation,
  bucket: trail.s3BucketName,
  ...(trail.s3KeyPrefix === undefined ? {} : { prefix: trail.s3KeyPrefix }),
  startLoggingTime: trail.startLoggingTime ?? trail.createdAt,
})

/** Does the trail digest what it delivers in the region? */
export const isDigested = (snapshot: Snapshot | undefined, region: string): boolean =>
  snapshot !== undefined &&
  isLogging(snapshot) &&
  snapshot.trail.logFileValidationEnabled &&
  coversRegion(snapshot.trail, region)

/** StopLogging and StartLogging between two looks begin a new chain too. */
export const continues = (chain: Chain | undefined, trail: ChainTrail): boolean =>
  chain?.phase === 'open' &&
  chain.trail.incarnation === trail.incarnation &&
  chain.trail.startLoggingTime === trail.startLoggingTime

export const startingDraft = (
  document: ChainDocument,
  trail: ChainTrail,
  wantedEnd: number,
  rest: Pick<Draft, 'phase' | 'control'> & { readonly intervalMs: number },
): Draft => {
  const { intervalMs, ...others } = rest
  const end = nextEnd(wantedEnd, document.highWater)
  return { trail, start: end - intervalMs, end, starting: true, ...others }
}

/** Goes on where the last digest ended; undefined where there is no chain. */
export const followingDraft = (
  document: ChainDocument,
  wantedEnd: number,
  phase: Chain['phase'],
): Draft | undefined => {
  const { chain, highWater } = document
  if (chain === undefined) return undefined
  const end = nextEnd(wantedEnd, highWater)
  return { trail: chain.trail, start: highWater, end, starting: false, phase }
}
