/** One row of the operations table. */
import type { Operation, OperationInput, OperationName } from '../contract/operation.ts'
import type { Documents } from '../documents/documents.ts'
import type { TrailOperationDeps } from '../trails/operations/change-trail.ts'

/** Everything that handlers are made of; service.ts gives it. */
export interface OperationDeps extends TrailOperationDeps {
  readonly documents: Pick<Documents, 'get'>
  readonly lookupEvents: Operation<'LookupEvents'>
  readonly listPublicKeys: Operation<'ListPublicKeys'>
}

/** As the Service Authorization Reference has it (reference/control-plane.md §E.3). */
export type AccessLevel = 'Read' | 'List' | 'Write' | 'Tagging'

/**
 * A parameter that this release has nothing behind: it is refused rather than stored. `except` are
 * the values that ask for nothing, which clients send to clear it.
 */
export interface UnsupportedParameter {
  readonly why: string
  readonly except?: readonly (string | boolean)[]
}

/** By member of the input; a member that the operation lacks does not compile. */
export type UnsupportedParameters<Name extends OperationName> = Readonly<
  Partial<Record<keyof OperationInput<Name> & string, UnsupportedParameter>>
>

export interface BuiltRow<Name extends OperationName> {
  readonly access: AccessLevel
  /** The IAM action where it is not the operation's own name. */
  readonly action?: string
  readonly make: (deps: OperationDeps) => Operation<Name>
  readonly unsupportedParameters?: UnsupportedParameters<Name>
}

export interface UnsupportedRow {
  readonly access: AccessLevel
  readonly action?: string
  /** Ends a sentence: "ListQueries is not supported: …". */
  readonly unsupported: string
}

export type Row<Name extends OperationName> = BuiltRow<Name> | UnsupportedRow

export type OperationTable = { readonly [Name in OperationName]: Row<Name> }

export const built = <Name extends OperationName>(
  access: AccessLevel,
  make: (deps: OperationDeps) => Operation<Name>,
  more: { unsupportedParameters?: UnsupportedParameters<Name>; action?: string } = {},
): BuiltRow<Name> => ({ access, make, ...more })

export const unsupported = (access: AccessLevel, why: string, action?: string): UnsupportedRow => ({
  access,
  unsupported: why,
  ...(action === undefined ? {} : { action }),
})
