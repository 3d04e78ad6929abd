import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { AssumeRoleCommandInput } from '@aws-sdk/client-sts'
import type { Caller } from '../../event/principal.ts'
import { createKey } from '../../identity/store/access-keys.ts'
import { ensureAccount } from '../../identity/store/accounts.ts'
import { removeRole, saveUser } from '../../identity/store/principals.ts'
import {
  ACCOUNT,
  callOf,
  createStsFixture,
  denied,
  fault,
  type StsFixture,
  trust,
  USER_ARN,
} from './testing/sts-fixture.ts'

let fixture: StsFixture
before(async () => {
  fixture = await createStsFixture()
})
after(() => fixture.close())

describe('AssumeRole', () => {
  it('lets in whom the trust policy names, by user, account or session', async () => {
    const byUser = await fixture.makeRole('ByUser', trust({ AWS: USER_ARN }))
    const { answer, session } = await fixture.assume(fixture.ada, byUser, { DurationSeconds: 900 })
    assert.equal(answer.Credentials?.Expiration?.getTime(), fixture.identity.clock.now() + 900_000)
    const credential = await fixture.identity.identities.find(session.accessKeyId)
    assert.deepEqual(credential?.caller.session, {
      createdAt: fixture.identity.clock.now(),
      mfaAuthenticated: false,
    })
    const arn = `arn:aws:sts::${ACCOUNT}:assumed-role/ByUser/build`
    const bySession = await fixture.makeRole('BySession', trust({ AWS: arn }))
    await fixture.assume(session, bySession)
    await assert.rejects(
      fixture.assume(fixture.ada, bySession),
      denied('sts:AssumeRole', bySession),
    )
    await assert.rejects(fixture.assume(session, byUser), denied('sts:AssumeRole', byUser, arn))
  })

  it('never lets root in, nor anybody into what is not there', async () => {
    const role = await fixture.makeRole('Everyone', trust({ AWS: '*' }))
    await assert.rejects(
      fixture.assume(fixture.root, role),
      fault('AccessDenied', 403, 'Roles may not be assumed by root accounts.'),
    )
    for (const gone of ['role/Nobody', 'role/x/Everyone', 'role/everyone']) {
      const arn = `arn:aws:iam::${ACCOUNT}:${gone}`
      await assert.rejects(fixture.assume(fixture.ada, arn), denied('sts:AssumeRole', arn))
    }
    const elsewhere = `arn:aws:iam::999999999999:role/Everyone`
    await assert.rejects(
      fixture.assume(fixture.ada, elsewhere),
      denied('sts:AssumeRole', elsewhere),
    )
  })

  it('asks the conditions: external id, source address', async () => {
    const Condition = {
      StringEquals: { 'sts:ExternalId': 'Unique-ID-8' },
      IpAddress: { 'aws:SourceIp': '127.0.0.0/8' },
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a policy variable
      StringLike: { 'sts:RoleSessionName': '${aws:username}-*' },
    }
    const role = await fixture.makeRole('External', trust({ AWS: ACCOUNT }, { Condition }))
    const ExternalId = 'Unique-ID-8'
    await fixture.assume(fixture.ada, role, { ExternalId, RoleSessionName: 'ada-1' })
    await assert.rejects(
      fixture.assume(fixture.ada, role, { ExternalId }),
      denied('sts:AssumeRole', role),
    )
    await assert.rejects(
      fixture.assume(fixture.ada, role, { RoleSessionName: 'ada-1' }),
      denied('sts:AssumeRole', role),
    )
  })

  it('bounds the duration: the model, the role, the chain', async () => {
    const role = await fixture.makeRole('Durations', trust({ AWS: ACCOUNT }), {
      maxSessionDuration: 7_200,
    })
    await fixture.assume(fixture.ada, role, { DurationSeconds: 7_200 })
    await assert.rejects(
      fixture.assume(fixture.ada, role, { DurationSeconds: 7_201 }),
      fault(
        'ValidationError',
        400,
        'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.',
      ),
    )
    await assert.rejects(
      fixture.assume(fixture.ada, role, { DurationSeconds: 899 }),
      fault(
        'ValidationError',
        400,
        "1 validation error detected: Value '899' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900",
      ),
    )
    const { session } = await fixture.assume(fixture.ada, role)
    await fixture.assume(session, role, { DurationSeconds: 3_600 })
    await assert.rejects(
      fixture.assume(session, role, { DurationSeconds: 3_601 }),
      fault(
        'ValidationError',
        400,
        'The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining',
      ),
    )
  })

  it('validates as AWS does', async () => {
    const role = await fixture.makeRole('Valid', trust({ AWS: ACCOUNT }))
    await assert.rejects(
      fixture.assume(fixture.ada, role, { RoleSessionName: 'a b' }),
      fault(
        'ValidationError',
        400,
        "1 validation error detected: Value 'a b' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*",
      ),
    )
    await assert.rejects(
      fixture.assume(fixture.ada, 'short', { RoleSessionName: 'x' }),
      fault(
        'ValidationError',
        400,
        "2 validation errors detected: Value 'short' at 'roleArn' failed to satisfy constraint: Member must have length greater than or equal to 20; Value 'x' at 'roleSessionName' failed to satisfy constraint: Member must have length greater than or equal to 2",
      ),
    )
    const noArn = 'not-an-arn-but-long-enough'
    await assert.rejects(
      fixture.assume(fixture.ada, noArn),
      fault('ValidationError', 400, `${noArn} is invalid`),
    )
    const caller: Caller = { principal: { kind: 'root', account: ACCOUNT } }
    const form = `Action=AssumeRole&Version=2011-06-15&RoleArn=${role}&DurationSeconds=long`
    const answer = await fixture.sts(callOf(caller, { form }))
    assert.match(
      String(answer.body),
      /Value null at 'roleSessionName' failed to satisfy constraint: Member must not be null; Value 'long' at 'durationSeconds'/,
    )
  })

  it('refuses by name what it would not honour', async () => {
    const role = await fixture.makeRole('Refuses', trust({ AWS: ACCOUNT }))
    const refused: readonly (readonly [string, Partial<AssumeRoleCommandInput>])[] = [
      ['Policy', { Policy: '{}' }],
      ['PolicyArns', { PolicyArns: [{ arn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' }] }],
      ['SerialNumber', { SerialNumber: 'GAHT12345678', TokenCode: '123456' }],
      [
        'ProvidedContexts',
        { ProvidedContexts: [{ ProviderArn: 'arn:aws:x', ContextAssertion: 'abcd' }] },
      ],
    ]
    for (const [name, input] of refused) {
      await assert.rejects(
        fixture.assume(fixture.ada, role, input),
        fault(
          'UnsupportedOperationException',
          400,
          new RegExp(`^The parameter ${name} of AssumeRole`),
        ),
      )
    }
  })

  it('keeps a source identity through a chain and needs it allowed', async () => {
    const open = await fixture.makeRole('Sourced', trust({ AWS: ACCOUNT }))
    const plain = await fixture.makeRole(
      'Unsourced',
      trust({ AWS: ACCOUNT }, { Action: 'sts:AssumeRole' }),
    )
    const { answer, session } = await fixture.assume(fixture.ada, open, { SourceIdentity: 'ada' })
    assert.equal(answer.SourceIdentity, 'ada')
    const arn = `arn:aws:sts::${ACCOUNT}:assumed-role/Sourced/build`
    const chained = await fixture.assume(session, open)
    assert.equal(chained.answer.SourceIdentity, 'ada')
    const found = await fixture.identity.identities.find(chained.session.accessKeyId)
    assert.equal(found?.caller.session?.sourceIdentity, 'ada')
    await assert.rejects(
      fixture.assume(session, open, { SourceIdentity: 'eve' }),
      denied('sts:SetSourceIdentity', open, arn),
    )
    await assert.rejects(
      fixture.assume(session, plain),
      denied('sts:SetSourceIdentity', plain, arn),
    )
    await fixture.assume(fixture.ada, plain)
  })

  it('keeps session tags, hands on transitive ones, and needs them allowed', async () => {
    const Condition = { StringEquals: { 'aws:RequestTag/team': 'red' } }
    const Tags = [
      { Key: 'team', Value: 'red' },
      { Key: 'Cost', Value: '' },
    ]
    const role = await fixture.makeRole('Tagged', trust({ AWS: ACCOUNT }, { Condition }))
    const { session } = await fixture.assume(fixture.ada, role, {
      Tags,
      TransitiveTagKeys: ['TEAM'],
    })
    assert.deepEqual(await fixture.identity.identities.sessionTags(session.accessKeyId), [
      { key: 'team', value: 'red', transitive: true },
      { key: 'Cost', value: '', transitive: false },
    ])
    await assert.rejects(fixture.assume(fixture.ada, role), denied('sts:AssumeRole', role))
    const PrincipalTag = { StringEquals: { 'aws:PrincipalTag/team': 'red' } }
    const next = await fixture.makeRole(
      'Next',
      trust({ AWS: ACCOUNT }, { Condition: PrincipalTag }),
    )
    const chained = await fixture.assume(session, next)
    assert.deepEqual(await fixture.identity.identities.sessionTags(chained.session.accessKeyId), [
      { key: 'team', value: 'red', transitive: true },
    ])
    await assert.rejects(
      fixture.assume(session, next, { Tags: [{ Key: 'Team', Value: 'blue' }] }),
      fault('ValidationError', 400, /'Team' is given twice or is transitive/),
    )
    await assert.rejects(
      fixture.assume(fixture.ada, role, { Tags, TransitiveTagKeys: ['other'] }),
      fault('ValidationError', 400, /'other' is not among the requested tags/),
    )
    await assert.rejects(
      fixture.assume(fixture.ada, role, { Tags: [{ Key: 'aws:x', Value: 'y' }] }),
      fault('ValidationError', 400, /reserved/),
    )
    const plain = await fixture.makeRole(
      'Untagged',
      trust({ AWS: ACCOUNT }, { Action: 'sts:AssumeRole' }),
    )
    await assert.rejects(
      fixture.assume(fixture.ada, plain, { Tags }),
      denied('sts:TagSession', plain),
    )
    const many = Array.from({ length: 51 }, (_, index) => ({ Key: `k${index}`, Value: 'v' }))
    await assert.rejects(
      fixture.assume(fixture.ada, role, { Tags: many }),
      fault('ValidationError', 400, /at 'tags' failed .* less than or equal to 50/),
    )
  })

  it('crosses accounts', async () => {
    const { store } = fixture.identity
    await ensureAccount(store, '210987654321')
    await saveUser(store, { account: '210987654321', name: 'bob', source: 'made' })
    const owner = { kind: 'user', name: 'bob' } as const
    const bob = await createKey(store, { account: '210987654321', owner })
    const role = await fixture.makeRole('Shared', trust({ AWS: 'arn:aws:iam::210987654321:root' }))
    const { session } = await fixture.assume(bob, role)
    const credential = await fixture.identity.identities.find(session.accessKeyId)
    assert.equal(credential?.account, ACCOUNT)
    await assert.rejects(fixture.assume(fixture.ada, role), denied('sts:AssumeRole', role))
    await removeRole(store, ACCOUNT, 'Shared')
    await assert.rejects(
      fixture.assume(bob, role),
      denied('sts:AssumeRole', role, 'arn:aws:iam::210987654321:user/bob'),
    )
  })
})
