/**
 * From a captured call to its sealed records: the fields of reference/formats.md §1.2 in the
 * conventions of the service that was called. Redaction happens here, once; whatever is wrong with
 * a call's bytes, its record is written.
 */
import { partitionOf } from '../../event/arn.ts'
import type { JsonObject } from '../../event/plain-json.ts'
import { type RecordFields, sealRecord } from '../../event/record.ts'
import type { SealedEvent } from '../../event/sealed-event.ts'
import { userIdentityOf } from '../../event/user-identity.ts'
import { uuid } from '../../platform/ids.ts'
import type { CapturedAnswer, CapturedCall, RecordCall } from '../call.ts'
import type { Catalogue, Operation, Service } from '../catalogue/catalogue.ts'
import { casingOf, datesOf, hidesDeniedParameters } from '../services/conventions.ts'
import { createRedactionOverlay } from '../services/redaction-overlay.ts'
import { resourcesOf } from '../services/resources.ts'
import { xmlBody } from './bodies.ts'
import { errorOf, type RecordedError } from './decode-error.ts'
import { requestParametersOf } from './decode-request.ts'
import { responseElementsOf } from './decode-response.ts'
import type { RenderContext } from './render.ts'
import { deletedKeys } from './s3/deleted-keys.ts'
import { s3AdditionalData, s3Elements, s3Resources } from './s3/facts.ts'
import { s3Parameters } from './s3/parameters.ts'
import { childOf } from './wire/xml.ts'

export interface RecordCallOptions {
  readonly catalogue: Catalogue
  /**
   * Session tokens in the answers of STS stay in records, as AWS leaves them. Off: they are
   * replaced, because no secret is to stand in any record (docs/formats/event.md).
   */
  readonly keepSessionTokens?: boolean
  /** Ids of the further records of a call: DeleteObjects writes one per key. */
  readonly newId?: () => string
  /**
   * Told when a call's contents could not be read because of a mistake in this program. The record
   * is written without them all the same.
   */
  readonly failed?: (error: unknown, call: CapturedCall) => void
}

const NOTHING: ReadonlySet<string> = new Set()

/** S3 and S3 Control record what stood on the wire. */
const isS3 = (call: CapturedCall): boolean =>
  call.identity.serviceId === 's3' || call.identity.serviceId === 's3control'

const requestIdOf = (answer: CapturedAnswer): string | undefined => {
  const { headers } = answer
  const header = headers['x-amzn-requestid'] ?? headers['x-amz-request-id']
  if (header !== undefined) return header
  if (answer.body?.[0] !== 0x3c) return undefined
  // Query services name it in the body: <ResponseMetadata><RequestId>, <RequestId>, EC2's <requestId>.
  const root = xmlBody(answer.body)
  const places = [childOf(root, 'ResponseMetadata'), root]
  for (const place of places) {
    for (const name of ['RequestId', 'RequestID', 'requestId']) {
      const text = childOf(place, name)?.text.trim()
      if (text !== undefined && text !== '') return text
    }
  }
  return undefined
}

/** S3 puts square brackets around it. */
const userAgentOf = (call: CapturedCall): string | undefined => {
  const text = call.head.headers['user-agent']
  return text === undefined || !isS3(call) ? text : `[${text}]`
}

const tlsDetailsOf = (call: CapturedCall): JsonObject | undefined => {
  if (call.tls === undefined) return undefined
  const { host } = call.head.headers
  return {
    tlsVersion: call.tls.version,
    cipherSuite: call.tls.cipherSuite,
    ...(host === undefined ? {} : { clientProvidedHostHeader: host }),
  }
}

/** `captureIncomplete` stands as in an intent without an outcome (docs/formats/event.md). */
const additionalDataOf = (
  call: CapturedCall,
  answer: CapturedAnswer | undefined,
  s3: boolean,
): JsonObject | undefined => {
  const data = s3 ? s3AdditionalData(call, answer) : undefined
  return answer?.incomplete === true ? { captureIncomplete: true, ...data } : data
}

interface Contents {
  readonly parameters: JsonObject | null
  readonly elements: JsonObject | null
  readonly error: RecordedError | undefined
}

const fieldsOf = (
  call: CapturedCall,
  answer: CapturedAnswer | undefined,
  { parameters, elements, error }: Contents,
): RecordFields => {
  const { identity } = call
  const { serviceId, operation } = identity
  const s3 = isS3(call)
  return {
    userIdentity: userIdentityOf(call.caller, partitionOf(call.region)),
    eventTime: answer?.completedAt ?? call.startedAt,
    eventSource: identity.eventSource,
    eventName: identity.eventName,
    awsRegion: call.region,
    sourceIPAddress: call.sourceIp,
    userAgent: userAgentOf(call),
    errorCode: error?.code,
    errorMessage: error?.message,
    requestParameters: parameters,
    responseElements: elements,
    additionalEventData: additionalDataOf(call, answer, s3),
    requestID: answer === undefined ? undefined : requestIdOf(answer),
    eventID: call.eventId,
    readOnly: identity.readOnly,
    resources: s3
      ? s3Resources(call)
      : serviceId === undefined || parameters === null
        ? undefined
        : resourcesOf(serviceId, operation ?? '', { ...call, parameters }),
    eventType: 'AwsApiCall',
    apiVersion: identity.apiVersion,
    managementEvent: identity.category === 'Management',
    recipientAccountId: call.account,
    eventCategory: identity.category,
    tlsDetails: tlsDetailsOf(call),
  }
}

