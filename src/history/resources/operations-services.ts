/** Compute, deployment and operations, EC2 apart (ec2.ts). */
import { onEveryCall, type ResourceRule } from './resource-rule.ts'

export const OPERATIONS_RULES: Readonly<Record<string, readonly ResourceRule[]>> = {
  'lambda.amazonaws.com': [
    onEveryCall('AWS::Lambda::Function', 'request.functionName', 'response.functionArn'),
    onEveryCall('AWS::Lambda::LayerVersion', 'request.layerName', 'response.layerVersionArn'),
    onEveryCall('AWS::Lambda::EventSourceMapping', 'request.uUID', 'response.uUID'),
  ],
  'cloudformation.amazonaws.com': [
    onEveryCall('AWS::CloudFormation::Stack', 'request.stackName', 'response.stackId'),
    onEveryCall('AWS::CloudFormation::ChangeSet', 'request.changeSetName', 'response.id'),
    onEveryCall('AWS::CloudFormation::StackSet', 'request.stackSetName', 'response.stackSetId'),
  ],
  'states.amazonaws.com': [
    onEveryCall(
      'AWS::StepFunctions::StateMachine',
      'request.name',
      'request.stateMachineArn',
      'response.stateMachineArn',
    ),
    onEveryCall('AWS::StepFunctions::Execution', 'request.executionArn', 'response.executionArn'),
  ],
  'cloudtrail.amazonaws.com': [
    onEveryCall(
      'AWS::CloudTrail::Trail',
      'request.name',
      'request.trailName',
      'response.name',
      'response.trailARN',
      'request.resourceId',
    ),
    onEveryCall('AWS::S3::Bucket', 'request.s3BucketName', 'response.s3BucketName'),
  ],
  'logs.amazonaws.com': [onEveryCall('AWS::Logs::LogGroup', 'request.logGroupName')],
  'ssm.amazonaws.com': [
    onEveryCall('AWS::EC2::Instance', 'request.instanceIds[]', 'request.target'),
  ],
}
