/**
 * Sub-resources that this server does not have. Reads answer what AWS answers for a bucket on which
 * nothing was configured, which is the truth; deleting what is not there succeeds; writing is
 * refused by name.
 */
import { emptyAnswer, group, leaf, xmlAnswer } from '../answer.ts'
import { notImplemented, type S3Code, S3Fault } from '../fault.ts'
import type { BucketHandler } from '../request.ts'

/** A read that answers this document. */
export const answersDocument =
  (root: string, content = ''): BucketHandler =>
  async () =>
    xmlAnswer(root, content)

/** A read that answers this error. */
export const answersFault =
  (code: S3Code, message?: string): BucketHandler =>
  async ({ bucket }) => {
    throw new S3Fault(code, message, { BucketName: bucket })
  }

/** With an id one configuration was asked for, and there is none. */
export const answersEmptyList =
  (root: string): BucketHandler =>
  async ({ query }) => {
    if (query.has('id')) throw new S3Fault('NoSuchConfiguration')
    return xmlAnswer(root, leaf('IsTruncated', false))
  }

export const deletesNothing: BucketHandler = async () => emptyAnswer(204)

export const refused: BucketHandler = async ({ operation }) => {
  throw notImplemented(operation)
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html */
export const getBucketEncryption = answersDocument(
  'ServerSideEncryptionConfiguration',
  group(
    'Rule',
    group('ApplyServerSideEncryptionByDefault', leaf('SSEAlgorithm', 'AES256')),
    leaf('BucketKeyEnabled', false),
  ),
)
