/**
 * Proofs about the types, checked by `tsc`: each line below an `@ts-expect-error` must not compile,
 * and the directive itself fails the check when it does.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DECLARED_FAULTS } from './cloudtrail-tables.generated.ts'
import { Fault } from './fault.ts'
import type { Operation, OperationName } from './operation.ts'

export const declaredFault: Operation<'GetTrail'> = async (input, { fault }) => {
  throw fault('TrailNotFoundException', `Unknown trail: ${input.Name}`)
}

export const protocolFault: Operation<'GetTrail'> = async (_input, { fault }) => {
  throw fault('ThrottlingException', 'Rate exceeded')
}

export const undeclaredFault: Operation<'GetTrail'> = async (_input, { fault }) => {
  // @ts-expect-error GetTrail does not declare this fault
  throw fault('TrailAlreadyExistsException', 'A trail exists')
}

export const unknownMember: Operation<'GetTrail'> = async (input) => {
  // @ts-expect-error the input has no such member
  return { Trail: { Name: input.TrailName } }
}

// @ts-expect-error IsLogging is a boolean
export const wrongOutput: Operation<'GetTrailStatus'> = async () => ({ IsLogging: 'yes' })

// @ts-expect-error fifty-eight operations are missing
export const missingOperations: Record<OperationName, true> = { GetTrail: true, AddTags: true }

// @ts-expect-error CloudTrail has no such operation
export const unknownOperation: OperationName = 'PauseLogging'

test('every operation declares UnsupportedOperationException, so that any may lack', () => {
  for (const [name, codes] of Object.entries(DECLARED_FAULTS)) {
    assert.ok((codes as readonly string[]).includes('UnsupportedOperationException'), name)
  }
})

test('faults of the model are 400, those of the protocol what AWS lists', () => {
  assert.equal(new Fault('TrailNotFoundException', '').status, 400)
  assert.equal(new Fault('AccessDeniedException', '').status, 400)
  assert.equal(new Fault('UnknownOperationException', '').status, 404)
  assert.equal(new Fault('InternalFailure', '').status, 500)
})
