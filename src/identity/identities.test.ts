import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { inspect } from 'node:util'
import type { Documents } from '../documents/documents.ts'
import { EncryptionError, masterKeyOf } from '../platform/encryption.ts'
import { createCredentialCache } from './credential-cache.ts'
import type { Credential } from './credentials.ts'
import { openIdentities } from './identities.ts'
import { EXPIRED_KEPT_MS, SWEEP_INTERVAL_MS } from './session-sweep.ts'
import { createKey, deleteUser, removeKey, saveKey, setKeyStatus } from './store/access-keys.ts'
import { ensureAccount } from './store/accounts.ts'
import { removeRole, saveRole, saveUser } from './store/principals.ts'
import { accountKey, keyKey } from './store/records.ts'
import { createIdentityFixture, type IdentityFixture } from './testing/identity-fixture.ts'

const ACCOUNT = '123456789012'
const TRUST = JSON.stringify({
  Statement: { Effect: 'Allow', Principal: { AWS: ACCOUNT }, Action: 'sts:AssumeRole' },
})

/** Whether the credential signs as the plain secret does: what the verifier relies on. */
const signsWith = (credential: Credential, secret: string): void => {
  const text = '20260302'
  const expected = createHmac('sha256', `AWS4${secret}`).update(text).digest('hex')
  const signed = createHmac('sha256', credential.signingSecret).update(text).digest('hex')
  assert.equal(signed, expected)
  const expectedV2 = createHmac('sha1', secret).update(text).digest('hex')
  assert.equal(createHmac('sha1', credential.secret).update(text).digest('hex'), expectedV2)
}

/** Resolves when another process's change has reached `check`; the test's own time limit ends it. */
const eventually = async (check: () => Promise<boolean>): Promise<void> => {
  while (!(await check())) await new Promise(setImmediate)
}

