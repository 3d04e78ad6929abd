import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import {
  createIdentityFixture,
  type IdentityFixture,
} from '../identity/testing/identity-fixture.ts'
import { CodedError } from '../platform/errors.ts'
import { keysCommand } from './keys.ts'

const ACCOUNT = '123456789012'
const TRUST = JSON.stringify({
  Statement: { Effect: 'Allow', Principal: { AWS: ACCOUNT }, Action: 'sts:AssumeRole' },
})

describe('clew keys', { timeout: 30_000 }, () => {
  let fixture: IdentityFixture
  let opened = 0
  before(async () => {
    fixture = await createIdentityFixture()
    await fixture.identities.ensureRootKey(ACCOUNT)
  })
  after(() => fixture.close())

  /** Runs one command on its own connection, as its own process has it, and returns stdout. */
  const keys = async (args: readonly string[], input = ''): Promise<string> => {
    let printed = ''
    const open = async () => {
      const { store, close } = await fixture.openAnother()
      opened++
      return {
        ...store,
        account: ACCOUNT,
        exportPublicKeys: async () => ({ keys: [{ fingerprint: 'f' }] }),
        close: async () => {
          opened--
          await close()
        },
      }
    }
    const command = keysCommand(open, {
      input: Readable.from([Buffer.from(input)]),
      out: (text) => {
        printed += text
      },
    })
    command.exitOverride().configureOutput({ writeErr: () => {} })
    for (const inner of command.commands)
      inner.exitOverride().configureOutput({ writeErr: () => {} })
    try {
      await command.parseAsync(args, { from: 'user' })
    } finally {
      assert.equal(opened, 0, 'the store is closed again')
    }
    return printed
  }
  const refused = (args: readonly string[], message: RegExp): Promise<void> =>
    assert.rejects(
      keys(args),
      (error) => error instanceof CodedError && message.test(error.message),
    )
  const eventually = async (check: () => Promise<boolean>): Promise<void> => {
    while (!(await check())) await new Promise(setImmediate)
  }

  it('makes a user and a key that the running server knows', async () => {
    const user = JSON.parse(await keys(['create-user', 'ada', '--path', '/ops/', '--json']))
    assert.equal(user.arn, `arn:aws:iam::${ACCOUNT}:user/ops/ada`)
    const printed = await keys(['create-key', '--user', 'ada'])
    const [, accessKeyId = '', secret = ''] =
      /^export AWS_ACCESS_KEY_ID=(\S+)\nexport AWS_SECRET_ACCESS_KEY=(\S+)\n$/.exec(printed) ?? []
    assert.equal(secret.length, 40)
    const found = await fixture.identities.find(accessKeyId)
    assert.deepEqual(found?.caller.principal, {
      kind: 'user',
      account: ACCOUNT,
      userId: user.userId,
      userName: 'ada',
      path: '/ops/',
    })
    assert.ok(!(await keys(['list'])).includes(secret))
    assert.ok(!(await keys(['list', '--json'])).includes(secret))
  })

  it('disables, enables and deletes a key', async () => {
    const { identities } = fixture
    const made = JSON.parse(await keys(['create-key', '--root', '--json']))
    const id: string = made.accessKeyId
    assert.ok(await identities.find(id))
    await keys(['disable-key', id])
    await eventually(async () => (await identities.find(id)) === undefined)
    assert.match(await keys(['list']), new RegExp(`${id}\\s+disabled`))
    await keys(['enable-key', id])
    await eventually(async () => (await identities.find(id)) !== undefined)
    await keys(['delete-key', id])
    await eventually(async () => (await identities.find(id)) === undefined)
    await refused(['delete-key', id], /There is no access key/)
    await refused(['disable-key', id], /There is no access key/)
  })

  it('imports a key, its secret from standard input', async () => {
    assert.equal(
      await keys(['import-key', 'minioadmin', '--root'], 'minioadmin\n'),
      'imported minioadmin\n',
    )
    assert.ok(await fixture.identities.find('minioadmin'))
    await refused(['import-key', 'other', '--root'], /is no secret access key/)
  })

  it('makes accounts and roles, and deletes roles and users', async () => {
    await keys(['create-account', '210987654321', '--alias', 'acme-dev'])
    const file = join(fixture.folder, 'trust.json')
    await writeFile(file, TRUST)
    const made = await keys(['create-role', 'Deploy', '--trust', file, '--account', '210987654321'])
    assert.match(made, /^arn:aws:iam::210987654321:role\/Deploy {2}AROA[A-Z2-7]{17}\n$/)
    await keys(['create-role', 'Local', '--trust', TRUST, '--max-session-duration', '7200'])
    assert.equal((await fixture.identities.role(ACCOUNT, 'Local'))?.maxSessionDuration, 7_200)
    const listed = await keys(['list'])
    assert.match(listed, /account +210987654321 +acme-dev/)
    assert.match(listed, /role +210987654321 +Deploy/)
    await keys(['delete-role', 'Deploy', '--account', '210987654321'])
    await refused(['delete-role', 'Deploy', '--account', '210987654321'], /There is no role/)
    await keys(['create-user', 'bob'])
    await keys(['delete-user', 'bob'])
    await refused(['delete-user', 'bob'], /There is no user/)
  })

  it('refuses what cannot be', async () => {
    await refused(['create-account', '12'], /is no account id/)
    await refused(['create-user', 'a b'], /is no user or role name/)
    await refused(['create-user', 'x', '--account', '999999999999'], /There is no account/)
    await refused(['create-key', '--user', 'ghost'], /has no user 'ghost'/)
    await refused(['create-key', '--root', '--account', '999999999999'], /There is no account/)
    await refused(['create-key'], /Whose key/)
    await refused(['create-key', '--root', '--user', 'ada'], /Whose key/)
    await refused(['create-role', 'X', '--trust', '{}'], /policy is not valid/)
    await refused(['create-role', 'X', '--trust', '/nowhere/x.json'], /cannot be read/)
    const wrong = ['create-role', 'X', '--trust', TRUST, '--max-session-duration', 'long']
    await refused(wrong, /maxSessionDuration/)
  })

  it('exports the public keys', async () => {
    assert.deepEqual(JSON.parse(await keys(['export-public'])), { keys: [{ fingerprint: 'f' }] })
  })
})
