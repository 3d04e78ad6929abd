import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { readConfig } from '../config.ts'
import { DataFolderError, openDataFolder, pathsOf, readMasterKey } from './data-folder.ts'

const configIn = (t: TestContext, more: [string, unknown][] = []) => {
  const folder = mkdtempSync(join(tmpdir(), 'clew-folder-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return readConfig(new Map<string, unknown>([['data', join(folder, 'data')], ...more]), {})
}

describe('data folder', () => {
  it('makes its secrets once, for the owner only', async (t) => {
    const config = configIn(t)
    const paths = pathsOf(config.data)
    const first = await openDataFolder(config)
    const secrets = [paths.masterKey, paths.adminToken].map((file) => readFileSync(file, 'utf8'))
    for (const file of [paths.masterKey, paths.adminToken]) {
      assert.equal(statSync(file).mode & 0o777, 0o600)
    }
    first[Symbol.dispose]()
    const second = await openDataFolder(config)
    assert.deepEqual(
      [paths.masterKey, paths.adminToken].map((file) => readFileSync(file, 'utf8')),
      secrets,
    )
    second[Symbol.dispose]()
  })

  it('refuses a second server', async (t) => {
    const config = configIn(t)
    using _first = await openDataFolder(config)
    await assert.rejects(openDataFolder(config), { code: 'in-use' })
  })

  it('refuses what is no folder', async (t) => {
    const config = configIn(t)
    writeFileSync(config.data, 'a file')
    await assert.rejects(openDataFolder(config), { code: 'unusable' })
  })

  it('ends where no folder can be made, also below one that is always there', async (t) => {
    const config = configIn(t)
    for (const data of [join(config.data, '..', 'file', 'below'), '/proc/clew/data']) {
      writeFileSync(join(config.data, '..', 'file'), '')
      if (!existsSync('/proc') && data.startsWith('/proc')) continue
      await assert.rejects(openDataFolder({ ...config, data }), { code: 'unusable' })
    }
  })

  it('refuses a newer format and a lost or damaged key instead of making a new one', async (t) => {
    const config = configIn(t)
    const paths = pathsOf(config.data)
    ;(await openDataFolder(config))[Symbol.dispose]()
    const key = readFileSync(paths.masterKey, 'utf8')
    writeFileSync(paths.masterKey, 'abc\n')
    await assert.rejects(openDataFolder(config), { code: 'bad-master-key' })
    rmSync(paths.masterKey)
    await assert.rejects(openDataFolder(config), { code: 'no-master-key' })
    writeFileSync(paths.masterKey, key)
    writeFileSync(paths.format, '{"clew":2}\n')
    await assert.rejects(openDataFolder(config), { code: 'newer-format' })
  })

  it('takes the key from a command', async (t) => {
    const command = `printf '${'ab'.repeat(32)}\\n'`
    const config = configIn(t, [['masterKeyCommand', command]])
    using _folder = await openDataFolder(config)
    assert.ok(readMasterKey(config))
    assert.throws(() => readMasterKey({ ...config, masterKeyCommand: 'echo no' }), DataFolderError)
  })
})
