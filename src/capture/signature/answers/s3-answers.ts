/** S3's errors for signatures (S3 API reference, "Error responses"; texts as S3 sends them). */
import { formatAmzDate } from '../amz-date.ts'
import type { SignatureAnswers } from './signature-problem.ts'

const denied = (message: string, details?: Record<string, string>) => ({
  status: 403,
  code: 'AccessDenied',
  message,
  ...(details && { details }),
})

const times = (at: number, now: number): Record<string, string> => ({
  Expires: new Date(at).toISOString(),
  ServerTime: new Date(now).toISOString(),
})

export const S3_ANSWERS: SignatureAnswers = {
  missing: () => denied('Access Denied'),
  several: () => ({
    status: 400,
    code: 'InvalidArgument',
    message:
      'Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified',
    details: { ArgumentName: 'Authorization' },
  }),
  unsupported: ({ detail }) => ({ status: 400, code: 'InvalidRequest', message: detail }),
  malformed: ({ place, detail }) => ({
    status: 400,
    ...(place === 'header'
      ? {
          code: 'AuthorizationHeaderMalformed',
          message: `The authorization header is malformed; ${detail}`,
        }
      : { code: 'AuthorizationQueryParametersError', message: detail }),
  }),
  'no-date': () => denied('AWS authentication requires a valid Date or x-amz-date header'),
  skewed: ({ at, now, skewMs }) => ({
    status: 403,
    code: 'RequestTimeTooSkewed',
    message: 'The difference between the request time and the current time is too large.',
    details: {
      RequestTime: formatAmzDate(at),
      ServerTime: new Date(now).toISOString(),
      MaxAllowedSkewMilliseconds: String(skewMs),
    },
  }),
  'url-expired': ({ at, now }) => denied('Request has expired', times(at, now)),
  'url-early': ({ at, now }) => denied('Request is not valid yet', times(at, now)),
  'unknown-key': ({ accessKeyId }) => ({
    status: 403,
    code: 'InvalidAccessKeyId',
    message: 'The AWS Access Key Id you provided does not exist in our records.',
    details: { AWSAccessKeyId: accessKeyId },
  }),
  'bad-token': () => ({
    status: 400,
    code: 'InvalidToken',
    message: 'The provided token is malformed or otherwise invalid.',
  }),
  'expired-token': () => ({
    status: 400,
    code: 'ExpiredToken',
    message: 'The provided token has expired.',
  }),
  'unsigned-header': ({ name }) =>
    denied('There were headers present in the request which were not signed', {
      HeadersNotSigned: name,
    }),
  'bad-payload': ({ detail }) => ({ status: 400, code: 'InvalidArgument', message: detail }),
  'wrong-service': ({ expected }) => ({
    status: 400,
    code: 'AuthorizationHeaderMalformed',
    message: `The authorization header is malformed; incorrect service. This endpoint belongs to "${expected}".`,
  }),
  mismatch: () => ({
    status: 403,
    code: 'SignatureDoesNotMatch',
    message:
      'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
  }),
}