describe('identities', { timeout: 30_000 }, () => {
  let fixture: IdentityFixture
  before(async () => {
    fixture = await createIdentityFixture()
  })
  after(() => fixture.close())

  it('make account and root key once, and read it again at any later start', async () => {
    const { identities } = fixture
    const made = await identities.ensureRootKey(ACCOUNT)
    assert.ok(made)
    assert.match(made.accessKeyId, /^AKIA[A-Z2-7]{16}$/)
    assert.equal(made.secret.length, 40)
    assert.equal(await identities.ensureRootKey(ACCOUNT), undefined)
    assert.deepEqual(await identities.rootKey(ACCOUNT), made)
    const found = await identities.find(made.accessKeyId)
    assert.ok(found)
    signsWith(found, made.secret)
    assert.deepEqual(found.caller, {
      principal: { kind: 'root', account: ACCOUNT },
      accessKeyId: made.accessKeyId,
    })
    const other = await identities.ensureRootKey('210987654321')
    assert.ok(other && other.accessKeyId !== made.accessKeyId)
    assert.ok(await identities.find(made.accessKeyId))
  })

  it('do not make a root key again once the operator has removed it', async () => {
    const { identities, store } = fixture
    const made = await identities.ensureRootKey('111111111111')
    assert.ok(made)
    const second = await createKey(store, { account: '111111111111', owner: { kind: 'root' } })
    await removeKey(store, made.accessKeyId)
    assert.equal(await identities.ensureRootKey('111111111111'), undefined)
    assert.deepEqual(await identities.rootKey('111111111111'), second)
    await setKeyStatus(store, second.accessKeyId, 'disabled')
    assert.equal(await identities.rootKey('111111111111'), undefined)
  })

  it('know users by their keys, with path and id', async () => {
    const { identities, store } = fixture
    const user = await saveUser(store, {
      account: ACCOUNT,
      name: 'ada',
      path: '/ops/',
      source: 'made',
    })
    assert.match(user.id, /^AIDA[A-Z2-7]{17}$/)
    const owner = { kind: 'user', name: 'ada' } as const
    const first = await createKey(store, { account: ACCOUNT, owner })
    const second = await createKey(store, { account: ACCOUNT, owner })
    for (const key of [first, second]) {
      const found = await identities.find(key.accessKeyId)
      assert.deepEqual(found?.caller.principal, {
        kind: 'user',
        account: ACCOUNT,
        userId: user.id,
        userName: 'ada',
        path: '/ops/',
      })
    }
    await assert.rejects(saveUser(store, { account: ACCOUNT, name: 'Ada', source: 'made' }), {
      code: 'exists',
    })
    await assert.rejects(createKey(store, { account: ACCOUNT, owner: { ...owner, name: 'bob' } }), {
      code: 'not-found',
    })
  })

  it('end keys and sessions with their user or role', async () => {
    const { identities, store, clock } = fixture
    const user = await saveUser(store, { account: ACCOUNT, name: 'eve', source: 'made' })
    const key = await createKey(store, { account: ACCOUNT, owner: { kind: 'user', name: 'eve' } })
    const facts = { createdAt: clock.now(), mfaAuthenticated: false }
    const expiresAt = clock.now() + 900_000
    const session = await identities.issueSession({
      principal: {
        kind: 'user',
        account: ACCOUNT,
        userId: user.id,
        userName: 'eve',
        path: '/',
      },
      facts,
      expiresAt,
    })
    const role = await saveRole(store, {
      account: ACCOUNT,
      name: 'Deploy',
      source: 'made',
      trustPolicy: TRUST,
    })
    const assumed = await identities.issueSession({
      principal: {
        kind: 'assumed-role',
        account: ACCOUNT,
        roleId: role.id,
        roleName: 'Deploy',
        path: '/',
        sessionName: 'x',
      },
      facts,
      expiresAt,
    })
    const found = await identities.find(session.accessKeyId)
    assert.equal(found?.sessionToken, session.sessionToken)
    assert.equal(found?.expiresAt, expiresAt)
    assert.deepEqual(found?.caller.session, facts)
    assert.ok(await identities.find(assumed.accessKeyId))
    assert.equal(await deleteUser(store, ACCOUNT, 'eve'), true)
    await removeRole(store, ACCOUNT, 'Deploy')
    for (const id of [key.accessKeyId, session.accessKeyId, assumed.accessKeyId]) {
      await eventually(async () => (await identities.find(id)) === undefined)
    }
    assert.equal(await deleteUser(store, ACCOUNT, 'eve'), false)
  })

  it('follow another connection: a key made there works, disabled it stops', async () => {
    const { identities } = fixture
    const other = await fixture.openAnother()
    const owner = { kind: 'root' } as const
    const { accessKeyId } = await createKey(other.store, { account: ACCOUNT, owner })
    assert.ok(await identities.find(accessKeyId))
    await setKeyStatus(other.store, accessKeyId, 'disabled')
    await eventually(async () => (await identities.find(accessKeyId)) === undefined)
    await setKeyStatus(other.store, accessKeyId, 'active')
    await eventually(async () => (await identities.find(accessKeyId)) !== undefined)
    await ensureAccount(other.store, ACCOUNT, { alias: 'acme-prod' })
    await eventually(async () => {
      const principal = (await identities.find(accessKeyId))?.caller.principal
      return principal?.kind === 'root' && principal.alias === 'acme-prod'
    })
    await removeKey(other.store, accessKeyId)
    await eventually(async () => (await identities.find(accessKeyId)) === undefined)
    await other.close()
  })

  it('answer unknown and impossible ids without keeping them', async () => {
    const { identities } = fixture
    for (const id of ['AKIAUNKNOWNUNKNOWN22', '', '../accounts/1', 'x'.repeat(10_000)]) {
      assert.equal(await identities.find(id), undefined)
    }
  })

  it('remove expired sessions a day later, and nothing else', async () => {
    const { identities, clock, documents } = fixture
    const root = await identities.rootKey(ACCOUNT)
    const principal = { kind: 'root', account: ACCOUNT } as const
    const facts = { createdAt: clock.now(), mfaAuthenticated: false }
    const issue = (ms: number) =>
      identities.issueSession({ principal, facts, expiresAt: clock.now() + ms })
    const short = await issue(900_000)
    const long = await issue(EXPIRED_KEPT_MS + 3_600_000)
    clock.advance(900_001)
    // Expired, but still known: the verifier answers ExpiredToken.
    assert.ok(await identities.find(short.accessKeyId))
    clock.advance(EXPIRED_KEPT_MS + SWEEP_INTERVAL_MS)
    const isGone = async (id: string): Promise<boolean> =>
      (await documents.get(keyKey(id))) === undefined
    await eventually(() => isGone(short.accessKeyId))
    assert.equal(await isGone(long.accessKeyId), false)
    assert.ok(root && !(await isGone(root.accessKeyId)))
  })

  it('keep every secret out of documents, logs, texts and inspection', async () => {
    const { identities, store, documents, lines, clock } = fixture
    const secrets: string[] = []
    const made = await identities.ensureRootKey('333333333333')
    assert.ok(made)
    secrets.push(made.secret)
    const imported = 'imported-secret-0123456789'
    await saveKey(store, {
      accessKeyId: 'minioadmin',
      secret: imported,
      account: '333333333333',
      owner: { kind: 'root' },
      source: 'imported',
    })
    secrets.push(imported)
    const session = await identities.issueSession({
      principal: { kind: 'root', account: '333333333333' },
      facts: { createdAt: clock.now(), mfaAuthenticated: false },
      expiresAt: clock.now() + 900_000,
    })
    secrets.push(session.secret, session.sessionToken)
    const found = await identities.find(session.accessKeyId)
    const shown = [
      JSON.stringify(await documents.list('')),
      JSON.stringify(lines),
      JSON.stringify(found),
      inspect(found, { depth: 10 }),
      String(found),
    ].join('\n')
    assert.ok(shown.includes(session.accessKeyId))
    for (const secret of secrets) {
      assert.ok(!shown.includes(secret))
      assert.ok(!shown.includes(Buffer.from(secret).toString('base64')))
    }
  })

  it('do not open under another master key', async () => {
    const { store, identities } = fixture
    const root = await identities.rootKey(ACCOUNT)
    const stranger = await openIdentities({ ...store, master: masterKeyOf(Buffer.alloc(32, 8)) })
    await assert.rejects(stranger.find(root?.accessKeyId ?? ''), EncryptionError)
    await stranger.close()
  })

  it('refuse documents of a newer format', async () => {
    const { store, documents } = fixture
    await ensureAccount(store, '444444444444')
    const account = await documents.get<object>(accountKey('444444444444'))
    await documents.put(accountKey('444444444444'), { ...account?.value, version: 2 }, 'any')
    await assert.rejects(ensureAccount(store, '444444444444'), { code: 'newer-format' })
    await documents.remove(accountKey('444444444444'), 'any')
  })
})

