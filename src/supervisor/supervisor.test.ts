import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { readConfig } from '../config.ts'
import { systemClock } from '../platform/clock.ts'
import { CodedError } from '../platform/errors.ts'
import { silentLogger } from '../platform/logger.ts'
import { startFailureOf } from './start-failure.ts'
import { startSupervisor } from './supervisor.ts'

class IdentitiesError extends CodedError<'unreadable'> {}
class OtherError extends CodedError<'contended'> {}

const config = readConfig(new Map(), {})
const listenError = (code: string, port: number) =>
  Object.assign(new Error(`listen ${code}`), { code, syscall: 'listen', address: '::1', port })

describe('why a process cannot start', () => {
  it('names the address and the flag that chose it', () => {
    const endpoint = startFailureOf(listenError('EADDRINUSE', 4600), config)
    assert.equal(endpoint.message, '::1:4600 (--listen) is in use by another program.')
    const console = startFailureOf(listenError('EADDRNOTAVAIL', 4601), config)
    assert.equal(console.message, '::1:4601 (--console) is no address of this machine.')
    assert.match(console.hint ?? '', /--console HOST:PORT/)
    assert.ok(endpoint.final && console.final)
    const named = readConfig(new Map([['console', 'nowhere.invalid:1']]), {})
    const lookup = { code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname: 'nowhere.invalid' }
    const unknown = startFailureOf(Object.assign(new Error('no'), lookup), named)
    assert.equal(unknown.message, 'nowhere.invalid (--console) has no address.')
  })

  it('tells what may pass by itself from what will not', () => {
    const hint = 'Mend it.'
    const unreadable = new IdentitiesError('unreadable', 'no file', { hint })
    assert.deepEqual(startFailureOf(unreadable, config), { message: 'no file', hint, final: true })
    assert.equal(startFailureOf(new OtherError('contended', 'busy'), config).final, false)
    assert.equal(startFailureOf(new Error('unexpected'), config).final, false)
    const noPlace = Object.assign(new Error('no'), { code: 'ENOENT', syscall: 'mkdir' })
    assert.equal(startFailureOf(noPlace, config).final, true)
    const noFile = Object.assign(new Error('no'), { code: 'ENOENT', syscall: 'open' })
    assert.equal(startFailureOf(noFile, config).final, false)
  })
})

describe('supervisor', () => {
  it('gives up at once where starting again cannot help', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'clew-supervisor-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const tries = join(folder, 'tries')
    const supervisor = startSupervisor({
      prepared: Promise.resolve(),
      script: join(import.meta.dirname, 'testing', 'failing-role.ts'),
      config: { ...config, data: tries },
      clock: systemClock,
      logger: silentLogger,
    })
    const { message } = await supervisor.failed
    await supervisor.stop()
    assert.equal(message, '127.0.0.1:4600 (--listen) is in use by another program.')
    assert.equal(readFileSync(tries, 'utf8'), 'front\n')
  })
})
