/** `clew fsck` on the folder of a server that has stopped: every part is read, damage is found. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { openSqliteDocuments } from '../../src/documents/sqlite-documents.ts'
import type { KeyDocument } from '../../src/identity/store/records.ts'
import { openSpool } from '../../src/journal/spool/spool.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { masterKeyOf } from '../../src/platform/encryption.ts'
import { silentLogger } from '../../src/platform/logger.ts'
import { cleanEnvironment, makeDataFolder, removeFolder, startClew } from './clew-server.ts'
import { run } from './run-command.ts'

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'main.ts')

interface Part {
  readonly name: string
  readonly read: string
  readonly problems: readonly { readonly place: string; readonly problem: string }[]
}

describe('fsck', () => {
  const data = makeDataFolder()
  before(async () => {
    await (await startClew({ data })).stop()
  })
  after(() => removeFolder(data))

  const fsck = async (): Promise<{ code: number | null; parts: Part[]; wrong: string[] }> => {
    const args = ['--no-maglev', MAIN, 'fsck', '--data', data, '--json']
    const { code, stdout, stderr } = await run(process.execPath, args, { env: cleanEnvironment() })
    assert.equal(stderr, '')
    const parts = JSON.parse(stdout) as Part[]
    const wrong = parts.filter(({ problems }) => problems.length > 0).map(({ name }) => name)
    return { code, parts, wrong }
  }

  it('reads every part of the folder and finds nothing', async () => {
    const { code, parts, wrong } = await fsck()
    assert.deepEqual([code, wrong], [0, []])
    assert.deepEqual(
      parts.map(({ name }) => name),
      ['documents', 'identities', 'journal', 'spool', 'history', 'delivery', 'objects'],
    )
    assert.equal(parts.find(({ name }) => name === 'identities')?.read, '1 keys')
  })

  it('finds a damaged credential, spool and pending log file', async () => {
    const master = masterKeyOf(
      Buffer.from(readFileSync(join(data, 'master.key'), 'utf8').trim(), 'hex'),
    )
    const options = { clock: systemClock, logger: silentLogger }
    const documents = await openSqliteDocuments(join(data, 'documents.sqlite'), options)
    const [key] = await documents.list<KeyDocument>('identity/keys/')
    assert.ok(key)
    await documents.put(key.key, { ...key.value, secret: 'AAAA'.repeat(20) }, key.revision)
    await documents.close()
    const spool = await openSpool(join(data, 'spool'), { ...options, master })
    await spool.put(0, 1, Buffer.from('no frame'))
    await spool.close()
    writeFileSync(join(data, 'delivery', 'pending', 'x.pending'), Buffer.alloc(500))
    const { code, wrong } = await fsck()
    assert.deepEqual([code, wrong], [1, ['identities', 'spool', 'delivery']])
    assert.ok(
      statSync(join(data, 'delivery', 'pending', 'x.pending')).size === 500,
      'nothing is changed',
    )
    assert.ok(readdirSync(join(data, 'spool')).length > 0)
  })

  it('checks everything else where the documents cannot be read', async () => {
    const path = join(data, 'documents.sqlite')
    const whole = readFileSync(path)
    for (const from of [0, 4_096]) {
      const damaged = Buffer.from(whole)
      damaged.fill(0xff, from, from + 3_000)
      writeFileSync(path, damaged)
      const { code, parts, wrong } = await fsck()
      assert.equal(code, 1)
      assert.deepEqual(wrong, ['documents', 'identities', 'spool', 'delivery'])
      assert.equal(parts.length, 7)
      assert.equal(parts[0]?.problems[0]?.place, path)
    }
  })
})
