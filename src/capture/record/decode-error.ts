/** `errorCode` and `errorMessage` in CloudTrail's words (reference/formats.md §1.7). */
import { isObject } from '../../event/plain-json.ts'
import { withoutUrlSecrets } from '../../event/redaction.ts'
import type { CapturedAnswer, CapturedCall } from '../call.ts'
import type { Service } from '../catalogue/catalogue.ts'
import { cborBody, jsonBody, xmlBody } from './bodies.ts'
import { childOf, type XmlNode } from './wire/xml.ts'

export interface RecordedError {
  readonly code: string
  readonly message?: string
}

interface WireError {
  readonly code?: string | undefined
  readonly message?: string | undefined
}

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined

const fromXml = (root: XmlNode | undefined): WireError => {
  if (root === undefined) return {}
  // <ErrorResponse><Error>, EC2's <Response><Errors><Error>, S3's bare <Error>.
  const error = childOf(root, 'Error') ?? childOf(childOf(root, 'Errors'), 'Error') ?? root
  return {
    code: text(childOf(error, 'Code')?.text.trim()),
    message: text(childOf(error, 'Message')?.text.trim()),
  }
}

/** `com.amazonaws.sqs#QueueDoesNotExist:http://…` → `QueueDoesNotExist`. */
const shapeName = (code: string | undefined): string | undefined =>
  text(code?.split(':')[0]?.split('#').at(-1))

const fromObject = (value: unknown, header: string | undefined): WireError => {
  const body = isObject(value) ? value : {}
  const code = shapeName(header) ?? shapeName(text(body.__type)) ?? shapeName(text(body.code))
  const message = text(body.message) ?? text(body.Message) ?? text(body.errorMessage)
  return { code, message }
}

/** Old and new SDKs and emulators mix forms, so the body itself says which one it is. */
const wireError = (call: CapturedCall, answer: CapturedAnswer): WireError => {
  if (answer.fault !== undefined) return answer.fault
  const header = answer.headers['x-amzn-errortype']
  const first = answer.body?.subarray(0, 1).toString('latin1')
  if (first === '<') return fromXml(xmlBody(answer.body))
  if (call.identity.protocol === 'rpc-v2-cbor' && first !== '{') {
    return fromObject(cborBody(answer.body), header)
  }
  return fromObject(jsonBody(answer.body), header)
}

/** Answers to HEAD have no body: S3's codes by status. */
const S3_CODES: Readonly<Record<number, string>> = {
  301: 'PermanentRedirect',
  307: 'TemporaryRedirect',
  400: 'BadRequest',
  403: 'AccessDenied',
  405: 'MethodNotAllowed',
  409: 'Conflict',
  412: 'PreconditionFailed',
  416: 'InvalidRange',
  500: 'InternalError',
  503: 'SlowDown',
}

const codeByStatus = (call: CapturedCall, status: number): string => {
  if (call.identity.serviceId !== 's3') return 'UnknownError'
  if (status === 404) return call.identity.key === undefined ? 'NoSuchBucket' : 'NoSuchKey'
  return S3_CODES[status] ?? 'UnknownError'
}

const PREFIXED = /^(Client|Server)\./

const recordedCode = (
  code: string,
  call: CapturedCall,
  service: Service | undefined,
  status: number,
) => {
  if (service?.id === 'ec2') {
    return PREFIXED.test(code) ? code : `${status >= 500 ? 'Server' : 'Client'}.${code}`
  }
  // Denials lose the ending in nearly every service.
  if (code === 'AccessDeniedException') return 'AccessDenied'
  return call.identity.protocol === 'query' ? (service?.errors.get(code) ?? code) : code
}

/** They may fail behind a 200 (API/API_CopyObject.html). Elsewhere a body is the object itself. */
const LATE_FAILURES = new Set(['CopyObject', 'CompleteMultipartUpload', 'UploadPartCopy'])

const failed = (call: CapturedCall, answer: CapturedAnswer): boolean => {
  if (answer.fault !== undefined || answer.status === 0 || answer.status >= 400) return true
  if (call.identity.serviceId !== 's3') return false
  const redirected = answer.status >= 300 && answer.status !== 304
  const late = LATE_FAILURES.has(call.identity.operation ?? '')
  return redirected || (late && xmlRoot(answer.body) === 'Error')
}

const xmlRoot = (body: Buffer | undefined): string | undefined => {
  const head = body?.subarray(0, 256).toString('latin1') ?? ''
  return /^\s*(?:<\?[^>]*\?>\s*)?<([A-Za-z]+)/.exec(head)?.[1]
}

/** Undefined for a call that succeeded. */
export const errorOf = (
  call: CapturedCall,
  answer: CapturedAnswer,
  service: Service | undefined,
): RecordedError | undefined => {
  if (!failed(call, answer)) return undefined
  if (answer.status === 0 && answer.fault === undefined) {
    return { code: 'UnknownError', message: 'No answer came from the service.' }
  }
  const { code, message } = wireError(call, answer)
  return {
    code:
      code === undefined
        ? codeByStatus(call, answer.status)
        : recordedCode(code, call, service, answer.status),
    ...(message === undefined ? {} : { message: withoutUrlSecrets(message) }),
  }
}
