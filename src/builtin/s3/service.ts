/**
 * The built-in S3: what docs/builtin-s3.md lists, on the file-system object store. A call arrives
 * with its signature verified; here it is routed, authorized and answered.
 */
import type { BuiltinService, ServiceAnswer, VerifiedCall } from '../../identity/verified-call.ts'
import type { BucketRecord } from '../../outlets/file-system/buckets.ts'
import { messageOf, systemCodeOf } from '../../platform/errors.ts'
import { errorBody } from './answer.ts'
import { requireAccess } from './authorize.ts'
import { readSmall, SMALL_BODY_BYTES_MAX } from './body.ts'
import { invalidArgument, S3Fault } from './fault.ts'
import { extendedRequestId } from './names.ts'
import { parseTarget, type S3Context, type S3Request } from './request.ts'
import { findRoute, type Route } from './route.ts'
import { ROUTES } from './routes.ts'
import { faultOfStoreError } from './store-errors.ts'

export type BuiltinS3Options = S3Context

const checkVersionId = ({ query }: S3Request): void => {
  const versionId = query.get('versionId')
  if (versionId === undefined || versionId === 'null') return
  throw invalidArgument('Invalid version id specified', 'versionId', versionId)
}

const checkExpectedOwner = ({ headers }: S3Request, bucket: BucketRecord): void => {
  const expected = headers['x-amz-expected-bucket-owner']
  if (expected !== undefined && expected !== bucket.account) throw new S3Fault('AccessDenied')
}

/**
 * What is done MUST be what the record will say. `PUT ?acl&policy` reads as two operations, and
 * whoever recorded one while the other is done would let a policy change pass for an ACL's. S3 too
 * refuses conflicting sub-resources with this code.
 */
const checkSameOperation = (call: VerifiedCall, { operation }: Route): void => {
  if (call.operation === undefined || call.operation === operation) return
  throw invalidArgument(
    `Conflicting query string parameters: the request reads as ${call.operation} and as ${operation}.`,
    'ResourceType',
    operation,
  )
}

const allow = async (
  request: S3Request,
  context: S3Context,
  action: string | undefined,
  bucket: BucketRecord | undefined,
): Promise<void> => {
  if (action === undefined) return
  const key = request.key === '' ? undefined : request.key
  await requireAccess(context, request.call, action, bucket, key)
}

const answerRoute = async (
  route: Route,
  request: S3Request,
  context: S3Context,
): Promise<ServiceAnswer> => {
  if (!route.needsBucket) {
    await allow(request, context, route.action, undefined)
    if (route.readsBody !== true) await readSmall(request.call.body, SMALL_BODY_BYTES_MAX)
    return route.handle(request, context)
  }
  const owner = context.store.buckets.find(request.bucket)
  // Whoever is refused does not learn whether the bucket exists; without one only root passes.
  const action = owner === undefined ? 's3:ListBucket' : route.action
  await allow(request, context, action, owner)
  if (owner === undefined) {
    throw new S3Fault('NoSuchBucket', undefined, { BucketName: request.bucket })
  }
  checkExpectedOwner(request, owner)
  checkVersionId(request)
  if (route.readsBody !== true) await readSmall(request.call.body, SMALL_BODY_BYTES_MAX)
  return route.handle({ ...request, owner }, context)
}

interface WireError {
  readonly status: number
  readonly code: string
  readonly message: string
  readonly details: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string>>
}

/** Codes the gateway's body errors with are AWS's: `SignatureDoesNotMatch`, never `ENOSPC`. */
const AWS_CODE = /^[A-Z](?=[A-Za-z0-9]*[a-z])[A-Za-z0-9]+$/
const FORBIDDEN_CODES = new Set(['SignatureDoesNotMatch', 'AccessDenied', 'RequestTimeTooSkewed'])
const GONE_CODES = new Set(['ERR_STREAM_PREMATURE_CLOSE', 'ECONNRESET', 'ABORT_ERR'])

const bodyErrorOf = (error: unknown): WireError | undefined => {
  const code = systemCodeOf(error)
  if (code === undefined) return undefined
  if (GONE_CODES.has(code)) return new S3Fault('IncompleteBody')
  if (!AWS_CODE.test(code)) return undefined
  const given =
    error instanceof Error && 'status' in error && typeof error.status === 'number'
      ? error.status
      : undefined
  const status = given ?? (FORBIDDEN_CODES.has(code) ? 403 : 400)
  return { status, code, message: messageOf(error), details: {}, headers: {} }
}

const errorAnswer = (call: VerifiedCall, error: WireError): ServiceAnswer => {
  const { status, headers } = error
  if (call.method === 'HEAD') return { status, headers, body: Buffer.alloc(0) }
  const body = errorBody({
    Code: error.code,
    Message: error.message,
    ...error.details,
    Resource: call.rawPath,
    RequestId: call.requestId,
    HostId: extendedRequestId(call.requestId),
  })
  return { status, headers: { 'content-type': 'application/xml', ...headers }, body }
}

const finish = (call: VerifiedCall, answer: ServiceAnswer): ServiceAnswer => {
  const headers: Record<string, string> = {
    'x-amz-request-id': call.requestId,
    'x-amz-id-2': extendedRequestId(call.requestId),
    ...answer.headers,
  }
  const hasLength = call.method !== 'HEAD' && answer.status !== 204 && answer.status !== 304
  if (hasLength && Buffer.isBuffer(answer.body)) {
    headers['content-length'] ??= String(answer.body.length)
  }
  return { ...answer, headers }
}

export const createBuiltinS3 = (options: BuiltinS3Options): BuiltinService => {
  const answer = async (call: VerifiedCall): Promise<ServiceAnswer> => {
    const target = parseTarget(call)
    const route = findRoute(ROUTES, target, call.method, call.headers)
    checkSameOperation(call, route)
    const request = { ...target, call, headers: call.headers, operation: route.operation }
    try {
      return await answerRoute(route, request, options)
    } catch (error) {
      throw faultOfStoreError(error, target)
    }
  }
  return async (call) => {
    try {
      return finish(call, await answer(call))
    } catch (error) {
      const known = error instanceof S3Fault ? error : bodyErrorOf(error)
      if (known === undefined) {
        options.logger.error(
          { error, requestId: call.requestId, method: call.method },
          'The built-in S3 failed to answer.',
        )
      }
      return finish(call, errorAnswer(call, known ?? new S3Fault('InternalError')))
    }
  }
}
