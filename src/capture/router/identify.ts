/**
 * Names a call: service, operation, protocol, and how CloudTrail spells them. What nobody knows is
 * still named, from its scope and target or from method and path; nothing is dropped and nothing
 * throws.
 */
import type { CallIdentity, RequestHead, SigningScope } from '../call.ts'
import type { Catalogue } from '../catalogue/catalogue.ts'
import { isDataEvent } from '../services/data-events.ts'
import { apiVersionOf, eventNameOf, eventSourceOf, looksReadOnly } from '../services/names.ts'
import { type Found, findCall } from './find.ts'
import { createServiceIndex } from './service-index.ts'

export interface IdentifyOptions {
  /** See `NameOptions`. */
  readonly cloudFrontSuffix?: string
}

export type Identify = (
  head: RequestHead,
  scope: SigningScope | undefined,
  body: Buffer | undefined,
  options?: IdentifyOptions,
) => CallIdentity

/** Of the path in the name of an unknown call; characters. */
const PATH_LENGTH_MAX = 256

const isData = (found: Found): boolean => {
  const { serviceId, operation, signingName, name, target } = found
  if (serviceId === undefined) return false
  const known = operation?.name ?? name
  if (known !== undefined && isDataEvent(serviceId, known, signingName)) return true
  // An operation that S3's model lacks, on an object: no management call has a key.
  return serviceId === 's3' && operation === undefined && target?.key !== undefined
}

const eventNameFor = (found: Found, head: RequestHead, options: IdentifyOptions): string => {
  const { serviceId, operation, signingName, name } = found
  if (serviceId !== undefined && operation !== undefined) {
    return eventNameOf(serviceId, operation.name, { ...options, signingName })
  }
  return name ?? `${head.method} ${head.rawPath.slice(0, PATH_LENGTH_MAX)}`
}

const identityOf = (found: Found, head: RequestHead, options: IdentifyOptions): CallIdentity => {
  const { signingName, serviceId, operation, protocol, target } = found
  const eventName = eventNameFor(found, head, options)
  const apiVersion = serviceId === undefined ? undefined : apiVersionOf(serviceId)
  return {
    ...(serviceId === undefined ? {} : { serviceId }),
    signingName,
    ...(operation === undefined ? {} : { operation: operation.name }),
    protocol,
    eventSource: eventSourceOf(signingName, serviceId),
    eventName,
    ...(apiVersion === undefined ? {} : { apiVersion }),
    readOnly: operation?.readOnly ?? looksReadOnly(eventName),
    category: isData(found) ? 'Data' : 'Management',
    ...target,
    ...(found.conflict === true && { conflict: true }),
  }
}

/**
 * Answers `(head, scope, body, options)`. The scope decides which service it is: what a caller puts
 * into headers or query may only choose among those that share the signing name. Services of the
 * catalogue are read as they are called.
 */
export const identify = (catalogue: Catalogue): Identify => {
  const services = { catalogue, index: createServiceIndex(catalogue) }
  return (head, scope, body, options = {}) =>
    identityOf(findCall(services, head, scope, body), head, options)
}
