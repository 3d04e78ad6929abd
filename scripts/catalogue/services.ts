/** The services of the capture catalogue by the names of their models (botocore's folder names). */
export const SERVICES = [
  ...['acm', 'acm-pca', 'apigateway', 'appsync', 'autoscaling', 'batch', 'cloudformation'],
  ...['cloudfront', 'cloudhsm', 'cloudhsmv2', 'cloudtrail', 'cloudtrail-data', 'cloudwatch'],
  ...['codebuild', 'codecommit', 'codepipeline', 'cognito-identity', 'cognito-idp'],
  ...['cognito-sync', 'config', 'datapipeline', 'ds', 'ds-data', 'dynamodb', 'dynamodbstreams'],
  ...['ec2', 'ecr', 'ecs', 'eks', 'elasticbeanstalk', 'elb', 'elbv2', 'emr', 'emr-containers'],
  ...['emr-serverless', 'events', 'globalaccelerator', 'glue', 'guardduty', 'iam'],
  ...['identitystore', 'inspector', 'inspector2', 'iot', 'iot-data', 'kinesis', 'kms', 'lambda'],
  ...['lightsail', 'logs', 'mediaconvert', 'mq', 'organizations', 'outposts', 'quicksight'],
  ...['rds', 'redshift', 'redshift-data', 'redshift-serverless', 'route53', 's3', 's3control'],
  ...['s3outposts', 'sagemaker', 'sagemaker-runtime', 'secretsmanager', 'shield', 'snowball'],
  ...['sns', 'sqs', 'ssm', 'sso', 'sso-admin', 'sso-oidc', 'stepfunctions', 'sts'],
  ...['waf', 'waf-regional', 'wafv2'],
] as const

/** IAM's prefix of the actions, where it is not the signing name (Service Authorization Reference). */
export const IAM_PREFIXES: Readonly<Record<string, string>> = {
  cloudwatch: 'cloudwatch',
  'iot-data': 'iot',
  sso: 'sso',
}
