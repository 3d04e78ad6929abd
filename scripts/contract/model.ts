/**
 * The part of an AWS service model (botocore `service-2.json`) that the contract needs, and the way
 * from a folder of models to it.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'

export interface ModelMember {
  readonly shape: string
}

export interface ModelShape {
  readonly type: string
  readonly required?: readonly string[]
  readonly members?: Readonly<Record<string, ModelMember>>
  readonly member?: ModelMember
  readonly key?: ModelMember
  readonly value?: ModelMember
  readonly min?: number
  readonly max?: number
  readonly pattern?: string
  readonly enum?: readonly string[]
  readonly exception?: boolean
}

export interface ModelOperation {
  readonly name: string
  readonly input: { readonly shape: string }
  readonly output: { readonly shape: string }
  readonly errors?: readonly { readonly shape: string }[]
}

export interface Model {
  readonly metadata: { readonly apiVersion: string; readonly targetPrefix?: string }
  readonly operations: Readonly<Record<string, ModelOperation>>
  readonly shapes: Readonly<Record<string, ModelShape>>
}

/** `<folder>/<name>.json.gz`, or the newest version of botocore's `data/<name>/`. */
const pathsOf = (folder: string, name: string): string[] => {
  const versions = join(folder, name)
  const newest = existsSync(versions) ? readdirSync(versions).sort().reverse() : []
  return [
    join(folder, `${name}.json.gz`),
    join(folder, `${name}.json`),
    ...newest.map((version) => join(versions, version, 'service-2.json.gz')),
    ...newest.map((version) => join(versions, version, 'service-2.json')),
  ]
}

/** Undefined where the folder has no such model. */
export const readModel = (folder: string, name: string): Model | undefined => {
  const path = pathsOf(folder, name).find((candidate) => existsSync(candidate))
  if (path === undefined) return undefined
  const bytes = readFileSync(path)
  return JSON.parse((path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')) as Model
}

/** The named shape; a model that names a shape it lacks is broken. */
export const shapeOf = (model: Model, name: string): ModelShape => {
  const shape = model.shapes[name]
  if (shape === undefined) throw new Error(`The model names a shape that it lacks: ${name}`)
  return shape
}

const referencesOf = (shape: ModelShape): string[] => [
  ...Object.values(shape.members ?? {}).map((member) => member.shape),
  ...[shape.member, shape.key, shape.value].flatMap((member) =>
    member === undefined ? [] : [member.shape],
  ),
]

/** Names of the shapes that can be reached from `roots`, sorted. */
export const reachable = (model: Model, roots: readonly string[]): string[] => {
  const seen = new Set<string>()
  const queue = [...roots]
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (seen.has(name)) continue
    seen.add(name)
    queue.push(...referencesOf(shapeOf(model, name)))
  }
  return [...seen].sort()
}

export const inputsOf = (model: Model): string[] =>
  Object.values(model.operations).map((operation) => operation.input.shape)

export const outputsOf = (model: Model): string[] =>
  Object.values(model.operations).map((operation) => operation.output.shape)
