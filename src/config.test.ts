import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { ConfigError } from './config/config-error.ts'
import { configSchema, readConfig } from './config.ts'

const fileWith = (t: TestContext, text: string): string => {
  const folder = mkdtempSync(join(tmpdir(), 'clew-config-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'clew.yaml')
  writeFileSync(file, text)
  return file
}
const read = (flags: Record<string, unknown>, environment = {}, file?: string) =>
  readConfig(new Map(Object.entries(flags)), environment, file)

describe('configuration', () => {
  it('has the defaults of the design', () => {
    const config = read({})
    assert.deepEqual(config.listen, { host: '127.0.0.1', port: 4600 })
    assert.deepEqual(config.console, { host: '127.0.0.1', port: 4601 })
    assert.equal(config.account, '123456789012')
    assert.equal(config.logFileInterval, 300_000)
    assert.equal(config.digestInterval, 3_600_000)
    assert.equal(config.regions.length, 17)
    assert.equal(config.trails.bucketPolicy, 'strict')
    assert.equal(config.journal.maxBytes, 64 * 2 ** 30)
    assert.ok(config.data.startsWith('/'))
  })

  it('takes a flag before the environment before the file', (t) => {
    const file = fileWith(
      t,
      'region: eu-west-1\naccount: "111111111111"\ntrails:\n  bucketPolicy: off\n',
    )
    const environment = { CLEW_REGION: 'eu-west-2', CLEW_TRAILS_BUCKET_POLICY: 'strict' }
    const config = read({ region: 'eu-west-3' }, environment, file)
    assert.equal(config.region, 'eu-west-3')
    assert.equal(config.trails.bucketPolicy, 'strict')
    assert.equal(config.account, '111111111111')
  })

  it('names the place, the setting and the nearest known one', (t) => {
    const cases: [() => unknown, RegExp][] = [
      [() => read({}, { CLEW_REGIO: 'x' }), /environment: there is no setting 'CLEW_REGIO'/],
      [() => read({}, {}, fileWith(t, 'journal:\n  maxByte: 1\n')), /'journal\.maxByte'/],
      [() => read({}, {}, fileWith(t, 'region: [\n')), /clew\.yaml:\d+:\d+: /],
      [
        () => read({}, {}, fileWith(t, 'region: eu-west-1\nnope: 1\n')),
        /yaml:2: there is no.*'nope'/,
      ],
      [() => read({}, {}, fileWith(t, 'listen: 4600\n')), /yaml:1: listen: '4600' is no HOST:PORT/],
      [
        () => read({}, {}, fileWith(t, 'journal:\n  retention: 24\n')),
        /yaml:2: journal\.retention: '24' is no duration/,
      ],
      [() => read({}, {}, fileWith(t, 'just text\n')), /clew\.yaml holds no settings/],
      [() => read({}, {}, 'no-such-file.yaml'), /no-such-file\.yaml: ENOENT/],
      [() => read({ listen: '4600' }), /--listen: '4600' is no HOST:PORT/],
      [() => read({ logFileInterval: '5 minutes' }), /--log-file-interval: '5 minutes' is no dur/],
      [() => read({ account: '12' }), /--account: "12" is no account id/],
      [() => read({}, { CLEW_JOURNAL_MAX_BYTES: 'much' }), /CLEW_JOURNAL_MAX_BYTES: 'much'/],
    ]
    for (const [attempt, message] of cases) {
      assert.throws(attempt, (error: unknown) => {
        assert.ok(error instanceof ConfigError)
        assert.match(error.message, message)
        return true
      })
    }
    assert.throws(
      () => read({}, { CLEW_REGIO: 'x' }),
      (error: unknown) =>
        error instanceof ConfigError && error.hint === "Did you mean 'CLEW_REGION'?",
    )
  })

  it('reads IPv6 addresses, lists and sizes', () => {
    const config = read(
      { listen: '[::1]:0', regions: 'eu-west-1, eu-west-2' },
      { CLEW_SPOOL_MAX_BYTES: '5MB' },
    )
    assert.deepEqual(config.listen, { host: '::1', port: 0 })
    assert.deepEqual(config.regions, ['eu-west-1', 'eu-west-2'])
    assert.equal(config.spool.maxBytes, 5_000_000)
  })

  it('has a JSON Schema with every setting', () => {
    const schema = JSON.stringify(configSchema())
    for (const name of ['logFileInterval', 'bucketPolicy', 'maxBytes']) {
      assert.ok(schema.includes(name), name)
    }
  })
})
