import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import {
  GetCallerIdentityCommand,
  GetFederationTokenCommand,
  GetSessionTokenCommand,
} from '@aws-sdk/client-sts'
import type { Caller } from '../../event/principal.ts'
import type { PlainKey } from '../../identity/store/secrets.ts'
import type { VerifiedCall } from '../../identity/verified-call.ts'
import {
  ACCOUNT,
  callOf,
  createStsFixture,
  fault,
  REQUEST_ID,
  type StsFixture,
  trust,
  USER_ARN,
} from './testing/sts-fixture.ts'

let fixture: StsFixture
before(async () => {
  fixture = await createStsFixture()
})
after(() => fixture.close())

describe('GetCallerIdentity', () => {
  const ask = async (key: PlainKey, region?: string) => {
    const answer = await fixture.clientOf(key, region).send(new GetCallerIdentityCommand({}))
    return [answer.Arn, answer.UserId, answer.Account]
  }

  it('answers fixture.root, users and role sessions', async () => {
    assert.deepEqual(await ask(fixture.root), [`arn:aws:iam::${ACCOUNT}:root`, ACCOUNT, ACCOUNT])
    assert.deepEqual(await ask(fixture.ada), [USER_ARN, fixture.adaId, ACCOUNT])
    const chinese = `arn:aws-cn:iam::${ACCOUNT}:user/ops/ada`
    assert.deepEqual(await ask(fixture.ada, 'cn-north-1'), [chinese, fixture.adaId, ACCOUNT])
    const role = await fixture.makeRole('Whoami', trust({ AWS: ACCOUNT }), { path: '/ci/' })
    const { answer, session } = await fixture.assume(fixture.ada, role)
    const arn = `arn:aws:sts::${ACCOUNT}:assumed-role/Whoami/build`
    assert.deepEqual(await ask(session), [arn, answer.AssumedRoleUser?.AssumedRoleId, ACCOUNT])
    assert.match(answer.AssumedRoleUser?.AssumedRoleId ?? '', /^AROA[A-Z2-7]{17}:build$/)
    assert.equal(answer.AssumedRoleUser?.Arn, arn)
  })

  it('takes GET with a query string', async () => {
    const caller: Caller = { principal: { kind: 'root', account: ACCOUNT } }
    const rawQuery = 'Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Signature=abc'
    const answer = await fixture.sts(callOf(caller, { method: 'GET', rawQuery }))
    assert.equal(
      String(answer.body),
      '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>' +
        `<Arn>arn:aws:iam::${ACCOUNT}:root</Arn><UserId>${ACCOUNT}</UserId><Account>${ACCOUNT}</Account>` +
        `</GetCallerIdentityResult><ResponseMetadata><RequestId>${REQUEST_ID}</RequestId></ResponseMetadata>` +
        '</GetCallerIdentityResponse>\n',
    )
    assert.equal(answer.headers['content-type'], 'text/xml')
  })

  it('does only what it was recorded as', async () => {
    const caller: Caller = { principal: { kind: 'root', account: ACCOUNT } }
    const given = { form: 'Action=GetSessionToken&Version=2011-06-15' }
    const call = callOf(caller, given)
    const { operation: _, ...unnamed } = call
    for (const recorded of [{ ...call, operation: 'GetCallerIdentity' }, unnamed]) {
      const answer = await fixture.sts({ ...recorded, body: callOf(caller, given).body })
      assert.equal(answer.status, 400)
      assert.match(String(answer.body), /<Code>InvalidAction<\/Code>/)
    }
  })

  it('refuses unknown and anonymous callers', async () => {
    await assert.rejects(
      ask({ accessKeyId: 'AKIANOBODY', secret: 'x' }),
      fault('InvalidClientTokenId', 403, /security token .* is invalid/),
    )
    const anonymous: Caller = { principal: { kind: 'anonymous' } }
    const form = 'Action=GetCallerIdentity&Version=2011-06-15'
    const answer = await fixture.sts(callOf(anonymous, { form }))
    assert.equal(answer.status, 403)
    assert.match(String(answer.body), /<Code>MissingAuthenticationToken<\/Code>/)
  })
})

