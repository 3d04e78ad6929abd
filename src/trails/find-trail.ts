/** A trail by what an operator calls it on the command line, whatever account it belongs to. */
import type { Documents } from '../documents/documents.ts'
import { CodedError } from '../platform/errors.ts'
import type { AccountTrails, Trail } from './trail.ts'

export class FindTrailError extends CodedError<'no-trail' | 'ambiguous'> {}

const PREFIX = 'trails/'

/** By ARN, or by a name that only one trail has. Throws FindTrailError. */
export const findTrail = async (documents: Documents, name: string): Promise<Trail> => {
  const stored = await documents.list<AccountTrails>(PREFIX)
  const all = stored.flatMap(({ value }) => Object.values(value.trails))
  const found = all.filter((trail) => trail.arn === name || trail.name === name)
  const [trail, ...others] = found
  const arns = (some: readonly Trail[]): string => some.map(({ arn }) => arn).join(', ')
  if (trail === undefined) {
    throw new FindTrailError('no-trail', `There is no trail ${name}.`, {
      hint: all.length === 0 ? 'Create one first.' : `There is ${arns(all)}.`,
    })
  }
  if (others.length === 0) return trail
  throw new FindTrailError('ambiguous', `Several trails are called ${name}.`, {
    hint: `Name one by its ARN: ${arns(found)}.`,
  })
}
