/**
 * The errors of all other services (IAM and STS "Common errors", EC2 "Error codes", the common
 * errors of the JSON services). The three families differ in codes, and EC2 in texts. The status
 * is 403 throughout, as AWS documents them.
 */
import { formatAmzDate } from '../amz-date.ts'
import type { SignatureAnswers } from './signature-problem.ts'

interface Family {
  readonly missing: string
  readonly malformed: string
  readonly several: string
  readonly mismatch: string
  readonly token: string
  readonly expiredToken: string
  readonly late: string
  /** EC2 says one sentence for all that is wrong, and another for all that is late. */
  readonly refusedText?: string
  readonly lateText?: string
}

const JSON_FAMILY: Family = {
  missing: 'MissingAuthenticationTokenException',
  malformed: 'IncompleteSignatureException',
  several: 'InvalidSignatureException',
  mismatch: 'InvalidSignatureException',
  token: 'UnrecognizedClientException',
  expiredToken: 'ExpiredTokenException',
  late: 'InvalidSignatureException',
}

const QUERY_FAMILY: Family = {
  missing: 'MissingAuthenticationToken',
  malformed: 'IncompleteSignature',
  several: 'IncompleteSignature',
  mismatch: 'SignatureDoesNotMatch',
  token: 'InvalidClientTokenId',
  expiredToken: 'ExpiredToken',
  late: 'SignatureDoesNotMatch',
}

const EC2_FAMILY: Family = {
  missing: 'MissingAuthenticationToken',
  malformed: 'IncompleteSignature',
  several: 'IncompleteSignature',
  mismatch: 'AuthFailure',
  token: 'AuthFailure',
  expiredToken: 'RequestExpired',
  late: 'RequestExpired',
  refusedText: 'AWS was not able to validate the provided access credentials',
  lateText: 'Request has expired.',
}

const MISMATCH =
  'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.'

const lateText = (at: number, now: number, skewMs: number): string => {
  const minutes = Math.round(skewMs / 60_000)
  const [given, server] = [formatAmzDate(at), formatAmzDate(now)]
  return at < now
    ? `Signature expired: ${given} is now earlier than ${formatAmzDate(now - skewMs)} (${server} - ${minutes} min.)`
    : `Signature not yet current: ${given} is still later than ${formatAmzDate(now + skewMs)} (${server} + ${minutes} min.)`
}

const answersOf = (family: Family): SignatureAnswers => {
  const refused = (code: string, message: string) => ({ status: 403, code, message })
  const token = () =>
    refused(
      family.token,
      family.refusedText ?? 'The security token included in the request is invalid.',
    )
  const late = ({ at, now, skewMs = 0 }: { at: number; now: number; skewMs?: number }) =>
    refused(family.late, family.lateText ?? lateText(at, now, skewMs))
  return {
    missing: () => refused(family.missing, 'Request is missing Authentication Token'),
    several: () =>
      refused(
        family.several,
        'Only one auth mechanism allowed: the Authorization header or a signature in the query string, not both.',
      ),
    unsupported: ({ detail }) => refused(family.malformed, detail),
    malformed: ({ detail }) => refused(family.malformed, detail),
    'no-date': () =>
      refused(
        family.malformed,
        "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.",
      ),
    skewed: late,
    'url-expired': late,
    'url-early': late,
    'unknown-key': token,
    'bad-token': token,
    'expired-token': () =>
      refused(
        family.expiredToken,
        family.lateText ?? 'The security token included in the request is expired',
      ),
    'unsigned-header': ({ name }) =>
      refused(family.mismatch, `'${name}' must be a 'SignedHeader' in the AWS Authorization.`),
    'bad-payload': ({ detail }) => refused(family.mismatch, detail),
    'wrong-service': ({ expected }) =>
      refused(family.mismatch, `Credential should be scoped to correct service: '${expected}'.`),
    mismatch: () => refused(family.mismatch, family.refusedText ?? MISMATCH),
  }
}

export const JSON_ANSWERS = answersOf(JSON_FAMILY)
export const QUERY_ANSWERS = answersOf(QUERY_FAMILY)
export const EC2_ANSWERS = answersOf(EC2_FAMILY)
