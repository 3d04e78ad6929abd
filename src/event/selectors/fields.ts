/**
 * Which fields, operators and values an advanced selector of a trail may use
 * (reference/control-plane.md §B.3).
 */
import { NETWORK_EVENT_SOURCES } from './network-sources.ts'
import { EXCLUDABLE_SOURCES } from './parse-basic.ts'
import { DATA_RESOURCE_TYPES } from './resource-types.ts'
import { OPERATORS, type Operator } from './types.ts'

/** The categories that a trail can select; the others belong to event data stores. */
export const TRAIL_CATEGORIES = ['Management', 'Data', 'NetworkActivity'] as const

export type TrailCategory = (typeof TRAIL_CATEGORIES)[number]

export interface FieldRule {
  readonly operators: readonly Operator[]
  /** Absent: any text. */
  readonly values?: ReadonlySet<string>
  readonly required?: true
  /** Exactly one value. */
  readonly single?: true
}

const any: FieldRule = { operators: OPERATORS }
const readOnly: FieldRule = { operators: ['Equals'], values: new Set(['true', 'false']) }
const eventCategory: FieldRule = {
  operators: ['Equals'],
  values: new Set(TRAIL_CATEGORIES),
  required: true,
  single: true,
}

/** By category and field; a field that is not named is illegal. */
export const FIELD_RULES: Readonly<Record<TrailCategory, ReadonlyMap<string, FieldRule>>> = {
  Management: new Map<string, FieldRule>([
    ['eventCategory', eventCategory],
    ['eventSource', { operators: ['NotEquals'], values: EXCLUDABLE_SOURCES }],
    ['readOnly', readOnly],
  ]),
  Data: new Map<string, FieldRule>([
    ['eventCategory', eventCategory],
    [
      'resources.type',
      { operators: ['Equals'], values: DATA_RESOURCE_TYPES, required: true, single: true },
    ],
    ['resources.ARN', any],
    ['eventName', any],
    ['eventSource', any],
    ['eventType', any],
    ['readOnly', readOnly],
    [
      'sessionCredentialFromConsole',
      { operators: ['Equals', 'NotEquals'], values: new Set(['true']) },
    ],
    ['userIdentity.arn', any],
  ]),
  NetworkActivity: new Map<string, FieldRule>([
    ['eventCategory', eventCategory],
    [
      'eventSource',
      { operators: ['Equals'], values: NETWORK_EVENT_SOURCES, required: true, single: true },
    ],
    ['eventName', any],
    ['errorCode', { operators: ['Equals'], values: new Set(['VpceAccessDenied']) }],
    ['vpcEndpointId', any],
  ]),
}

/**
 * The form of an ARN of the types that most selectors name; with Equals and NotEquals a
 * `resources.ARN` must be one. For every other type any ARN passes.
 */
const ARN_FORMS: ReadonlyMap<string, RegExp> = new Map([
  ['AWS::S3::Object', /^arn:[a-z-]+:s3:::[^/]+\/.*$/s],
  ['AWS::Lambda::Function', /^arn:[a-z-]+:lambda:[^:]+:\d{12}:function:.+$/],
  ['AWS::DynamoDB::Table', /^arn:[a-z-]+:dynamodb:[^:]+:\d{12}:table\/.+$/],
  ['AWS::DynamoDB::Stream', /^arn:[a-z-]+:dynamodb:[^:]+:\d{12}:table\/.+\/stream\/.+$/],
  ['AWS::SQS::Queue', /^arn:[a-z-]+:sqs:[^:]+:\d{12}:.+$/],
  ['AWS::SNS::Topic', /^arn:[a-z-]+:sns:[^:]+:\d{12}:.+$/],
])

const ANY_ARN = /^arn:[a-z-]+:[a-z0-9-]+:[^:]*:[^:]*:.+$/s

export const isArnOfType = (arn: string, type: string): boolean =>
  (ARN_FORMS.get(type) ?? ANY_ARN).test(arn)
