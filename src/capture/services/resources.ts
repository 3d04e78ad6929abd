/**
 * `resources` of a record, where real ones carry it (reference/capture.md §1.4, §6.3). Built from the
 * record's own parameters, so that nothing hidden comes back. S3 has its own (record/s3).
 */
import { parseArn, partitionOf } from '../../event/arn.ts'
import { isObject, type JsonObject } from '../../event/plain-json.ts'
import type { RecordResource } from '../../event/record.ts'

export interface ResourceContext {
  readonly parameters: JsonObject
  readonly account: string
  readonly region: string
}

interface Entry {
  readonly type: string | undefined
  /** ARNs, or names that `prefix` turns into ARNs. */
  readonly names: (parameters: JsonObject) => unknown[]
  /** `service:type/` of `arn:partition:service:region:account:type/name`. */
  readonly prefix: string
  readonly only?: ReadonlySet<string>
}

const member =
  (...names: string[]) =>
  (parameters: JsonObject): unknown[] =>
    names.flatMap((name) => {
      const value = parameters[name]
      return Array.isArray(value) ? (value as unknown[]) : [value]
    })

/** DynamoDB's batches and transactions name their tables inside. */
const tables = (parameters: JsonObject): unknown[] => {
  const { requestItems, transactItems, tableName } = parameters
  const batched = isObject(requestItems) ? Object.keys(requestItems) : []
  const items = Array.isArray(transactItems) ? (transactItems as unknown[]) : []
  const transacted = items.flatMap((item) =>
    isObject(item) ? Object.values(item).map((part) => (isObject(part) ? part.tableName : '')) : [],
  )
  return [...new Set([tableName, ...batched, ...transacted])]
}

/** `https://host/210000000001/orders` → `orders`. */
const queues = (parameters: JsonObject): unknown[] => {
  const url = parameters.queueUrl
  const name = typeof url === 'string' ? url.slice(url.lastIndexOf('/') + 1) : undefined
  return [name ?? parameters.queueName]
}

/** Ids and ARNs; an alias names no key by itself. */
const keys = (parameters: JsonObject): unknown[] =>
  member(
    'keyId',
    'targetKeyId',
  )(parameters).filter((name) => typeof name === 'string' && !/(^|:)alias\//.test(name))

const ENTRIES: Readonly<Record<string, readonly Entry[]>> = {
  sts: [{ type: 'AWS::IAM::Role', names: member('roleArn'), prefix: 'iam:role/' }],
  kms: [{ type: 'AWS::KMS::Key', names: keys, prefix: 'kms:key/' }],
  ssm: [
    {
      type: undefined,
      names: member('name', 'names'),
      prefix: 'ssm:parameter/',
      only: new Set([
        ...['GetParameter', 'GetParameters', 'PutParameter', 'DeleteParameter'],
        ...['DeleteParameters', 'GetParameterHistory', 'LabelParameterVersion'],
      ]),
    },
  ],
  dynamodb: [{ type: 'AWS::DynamoDB::Table', names: tables, prefix: 'dynamodb:table/' }],
  dynamodbstreams: [{ type: 'AWS::DynamoDB::Stream', names: member('streamArn'), prefix: '' }],
  lambda: [
    {
      type: 'AWS::Lambda::Function',
      names: member('functionName'),
      prefix: 'lambda:function:',
      only: new Set(['Invoke', 'InvokeAsync', 'InvokeWithResponseStream']),
    },
  ],
  sns: [
    {
      type: 'AWS::SNS::Topic',
      names: member('topicArn'),
      prefix: '',
      only: new Set(['Publish', 'PublishBatch']),
    },
    {
      type: 'AWS::SNS::PlatformEndpoint',
      names: (parameters) =>
        member('targetArn')(parameters).filter(
          (arn) => typeof arn === 'string' && arn.includes(':endpoint/'),
        ),
      prefix: '',
      only: new Set(['Publish']),
    },
  ],
  sqs: [
    {
      type: 'AWS::SQS::Queue',
      names: queues,
      prefix: 'sqs:',
      only: new Set([
        ...['ChangeMessageVisibility', 'ChangeMessageVisibilityBatch', 'DeleteMessage'],
        ...['DeleteMessageBatch', 'GetQueueAttributes', 'GetQueueUrl', 'ListQueueTags'],
        ...['ListDeadLetterSourceQueues', 'ReceiveMessage', 'SendMessage', 'SendMessageBatch'],
      ]),
    },
  ],
  kinesis: [
    {
      type: 'AWS::Kinesis::Stream',
      names: (parameters) => [parameters.streamARN ?? parameters.streamName],
      prefix: 'kinesis:stream/',
      only: new Set(['GetRecords', 'GetShardIterator', 'PutRecord', 'PutRecords']),
    },
  ],
  stepfunctions: [
    {
      type: 'AWS::StepFunctions::StateMachine',
      names: member('stateMachineArn'),
      prefix: '',
      only: new Set(['StartSyncExecution']),
    },
    {
      type: 'AWS::StepFunctions::Activity',
      names: member('activityArn'),
      prefix: '',
      only: new Set(['GetActivityTask']),
    },
  ],
  'cloudtrail-data': [
    { type: 'AWS::CloudTrail::Channel', names: member('channelArn'), prefix: '' },
  ],
}

const arnOf = (
  name: string,
  prefix: string,
  { account, region }: ResourceContext,
): string | undefined => {
  if (name.startsWith('arn:')) return name
  if (prefix === '') return undefined
  const at = prefix.indexOf(':')
  // Parameter names that are paths bring their own slash.
  const resource = `${prefix.slice(at + 1)}${name}`.replace('parameter//', 'parameter/')
  return `arn:${partitionOf(region)}:${prefix.slice(0, at)}:${region}:${account}:${resource}`
}

const MAX = 100

/** Undefined where the record has no `resources`. */
export const resourcesOf = (
  serviceId: string,
  operation: string,
  context: ResourceContext,
): RecordResource[] | undefined => {
  const resources: RecordResource[] = []
  for (const { type, names, prefix, only } of ENTRIES[serviceId] ?? []) {
    if (only !== undefined && !only.has(operation)) continue
    for (const name of names(context.parameters).slice(0, MAX)) {
      if (typeof name !== 'string' || name === '') continue
      const ARN = arnOf(name, prefix, context)
      if (ARN === undefined) continue
      const account = parseArn(ARN)?.account ?? ''
      const accountId = account === '' ? context.account : account
      resources.push({ accountId, ...(type === undefined ? {} : { type }), ARN })
    }
  }
  return resources.length === 0 ? undefined : resources
}