describe('GetSessionToken', () => {
  const get = async (key: PlainKey, DurationSeconds?: number) => {
    const input = DurationSeconds === undefined ? {} : { DurationSeconds }
    const { Credentials } = await fixture.clientOf(key).send(new GetSessionTokenCommand(input))
    const {
      AccessKeyId = '',
      SecretAccessKey = '',
      SessionToken = '',
      Expiration,
    } = Credentials ?? {}
    const seconds = ((Expiration?.getTime() ?? 0) - fixture.identity.clock.now()) / 1_000
    return {
      accessKeyId: AccessKeyId,
      secret: SecretAccessKey,
      sessionToken: SessionToken,
      seconds,
    }
  }

  it('gives the same user for a while, root for an hour at most', async () => {
    const session = await get(fixture.ada)
    assert.equal(session.seconds, 43_200)
    assert.ok(session.sessionToken.length < 2_048)
    const found = await fixture.identity.identities.find(session.accessKeyId)
    assert.equal(found?.caller.principal.kind, 'user')
    assert.equal((await get(fixture.ada, 129_600)).seconds, 129_600)
    assert.equal((await get(fixture.root)).seconds, 3_600)
    const role = await fixture.makeRole('FromSession', trust({ AWS: USER_ARN }), {
      maxSessionDuration: 7_200,
    })
    // A user's own session is no role: this is no chain.
    await fixture.assume(session, role, { DurationSeconds: 7_200 })
  })

  it('takes long-term keys only, and no MFA', async () => {
    const session = await get(fixture.ada)
    const refused = fault(
      'AccessDenied',
      403,
      'Cannot call GetSessionToken with session credentials',
    )
    await assert.rejects(get(session), refused)
    await assert.rejects(get(fixture.ada, 1), fault('ValidationError', 400, /'durationSeconds'/))
    const command = new GetSessionTokenCommand({
      SerialNumber: 'GAHT12345678',
      TokenCode: '123456',
    })
    await assert.rejects(
      fixture.clientOf(fixture.ada).send(command),
      fault('UnsupportedOperationException', 400, /SerialNumber/),
    )
  })
})

describe('everything else', () => {
  it('answers an honest error by name', async () => {
    await assert.rejects(
      fixture.clientOf(fixture.ada).send(new GetFederationTokenCommand({ Name: 'bob' })),
      fault('NotImplemented', 501, /^GetFederationToken is not implemented .*--upstream sts=/),
    )
  })

  it('answers requests that are none', async () => {
    const caller: Caller = { principal: { kind: 'root', account: ACCOUNT } }
    const codeOf = async (given: Partial<VerifiedCall> & { form?: string }) => {
      const { status, body } = await fixture.sts(callOf(caller, given))
      const text = String(body)
      assert.match(text, /^<ErrorResponse xmlns="[^"]+"><Error><Type>Sender<\/Type><Code>/)
      assert.match(text, /<RequestId>8b4b0a0e-/)
      return `${status} ${/<Code>(.*)<\/Code>/.exec(text)?.[1]} ${/<Message>(.*)<\/Message>/s.exec(text)?.[1]}`
    }
    assert.match(await codeOf({}), /^400 MissingAction/)
    assert.equal(
      await codeOf({ form: 'Action=Fly%26%3C%00&Version=2011-06-15' }),
      '400 InvalidAction Could not find operation Fly&amp;&lt;\ufffd for version 2011-06-15',
    )
    assert.match(await codeOf({ form: 'Action=AssumeRole' }), /for version NO_VERSION_SPECIFIED$/)
    assert.match(
      await codeOf({ body: Readable.from([Buffer.alloc(200_000, 'a')]) }),
      /^413 RequestEntityTooLarge/,
    )
    assert.match(await codeOf({ form: '%%%&&&=\ufffd' }), /^400 MissingAction/)
  })

  it('passes on a body that breaks off', async () => {
    const caller: Caller = { principal: { kind: 'root', account: ACCOUNT } }
    const body = new Readable({
      read() {
        this.destroy(new Error('the payload hash does not match'))
      },
    })
    await assert.rejects(fixture.sts(callOf(caller, { body })), /payload hash/)
  })
})
