/** Operations of the catalogue, with inputs for them. */
import fc from 'fast-check'
import type { Operation } from '../../../src/capture/catalogue/catalogue.ts'
import type { IndexEntry } from '../../../src/capture/catalogue/format.ts'
import { valuesOf } from './model-arbitraries.ts'
import { catalogue } from './recording.ts'

export interface Named {
  readonly entry: IndexEntry
  readonly operation: Operation
}

/** A map of all parameters of the query string names those again that other members are bound to. */
const isPlain = ({ input }: Operation): boolean =>
  input !== undefined &&
  !input.members.some(({ location, shape }) => location === 'q' && shape().kind === 'map')

/** By `service.Operation`, which is what a counterexample shows. */
export const operationsOf = (protocols: readonly string[]): ReadonlyMap<string, Named> =>
  new Map(
    catalogue.index
      // DynamoDB's records show items by their attributes' names.
      .filter(({ id, protocols: [first = ''] }) => protocols.includes(first) && id !== 'dynamodb')
      .flatMap((entry) =>
        [...(catalogue.service(entry.id)?.operations.values() ?? [])]
          .filter(isPlain)
          .map((operation): [string, Named] => [
            `${entry.id}.${operation.name}`,
            { entry, operation },
          ]),
      ),
  )

export type Values = Record<string, unknown>

/** The name of one operation, and values for its input. */
export const callsOf = (named: ReadonlyMap<string, Named>): fc.Arbitrary<[string, Values]> =>
  fc.constantFrom(...named.keys()).chain((name) => {
    const operation = named.get(name)?.operation
    const required = new Set(operation?.required.map((entry) => entry.slice(2)))
    const values =
      operation?.input === undefined ? fc.constant({}) : valuesOf(operation.input, required)
    return fc.tuple(fc.constant(name), values as fc.Arbitrary<Values>)
  })
