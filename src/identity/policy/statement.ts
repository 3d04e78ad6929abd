import { type Condition, compileCondition } from './condition.ts'
import type { RequestContext } from './context.ts'
import type { ParsedStatement } from './document.ts'
import {
  isNamed,
  isNamedThroughout,
  type PrincipalElement,
  type RequestPrincipal,
} from './principal.ts'
import { compileTemplate, resolveTemplate, type Template } from './variables.ts'
import { arnGlobOf, type Glob, glob } from './wildcard.ts'

export interface PolicyRequest {
  readonly principal: RequestPrincipal
  /** `s3:PutObject` */
  readonly action: string
  /** The resource's ARN; ignored by trust policies. */
  readonly resource: string
  readonly context: RequestContext
}

export interface CompiledStatement {
  readonly sid?: string
  readonly effect: 'allow' | 'deny'
  /** Whether every element of the statement covers the request. */
  readonly covers: (request: PolicyRequest) => boolean
}

export interface CompiledPolicy {
  readonly statements: readonly CompiledStatement[]
}

type Element = (request: PolicyRequest) => boolean

const not =
  (element: Element): Element =>
  (request) =>
    !element(request)

const principalElement = (given: NonNullable<ParsedStatement['Principal']>): PrincipalElement =>
  given === '*'
    ? '*'
    : {
        aws: given.AWS ?? [],
        service: given.Service ?? [],
        federated: given.Federated ?? [],
        canonicalUser: given.CanonicalUser ?? [],
      }

const compilePrincipal = ({ Principal, NotPrincipal, Effect }: ParsedStatement): Element => {
  if (Principal !== undefined) {
    const element = principalElement(Principal)
    return ({ principal }) => isNamed(element, principal)
  }
  const element = principalElement(NotPrincipal ?? '*')
  // In doubt neither allows nor exempts: an Allow leaves out whoever has one of the names.
  const exempt = Effect === 'Deny' ? isNamedThroughout : isNamed
  return ({ principal }) => !exempt(element, principal)
}

/** Actions are case-insensitive. */
const compileActions = (actions: readonly string[]): Element => {
  const globs = actions.map((action) => glob(action.toLowerCase()))
  return ({ action }) => {
    const lowered = action.toLowerCase()
    return globs.some((pattern) => pattern.matches(lowered))
  }
}

const compileResource = (text: string, variables: boolean): Element => {
  if (text === '*') return () => true
  const template = compileTemplate(text, variables)
  const fixed = template.fixed ? globOfTemplate(template, new Map()) : undefined
  return ({ resource, context }) =>
    (fixed ?? globOfTemplate(template, context))?.matches(resource) === true
}

const globOfTemplate = (template: Template, context: RequestContext): Glob | undefined => {
  const parts = resolveTemplate(template, context)
  return parts === undefined ? undefined : arnGlobOf(parts)
}

const compileResources = (texts: readonly string[], variables: boolean): Element => {
  const elements = texts.map((text) => compileResource(text, variables))
  return (request) => elements.some((element) => element(request))
}

const compileConditions = (
  given: NonNullable<ParsedStatement['Condition']>,
  variables: boolean,
): Condition[] | { problem: string } => {
  const conditions: Condition[] = []
  for (const [operator, keys] of Object.entries(given)) {
    for (const [key, values] of Object.entries(keys)) {
      const condition = compileCondition(operator, key, values, variables)
      if (condition === undefined) {
        return { problem: `Condition: there is no operator '${operator}'` }
      }
      conditions.push(condition)
    }
  }
  return conditions
}

export const compileStatement = (
  given: ParsedStatement,
  variables: boolean,
): CompiledStatement | { problem: string } => {
  const conditions = compileConditions(given.Condition ?? {}, variables)
  if ('problem' in conditions) return conditions
  const elements = [compilePrincipal(given)]
  if (given.Action !== undefined) elements.push(compileActions(given.Action))
  if (given.NotAction !== undefined) elements.push(not(compileActions(given.NotAction)))
  if (given.Resource !== undefined) elements.push(compileResources(given.Resource, variables))
  if (given.NotResource !== undefined) {
    elements.push(not(compileResources(given.NotResource, variables)))
  }
  return {
    ...(given.Sid === undefined ? {} : { sid: given.Sid }),
    effect: given.Effect === 'Allow' ? 'allow' : 'deny',
    covers: (request) =>
      elements.every((element) => element(request)) &&
      conditions.every((condition) => condition(request.context)),
  }
}
