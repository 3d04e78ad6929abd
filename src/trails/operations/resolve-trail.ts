/**
 * From what a client calls a trail to the trail (reference/control-plane.md §0.5): a bare name means
 * a trail whose home is the endpoint's region; an ARN also a multi-region trail of another home,
 * which is here as a read-only shadow.
 */
import type { Fault } from '../../contract/fault.ts'
import type { Trail } from '../trail.ts'
import { parseCloudTrailArn, trailArn, trailNameProblem } from '../trail-name.ts'

/** The part of a call that names are resolved in. */
export interface Place {
  readonly account: string
  readonly region: string
  readonly partition: string
}

type ReadFaultCode =
  | 'TrailNotFoundException'
  | 'InvalidTrailNameException'
  | 'CloudTrailARNInvalidException'

export interface ReadCall extends Place {
  readonly fault: (code: ReadFaultCode, message: string) => Fault
}

export interface ChangeCall extends Place {
  readonly fault: (code: ReadFaultCode | 'InvalidHomeRegionException', message: string) => Fault
}

interface SyntaxCall extends Place {
  readonly fault: (code: Exclude<ReadFaultCode, 'TrailNotFoundException'>, message: string) => Fault
}

/** Is the trail seen at the region's endpoint: at home or as a shadow? */
export const isVisibleIn = (trail: Trail, region: string): boolean =>
  trail.homeRegion === region || trail.isMultiRegionTrail

export interface Identifier {
  /** As given or, of a bare name, as the service makes it for the endpoint's region. */
  readonly arn: string
  readonly bare: boolean
  readonly name: string
}

/** Throws InvalidTrailNameException and CloudTrailARNInvalidException. */
export const parseIdentifier = (text: string, call: SyntaxCall): Identifier => {
  const bare = !text.includes('arn:')
  const arn = bare ? undefined : parseCloudTrailArn(text)
  if (!bare && (arn?.type !== 'trail' || arn.partition !== call.partition)) {
    throw call.fault('CloudTrailARNInvalidException', `The trail ARN is not valid: ${text}`)
  }
  const name = arn === undefined ? text : arn.id
  const problem = trailNameProblem(name)
  if (problem !== undefined) throw call.fault('InvalidTrailNameException', problem)
  return { arn: bare ? trailArn(call, name) : text, bare, name }
}

const notFound = (echo: string, call: ReadCall): Fault =>
  call.fault('TrailNotFoundException', `Unknown trail: ${echo} for the user: ${call.account}`)

/** For operations that only read. GetTrail alone echoes a name as it was given. */
export const findReadable = (
  trails: readonly Trail[],
  text: string,
  call: ReadCall,
  echo: 'arn' | 'as-given' = 'arn',
): Trail => {
  const { arn } = parseIdentifier(text, call)
  const trail = trails.find((candidate) => candidate.arn === arn)
  if (trail !== undefined && isVisibleIn(trail, call.region)) return trail
  throw notFound(echo === 'arn' ? arn : text, call)
}

/** For operations that change a trail: only its home region may. */
export const findChangeable = (trails: readonly Trail[], text: string, call: ChangeCall): Trail => {
  const { arn, bare, name } = parseIdentifier(text, call)
  const trail =
    trails.find((candidate) => candidate.arn === arn) ??
    // A bare name that is here as a shadow only.
    trails.find((candidate) => bare && candidate.name === name && candidate.isMultiRegionTrail)
  if (trail === undefined) throw notFound(arn, call)
  if (trail.homeRegion === call.region) return trail
  throw call.fault(
    'InvalidHomeRegionException',
    `The trail ${trail.arn} can only be changed in its home region ${trail.homeRegion}.`,
  )
}
