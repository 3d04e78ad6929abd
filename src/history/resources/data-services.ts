/** Storage, data bases, messages and keys. */
import { onEveryCall, type ResourceRule } from './resource-rule.ts'

export const DATA_RULES: Readonly<Record<string, readonly ResourceRule[]>> = {
  's3.amazonaws.com': [onEveryCall('AWS::S3::Bucket', 'request.bucketName')],
  'dynamodb.amazonaws.com': [
    onEveryCall(
      'AWS::DynamoDB::Table',
      'request.tableName',
      'response.tableDescription.tableArn',
      'request.globalTableName',
    ),
  ],
  'sqs.amazonaws.com': [
    onEveryCall('AWS::SQS::Queue', 'request.queueName', 'request.queueUrl', 'response.queueUrl'),
  ],
  'sns.amazonaws.com': [
    onEveryCall('AWS::SNS::Topic', 'request.name', 'request.topicArn', 'response.topicArn'),
    onEveryCall('AWS::SNS::Subscription', 'request.subscriptionArn', 'response.subscriptionArn'),
  ],
  'kms.amazonaws.com': [
    onEveryCall('AWS::KMS::Key', 'request.keyId', 'response.keyMetadata.arn'),
    onEveryCall('AWS::KMS::Alias', 'request.aliasName'),
  ],
  'secretsmanager.amazonaws.com': [
    onEveryCall(
      'AWS::SecretsManager::Secret',
      'request.name',
      'request.secretId',
      // The service itself is of two minds about the member's case.
      'response.arn',
      'response.aRN',
      'response.ARN',
    ),
  ],
  'rds.amazonaws.com': [
    onEveryCall('AWS::RDS::DBInstance', 'request.dBInstanceIdentifier', 'response.dBInstanceArn'),
    onEveryCall('AWS::RDS::DBCluster', 'request.dBClusterIdentifier', 'response.dBClusterArn'),
    onEveryCall('AWS::RDS::DBSnapshot', 'request.dBSnapshotIdentifier', 'response.dBSnapshotArn'),
    onEveryCall('AWS::RDS::DBSecurityGroup', 'request.dBSecurityGroupName'),
    onEveryCall('AWS::RDS::DBSubnetGroup', 'request.dBSubnetGroupName'),
  ],
}
