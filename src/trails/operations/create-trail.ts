import type { Operation, OperationCall, OperationInput } from '../../contract/operation.ts'
import { DEFAULT_SELECTORS } from '../../event/selectors/selectors.ts'
import type { Trail } from '../trail.ts'
import { normalisePrefix, trailArn, trailNameProblem } from '../trail-name.ts'
import { commitTrails, type TrailOperationDeps } from './change-trail.ts'
import { withTags } from './tags/tag-list.ts'
import { roomProblem } from './trail-room.ts'
import { checkSettings } from './trail-settings.ts'
import { settingsOf } from './trail-view.ts'

type Call = OperationCall<'CreateTrail'>

const checkRoom = (
  trails: readonly Trail[],
  trail: Trail,
  regions: readonly string[],
  call: Call,
): void => {
  const problem = roomProblem(trails, trail, regions)
  if (problem?.kind === 'name') throw call.fault('TrailAlreadyExistsException', problem.message)
  if (problem?.kind === 'quota') {
    throw call.fault('MaximumNumberOfTrailsExceededException', problem.message)
  }
}

const newTrail = (input: OperationInput<'CreateTrail'>, call: Call, incarnation: string): Trail => {
  const prefix = normalisePrefix(input.S3KeyPrefix ?? '')
  return {
    name: input.Name,
    arn: trailArn(call, input.Name),
    account: call.account,
    homeRegion: call.region,
    s3BucketName: input.S3BucketName,
    ...(prefix === '' ? {} : { s3KeyPrefix: prefix }),
    includeGlobalServiceEvents: input.IncludeGlobalServiceEvents ?? true,
    isMultiRegionTrail: input.IsMultiRegionTrail ?? false,
    logFileValidationEnabled: input.EnableLogFileValidation ?? false,
    selectors: DEFAULT_SELECTORS,
    hasCustomEventSelectors: false,
    // The console starts logging by itself, the API does not (§A.1).
    isLogging: false,
    createdAt: call.now,
    incarnation,
    revision: 1,
    tags: withTags([], input.TagsList ?? [], call),
  }
}

/** API/API_CreateTrail.html; the order of the checks is the recommendation of §A.1. */
export const createTrail =
  ({ trails, bucket, regions, newId }: TrailOperationDeps): Operation<'CreateTrail'> =>
  async (input, call) => {
    const name = trailNameProblem(input.Name)
    if (name !== undefined) throw call.fault('InvalidTrailNameException', name)
    const trail = newTrail(input, call, newId())
    checkRoom(await trails.list(call.account), trail, regions(), call)
    await checkSettings(trail, bucket, call.fault)
    await commitTrails(trails, call, (current) => {
      checkRoom(current, trail, regions(), call)
      return { kind: 'put', trail }
    })
    return settingsOf(trail)
  }
