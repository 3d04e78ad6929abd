/**
 * Which members are secret where AWS's models do not say so, and which marker stands for them
 * (reference/capture.md §6.1). Members are matched by name at any depth, whatever their case; the
 * model's `sensitive` trait and the last resort by name (event/redaction.ts) come on top.
 */
import type { RedactionStyle } from '../../event/redaction.ts'

type Side = 'request' | 'response'

interface Rule {
  readonly members: readonly string[]
  readonly style: RedactionStyle
  /** Model names; every operation where absent. */
  readonly operations?: readonly string[]
  readonly side?: Side
}

/** What the `sensitive` trait writes; `hidden` where a service is not listed. */
const TRAIT_STYLES: Readonly<Record<string, RedactionStyle>> = {
  iam: 'omit',
  sts: 'omit',
  kms: 'omit',
  secretsmanager: 'omit',
  lambda: 'omit',
  ec2: 'data-removed',
  rds: 'stars',
  redshift: 'stars',
  organizations: 'stars',
  'redshift-data': 'omitted',
  ds: 'omitted',
}

const RULES: Readonly<Record<string, readonly Rule[]>> = {
  iam: [
    {
      members: ['Password', 'OldPassword', 'NewPassword', 'SecretAccessKey', 'ServicePassword'],
      style: 'omit',
    },
    {
      members: ['ServiceCredentialSecret', 'PrivateKey', 'AddPrivateKey'],
      style: 'omit',
    },
    { members: ['AuthenticationCode1', 'AuthenticationCode2', 'Base32StringSeed'], style: 'omit' },
  ],
  sts: [
    {
      members: ['SecretAccessKey', 'SAMLAssertion', 'WebIdentityToken', 'TokenCode'],
      style: 'omit',
    },
    { members: ['TradeInToken', 'EncodedMessage', 'DecodedMessage'], style: 'omit' },
    { members: ['ProvidedContexts'], style: 'hidden' },
  ],
  ec2: [
    { members: ['UserData', 'KeyMaterial', 'PasswordData', 'PreSharedKey'], style: 'data-removed' },
    { members: ['PresignedUrl', 'ImportManifestUrl', 'UploadPolicy'], style: 'data-removed' },
    { members: ['UploadPolicySignature', 'CustomerGatewayConfiguration'], style: 'data-removed' },
  ],
  dynamodb: [
    { members: ['Key', 'Keys', 'ExclusiveStartKey', 'LastEvaluatedKey'], style: 'key-attributes' },
    { members: ['ItemCollectionKey'], style: 'key-attributes' },
    {
      members: ['Item', 'Items', 'ExpressionAttributeValues', 'AttributeUpdates', 'Expected'],
      style: 'attribute-names',
    },
    { members: ['KeyConditions', 'QueryFilter', 'ScanFilter'], style: 'attribute-names' },
    { members: ['Statement', 'Parameters', 'Attributes', 'Responses'], style: 'hidden' },
  ],
  sqs: [
    { members: ['MessageBody', 'MessageAttributes', 'MessageSystemAttributes'], style: 'hidden' },
    // The list names of the query protocol, which older SDKs speak.
    { members: ['Body', 'MessageAttribute', 'MessageSystemAttribute'], style: 'hidden' },
  ],
  sns: [
    { members: ['Message', 'Subject', 'MessageAttributes', 'CustomUserData'], style: 'hidden' },
    { members: ['Token', 'PhoneNumber', 'OneTimePassword'], style: 'hidden' },
    { members: ['PlatformCredential', 'PlatformPrincipal'], style: 'hidden' },
  ],
  kms: [
    { members: ['Plaintext', 'CiphertextBlob', 'Message', 'Signature', 'Mac'], style: 'omit' },
    { members: ['GrantToken', 'PrivateKeyPlaintext', 'PrivateKeyCiphertextBlob'], style: 'omit' },
    { members: ['EncryptedKeyMaterial', 'ImportToken', 'CiphertextForRecipient'], style: 'omit' },
    { members: ['GrantTokens', 'SharedSecret', 'AttestationDocument'], style: 'omit' },
    { members: ['RawSecretAccessKey', 'KeyStorePassword'], style: 'omit' },
  ],
  lambda: [
    { members: ['Environment'], style: 'empty-object' },
    { members: ['ZipFile', 'Payload', 'InvokeArgs'], style: 'omit' },
    { members: ['ClientContext', 'LogResult'], style: 'hidden' },
    // Presigned URLs of the function's code and layers.
    { members: ['Location'], style: 'omit', side: 'response' },
  ],
  secretsmanager: [
    { members: ['SecretString', 'SecretBinary', 'RandomPassword', 'RotationToken'], style: 'omit' },
  ],
  cloudformation: [
    { members: ['TemplateBody', 'ParameterValue', 'ResolvedValue'], style: 'omit' },
    { members: ['Configuration', 'ResourceModel', 'BearerToken'], style: 'hidden' },
    { members: ['ResourceProperties', 'OutputValue'], style: 'hidden' },
  ],
  stepfunctions: [
    { members: ['Input', 'Output', 'Definition', 'Cause', 'Error'], style: 'hidden' },
    { members: ['TaskToken', 'RevealSecrets', 'Context', 'Variables', 'Mock'], style: 'hidden' },
  ],
  ssm: [
    { members: ['TokenValue'], style: 'value-hidden' },
    { members: ['Parameters'], style: 'hidden', operations: ['SendCommand', 'StartSession'] },
  ],
  rds: [
    { members: ['MasterUserPassword', 'TdeCredentialPassword'], style: 'stars' },
    { members: ['PreSignedUrl'], style: 'omit' },
    { members: ['LogFileData'], style: 'redacted' },
  ],
  redshift: [{ members: ['MasterUserPassword', 'DbPassword', 'TdeCredential'], style: 'stars' }],
  'redshift-data': [
    { members: ['Sql', 'Sqls', 'Parameters', 'QueryString', 'QueryStrings'], style: 'omitted' },
  ],
  'redshift-serverless': [
    { members: ['AdminUsername', 'AdminUserPassword', 'DbUser', 'DbPassword'], style: 'hidden' },
  ],
  kinesis: [{ members: ['Data'], style: 'hidden' }],
  events: [{ members: ['Detail', 'Input', 'HeaderParameters', 'AuthParameters'], style: 'hidden' }],
  mq: [{ members: ['Password', 'Users', 'Data'], style: 'hidden' }],
  batch: [{ members: ['Environment', 'Command', 'Parameters'], style: 'hidden' }],
  ecs: [{ members: ['Environment'], style: 'hidden' }],
  codebuild: [
    { members: ['EnvironmentVariables', 'EnvironmentVariablesOverride'], style: 'hidden' },
  ],
  elasticbeanstalk: [{ members: ['OptionSettings'], style: 'hidden' }],
  glue: [
    { members: ['DefaultArguments', 'Arguments', 'ConnectionProperties'], style: 'hidden' },
    { members: ['NonOverridableArguments', 'AuthenticationConfiguration'], style: 'hidden' },
  ],
  datapipeline: [{ members: ['PipelineObjects', 'ParameterValues'], style: 'hidden' }],
  appsync: [{ members: ['ApiKey', 'EnvironmentVariables'], style: 'hidden' }],
  codecommit: [{ members: ['FileContent', 'Content'], style: 'omit' }],
  'iot-data': [{ members: ['Payload'], style: 'hidden' }],
  iot: [{ members: ['PrivateKey', 'KeyPair', 'CertificatePem'], style: 'omit' }],
  cloudfront: [{ members: ['DistributionConfig'], style: 'omit', side: 'response' }],
  'cloudtrail-data': [{ members: ['EventData'], style: 'omit' }],
  'cognito-idp': [
    { members: ['Username', 'AuthParameters', 'ChallengeResponses'], style: 'hidden' },
    { members: ['UserAttributes', 'ClientMetadata', 'Session', 'SecretHash'], style: 'hidden' },
    { members: ['ConfirmationCode', 'UserCode', 'Code'], style: 'hidden' },
  ],
  'cognito-identity': [{ members: ['Logins'], style: 'hidden' }],
  'sso-oidc': [
    { members: ['ClientSecret', 'Code', 'DeviceCode', 'RefreshToken'], style: 'hidden' },
    { members: ['Assertion', 'CodeVerifier', 'SubjectToken', 'AccessToken'], style: 'hidden' },
  ],
}

