import type { Operation } from '../../../contract/operation.ts'
import { SelectorError } from '../../../event/selectors/selector-error.ts'
import { isDefaultSelectors, parseSelectors } from '../../../event/selectors/selectors.ts'
import { changeTrail, type TrailOperationDeps } from '../change-trail.ts'
import { findChangeable } from '../resolve-trail.ts'
import { selectorsOutput } from './selectors-output.ts'

/** API/API_PutEventSelectors.html: replaces all selectors, of both kinds. */
export const putEventSelectors =
  ({ trails }: Pick<TrailOperationDeps, 'trails'>): Operation<'PutEventSelectors'> =>
  async (input, call) => {
    // An unknown trail is told before a bad selector.
    findChangeable(await trails.list(call.account), input.TrailName, call)
    try {
      const selectors = parseSelectors(input, call.partition)
      const trail = await changeTrail(trails, input.TrailName, call, () => ({
        selectors,
        hasCustomEventSelectors: !isDefaultSelectors(selectors),
      }))
      return selectorsOutput(trail)
    } catch (error) {
      if (!(error instanceof SelectorError)) throw error
      throw call.fault('InvalidEventSelectorsException', error.message)
    }
  }
