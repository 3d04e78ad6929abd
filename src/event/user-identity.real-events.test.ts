/** Rebuilds the caller of every real record at hand and expects the record's own userIdentity. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { it } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { parseArn } from './arn.ts'
import type { Caller, SessionFacts, UserPrincipal } from './principal.ts'
import { userIdentityOf } from './user-identity.ts'

const data = join(
  import.meta.dirname,
  '../../../shared/data/cloudtrail/invictus-ir_aws_dataset/events.ndjson.gz',
)

interface Identity {
  readonly type?: string
  readonly principalId: string
  readonly arn?: string
  readonly accountId: string
  readonly accessKeyId?: string
  readonly userName: string
  readonly invokedBy?: string
  readonly sessionContext?: {
    readonly sessionIssuer: { readonly arn: string; readonly userName: string }
    readonly attributes: { readonly creationDate: string; readonly mfaAuthenticated: string }
    readonly ec2RoleDelivery?: string
  }
}

const sessionOf = ({ sessionContext }: Identity): { session?: SessionFacts } => {
  if (sessionContext === undefined) return {}
  const { creationDate, mfaAuthenticated } = sessionContext.attributes
  const createdAt = Date.parse(creationDate)
  return { session: { createdAt, mfaAuthenticated: mfaAuthenticated === 'true' } }
}

const userOf = ({ arn, accountId, principalId, userName }: Identity): UserPrincipal => ({
  kind: 'user',
  account: accountId,
  userId: principalId,
  userName,
  path: (parseArn(arn ?? '')?.resource ?? '').slice('user'.length, -userName.length),
})

const callerOf = (identity: Identity): Caller | undefined => {
  const { type, accessKeyId, invokedBy, sessionContext, principalId, accountId } = identity
  const rest = {
    ...(accessKeyId === undefined ? {} : { accessKeyId }),
    ...(invokedBy === undefined ? {} : { invokedBy }),
    ...sessionOf(identity),
  }
  // Records of failed sign-ins lack some of these.
  if (type === 'IAMUser' && (identity.arn ?? '') === '') return undefined
  if (type === 'IAMUser') return { principal: userOf(identity), ...rest }
  if (type === 'AWSService') return { principal: { kind: 'service', service: invokedBy ?? '' } }
  // EC2's own key of a session context is not ours to write.
  if (type !== 'AssumedRole' || sessionContext?.ec2RoleDelivery !== undefined) return undefined
  const [roleId = '', sessionName = ''] = principalId.split(':')
  const roleName = sessionContext?.sessionIssuer.userName ?? ''
  const resource = parseArn(sessionContext?.sessionIssuer.arn ?? '')?.resource ?? ''
  const path = resource.slice('role'.length, -roleName.length)
  const principal = {
    kind: 'assumed-role',
    account: accountId,
    roleId,
    roleName,
    path,
    sessionName,
  } as const
  return { principal, ...rest }
}

/** Five of these 2,834 records carry the attributes alone where all others have empty objects too. */
const isOtherForm = ({ type, sessionContext }: Identity): boolean =>
  type === 'IAMUser' && sessionContext !== undefined && !('sessionIssuer' in sessionContext)

it('userIdentity of real records', (test) => {
  if (!existsSync(data)) {
    test.skip(`SKIPPED: the real events are not at ${data}`)
    return
  }
  let compared = 0
  const others: string[] = []
  for (const line of gunzipSync(readFileSync(data)).toString('utf8').split('\n')) {
    if (line === '') continue
    const { userIdentity } = JSON.parse(line) as { userIdentity: Identity }
    const caller = callerOf(userIdentity)
    if (caller === undefined || isOtherForm(userIdentity)) continue
    compared++
    const ours = JSON.stringify(userIdentityOf(caller))
    if (ours !== JSON.stringify(userIdentity))
      others.push(`${JSON.stringify(userIdentity)} != ${ours}`)
  }
  assert.ok(compared > 2_000)
  assert.deepEqual(others, [], `${others.length} of ${compared} differ`)
})
