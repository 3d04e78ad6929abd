import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { inspect } from 'node:util'
import fc from 'fast-check'
import type { Caller } from '../event/principal.ts'
import { type Answer, federationCallerOf, learnFromAnswer } from './learn.ts'
import { createKey } from './store/access-keys.ts'
import { saveUser } from './store/principals.ts'
import { keyKey } from './store/records.ts'
import {
  createIdentityFixture,
  createMemoryLogger,
  type IdentityFixture,
} from './testing/identity-fixture.ts'

const ACCOUNT = '123456789012'
const NOW = Date.UTC(2026, 2, 2, 8, 14, 7)
const USER = {
  kind: 'user',
  account: ACCOUNT,
  userId: 'AIDAJ45Q7YFFAREXAMPLE',
  userName: 'ada',
  path: '/',
} as const
const CALLER: Caller = { principal: USER, accessKeyId: 'AKIAJ45Q7YFFAREXAMPLE' }

const credentials = (id = 'ASIAJ45Q7YFFAREXAMPL'): string =>
  `<Credentials><AccessKeyId>${id}</AccessKeyId>` +
  '<SecretAccessKey>session/secret+0123456789&amp;x</SecretAccessKey>' +
  '<SessionToken>token&#x2F;of a session</SessionToken>' +
  '<Expiration>2026-03-02T09:14:07.500Z</Expiration></Credentials>'

const xml = (operation: string, result: string, namespace = 'sts'): Buffer =>
  Buffer.from(
    `<?xml version="1.0"?><${operation}Response xmlns="https://${namespace}.amazonaws.com/doc/">` +
      `<${operation}Result>${result}</${operation}Result><ResponseMetadata/></${operation}Response>`,
  )

const answerOf = (operation: string, given: Partial<Answer>): Answer => ({
  signingName: 'sts',
  operation,
  request: '',
  body: Buffer.alloc(0),
  caller: CALLER,
  account: ACCOUNT,
  now: NOW,
  ...given,
})

const assumed =
  '<AssumedRoleUser><AssumedRoleId>AROAJ45Q7YFFAREXAMPLE:build</AssumedRoleId>' +
  '<Arn>arn:aws:sts::210987654321:assumed-role/Deploy/build</Arn></AssumedRoleUser>'

const ROLE = {
  kind: 'assumed-role',
  account: '210987654321',
  roleId: 'AROAJ45Q7YFFAREXAMPLE',
  roleName: 'Deploy',
  path: '/',
  sessionName: 'build',
} as const

const learnOne = (answer: Answer) => {
  const [learned, ...more] = learnFromAnswer(answer)
  assert.equal(more.length, 0)
  assert.ok(learned?.kind === 'session')
  return learned
}

