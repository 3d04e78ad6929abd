import type { AwsProtocol } from '../../call.ts'
import { isS3Family } from '../canonical-request.ts'
import { EC2_ANSWERS, JSON_ANSWERS, QUERY_ANSWERS } from './common-answers.ts'
import { S3_ANSWERS } from './s3-answers.ts'
import type {
  SignatureAnswer,
  SignatureAnswers,
  SignatureProblem,
  SignatureReason,
} from './signature-problem.ts'

/** What to answer, in AWS's words, and why. */
export interface SignatureFault extends SignatureAnswer {
  readonly reason: SignatureReason
}

/** CloudFront and Route 53 speak XML, but with the codes of the query services. */
const answersFor = (protocol: AwsProtocol, signingName: string | undefined): SignatureAnswers => {
  if (protocol === 'ec2') return EC2_ANSWERS
  if (protocol === 'query') return QUERY_ANSWERS
  if (protocol !== 'rest-xml') return JSON_ANSWERS
  return signingName === undefined || isS3Family(signingName) ? S3_ANSWERS : QUERY_ANSWERS
}

/** The error with which the service that a client believes to talk to refuses its signature. */
export const signatureFault = (
  protocol: AwsProtocol,
  signingName: string | undefined,
  problem: SignatureProblem,
): SignatureFault => {
  // The table's key is the reason, so the entry takes exactly this problem; TypeScript cannot
  // follow that correlation through an index.
  const answer = answersFor(protocol, signingName)[problem.reason] as (
    given: SignatureProblem,
  ) => SignatureAnswer
  return { ...answer(problem), reason: problem.reason }
}
