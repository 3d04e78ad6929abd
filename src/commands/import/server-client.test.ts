import assert from 'node:assert/strict'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import type { Clock } from '../../platform/clock.ts'
import { progressLine } from './progress.ts'
import { summaryText } from './report.ts'
import { createServerClient, SERVER_WAIT_MS } from './server-client.ts'

type Answer = readonly [number, object]

/** A server that gives the answers of `script` to frames, one after the other, then 200. */
const setUp = async (t: TestContext, script: readonly (Answer | 'reset')[]) => {
  const answers = [...script]
  const seen: { path: string; id: string | null; session: string | null; body: string }[] = []
  let sessions = 0
  let sequence = 0
  const answerTo = async (request: IncomingMessage): Promise<Answer | 'reset'> => {
    const url = new URL(request.url ?? '', 'http://x')
    let body = ''
    for await (const part of request) body += String(part)
    const [id, session] = [url.searchParams.get('id'), url.searchParams.get('session')]
    seen.push({ path: url.pathname, id, session, body })
    if (url.pathname.endsWith('/open')) {
      sessions++
      return [200, { session: `session-${sessions}`, heads: [0], builtinS3: true }]
    }
    return answers.shift() ?? [200, { sequence: ++sequence }]
  }
  const server = createServer((request, response) => {
    void answerTo(request).then((answer) => {
      if (answer === 'reset') {
        request.socket.destroy()
        return
      }
      response.writeHead(answer[0]).end(JSON.stringify(answer[1]))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  let now = 0
  const clock: Clock = {
    now: () => now,
    monotonic: () => now,
    sleep: async (ms) => {
      now += ms
    },
  }
  const waits: string[] = []
  const client = createServerClient({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...{ token: 'token', jobId: 'job', clock, waiting: (why: string) => waits.push(why) },
  })
  t.after(() => {
    client.close()
    server.close()
    server.closeAllConnections()
  })
  return { client, seen, waits, elapsed: () => now }
}

const FULL: Answer = [503, { code: 'full', error: 'no room' }]
const AWAY: Answer = [503, { code: 'unavailable', error: 'restarting' }]

describe('the import’s way to the server', () => {
  it('repeats a frame with the same id until it is taken, and says what it waits for', async (t) => {
    const { client, seen, waits } = await setUp(t, [FULL, AWAY, 'reset'])
    await client.open(undefined)
    assert.equal(await client.append(0, Buffer.from('frame')), 1)
    const frames = seen.filter(({ path }) => path.endsWith('/frame'))
    assert.deepEqual(
      frames.map(({ id, body }) => `${id} ${body}`),
      Array(4).fill('job/0 frame'),
    )
    assert.deepEqual(waits.slice(0, 2), ['no room', 'restarting'])
    assert.equal(waits.length, 3)
  })

  it('waits for room as long as it takes, and for a server that is gone a minute', async (t) => {
    const patient = await setUp(t, Array<Answer>(200).fill(FULL))
    await patient.client.open(undefined)
    await patient.client.append(0, Buffer.from('frame'))
    assert.ok(patient.elapsed() > 2 * SERVER_WAIT_MS)
    const gone = await setUp(t, Array<Answer>(200).fill(AWAY))
    await gone.client.open(undefined)
    await assert.rejects(gone.client.append(0, Buffer.from('frame')), { code: 'unreachable' })
    assert.ok(gone.elapsed() < 120_000, 'before the journal forgets the id')
  })

  it('opens a session anew where the server has forgotten it, and then sends the frame again', async (t) => {
    const lost: Answer = [400, { code: 'no-session', error: 'restarted' }]
    const { client, seen } = await setUp(t, [lost])
    await client.open(undefined)
    await client.append(0, Buffer.from('frame'))
    const paths = seen.map(({ path, session }) => `${path.split('/').at(-1)} ${session}`)
    assert.deepEqual(paths, ['open null', 'frame session-1', 'open null', 'frame session-2'])
    const twice = await setUp(t, [lost, lost])
    await twice.client.open(undefined)
    await assert.rejects(twice.client.append(0, Buffer.from('frame')), { code: 'refused' })
  })

  it('gives up at once at what no repetition changes', async (t) => {
    const { client, seen } = await setUp(t, [[400, { error: 'no events', hint: 'do this' }]])
    await client.open(undefined)
    await assert.rejects(client.append(0, Buffer.from('frame')), {
      code: 'refused',
      message: 'no events',
      hint: 'do this',
    })
    assert.equal(seen.length, 2)
  })
})

describe('what an import tells', () => {
  it('has share, events, rate and time left', () => {
    const facts = { doneBytes: 25, totalBytes: 100, events: 30_000 }
    assert.equal(
      progressLine('importing', facts, 10, false),
      'importing  25 %  30,000 events  3,000 events/s  30 s left',
    )
    assert.match(progressLine('importing', facts, 10, true), /█{6}░{18} {2}25 %/)
    const none = { doneBytes: 0, totalBytes: 100, events: 0 }
    assert.equal(progressLine('importing', none, 0, false), 'importing  0 %  ? left')
  })

  it('leaves out what is zero, save the events', () => {
    const counts = { files: 1, filesKnown: 0, events: 0, imported: 0, repeats: 0, changed: 0 }
    const text = summaryText({
      ...{ ...counts, skipped: 2, tooOld: 0, digestFilesIgnored: 0, seconds: 1.25 },
      ...{ eventsPerSecond: 0, trail: null, interrupted: false },
    })
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => line.trim())
    assert.deepEqual(lines, [
      '0  events imported',
      '2  records skipped',
      '1  files',
      '1.3  seconds, 0 events/s',
    ])
  })
})
