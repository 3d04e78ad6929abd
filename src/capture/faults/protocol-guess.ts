import type { AwsProtocol, RequestHead } from '../call.ts'

/** The services that speak XML over REST; all others with paths of their own speak JSON. */
const REST_XML: ReadonlySet<string> = new Set(['s3', 's3express', 'cloudfront', 'route53'])

/**
 * The protocol of a request of which nothing but the head is known, to answer an error in.
 * `signingName` is what the signature names, if there is one. The catalogue knows better.
 */
export const protocolGuess = (head: RequestHead, signingName?: string): AwsProtocol => {
  const { headers } = head
  if (headers['smithy-protocol'] === 'rpc-v2-cbor') return 'rpc-v2-cbor'
  const contentType = headers['content-type'] ?? ''
  if (headers['x-amz-target'] !== undefined) return 'json'
  if (contentType.startsWith('application/x-amz-json')) return 'json'
  if (signingName !== undefined && REST_XML.has(signingName)) return 'rest-xml'
  const form = contentType.startsWith('application/x-www-form-urlencoded')
  if (form || /(?:^|&)Action=/.test(head.rawQuery)) return signingName === 'ec2' ? 'ec2' : 'query'
  if (signingName !== undefined) return 'rest-json'
  // Unsigned, or a signature of version 2: mostly S3, unless it says that it sends JSON.
  return contentType.startsWith('application/json') ? 'rest-json' : 'rest-xml'
}
