import type { Operation } from '../../contract/operation.ts'
import type { SigningKeys } from '../signing-keys.ts'

/**
 * ListPublicKeys: the region's keys whose validity overlaps the range; both ends default to now.
 * AWS ignores NextToken and never pages (reference/formats.md §4.5).
 */
export const listPublicKeys =
  (keys: Pick<SigningKeys, 'publicKeys'>): Operation<'ListPublicKeys'> =>
  async (input, call) => {
    const start = input.StartTime === undefined ? call.now : input.StartTime * 1000
    const end = input.EndTime === undefined ? call.now : input.EndTime * 1000
    if (start > end) {
      throw call.fault('InvalidTimeRangeException', 'The start time must be before the end time.')
    }
    const found = await keys.publicKeys(call.region, start, end)
    return {
      PublicKeyList: found.map((key) => ({
        Value: key.publicKey,
        ValidityStartTime: key.validFrom / 1000,
        ValidityEndTime: key.validUntil / 1000,
        Fingerprint: key.fingerprint,
      })),
    }
  }
