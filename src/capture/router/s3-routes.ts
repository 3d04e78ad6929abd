/** S3's operations: told apart by method, level (service, bucket, object), query and headers. */
import type { RequestHead } from '../call.ts'
import type { Operation, Service } from '../catalogue/catalogue.ts'
import { better, type Match, type Route, routesOf, scoreOf } from './routes.ts'
import type { S3Target } from './s3-target.ts'

type Level = 'service' | 'bucket' | 'object'

const levelOf = (target: S3Target): Level => {
  if (target.bucket === undefined) return 'service'
  return target.key === undefined ? 'bucket' : 'object'
}

const levelOfRoute = ({ template }: Route): Level | undefined => {
  // WriteGetObjectResponse is the one literal path; it belongs to Object Lambda.
  if (template.literals > 0) return undefined
  if (template.segments.length === 0) return 'service'
  return template.greedyAt < 0 ? 'bucket' : 'object'
}

const levels = new WeakMap<readonly Route[], ReadonlyMap<Level | undefined, readonly Route[]>>()

const routesAt = (service: Service, method: string, level: Level): readonly Route[] => {
  const routes = routesOf(service, method)
  let grouped = levels.get(routes)
  if (grouped === undefined) {
    grouped = Map.groupBy(routes, levelOfRoute)
    levels.set(routes, grouped)
  }
  return grouped.get(level) ?? []
}

/** Both are `GET /`: only the scope tells that directory buckets are meant. */
const isOtherList = (operation: Operation, signingName: string): boolean =>
  operation.name === (signingName === 's3express' ? 'ListBuckets' : 'ListDirectoryBuckets')

export const matchS3 = (
  service: Service,
  head: RequestHead,
  target: S3Target,
  query: ReadonlyMap<string, string>,
  signingName: string,
): Operation | undefined => {
  if (signingName === 's3-object-lambda' && head.rawPath === '/WriteGetObjectResponse') {
    return service.operations.get('WriteGetObjectResponse')
  }
  let best: Match | undefined
  for (const route of routesAt(service, head.method, levelOf(target))) {
    if (isOtherList(route.operation, signingName)) continue
    const score = scoreOf(route, head, query)
    if (score !== undefined) best = better(best, { operation: route.operation, score })
  }
  return best?.operation
}

/** A browser's form upload, which no model has (AmazonS3/latest/API/RESTObjectPOST.html). */
export const isFormUpload = (head: RequestHead, target: S3Target): boolean =>
  head.method === 'POST' &&
  target.bucket !== undefined &&
  target.key === undefined &&
  (head.headers['content-type'] ?? '').startsWith('multipart/form-data')
