/**
 * The record of Clew's own put: a data event of S3 made by an AWS service
 * (reference/formats.md §9.1). It is never delivered to the trail that caused it.
 */
import { createHash } from 'node:crypto'
import { sealRecord } from '../../event/record.ts'
import type { SealedEvent } from '../../event/sealed-event.ts'
import type { BucketFacts } from '../../outlets/object-store.ts'
import { TRAIL_OBJECT_ACL, TRAIL_SERVICE } from '../bucket-access.ts'

export interface OwnPut {
  readonly trailArn: string
  readonly bucket: string
  readonly key: string
  /** As sent. */
  readonly bytes: number
  /** Epoch milliseconds; the same for a repeat, so that the repeat is the same event. */
  readonly at: number
}

/** A UUID of the put: RFC 9562 §5.8 (version 8: made by our own rule, from a hash). */
const eventIdOf = (put: OwnPut): string => {
  const bytes = createHash('sha256')
    .update([put.trailArn, put.bucket, put.key, put.at].join('\n'))
    .digest()
    .subarray(0, 16)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join('-')
}

export const recordOfPut = (put: OwnPut, bucket: BucketFacts): SealedEvent => {
  const partition = put.trailArn.split(':')[1] ?? 'aws'
  const arn = `arn:${partition}:s3:::${put.bucket}`
  return sealRecord(
    {
      userIdentity: { type: 'AWSService', invokedBy: TRAIL_SERVICE },
      eventTime: put.at,
      eventSource: 's3.amazonaws.com',
      eventName: 'PutObject',
      awsRegion: bucket.region,
      sourceIPAddress: TRAIL_SERVICE,
      userAgent: TRAIL_SERVICE,
      requestParameters: {
        bucketName: put.bucket,
        Host: `${put.bucket}.s3.${bucket.region}.amazonaws.com`,
        'x-amz-acl': TRAIL_OBJECT_ACL,
        key: put.key,
      },
      responseElements: null,
      additionalEventData: {
        bytesTransferredIn: put.bytes,
        httpStatusCode: 200,
        bytesTransferredOut: 0,
      },
      eventID: eventIdOf(put),
      readOnly: false,
      resources: [
        { accountId: bucket.account, type: 'AWS::S3::Bucket', ARN: arn },
        { type: 'AWS::S3::Object', ARN: `${arn}/${put.key}` },
      ],
      eventType: 'AwsApiCall',
      managementEvent: false,
      recipientAccountId: bucket.account,
      eventCategory: 'Data',
    },
    { kind: 'delivery', trailArn: put.trailArn },
  )
}
