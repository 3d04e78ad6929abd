import { type Partition, parseArn, principalArn } from '../../event/arn.ts'
import type { RolePrincipal } from '../../event/principal.ts'
import type { RoleDocument, SessionTag } from '../../identity/store/records.ts'
import { startValidation, TEXTS } from './constraints.ts'
import { credentialsOf, type StsCall, type StsContext, type StsOperation } from './operation.ts'
import { refuseUnsupported } from './parameters.ts'
import { type RequestedTags, readTags, sessionTagsOf } from './session-tags.ts'
import { StsFault } from './sts-fault.ts'
import type { TrustRequest } from './trust.ts'

/** Seconds (STS model: roleDurationSecondsType; the default is AssumeRole's). */
const DURATION = { min: 900, max: 43_200, otherwise: 3_600 } as const
/** Role chaining: one hour at most (IAM User Guide, "Roles terms and concepts"). */
const CHAINED_SECONDS_MAX = 3_600

/** They would narrow or prove something; taking them without effect would be a lie. */
const UNSUPPORTED = ['Policy', 'PolicyArns', 'SerialNumber', 'TokenCode', 'ProvidedContexts']

interface Request {
  readonly roleArn: string
  readonly roleSessionName: string
  readonly durationSeconds: number
  readonly sourceIdentity: string | undefined
  readonly tags: RequestedTags
}

const readRequest = ({ parameters, call }: StsCall): Request => {
  refuseUnsupported(parameters, 'AssumeRole', UNSUPPORTED)
  const validation = startValidation()
  const roleArn = parameters.get('RoleArn')
  const roleSessionName = parameters.get('RoleSessionName')
  const sourceIdentity = parameters.get('SourceIdentity')
  validation.required('roleArn', roleArn, TEXTS.roleArn)
  validation.required('roleSessionName', roleSessionName, TEXTS.roleSessionName)
  validation.text('externalId', parameters.get('ExternalId'), TEXTS.externalId)
  validation.text('sourceIdentity', sourceIdentity, TEXTS.sourceIdentity)
  const duration = parameters.get('DurationSeconds')
  const durationSeconds = validation.integer('durationSeconds', duration, DURATION)
  const tags = readTags(parameters, validation)
  validation.finish()
  return {
    roleArn: roleArn ?? '',
    roleSessionName: roleSessionName ?? '',
    durationSeconds,
    // Set once, it stays through every role of a chain.
    sourceIdentity: call.caller.session?.sourceIdentity ?? sourceIdentity ?? undefined,
    tags,
  }
}

const ROLE = /^role(\/(?:.+\/)?)([^/]+)$/

const findRole = async (
  roleArn: string,
  partition: Partition,
  { identities }: StsContext,
): Promise<RoleDocument | undefined> => {
  const arn = parseArn(roleArn)
  if (arn === undefined || arn.service !== 'iam' || !/^\d{12}$/.test(arn.account)) {
    throw new StsFault('ValidationError', `${roleArn} is invalid`)
  }
  const [, path, name] = ROLE.exec(arn.resource) ?? []
  if (path === undefined || name === undefined) {
    throw new StsFault('ValidationError', `${roleArn} is invalid`)
  }
  const role = await identities.role(arn.account, name)
  // Role ARNs are case-sensitive though role names are unique without regard to case.
  const exact = role?.path === path && role.name === name && arn.partition === partition
  return exact ? role : undefined
}

const denied = ({ call, partition }: StsCall, action: string, roleArn: string): StsFault => {
  const user = principalArn(call.caller.principal, partition)
  return new StsFault(
    'AccessDenied',
    `User: ${user} is not authorized to perform: ${action} on resource: ${roleArn}`,
  )
}

/** Everything that the trust policy must allow, in AWS's order. */
const checkTrust = (
  stsCall: StsCall,
  context: StsContext,
  request: Omit<TrustRequest, 'action'>,
): void => {
  const actions: TrustRequest['action'][] = ['sts:AssumeRole']
  if (request.tags.length > 0) actions.push('sts:TagSession')
  if (request.sourceIdentity !== undefined) actions.push('sts:SetSourceIdentity')
  for (const action of actions) {
    if (!context.trusts(stsCall, { ...request, action })) {
      throw denied(stsCall, action, request.roleArn)
    }
  }
}

const checkDuration = ({ call }: StsCall, seconds: number, role: RoleDocument): void => {
  if (call.caller.principal.kind === 'assumed-role' && seconds > CHAINED_SECONDS_MAX) {
    throw new StsFault(
      'ValidationError',
      'The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining',
    )
  }
  if (seconds > role.maxSessionDuration) {
    throw new StsFault(
      'ValidationError',
      'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.',
    )
  }
}

const callerTagsOf = async (
  { call }: StsCall,
  { identities }: StsContext,
): Promise<readonly SessionTag[]> => {
  const { accessKeyId, session } = call.caller
  if (session === undefined || accessKeyId === undefined) return []
  return identities.sessionTags(accessKeyId)
}

/** AssumeRole: who the trust policy names may be the role for a while; root never. */
export const assumeRole: StsOperation = async (stsCall, context) => {
  const { call, partition } = stsCall
  const request = readRequest(stsCall)
  const { roleArn, roleSessionName, durationSeconds, sourceIdentity } = request
  const caller = call.caller.principal
  if (caller.kind === 'root') {
    throw new StsFault('AccessDenied', 'Roles may not be assumed by root accounts.')
  }
  const role = await findRole(roleArn, partition, context)
  if (role === undefined || caller.kind === 'federated-user') {
    throw denied(stsCall, 'sts:AssumeRole', roleArn)
  }
  const now = context.clock.now()
  const callerTags = await callerTagsOf(stsCall, context)
  const tags = sessionTagsOf(request.tags, callerTags)
  const { trustPolicy } = role
  checkTrust(stsCall, context, { trustPolicy, roleArn, sourceIdentity, tags, callerTags, now })
  const sent = stsCall.parameters.get('SourceIdentity')
  if (sent !== null && sent !== sourceIdentity) {
    throw denied(stsCall, 'sts:SetSourceIdentity', roleArn)
  }
  checkDuration(stsCall, durationSeconds, role)
  const { account, name: roleName, path, id: roleId } = role
  const principal: RolePrincipal = {
    kind: 'assumed-role',
    account,
    roleId,
    roleName,
    path,
    sessionName: roleSessionName,
  }
  const session = await context.identities.issueSession({
    principal,
    facts: {
      createdAt: now,
      mfaAuthenticated: false,
      ...(sourceIdentity === undefined ? {} : { sourceIdentity }),
    },
    expiresAt: now + durationSeconds * 1_000,
    tags,
  })
  return {
    SourceIdentity: sourceIdentity,
    AssumedRoleUser: {
      AssumedRoleId: `${roleId}:${roleSessionName}`,
      Arn: principalArn(principal, partition),
    },
    Credentials: credentialsOf(session),
  }
}
