/** From a ResourceId to the trail that carries the tags (reference/control-plane.md §0.5, §A.4). */
import type { Fault } from '../../../contract/fault.ts'
import type { Trail } from '../../trail.ts'
import { parseCloudTrailArn, trailNameProblem } from '../../trail-name.ts'
import type { Place } from '../resolve-trail.ts'

export interface TagCall extends Place {
  readonly fault: (
    code:
      | 'CloudTrailARNInvalidException'
      | 'EventDataStoreNotFoundException'
      | 'InvalidTrailNameException'
      | 'ResourceNotFoundException'
      | 'ResourceTypeNotSupportedException',
    message: string,
  ) => Fault
}

/** The trail's ARN. Only ARNs of this region are taken; only trails exist in this release. */
export const taggedArn = (resourceId: string, call: TagCall): string => {
  const arn = parseCloudTrailArn(resourceId)
  if (arn === undefined || arn.partition !== call.partition) {
    throw call.fault('CloudTrailARNInvalidException', `The ARN is not valid: ${resourceId}`)
  }
  if (arn.region !== call.region) {
    throw call.fault(
      'CloudTrailARNInvalidException',
      `Region in ARN is wrong, you can only access resources in region ${call.region}.`,
    )
  }
  if (arn.type === 'eventdatastore') {
    throw call.fault(
      'EventDataStoreNotFoundException',
      `Unknown event data store: ${resourceId} for the user: ${call.account}`,
    )
  }
  if (arn.type === 'channel' || arn.type === 'dashboard') {
    throw call.fault('ResourceNotFoundException', `Unknown resource: ${resourceId}`)
  }
  if (arn.type !== 'trail') {
    throw call.fault(
      'ResourceTypeNotSupportedException',
      `The resource type ${arn.type} does not support tags.`,
    )
  }
  const problem = trailNameProblem(arn.id)
  if (problem !== undefined) throw call.fault('InvalidTrailNameException', problem)
  return resourceId
}

/** Throws ResourceNotFoundException where the account has no such trail. */
export const taggedTrail = (trails: readonly Trail[], resourceId: string, call: TagCall): Trail => {
  const arn = taggedArn(resourceId, call)
  const trail = trails.find((candidate) => candidate.arn === arn)
  if (trail !== undefined) return trail
  throw call.fault(
    'ResourceNotFoundException',
    `Unknown trail: ${arn} for the user: ${call.account}`,
  )
}