/** The record of one key of DeleteObjects: its own id, the same request. */
const deleteObjectFields = (
  call: CapturedCall,
  fields: RecordFields,
  key: string,
  versionId: string | undefined,
  error: RecordedError | undefined,
  eventID: string,
): RecordFields => ({
  ...fields,
  eventName: 'DeleteObject',
  errorCode: error?.code,
  errorMessage: error?.message,
  requestParameters: {
    ...(call.identity.bucket === undefined ? {} : { bucketName: call.identity.bucket }),
    ...(call.head.headers.host === undefined ? {} : { Host: call.head.headers.host }),
    key,
    ...(versionId === undefined ? {} : { versionId }),
  },
  responseElements: null,
  // The bytes belong to the request as a whole, which has its own record.
  additionalEventData: {
    ...fields.additionalEventData,
    bytesTransferredIn: 0,
    bytesTransferredOut: 0,
  },
  eventID,
  resources: s3Resources(call, key),
})

type ContextOf = (
  call: CapturedCall,
  service: Service | undefined,
  operation: Operation | undefined,
  side: 'request' | 'response',
) => RenderContext

const createContextOf = (keepSessionTokens: boolean): ContextOf => {
  const overlay = createRedactionOverlay({ keepSessionTokens })
  return (call, service, operation, side) => {
    const { signingName } = call.identity
    return {
      keys: 'wire',
      casing: casingOf(signingName),
      date: datesOf(signingName),
      rules: overlay(service?.id ?? '', operation?.name ?? '', side),
      sensitiveNames: service?.sensitiveNames ?? (() => NOTHING),
    }
  }
}

const contentsOf = (
  catalogue: Catalogue,
  contextOf: ContextOf,
  call: CapturedCall,
  answer: CapturedAnswer | undefined,
): Contents => {
  const { serviceId, operation: name } = call.identity
  const service = serviceId === undefined ? undefined : catalogue.service(serviceId)
  const operation = name === undefined ? undefined : service?.operations.get(name)
  const context = contextOf(call, service, operation, 'request')
  const parameters = isS3(call)
    ? s3Parameters(context, operation, call)
    : requestParametersOf(context, operation, call)
  if (answer === undefined) return { parameters, elements: null, error: undefined }
  const error = errorOf(call, answer, service)
  if (error !== undefined) {
    const hidden = error.code.startsWith('AccessDenied') && hidesDeniedParameters(serviceId)
    return { parameters: hidden ? null : parameters, elements: null, error }
  }
  const elements = isS3(call)
    ? s3Elements(call, answer)
    : responseElementsOf(
        contextOf(call, service, operation, 'response'),
        service,
        operation,
        call,
        answer,
      )
  return { parameters, elements, error }
}

/** The record of the call, and for S3's DeleteObjects one more for every key. */
const eventsOf = (
  call: CapturedCall,
  answer: CapturedAnswer | undefined,
  contents: Contents,
  newId: () => string,
): SealedEvent[] => {
  const fields = fieldsOf(call, answer, contents)
  const events: SealedEvent[] = [sealRecord(fields, { kind: 'capture' })]
  const { serviceId, operation } = call.identity
  if (serviceId !== 's3' || operation !== 'DeleteObjects') return events
  if (answer === undefined || contents.error !== undefined) return events
  for (const { key, versionId, error } of deletedKeys(call, answer)) {
    const single = deleteObjectFields(call, fields, key, versionId, error, newId())
    events.push(sealRecord(single, { kind: 'capture' }))
  }
  return events
}

export const createRecordCall = ({
  catalogue,
  keepSessionTokens = false,
  newId = uuid,
  failed = () => {},
}: RecordCallOptions): RecordCall => {
  const contextOf = createContextOf(keepSessionTokens)
  /** An event is worth more than its details: those alone are lost when they cannot be read. */
  const safeContentsOf = (call: CapturedCall, answer: CapturedAnswer | undefined): Contents => {
    try {
      return contentsOf(catalogue, contextOf, call, answer)
    } catch (error) {
      failed(error, call)
      return { parameters: null, elements: null, error: undefined }
    }
  }
  return (call, answer) => eventsOf(call, answer, safeContentsOf(call, answer), newId)
}