describe('learning from STS', () => {
  it('reads AssumeRole, the path from the request', () => {
    const learned = learnOne(
      answerOf('AssumeRole', {
        request:
          'Action=AssumeRole&RoleArn=arn%3Aaws%3Aiam%3A%3A210987654321%3Arole%2Fci%2Fx%2FDeploy&SourceIdentity=ada&TokenCode=123456',
        body: xml('AssumeRole', assumed + credentials()),
      }),
    )
    assert.equal(learned.accessKeyId, 'ASIAJ45Q7YFFAREXAMPL')
    assert.equal(learned.secret.reveal(), 'session/secret+0123456789&x')
    assert.equal(learned.sessionToken.reveal(), 'token/of a session')
    assert.equal(learned.expiresAt, Date.UTC(2026, 2, 2, 9, 14, 7, 500))
    assert.deepEqual(learned.principal, { ...ROLE, path: '/ci/x/' })
    assert.deepEqual(learned.facts, {
      createdAt: NOW,
      mfaAuthenticated: true,
      sourceIdentity: 'ada',
    })
    assert.ok(!`${JSON.stringify(learned)}${inspect(learned)}`.includes('0123456789'))
  })

  it('reads JSON answers, their times in seconds', () => {
    const result = {
      AssumedRoleUser: {
        AssumedRoleId: 'AROAJ45Q7YFFAREXAMPLE:build',
        Arn: 'arn:aws:sts::210987654321:assumed-role/Deploy/build',
      },
      Credentials: {
        AccessKeyId: 'ASIAJ45Q7YFFAREXAMPL',
        SecretAccessKey: 'session-secret',
        SessionToken: 'token',
        Expiration: 1.7724423e9,
      },
    }
    const body = Buffer.from(JSON.stringify({ AssumeRoleResponse: { AssumeRoleResult: result } }))
    const learned = learnOne(answerOf('AssumeRole', { body }))
    assert.equal(learned.expiresAt, 1_772_442_300_000)
    assert.deepEqual(learned.principal, ROLE)
  })

  it('carries a source identity through a chain', () => {
    const session = { createdAt: 1, mfaAuthenticated: true, sourceIdentity: 'ada' }
    const learned = learnOne(
      answerOf('AssumeRole', {
        caller: { principal: ROLE, session },
        body: xml('AssumeRole', assumed + credentials()),
      }),
    )
    assert.equal(learned.facts.sourceIdentity, 'ada')
    assert.equal(learned.facts.mfaAuthenticated, false)
  })

  it('reads web identities and SAML, and who called', () => {
    const anonymous: Caller = { principal: { kind: 'anonymous' } }
    const web = answerOf('AssumeRoleWithWebIdentity', {
      caller: anonymous,
      body: xml(
        'AssumeRoleWithWebIdentity',
        `${assumed}${credentials()}<Provider>www.amazon.com</Provider><Audience>app</Audience>` +
          '<SubjectFromWebIdentityToken>amzn1.42</SubjectFromWebIdentityToken>',
      ),
    })
    assert.deepEqual(learnOne(web).facts.webIdFederation, {
      provider: 'www.amazon.com',
      attributes: { 'www.amazon.com:aud': 'app', 'www.amazon.com:sub': 'amzn1.42' },
    })
    assert.deepEqual(federationCallerOf(web)?.principal, {
      kind: 'web-identity-user',
      account: '210987654321',
      issuer: 'www.amazon.com',
      audience: 'app',
      subject: 'amzn1.42',
    })
    const saml = answerOf('AssumeRoleWithSAML', {
      caller: anonymous,
      body: xml(
        'AssumeRoleWithSAML',
        `${assumed}${credentials()}<Subject>ada</Subject><NameQualifier>Sbd=</NameQualifier>`,
      ),
    })
    assert.deepEqual(learnOne(saml).principal, ROLE)
    assert.deepEqual(federationCallerOf(saml)?.principal, {
      kind: 'saml-user',
      account: '210987654321',
      nameQualifier: 'Sbd=',
      subject: 'ada',
    })
    assert.equal(federationCallerOf(answerOf('AssumeRole', {})), undefined)
  })

  it('reads GetSessionToken and GetFederationToken as the caller', () => {
    const session = answerOf('GetSessionToken', { body: xml('GetSessionToken', credentials()) })
    assert.deepEqual(learnOne(session).principal, USER)
    const federation = answerOf('GetFederationToken', {
      body: xml(
        'GetFederationToken',
        `${credentials()}<FederatedUser><FederatedUserId>${ACCOUNT}:bob</FederatedUserId>` +
          `<Arn>arn:aws:sts::${ACCOUNT}:federated-user/bob</Arn></FederatedUser>`,
      ),
    })
    assert.deepEqual(learnOne(federation).principal, {
      kind: 'federated-user',
      account: ACCOUNT,
      name: 'bob',
      issuer: USER,
    })
  })

  it('learns nothing from what it cannot read, and says so without content', () => {
    const { logger, lines } = createMemoryLogger()
    const bodies = [
      Buffer.from('<AssumeRoleResponse'),
      Buffer.from('{"a":'),
      xml('AssumeRole', ''),
      xml('AssumeRole', assumed),
      xml('AssumeRole', assumed + credentials().replace('2026-03-02T09:14:07.500Z', 'soon')),
      Buffer.alloc(2 * 1024 * 1024, 'x'),
    ]
    for (const body of bodies) {
      assert.deepEqual(learnFromAnswer(answerOf('AssumeRole', { body, logger })), [])
    }
    assert.equal(lines.length, bodies.length)
    assert.ok(!JSON.stringify(lines).includes('session/secret'))
    const unknown: Caller = { principal: { kind: 'unknown' } }
    const body = xml('GetSessionToken', credentials())
    assert.deepEqual(learnFromAnswer(answerOf('GetSessionToken', { caller: unknown, body })), [])
  })

  it('never throws, whatever the answer', () => {
    const operation = fc.constantFrom('AssumeRole', 'GetSessionToken', 'AssumeRoleWithSAML')
    const text = fc.oneof(
      fc.string(),
      fc.json(),
      fc
        .array(fc.constantFrom('<a>', '</a>', '<AssumeRoleResponse>', '&', '<!', ']]>', 'x'))
        .map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(operation, text, (name, body) => {
        assert.deepEqual(learnFromAnswer(answerOf(name, { body: Buffer.from(body) })), [])
      }),
      { numRuns: 300 },
    )
  })

  it('learns nothing from other operations and services', () => {
    assert.deepEqual(learnFromAnswer(answerOf('GetCallerIdentity', {})), [])
    assert.deepEqual(learnFromAnswer(answerOf('ListUsers', { signingName: 'iam' })), [])
    assert.deepEqual(learnFromAnswer(answerOf('AssumeRole', { signingName: 's3' })), [])
  })
})

