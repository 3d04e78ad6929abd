/** Finds the operation of a request in the table: the first row that matches. */
import { S3Fault } from './fault.ts'
import type { BucketHandler, S3Target, ServiceHandler } from './request.ts'

export type Scope = 'service' | 'bucket' | 'object'

interface Matching {
  readonly operation: string
  readonly scope: Scope
  readonly method: string
  /** Query parameters that must be there, `name` or `name=value`. */
  readonly query?: readonly string[]
  /** A header that must be there. */
  readonly header?: string
  /** Checked before the handler; undefined: the handler checks for itself. */
  readonly action: string | undefined
  /** The handler reads the body; of every other operation it is read to its end and dropped. */
  readonly readsBody?: boolean
}

export type Route = Matching &
  (
    | { readonly needsBucket: true; readonly handle: BucketHandler }
    | { readonly needsBucket: false; readonly handle: ServiceHandler }
  )

const scopeOf = ({ bucket, key }: S3Target): Scope => {
  if (bucket === '') return 'service'
  return key === '' ? 'bucket' : 'object'
}

const NO_PARAMETERS: readonly string[] = []

/** The rows of each scope, of every table there is. */
const byScope = new WeakMap<readonly Route[], Readonly<Record<Scope, readonly Route[]>>>()

const inScopeOf = (routes: readonly Route[], scope: Scope): readonly Route[] => {
  const known = byScope.get(routes)
  if (known !== undefined) return known[scope]
  const of = (name: Scope) => routes.filter((route) => route.scope === name)
  const grouped = { service: of('service'), bucket: of('bucket'), object: of('object') }
  byScope.set(routes, grouped)
  return grouped[scope]
}

const hasParameter = (target: S3Target, parameter: string): boolean => {
  const at = parameter.indexOf('=')
  if (at < 0) return target.query.has(parameter)
  return target.query.get(parameter.slice(0, at)) === parameter.slice(at + 1)
}

export const findRoute = (
  routes: readonly Route[],
  target: S3Target,
  method: string,
  headers: Readonly<Record<string, string>>,
): Route => {
  const inScope = inScopeOf(routes, scopeOf(target))
  const found = inScope.find(
    (route) =>
      route.method === method &&
      (route.query ?? NO_PARAMETERS).every((parameter) => hasParameter(target, parameter)) &&
      (route.header === undefined || headers[route.header] !== undefined),
  )
  // A sub-resource that this method does not have must not fall through to the bucket or the
  // object itself: PUT ?policyStatus is no CreateBucket. Parameters nobody knows are ignored.
  const isSubresource = (name: string): boolean =>
    !OPTIONS.has(name) && inScope.some((route) => route.query?.includes(name))
  const falls =
    found?.query === undefined && [...target.query.keys()].some((name) => isSubresource(name))
  if (found === undefined || falls) {
    throw new S3Fault('MethodNotAllowed', undefined, { Method: method })
  }
  return found
}

/** Parameters that select an operation together with others and are options elsewhere. */
const OPTIONS: ReadonlySet<string> = new Set(['partNumber', 'uploadId'])

export interface Extra {
  readonly query?: string
  readonly header?: string
  readonly readsBody?: boolean
}

/** Makes the rows of one scope. */
export const row =
  (scope: Scope) =>
  (
    method: string,
    operation: string,
    action: string | undefined,
    handle: BucketHandler,
    extra: Extra = {},
  ): Route => ({
    ...{ scope, method, operation, handle, needsBucket: true },
    action: action === undefined ? undefined : `s3:${action}`,
    ...(extra.query !== undefined && { query: extra.query.split('&') }),
    ...(extra.header !== undefined && { header: extra.header }),
    ...(extra.readsBody === true && { readsBody: true }),
  })

/** The condition of a sub-resource. */
export const sub = (query: string, readsBody = false): Extra => ({ query, readsBody })
