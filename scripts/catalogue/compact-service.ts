/** One service of the catalogue from its model. */
import type { AwsProtocol } from '../../src/capture/call.ts'
import type {
  CompactOperation,
  CompactService,
  IndexEntry,
} from '../../src/capture/catalogue/format.ts'
import { createShapeTable } from './compact-shapes.ts'
import { type OperationModel, type ServiceModel, signingNameOf } from './model.ts'
import { isReadOnly } from './read-only.ts'
import { IAM_PREFIXES } from './services.ts'

const PROTOCOLS: Readonly<Record<string, AwsProtocol>> = {
  json: 'json',
  query: 'query',
  ec2: 'ec2',
  'rest-json': 'rest-json',
  'rest-xml': 'rest-xml',
  'smithy-rpc-v2-cbor': 'rpc-v2-cbor',
}

const protocolsOf = ({ metadata }: ServiceModel): AwsProtocol[] =>
  (metadata.protocols ?? [metadata.protocol]).map((name) => {
    const protocol = PROTOCOLS[name]
    if (protocol === undefined) throw new Error(`A protocol that Clew does not know: ${name}`)
    return protocol
  })

/** CloudFront's model has its API version in every operation's name; requests do not. */
const plainName = (name: string): string => name.replace(/\d{4}_\d{2}_\d{2}$/, '')

/** Their records show the answer though they are read-only (reference/formats.md §1.6). */
const SHOWN_READS = new Set(['AssumeRole', 'AssumeRoleWithSAML', 'AssumeRoleWithWebIdentity'])

const isOpen = (operation: OperationModel): boolean =>
  operation.authtype === 'none' || (operation.auth ?? []).includes('smithy.api#noAuth')

/** What tells apart REST operations of the same template: PutObject, CopyObject, UploadPart. */
const requiredOf = (model: ServiceModel, operation: OperationModel): string[] => {
  const input = model.shapes[operation.input?.shape ?? '']
  return (input?.required ?? []).flatMap((name) => {
    const member = input?.members?.[name]
    const wire = member?.locationName ?? name
    if (member?.location === 'header') return [`h:${wire.toLowerCase()}`]
    return member?.location === 'querystring' ? [`q:${wire}`] : []
  })
}

const errorsOf = (model: ServiceModel): Record<string, string> => {
  const errors: Record<string, string> = {}
  for (const [name, shape] of Object.entries(model.shapes).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const code = shape.error?.code
    if (code !== undefined && code !== name) errors[code] ??= name
  }
  return errors
}

export interface CatalogueEntry {
  readonly index: IndexEntry
  readonly service: CompactService
}

export const compactService = async (id: string, model: ServiceModel): Promise<CatalogueEntry> => {
  const protocols = protocolsOf(model)
  const rest = protocols.some((protocol) => protocol.startsWith('rest-'))
  const signingName = signingNameOf(model)
  const table = createShapeTable(model)
  const ops: Record<string, CompactOperation> = {}
  for (const operation of Object.values(model.operations)) {
    const name = plainName(operation.name)
    const readOnly = await isReadOnly(id, IAM_PREFIXES[id] ?? signingName, name)
    const required = rest ? requiredOf(model, operation) : []
    const shown = !readOnly || SHOWN_READS.has(name)
    ops[name] = {
      ...(rest ? { m: operation.http.method, u: operation.http.requestUri } : {}),
      ...(operation.input === undefined ? {} : { i: table.add(operation.input.shape) }),
      ...(operation.output === undefined || !shown ? {} : { o: table.add(operation.output.shape) }),
      ...(readOnly ? { ro: 1 } : {}),
      ...(isOpen(operation) ? { open: 1 } : {}),
      ...(operation.deprecated === true ? { old: 1 } : {}),
      ...(required.length === 0 ? {} : { req: required }),
    }
  }
  const errors = protocols.some((protocol) => protocol === 'query') ? errorsOf(model) : {}
  const { apiVersion, targetPrefix } = model.metadata
  const open = rest && Object.values(ops).some((operation) => operation.open === 1)
  return {
    index: {
      id,
      signingName,
      apiVersion,
      protocols,
      ...(targetPrefix === undefined ? {} : { target: targetPrefix }),
      ...(open ? { open } : {}),
    },
    service: {
      ops,
      shapes: table.shapes,
      ...(Object.keys(errors).length === 0 ? {} : { errors }),
    },
  }
}