/** STS keeps it in its records; Clew hides it unless a setting says otherwise (issue 3). */
const SESSION_TOKEN = 'sessiontoken'

export interface RedactionRules {
  /** For members whose shape the model calls sensitive. */
  readonly trait: RedactionStyle
  /** By member name in lower case; `shown` exempts from the last resort. */
  readonly byName: ReadonlyMap<string, RedactionStyle | 'shown'>
}

const byNameOf = (
  serviceId: string,
  operation: string,
  side: Side,
): Map<string, RedactionStyle | 'shown'> => {
  const byName = new Map<string, RedactionStyle | 'shown'>()
  for (const rule of RULES[serviceId] ?? []) {
    if (rule.side !== undefined && rule.side !== side) continue
    if (rule.operations !== undefined && !rule.operations.includes(operation)) continue
    for (const member of rule.members) byName.set(member.toLowerCase(), rule.style)
  }
  return byName
}

/** API Gateway's path parameter is the id of a key. */
const SHOWN: Readonly<Record<string, readonly string[]>> = { apigateway: ['apikey', 'clientid'] }

export interface OverlayOptions {
  /** Session tokens in the answers of STS stay, as AWS has them. */
  readonly keepSessionTokens: boolean
}

/** Made once per (service, operation, side). */
export const createRedactionOverlay = ({ keepSessionTokens }: OverlayOptions) => {
  const made = new Map<string, RedactionRules>()
  return (serviceId: string, operation: string, side: Side): RedactionRules => {
    const key = `${serviceId}.${operation}.${side}`
    const known = made.get(key)
    if (known !== undefined) return known
    const byName = byNameOf(serviceId, operation, side)
    for (const name of SHOWN[serviceId] ?? []) byName.set(name, 'shown')
    byName.set(SESSION_TOKEN, keepSessionTokens && serviceId === 'sts' ? 'shown' : 'hidden')
    const rules = { trait: TRAIT_STYLES[serviceId] ?? 'hidden', byName }
    // Operations come from the catalogue alone, so the cache is bounded by it.
    made.set(key, rules)
    return rules
  }
}

export type RedactionOverlay = ReturnType<typeof createRedactionOverlay>
