/**
 * Finds the service and operation of a request, in the order of reference/capture.md §2: CBOR path,
 * X-Amz-Target, Action, then REST by signing name; what is unsigned and matches nothing is S3's.
 */
import type { AwsProtocol, RequestHead, SigningScope } from '../call.ts'
import type { Catalogue, Operation } from '../catalogue/catalogue.ts'
import type { IndexEntry } from '../catalogue/format.ts'
import { parsePairs } from '../record/wire/form.ts'
import { type Match, matchRest } from './routes.ts'
import { chooseRpc, type RpcName, rpcNameOf } from './rpc.ts'
import { isFormUpload, matchS3 } from './s3-routes.ts'
import { isS3Control, type S3Target, s3TargetOf } from './s3-target.ts'
import type { ServiceIndex } from './service-index.ts'
import { pathSegments } from './template.ts'

export interface Found {
  readonly signingName: string
  readonly protocol: AwsProtocol
  readonly serviceId?: string | undefined
  readonly operation?: Operation | undefined
  /** Where the catalogue does not know the operation. */
  readonly name?: string | undefined
  readonly target?: S3Target | undefined
  /** The call names another operation too. */
  readonly conflict?: boolean
}

export interface Services {
  readonly catalogue: Catalogue
  readonly index: ServiceIndex
}

/** Part of a record's eventSource, so it must look like a name. */
const cleanName = (signingName: string): string =>
  /^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/.test(signingName) ? signingName : 'unknown'

/** `sts.eu-west-1.amazonaws.com` → `sts`: for unsigned calls that nothing else names. */
const hostLabel = (head: RequestHead): string | undefined =>
  /^([a-z0-9-]{1,64})\.(?:[a-z0-9-]+\.)?amazonaws\.com/.exec(head.headers.host ?? '')?.[1]

const REST: readonly AwsProtocol[] = ['rest-json', 'rest-xml']

const isRest = (entry: IndexEntry): boolean =>
  entry.protocols.some((protocol) => REST.includes(protocol))

const restProtocol = (entry: IndexEntry | undefined): AwsProtocol =>
  entry?.protocols.find((protocol) => REST.includes(protocol)) ?? 'rest-json'

const asS3 = ({ catalogue }: Services, head: RequestHead, signingName: string): Found => {
  const target = s3TargetOf(head)
  const service = catalogue.service('s3')
  const query = new Map(parsePairs(head.rawQuery, false))
  const operation =
    service === undefined ? undefined : matchS3(service, head, target, query, signingName)
  const name = operation === undefined && isFormUpload(head, target) ? 'PostObject' : undefined
  return { signingName, protocol: 'rest-xml', serviceId: 's3', operation, name, target }
}

/** The best REST operation of several services; without `signingName` of the open ones alone. */
const asRest = (
  { catalogue }: Services,
  entries: readonly IndexEntry[],
  head: RequestHead,
  signingName: string | undefined,
): Found | undefined => {
  const path = pathSegments(head.rawPath)
  const query = new Map(parsePairs(head.rawQuery, false))
  let best: (Match & { entry: IndexEntry }) | undefined
  for (const entry of entries) {
    const service = catalogue.service(entry.id)
    if (service === undefined) continue
    const match = matchRest(service, head, path, query, signingName === undefined)
    if (match !== undefined && match.score > (best?.score ?? Number.NEGATIVE_INFINITY)) {
      best = { ...match, entry }
    }
  }
  if (best === undefined) return undefined
  return {
    signingName: signingName ?? best.entry.signingName,
    protocol: restProtocol(best.entry),
    serviceId: best.entry.id,
    operation: best.operation,
  }
}

/** S3, S3 Control and S3 on Outposts share signing names. */
const asS3Family = (
  services: Services,
  known: readonly IndexEntry[],
  head: RequestHead,
  signingName: string,
): Found => {
  const outposts = known.filter((entry) => entry.id === 's3outposts')
  const found = asRest(services, outposts, head, signingName)
  if (found !== undefined) return found
  const control = known.find((entry) => entry.id === 's3control')
  if (control === undefined || !isS3Control(head)) return asS3(services, head, signingName)
  return (
    asRest(services, [control], head, signingName) ?? {
      signingName,
      protocol: 'rest-xml',
      serviceId: control.id,
    }
  )
}

const asRpc = (
  { catalogue }: Services,
  rpc: RpcName,
  head: RequestHead,
  signed: string | undefined,
): Found => {
  const { entry, operation: name } = chooseRpc(catalogue, rpc)
  const service = entry === undefined ? undefined : catalogue.service(entry.id)
  return {
    signingName: signed ?? entry?.signingName ?? hostLabel(head) ?? 'unknown',
    protocol: rpc.protocol,
    serviceId: entry?.id,
    operation: name === undefined ? undefined : service?.operations.get(name),
    name: rpc.name,
    conflict: rpc.conflict,
  }
}

export const findCall = (
  services: Services,
  head: RequestHead,
  scope: SigningScope | undefined,
  body: Buffer | undefined,
): Found => {
  const { index } = services
  const signed = scope === undefined ? undefined : cleanName(scope.signingName)
  const known = signed === undefined ? undefined : index.bySigningName(signed)
  const rpc = rpcNameOf(index, known, head, body)
  if (rpc !== undefined) return asRpc(services, rpc, head, signed)
  if (signed === undefined) {
    const open = asRest(services, index.open, head, undefined)
    return open ?? asS3Family(services, index.bySigningName('s3') ?? [], head, 's3')
  }
  if (known?.some((entry) => entry.id === 's3') === true) {
    return asS3Family(services, known, head, signed)
  }
  const rest = known?.filter(isRest) ?? []
  return (
    asRest(services, rest, head, signed) ?? {
      signingName: signed,
      protocol: restProtocol(rest[0]),
      // API Gateway's stages share a signing name with old IoT SDKs: no match, no service.
      serviceId: signed === 'execute-api' ? undefined : known?.[0]?.id,
    }
  )
}
