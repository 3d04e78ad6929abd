import type { Operation, OperationCall, OperationInput } from '../../contract/operation.ts'
import type { Trail } from '../trail.ts'
import { normalisePrefix } from '../trail-name.ts'
import { commitTrails, type TrailOperationDeps } from './change-trail.ts'
import { findChangeable } from './resolve-trail.ts'
import { roomProblem } from './trail-room.ts'
import { checkSettings } from './trail-settings.ts'
import { settingsOf } from './trail-view.ts'

/** What is not given keeps its value; an empty prefix removes it (§A.1). */
const updated = (trail: Trail, input: OperationInput<'UpdateTrail'>): Trail => {
  const { s3KeyPrefix: before, ...rest } = trail
  const prefix = input.S3KeyPrefix === undefined ? before : normalisePrefix(input.S3KeyPrefix)
  return {
    ...rest,
    s3BucketName: input.S3BucketName ?? trail.s3BucketName,
    ...(prefix === undefined || prefix === '' ? {} : { s3KeyPrefix: prefix }),
    includeGlobalServiceEvents:
      input.IncludeGlobalServiceEvents ?? trail.includeGlobalServiceEvents,
    isMultiRegionTrail: input.IsMultiRegionTrail ?? trail.isMultiRegionTrail,
    logFileValidationEnabled: input.EnableLogFileValidation ?? trail.logFileValidationEnabled,
    revision: trail.revision + 1,
  }
}

/** UpdateTrail declares neither TrailAlreadyExists nor the quota's exception. */
const checkShadows = (
  trails: readonly Trail[],
  trail: Trail,
  regions: readonly string[],
  call: OperationCall<'UpdateTrail'>,
): void => {
  const problem = trail.isMultiRegionTrail ? roomProblem(trails, trail, regions) : undefined
  if (problem !== undefined) throw call.fault('OperationNotPermittedException', problem.message)
}

/** API/API_UpdateTrail.html. A refused update changes nothing, though markers may stay (§3.3). */
export const updateTrail =
  ({ trails, bucket, regions }: TrailOperationDeps): Operation<'UpdateTrail'> =>
  async (input, call) => {
    const next = (current: readonly Trail[]): Trail => {
      const trail = updated(findChangeable(current, input.Name, call), input)
      checkShadows(current, trail, regions(), call)
      return trail
    }
    let trail = next(await trails.list(call.account))
    await checkSettings(trail, bucket, call.fault)
    await commitTrails(trails, call, (current) => {
      trail = next(current)
      return { kind: 'put', trail }
    })
    return settingsOf(trail)
  }
