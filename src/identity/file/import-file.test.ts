import assert from 'node:assert/strict'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { createKey, setKeyStatus } from '../store/access-keys.ts'
import { ensureAccount } from '../store/accounts.ts'
import { findRole, findUser, saveUser } from '../store/principals.ts'
import { createIdentityFixture, type IdentityFixture } from '../testing/identity-fixture.ts'
import { IdentitiesFileError, parseIdentities } from './identities-file.ts'

const ACCOUNT = '123456789012'

const FULL = `
accounts:
  - id: '${ACCOUNT}'
    alias: acme-prod
    users:
      - name: ada
        path: /ops/
        id: AIDAJ45Q7YFFAREXAMPLE
        accessKeys:
          - id: AKIAADA
            secret: ada-secret-0123456789
          - id: AKIAADA2
            secretFile: ada2.secret
      - name: bob
    roles:
      - name: Deploy
        maxSessionDuration: 7200
        trustPolicy:
          Version: '2012-10-17'
          Statement:
            Effect: Allow
            Principal: { AWS: '${ACCOUNT}' }
            Action: sts:AssumeRole
    rootAccessKeys:
      - id: AKIAROOT
        secret: root-secret-0123456789
`

describe('identities.yaml', () => {
  let fixture: IdentityFixture
  let path: string
  const write = async (text: string): Promise<void> => {
    await writeFile(path, text, { mode: 0o600 })
  }

  beforeEach(async () => {
    fixture = await createIdentityFixture()
    path = join(fixture.folder, 'identities.yaml')
    await writeFile(join(fixture.folder, 'ada2.secret'), 'ada2-secret-0123456789\n', {
      mode: 0o600,
    })
  })
  afterEach(() => fixture.close())

  it('brings accounts, users, roles and keys', async () => {
    const { identities, lines } = fixture
    await write(FULL)
    await identities.importFile(path)
    const user = {
      kind: 'user',
      account: ACCOUNT,
      userId: 'AIDAJ45Q7YFFAREXAMPLE',
      userName: 'ada',
      path: '/ops/',
    }
    for (const id of ['AKIAADA', 'AKIAADA2']) {
      assert.deepEqual((await identities.find(id))?.caller.principal, user)
    }
    assert.deepEqual((await identities.find('AKIAROOT'))?.caller.principal, {
      kind: 'root',
      account: ACCOUNT,
      alias: 'acme-prod',
    })
    assert.equal((await identities.role(ACCOUNT, 'Deploy'))?.maxSessionDuration, 7_200)
    assert.ok(!lines.some(({ level }) => level === 'warn'))
    assert.ok(!JSON.stringify(lines).includes('0123456789'))
  })

  it('changes nothing when it is read again, and keeps a key disabled', async () => {
    const { identities, store, documents } = fixture
    await write(FULL)
    await identities.importFile(path)
    const bob = await findUser(store, ACCOUNT, 'bob')
    await setKeyStatus(store, 'AKIAADA', 'disabled')
    const revisions = async () => (await documents.list('')).map(({ revision }) => revision)
    const before = await revisions()
    await identities.importFile(path)
    assert.deepEqual(await revisions(), before)
    assert.deepEqual(await findUser(store, ACCOUNT, 'bob'), bob)
    assert.equal(await identities.find('AKIAADA'), undefined)
  })

  it('takes over what changed and removes what it no longer names', async () => {
    const { identities, store } = fixture
    await write(FULL)
    await identities.importFile(path)
    const made = await createKey(store, { account: ACCOUNT, owner: { kind: 'root' } })
    await write(FULL.replace('/ops/', '/dev/').replace(/ {6}- name: bob\n/, ''))
    await identities.importFile(path)
    assert.equal((await findUser(store, ACCOUNT, 'ada'))?.path, '/dev/')
    assert.equal(await findUser(store, ACCOUNT, 'bob'), undefined)
    await identities.importFile(undefined)
    assert.equal(await identities.find('AKIAADA'), undefined)
    assert.equal(await identities.find('AKIAROOT'), undefined)
    assert.equal(await findRole(store, ACCOUNT, 'Deploy'), undefined)
    assert.ok(await identities.find(made.accessKeyId))
  })

  it('does not touch what a command made, and says where the clash is', async () => {
    const { identities, store } = fixture
    await ensureAccount(store, ACCOUNT)
    await saveUser(store, { account: ACCOUNT, name: 'bob', source: 'made' })
    await write(FULL)
    await assert.rejects(identities.importFile(path), {
      message: /^identities\.yaml:14:9: accounts\[0\]\.users\[1\]\.name: .*already exists/,
    })
  })

  it('warns when others can read a secret', async () => {
    const { identities, lines } = fixture
    await write(FULL)
    await chmod(path, 0o644)
    await identities.importFile(path)
    const warnings = lines.filter(({ level }) => level === 'warn')
    assert.deepEqual(
      warnings.map(({ fields }) => fields),
      [{ path }],
    )
  })

  it('names what cannot be read', async () => {
    const { identities } = fixture
    await assert.rejects(identities.importFile(path), { code: 'unreadable' })
    await write(FULL.replace('ada2.secret', 'gone.secret'))
    await assert.rejects(identities.importFile(path), { message: /gone\.secret/ })
    await writeFile(join(fixture.folder, 'ada2.secret'), 'too short\nsecond line')
    await write(FULL)
    await assert.rejects(identities.importFile(path), {
      message: /^identities\.yaml:12:13: .*ada2\.secret holds no secret/,
    })
    assert.equal(await identities.find('AKIAADA'), undefined)
  })
})

describe('errors of identities.yaml', () => {
  const user = (lines: string): string =>
    `accounts:\n  - id: '${ACCOUNT}'\n    users:\n      - name: ada\n${lines}`
  const cases: readonly (readonly [name: string, text: string, message: RegExp])[] = [
    ['YAML', 'accounts: [', /^f\.yaml:1:\d+: /],
    ['unknown key', 'account: []', /^f\.yaml:1:1: account: there is no such key/],
    [
      'nested unknown key',
      user('        groups: []'),
      /^f\.yaml:5:9: accounts\[0\]\.users\[0\]\.groups: there/,
    ],
    ['number as id', 'accounts:\n  - id: 123456789012', /^f\.yaml:2:5: accounts\[0\]\.id: /],
    ['bad path', user('        path: ops'), /^f\.yaml:5:9: .*path: is no path/],
    ['missing member', 'accounts:\n  - alias: abc', /^f\.yaml:2:5: accounts\[0\]\.id: /],
    [
      'two secrets',
      user('        accessKeys:\n          - {id: AKIAX, secret: 0123456789a, secretFile: x}'),
      /^f\.yaml:6:13: .*accessKeys\[0\]: needs either/,
    ],
    [
      'no secrets from the environment',
      user('        accessKeys:\n          - {id: AKIAX, secretEnv: X}'),
      /secretEnv: there is no such key/,
    ],
    ['accounts that are no list', 'accounts: 1', /^f\.yaml:1:1: accounts: /],
  ]
  for (const [name, text, message] of cases) {
    it(`name file, line and key: ${name}`, () => {
      assert.throws(
        () => parseIdentities('f.yaml', text),
        (error) => error instanceof IdentitiesFileError && message.test(error.message),
      )
    })
  }

  it('takes an empty file', () => {
    assert.deepEqual(parseIdentities('f.yaml', '').file, { accounts: [] })
  })
})
