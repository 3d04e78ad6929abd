import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silentLogger } from '../platform/logger.ts'
import { routeAnswer } from './admin-route.ts'
import { startAdminServer } from './admin-server.ts'

describe('a route that takes a body', () => {
  it('gets it whole, up to its size, from whoever has the token', async (t) => {
    const bodies: string[] = []
    const server = await startAdminServer({
      listen: { host: '127.0.0.1', port: 0 },
      token: 'right',
      isReady: () => true,
      flush: async () => {},
      metrics: async () => '',
      logger: silentLogger,
      routes: {
        'POST /admin/thing': {
          bytesMax: 100_000,
          handle: async (body, query) => {
            bodies.push(`${body.length} ${query.get('a')}`)
            return routeAnswer(200, { taken: true })
          },
        },
      },
    })
    t.after(() => server.close())
    const post = async (bytes: number, token: string): Promise<number> => {
      const url = `http://127.0.0.1:${server.address.port}/admin/thing?a=b`
      const headers = { authorization: `Bearer ${token}` }
      const body = new Uint8Array(bytes)
      const answer = await fetch(url, { method: 'POST', headers, body })
      await answer.text()
      return answer.status
    }
    assert.equal(await post(100_000, 'right'), 200)
    assert.equal(await post(100_001, 'right'), 413)
    assert.equal(await post(10, 'wrong'), 401)
    assert.deepEqual(bodies, ['100000 b'])
  })
})