describe('first start', { timeout: 30_000 }, () => {
  /** Documents whose n-th change and every later one fail, as if the process had died there. */
  const dyingAt = (documents: Documents, changes: number): Documents => {
    let left = changes
    const live = async <Result>(change: () => Promise<Result>): Promise<Result> => {
      if (left-- <= 0) throw new Error('the process died')
      return change()
    }
    return {
      get: (key) => documents.get(key),
      list: (prefix) => documents.list(prefix),
      put: (...change) => live(() => documents.put(...change)),
      remove: (...change) => live(() => documents.remove(...change)),
      watch: (prefix, changed) => documents.watch(prefix, changed),
      close: async () => {},
    }
  }

  it('is finished by the next one wherever it was cut off', async () => {
    const fixture = await createIdentityFixture()
    const { store, documents, identities } = fixture
    let survived = false
    for (let changes = 0; !survived; changes++) {
      const account = String(500_000_000_000 + changes)
      const dying = await openIdentities({ ...store, documents: dyingAt(documents, changes) })
      survived = await dying.ensureRootKey(account).then(
        (key) => key !== undefined,
        () => false,
      )
      await dying.close()
      if (!survived) assert.ok(await identities.ensureRootKey(account), `after ${changes}`)
      assert.ok(await identities.rootKey(account))
      const keys = await documents.list<{ account: string }>('identity/keys/')
      assert.equal(keys.filter(({ value }) => value.account === account).length, 1)
    }
    await fixture.close()
  })

  it('made by two at once ends with one key', async () => {
    const fixture = await createIdentityFixture()
    const other = await fixture.openAnother()
    const second = await openIdentities(other.store)
    await Promise.all([fixture.identities.ensureRootKey(ACCOUNT), second.ensureRootKey(ACCOUNT)])
    const keys = await fixture.documents.list('identity/keys/')
    assert.equal(keys.length, 1)
    assert.deepEqual(await second.rootKey(ACCOUNT), await fixture.identities.rootKey(ACCOUNT))
    await second.close()
    await other.close()
    await fixture.close()
  })
})

describe('credential cache', () => {
  it('does not keep what was read before a change', async () => {
    const credential = { accessKeyId: 'A' } as Credential
    const reads: ((value: Credential | undefined) => void)[] = []
    const cache = createCredentialCache(() => new Promise((resolve) => reads.push(resolve)))
    const early = cache.find('A')
    const joined = cache.find('A')
    assert.equal(reads.length, 1)
    cache.forget('A')
    const late = cache.find('A')
    assert.equal(reads.length, 2)
    reads[0]?.(credential)
    assert.equal(await early, credential)
    assert.equal(await joined, credential)
    reads[1]?.(undefined)
    assert.equal(await late, undefined)
    const again = cache.find('A')
    assert.equal(reads.length, 3)
    reads[2]?.(credential)
    assert.equal(await again, credential)
    assert.equal(await cache.find('A'), credential)
    assert.equal(reads.length, 3)
    cache.clear()
    void cache.find('A')
    assert.equal(reads.length, 4)
  })
})
