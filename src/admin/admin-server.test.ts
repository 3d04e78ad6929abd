import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { silentLogger } from '../platform/logger.ts'
import { startAdminServer } from './admin-server.ts'

const start = async (t: TestContext, flush: () => Promise<void> = async () => {}) => {
  let ready = false
  const server = await startAdminServer({
    listen: { host: '127.0.0.1', port: 0 },
    token: 'right',
    isReady: () => ready,
    flush,
    metrics: async () => 'clew_up 1\n',
    logger: silentLogger,
  })
  t.after(() => server.close())
  const at = `http://127.0.0.1:${server.address.port}`
  const ask = async (method: string, path: string, token?: string) => {
    const headers: Record<string, string> =
      token === undefined ? {} : { authorization: `Bearer ${token}` }
    const response = await fetch(`${at}${path}`, { method, headers })
    return { status: response.status, body: await response.text() }
  }
  return { ask, at, beReady: () => (ready = true) }
}

describe('admin server', () => {
  it('answers health without a token', async (t) => {
    const { ask, beReady } = await start(t)
    assert.equal((await ask('GET', '/livez')).status, 200)
    assert.equal((await ask('GET', '/readyz')).status, 503)
    beReady()
    assert.equal((await ask('GET', '/readyz')).status, 200)
  })

  it('answers nothing else without the right token', async (t) => {
    let flushed = 0
    const { ask } = await start(t, async () => {
      flushed++
    })
    for (const token of [undefined, 'wrong', 'righ', 'right ']) {
      const expected = token === 'right ' ? 200 : 401 // fetch trims header values
      assert.equal((await ask('GET', '/metrics', token)).status, expected)
    }
    assert.equal((await ask('POST', '/admin/flush')).status, 401)
    assert.equal((await ask('GET', '/no-such-page')).status, 401)
    assert.equal(flushed, 0)
    assert.equal((await ask('POST', '/admin/flush', 'right')).status, 200)
    assert.equal(flushed, 1)
    assert.equal((await ask('GET', '/no-such-page', 'right')).status, 404)
  })

  it('tells which delivery failed', async (t) => {
    const { ask } = await start(t, async () => {
      throw new Error('trail main: bucket audit: NoSuchBucket')
    })
    const answer = await ask('POST', '/admin/flush', 'right')
    assert.equal(answer.status, 500)
    assert.match(answer.body, /bucket audit: NoSuchBucket/)
  })

  it('does nothing for a body that no client has reason to send', async (t) => {
    let flushed = 0
    const { at } = await start(t, async () => {
      flushed++
    })
    const headers = { authorization: 'Bearer right' }
    const body = new Uint8Array(100_000)
    const response = await fetch(`${at}/admin/flush`, { method: 'POST', headers, body })
    assert.equal(response.status, 413)
    assert.equal(flushed, 0)
  })
})
