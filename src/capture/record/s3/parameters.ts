/**
 * requestParameters of S3: not the model's members but what stood on the wire: bucketName, Host,
 * key, every query parameter, x-amz-* headers, and XML bodies as they are (reference/capture.md
 * §1.4; checked against real records).
 */
import { isObject, type JsonObject, parseJson } from '../../../event/plain-json.ts'
import { HIDDEN } from '../../../event/redaction.ts'
import type { CapturedCall } from '../../call.ts'
import type { Operation } from '../../catalogue/catalogue.ts'
import { UNKNOWN_SHAPE } from '../../catalogue/shapes.ts'
import { formBody, isTooLarge, tooLarge, xmlBody } from '../bodies.ts'
import { put } from '../redact.ts'
import { type RenderContext, renderValue } from '../render.ts'
import { parsePairs } from '../wire/form.ts'
import { naiveXml } from '../xml-values.ts'

/**
 * Of signed URLs: the signature and the session token are secrets, the rest AWS shows. `x-id` is a
 * note of the SDK to itself.
 */
const HIDDEN_QUERY = /^(x-amz-signature|signature|x-amz-security-token|x-id)$/i

/** Headers of transport and signature, checksums and user metadata; none is in real records. */
const UNRECORDED_HEADER =
  /^x-amz-(security-token|content-sha256|date|user-agent|account-id|decoded-content-length|trailer|te|mfa|sdk-.*|checksum-.*|meta-.*|server-side-encryption-customer-key.*|copy-source-server-side-encryption-customer-key.*|id-2|request-id)$/

/** May hold what the caller encrypts with. */
const HIDDEN_HEADER = 'x-amz-server-side-encryption-context'

const addHeaders = (values: Record<string, unknown>, call: CapturedCall): void => {
  for (const [name, text] of Object.entries(call.head.headers)) {
    if (!name.startsWith('x-amz-') || UNRECORDED_HEADER.test(name)) continue
    values[name] = name === HIDDEN_HEADER ? HIDDEN : text
  }
}

/** Where the record says what was addressed: neither query nor body may say it anew. */
const FACTS: ReadonlySet<string> = new Set(['bucketName', 'Host', 'key'])

const addQuery = (values: Record<string, unknown>, call: CapturedCall): void => {
  for (const [name, text] of parsePairs(call.head.rawQuery, false)) {
    if (!HIDDEN_QUERY.test(name) && !FACTS.has(name)) put(values, name, text)
  }
}

/** Bucket policies are JSON: `bucketPolicy`, whatever the sub-resource is called. */
const POLICY_OPERATIONS = new Set(['PutBucketPolicy', 'PutAccessPointPolicy'])

/** Lists of parts, of keys and of expressions: the call has its own facts, or one record per key. */
const BODY_UNRECORDED = new Set(['CompleteMultipartUpload', 'DeleteObjects', 'SelectObjectContent'])

/** True where the body is XML or a policy. What the model calls bytes is an object. */
const hasRecordedBody = ({ name, input }: Operation): boolean => {
  if (input === undefined || BODY_UNRECORDED.has(name)) return false
  if (POLICY_OPERATIONS.has(name)) return true
  return input.payload === undefined
    ? input.byWire.size > 0
    : input.payload.shape().kind === 'structure'
}

const addBody = (
  values: Record<string, unknown>,
  context: RenderContext,
  operation: Operation,
  body: Buffer,
): void => {
  if (POLICY_OPERATIONS.has(operation.name)) {
    const policy = parseJson(formBody(body))
    if (isObject(policy)) put(values, 'bucketPolicy', policy)
    return
  }
  const root = xmlBody(body)
  if (root === undefined) return
  const plain: RenderContext = { ...context, casing: (name) => name }
  const content = renderValue(plain, UNKNOWN_SHAPE, naiveXml(root))
  if (content !== '' && !FACTS.has(root.name)) put(values, root.name, content)
}

export const s3Parameters = (
  context: RenderContext,
  operation: Operation | undefined,
  call: CapturedCall,
): JsonObject => {
  const { bucket, key } = call.identity
  const { host } = call.head.headers
  const values: Record<string, unknown> = {
    ...(bucket === undefined ? {} : { bucketName: bucket }),
    ...(host === undefined ? {} : { Host: host }),
    ...(key === undefined ? {} : { key }),
  }
  addQuery(values, call)
  addHeaders(values, call)
  if (operation === undefined || call.body === undefined || !hasRecordedBody(operation))
    return values
  if (isTooLarge(call.body)) return tooLarge('requestParameters', call.body)
  addBody(values, context, operation, call.body)
  return values
}
