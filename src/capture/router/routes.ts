/** The REST operations of a service, and which of them a request is. */
import type { RequestHead } from '../call.ts'
import type { Operation, Service } from '../catalogue/catalogue.ts'
import { matchesPath, type Template, templateOf } from './template.ts'

export interface Route {
  readonly operation: Operation
  readonly template: Template
}

export interface Match {
  readonly operation: Operation
  readonly score: number
}

const made = new WeakMap<Service, ReadonlyMap<string, readonly Route[]>>()

/** By HTTP method; compiled at the service's first request. */
export const routesOf = (service: Service, method: string): readonly Route[] => {
  let routes = made.get(service)
  if (routes === undefined) {
    const all = [...service.operations.values()].flatMap((operation) =>
      operation.http === undefined
        ? []
        : [{ operation, template: templateOf(operation.http.uri), method: operation.http.method }],
    )
    routes = Map.groupBy(all, (route) => route.method)
    made.set(service, routes)
  }
  return routes.get(method) ?? []
}

const LITERAL = 10_000
const CONSTANT = 100
const REQUIRED = 10
/** SDKs send what the model requires; a route without it is taken when nothing else fits. */
const MISSING = -1_000_000
const DEPRECATED = -1
/**
 * `x-id` names the operation, but services ignore it: it may break a tie, never decide, or a caller
 * could have a call recorded under another name.
 */
const NAMED = 0.5
const GREEDY = -0.25

const requiredScore = (
  required: readonly string[],
  head: RequestHead,
  query: ReadonlyMap<string, string>,
): number => {
  let score = 0
  for (const entry of required) {
    const name = entry.slice(2)
    const there = entry.startsWith('h:') ? name in head.headers : query.has(name)
    score += there ? REQUIRED : MISSING
  }
  return score
}

/** Undefined where a query key that the template asks for is missing. */
export const scoreOf = (
  { operation, template }: Route,
  head: RequestHead,
  query: ReadonlyMap<string, string>,
): number | undefined => {
  for (const [key, value] of template.query) {
    const given = query.get(key)
    if (given === undefined || (value !== undefined && given !== value)) return undefined
  }
  return (
    template.literals * LITERAL +
    template.query.length * CONSTANT +
    requiredScore(operation.required, head, query) +
    (operation.deprecated ? DEPRECATED : 0) +
    (template.greedyAt < 0 ? 0 : GREEDY) +
    (query.get('x-id') === operation.name ? NAMED : 0)
  )
}

export const better = (a: Match | undefined, b: Match | undefined): Match | undefined => {
  if (a === undefined || b === undefined) return a ?? b
  return b.score > a.score ? b : a
}

/** The best of a service's operations for a request; `open` asks for those without signature. */
export const matchRest = (
  service: Service,
  head: RequestHead,
  path: readonly string[],
  query: ReadonlyMap<string, string>,
  open: boolean,
): Match | undefined => {
  let best: Match | undefined
  for (const route of routesOf(service, head.method)) {
    if (open && !route.operation.open) continue
    if (!matchesPath(route.template, path)) continue
    const score = scoreOf(route, head, query)
    if (score !== undefined) best = better(best, { operation: route.operation, score })
  }
  return best
}
