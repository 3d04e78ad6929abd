/** Calls that carry their operation's name: CBOR path, X-Amz-Target, Action (in that order). */
import type { AwsProtocol, RequestHead } from '../call.ts'
import type { Catalogue } from '../catalogue/catalogue.ts'
import type { IndexEntry } from '../catalogue/format.ts'
import type { ServiceIndex } from './service-index.ts'
import { spelledNames } from './spelled-names.ts'

export interface RpcName {
  readonly protocol: AwsProtocol
  /** As the caller spelled it, checked to be a name. */
  readonly name: string
  /** Services that may be meant, the likeliest first. */
  readonly candidates: readonly IndexEntry[]
  /** The call names another operation too: see `SpelledNames`. */
  readonly conflict: boolean
}

const NAME = /^[A-Za-z][A-Za-z0-9_]{0,127}$/

const speaks = (entry: IndexEntry, protocols: readonly AwsProtocol[]): boolean =>
  entry.protocols.some((protocol) => protocols.includes(protocol))

/** Protocols that name the operation outside the body. */
const TARGETED: readonly AwsProtocol[] = ['json', 'rpc-v2-cbor']
const RPC: readonly AwsProtocol[] = ['json', 'query', 'ec2', 'rpc-v2-cbor']

/** False for a known signing name whose services are REST only: S3 ignores these headers. */
const mayBeRpc = (known: readonly IndexEntry[] | undefined): boolean =>
  known?.some((entry) => speaks(entry, RPC)) ?? true

const byTarget = (
  index: ServiceIndex,
  known: readonly IndexEntry[] | undefined,
  target: string,
): readonly IndexEntry[] => {
  const named = index.byTarget(target)
  if (known === undefined) return named
  // The signature says which service it is; the target only which of those that share the name.
  return [...known.filter((entry) => named.includes(entry)), ...known]
}

const byAction = (
  index: ServiceIndex,
  known: readonly IndexEntry[] | undefined,
  version: string | undefined,
): readonly IndexEntry[] => {
  const named = version === undefined ? [] : index.byVersion(version)
  if (known === undefined) return named
  return [...known.filter((entry) => named.includes(entry)), ...known]
}

/** Undefined where the call carries no name, or its service would not read it. */
export const rpcNameOf = (
  index: ServiceIndex,
  known: readonly IndexEntry[] | undefined,
  head: RequestHead,
  body: Buffer | undefined,
): RpcName | undefined => {
  if (!mayBeRpc(known)) return undefined
  const { cbor, target: header, form, conflict } = spelledNames(head, body)
  const target = cbor ?? header
  // A query service such as STS does what Action says, whatever target a caller adds.
  const reads = known?.some((entry) => speaks(entry, TARGETED)) ?? true
  if (target !== undefined && reads && NAME.test(target[1])) {
    const protocol = cbor === undefined ? 'json' : 'rpc-v2-cbor'
    return { protocol, name: target[1], candidates: byTarget(index, known, target[0]), conflict }
  }
  if (form === undefined || !NAME.test(form.action)) return undefined
  const candidates = byAction(index, known, form.version)
  const ec2 = candidates.some((entry) => entry.protocols.includes('ec2'))
  return { protocol: ec2 ? 'ec2' : 'query', name: form.action, candidates, conflict }
}

/** The candidate that has the operation, else the likeliest with none. */
export const chooseRpc = (
  catalogue: Catalogue,
  { candidates, name }: RpcName,
): { entry: IndexEntry | undefined; operation: string | undefined } => {
  for (const entry of candidates) {
    if (catalogue.service(entry.id)?.operations.has(name)) return { entry, operation: name }
  }
  return { entry: candidates[0], operation: undefined }
}
