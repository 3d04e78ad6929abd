/**
 * What AWS's services and operations look like: routes, shapes, sensitive members, error codes, and
 * whether an operation only reads (reference/capture.md §1). Generated from AWS's service models;
 * `npm run generate` renews it.
 */
import { readFileSync } from 'node:fs'
import { brotliDecompressSync } from 'node:zlib'
import { CodedError, messageOf } from '../../platform/errors.ts'
import type { AwsProtocol } from '../call.ts'
import {
  CATALOGUE_VERSION,
  type CatalogueIndex,
  type CompactOperation,
  type CompactService,
  type IndexEntry,
} from './format.ts'
import { createShapeReader, type Shape } from './shapes.ts'

/** The file is absent, damaged or of another version. */
export class CatalogueError extends CodedError<'unreadable'> {}

export interface Operation {
  /** The model's name, without CloudFront's date. */
  readonly name: string
  readonly readOnly: boolean
  /** May come without a signature. */
  readonly open: boolean
  readonly deprecated: boolean
  /** HTTP method and URI template of REST services. */
  readonly http: { readonly method: string; readonly uri: string } | undefined
  /** Required members that travel as header or query: `h:x-amz-copy-source`, `q:uploadId`. */
  readonly required: readonly string[]
  readonly input: Shape | undefined
  /** Only where a record shows the answer. */
  readonly output: Shape | undefined
}

export interface Service {
  /** The catalogue's id: `s3`, `stepfunctions`. */
  readonly id: string
  readonly signingName: string
  readonly apiVersion: string
  /** The current model's first. SDKs of another age may speak another. */
  readonly protocols: readonly AwsProtocol[]
  readonly operations: ReadonlyMap<string, Operation>
  /** Error code on the wire → name of the exception, where they differ. */
  readonly errors: ReadonlyMap<string, string>
  /** Names, in lower case, of all its sensitive members: for what the model does not describe. */
  sensitiveNames(): ReadonlySet<string>
}

export interface Catalogue {
  /** Every service, cheap: nothing is parsed. */
  readonly index: readonly IndexEntry[]
  /** Parsed when first asked for. */
  service(id: string): Service | undefined
}

const FILE = new URL('./catalogue.generated.ndjson.br', import.meta.url)

const operationOf = (
  name: string,
  operation: CompactOperation,
  shapeAt: (index: number | undefined) => Shape | undefined,
): Operation => ({
  name,
  readOnly: operation.ro === 1,
  open: operation.open === 1,
  deprecated: operation.old === 1,
  http:
    operation.m === undefined || operation.u === undefined
      ? undefined
      : { method: operation.m, uri: operation.u },
  required: operation.req ?? [],
  // Getters, so that a service's shapes are made for the operations that are called.
  get input() {
    return shapeAt(operation.i)
  },
  get output() {
    return shapeAt(operation.o)
  },
})

const serviceOf = (entry: IndexEntry, line: string): Service => {
  const compact = JSON.parse(line) as CompactService
  const reader = createShapeReader(compact.shapes)
  const shapeAt = (index: number | undefined): Shape | undefined =>
    index === undefined ? undefined : reader.at(index)
  const operations = Object.entries(compact.ops).map(
    ([name, operation]) => [name, operationOf(name, operation, shapeAt)] as const,
  )
  return {
    id: entry.id,
    signingName: entry.signingName,
    apiVersion: entry.apiVersion,
    protocols: entry.protocols,
    operations: new Map(operations),
    errors: new Map(Object.entries(compact.errors ?? {})),
    sensitiveNames: reader.sensitiveNames,
  }
}

/** About 20 ms: the text is unpacked, services are parsed as they are called. */
export const loadCatalogue = (file: URL = FILE): Catalogue => {
  let lines: string[]
  let index: CatalogueIndex
  try {
    lines = brotliDecompressSync(readFileSync(file)).toString('utf8').split('\n')
    index = JSON.parse(lines[0] ?? '') as CatalogueIndex
  } catch (cause) {
    throw new CatalogueError('unreadable', `The catalogue cannot be read: ${messageOf(cause)}`, {
      cause,
      hint: 'Restore it from the repository, or run `npm run generate`.',
    })
  }
  if (index.version !== CATALOGUE_VERSION) {
    throw new CatalogueError(
      'unreadable',
      `The catalogue has version ${index.version}, this program reads ${CATALOGUE_VERSION}.`,
      { hint: 'Run `npm run generate`.' },
    )
  }
  const positions = new Map(index.services.map((entry, position) => [entry.id, position]))
  const parsed = new Map<string, Service>()
  return {
    index: index.services,
    service: (id) => {
      const known = parsed.get(id)
      if (known !== undefined) return known
      const position = positions.get(id)
      const entry = position === undefined ? undefined : index.services[position]
      const line = position === undefined ? undefined : lines[position + 1]
      if (entry === undefined || line === undefined) return undefined
      const service = serviceOf(entry, line)
      parsed.set(id, service)
      return service
    },
  }
}
