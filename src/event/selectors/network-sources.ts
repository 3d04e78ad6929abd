/**
 * The event sources that a network activity selector may name (reference/control-plane.md §B.5,
 * page of April 2026), without `.amazonaws.com`.
 */
const SOURCES = `
  aco-automation appconfig application-signals appmesh athena b2bi backup-gateway bcm-data-
  exports bcm-pricing-calculator bedrock-agentcore bedrock billing cassandra ce
  cloudcontrolapi cloudformation cloudhsm cloudoptimization cloudtrail codedeploy comprehend
  comprehendmedical config ds dynamodb ec2 ecs elasticfilesystem elasticloadbalancing events
  firehose frauddetector freetier fsx glue healthlake invoicing iot iotfleetwise
  iotsecuredtunneling kms lakeformation lambda license-manager lookoutequipment
  lookoutvision monitoring nova-act personalize qbusiness rds rekognition rolesanywhere s3
  sagemaker scheduler secretsmanager servicediscovery sns sqs ssm-contacts ssm
  storagegateway swf textract transcribe transcribestreaming transform-agents transform-
  custom transform translate user-subscriptions verifiedpermissions voiceid workmail
  workmailmessageflow
`

export const NETWORK_EVENT_SOURCES: ReadonlySet<string> = new Set(
  SOURCES.trim()
    .split(/\s+/)
    .map((name) => `${name}.amazonaws.com`),
)
