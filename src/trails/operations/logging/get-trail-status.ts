import type { Operation, OperationOutput } from '../../../contract/operation.ts'
import type { Documents } from '../../../documents/documents.ts'
import { isoSeconds } from '../../../platform/clock.ts'
import type { Trail } from '../../trail.ts'
import type { TrailStatus } from '../../trail-status.ts'
import type { TrailOperationDeps } from '../change-trail.ts'
import { findReadable } from '../resolve-trail.ts'

const epochSeconds = (ms: number | undefined): number | undefined =>
  ms === undefined ? undefined : ms / 1000

/** The retired members are still sent: ISO-8601 text, '' for never (§A.1). */
const isoOrEmpty = (ms: number | undefined): string => (ms === undefined ? '' : isoSeconds(ms))

const answerOf = (
  trail: Trail,
  status: TrailStatus | undefined,
): OperationOutput<'GetTrailStatus'> => ({
  IsLogging: trail.isLogging,
  LatestDeliveryError: status?.latestDeliveryError,
  LatestDeliveryTime: epochSeconds(status?.latestDeliveryTime),
  StartLoggingTime: epochSeconds(trail.startLoggingTime),
  StopLoggingTime: epochSeconds(trail.stopLoggingTime),
  LatestDigestDeliveryTime: epochSeconds(status?.latestDigestDeliveryTime),
  LatestDigestDeliveryError: status?.latestDigestDeliveryError,
  LatestDeliveryAttemptTime: isoOrEmpty(status?.latestDeliveryAttemptTime),
  LatestNotificationAttemptTime: '',
  LatestNotificationAttemptSucceeded: '',
  LatestDeliveryAttemptSucceeded: isoOrEmpty(status?.latestDeliveryTime),
  TimeLoggingStarted: isoOrEmpty(trail.startLoggingTime),
  TimeLoggingStopped: trail.isLogging ? '' : isoOrEmpty(trail.stopLoggingTime),
})

/** API/API_GetTrailStatus.html: of the endpoint's region, also of a shadow there. */
export const getTrailStatus =
  ({
    trails,
    documents,
  }: Pick<TrailOperationDeps, 'trails'> & {
    documents: Pick<Documents, 'get'>
  }): Operation<'GetTrailStatus'> =>
  async (input, call) => {
    const trail = findReadable(await trails.list(call.account), input.Name, call)
    const key = `trail-status/${call.region}/${trail.arn}`
    const status = (await documents.get<TrailStatus>(key))?.value
    // What an earlier trail of the same name left is not this one's.
    return answerOf(trail, status?.incarnation === trail.incarnation ? status : undefined)
  }
