/** The grammar of a policy document as a schema; what goes beyond shapes is checked in parse.ts. */
import { z } from 'zod'

const text = z.string().min(1)
/** One item stands for a list of one; the place of an error keeps its index. */
const listOf = <Item extends z.ZodType>(item: Item) =>
  z.preprocess((given) => (Array.isArray(given) ? given : [given]), z.array(item))
/** An empty list is an error: under `Not…` it would stand for everything. */
const some = <Item extends z.ZodType>(item: Item) =>
  listOf(item).refine((given) => given.length > 0, 'is empty')
const texts = some(text)
/** IAM: 'Resource … must be in ARN format or "*".' */
const resources = some(z.string().regex(/^(?:\*$|arn:)/, 'must be an ARN or "*"'))

const principal = z.union([
  z.literal('*'),
  z
    .strictObject({
      AWS: texts.optional(),
      Service: texts.optional(),
      Federated: texts.optional(),
      CanonicalUser: texts.optional(),
    })
    .refine((given) => Object.keys(given).length > 0, 'names nobody'),
])

const scalar = z.union([z.string(), z.number(), z.boolean()]).transform(String)
const condition = z.record(z.string(), z.record(text, listOf(scalar)))

/** Exactly one of an element and its `Not…` form. */
export const oneOf =
  (name: string) =>
  (statement: object): boolean =>
    name in statement !== `Not${name}` in statement

const statement = z
  .strictObject({
    Sid: z.string().optional(),
    Effect: z.enum(['Allow', 'Deny']),
    Principal: principal.optional(),
    NotPrincipal: principal.optional(),
    Action: texts.optional(),
    NotAction: texts.optional(),
    Resource: resources.optional(),
    NotResource: resources.optional(),
    Condition: condition.optional(),
  })
  .refine(oneOf('Principal'), 'must have either Principal or NotPrincipal')
  .refine(oneOf('Action'), 'must have either Action or NotAction')

export const policyDocument = z.strictObject({
  Version: z.enum(['2012-10-17', '2008-10-17']).default('2008-10-17'),
  Id: z.string().optional(),
  Statement: some(statement),
})

export type ParsedStatement = z.output<typeof statement>