describe('remembering', () => {
  let fixture: IdentityFixture
  before(async () => {
    fixture = await createIdentityFixture()
  })
  after(() => fixture.close())

  const iam = (operation: string, request: string, result: string): Answer =>
    answerOf(operation, {
      signingName: 'iam',
      request: `Action=${operation}&${request}`,
      body: xml(operation, result, 'iam'),
    })
  const accessKey = (id: string): string =>
    `<AccessKey><UserName>carol</UserName><AccessKeyId>${id}</AccessKeyId>` +
    '<Status>Active</Status><SecretAccessKey>upstream-secret</SecretAccessKey></AccessKey>'
  const learn = async (answer: Answer): Promise<void> =>
    fixture.identities.remember(learnFromAnswer(answer))

  it('follows the life of an upstream user and its key', async () => {
    const { identities } = fixture
    const find = async () => (await identities.find('AKIACAROL'))?.caller.principal
    await learn(iam('CreateAccessKey', 'UserName=carol', accessKey('AKIACAROL')))
    const carol = { kind: 'user', account: ACCOUNT, userName: 'carol' }
    assert.deepEqual(await find(), { ...carol, userId: '', path: '/' })
    await learn(
      iam(
        'GetUser',
        '',
        `<User><Path>/x/</Path><UserName>carol</UserName><UserId>AIDACAROLCAROLCAROLCA</UserId><Arn>arn:aws:iam::${ACCOUNT}:user/x/carol</Arn></User>`,
      ),
    )
    const known = { ...carol, userId: 'AIDACAROLCAROLCAROLCA', path: '/x/' }
    assert.deepEqual(await find(), known)
    await learn(iam('CreateAccessKey', 'UserName=carol', accessKey('AKIACAROL2')))
    assert.deepEqual(await find(), known)
    await learn(iam('UpdateAccessKey', 'AccessKeyId=AKIACAROL&Status=Inactive', ''))
    assert.equal(await find(), undefined)
    await learn(iam('UpdateAccessKey', 'AccessKeyId=AKIACAROL&Status=Active', ''))
    assert.deepEqual(await find(), known)
    await learn(iam('DeleteAccessKey', 'AccessKeyId=AKIACAROL', ''))
    assert.equal(await find(), undefined)
    await learn(iam('UpdateAccessKey', 'AccessKeyId=AKIANOWHERE&Status=Active', ''))
  })

  it('never lets an answer replace or remove a configured key or user', async () => {
    const { identities, store, lines } = fixture
    await identities.ensureRootKey(ACCOUNT)
    const user = await saveUser(store, { account: ACCOUNT, name: 'dave', source: 'made' })
    const owner = { kind: 'user', name: 'dave' } as const
    const key = await createKey(store, { account: ACCOUNT, owner })
    const unchanged = JSON.stringify(await fixture.documents.get(keyKey(key.accessKeyId)))
    await learn(iam('CreateAccessKey', '', accessKey(key.accessKeyId)))
    await learn(iam('DeleteAccessKey', `AccessKeyId=${key.accessKeyId}`, ''))
    await learn(iam('UpdateAccessKey', `AccessKeyId=${key.accessKeyId}&Status=Inactive`, ''))
    await learn(
      answerOf('GetSessionToken', { body: xml('GetSessionToken', credentials(key.accessKeyId)) }),
    )
    await learn(
      iam(
        'GetUser',
        '',
        '<User><Path>/evil/</Path><UserName>dave</UserName><UserId>AIDAEVILEVILEVILEVILE</UserId></User>',
      ),
    )
    assert.equal(JSON.stringify(await fixture.documents.get(keyKey(key.accessKeyId))), unchanged)
    const principal = (await identities.find(key.accessKeyId))?.caller.principal
    assert.ok(principal?.kind === 'user')
    assert.equal(principal.userId, user.id)
    assert.equal(principal.path, '/')
    assert.equal(lines.filter(({ level }) => level === 'warn').length, 2)
  })

  it('logs what it cannot take instead of failing the call', async () => {
    const { lines } = fixture
    const before = lines.length
    await learn(iam('CreateAccessKey', '', accessKey('AKIACAROL3').replace('carol', 'a b')))
    assert.equal(lines.length, before + 1)
    assert.ok(!JSON.stringify(lines).includes('upstream-secret'))
  })

  it('lets a later session take over the id that moto gives to all', async () => {
    const { identities } = fixture
    const id = 'AKIAIOSFODNN7EXAMPLE'
    const body = xml('GetSessionToken', credentials(id))
    await learn(answerOf('GetSessionToken', { body }))
    const root: Caller = { principal: { kind: 'root', account: ACCOUNT } }
    await learn(answerOf('GetSessionToken', { body, caller: root }))
    const found = await identities.find(id)
    assert.equal(found?.caller.principal.kind, 'root')
    assert.equal(found?.sessionToken, 'token/of a session')
    assert.equal(found?.expiresAt, Date.UTC(2026, 2, 2, 9, 14, 7, 500))
  })
})
