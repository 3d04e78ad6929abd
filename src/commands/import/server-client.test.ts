import assert from 'node:assert/strict'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { IMPORT_JSON_BYTES_MAX } from '../../capture/import/protocol.ts'
import type { Clock } from '../../platform/clock.ts'
import { progressLine } from './progress.ts'
import { type ImportSummary, summaryText } from './report.ts'
import { ACCOUNTS_PER_CHECK, createServerClient, SERVER_WAIT_MS } from './server-client.ts'

type Answer = readonly [number, object]

/** A server that gives the answers of `script` to frames, one after the other, then 200. */
const setUp = async (t: TestContext, script: readonly (Answer | 'reset')[]) => {
  const answers = [...script]
  const seen: { path: string; id: string | null; session: string | null; body: string }[] = []
  let sessions = 0
  const incarnation = { now: 'one' }
  let sequence = 0
  const answerTo = async (request: IncomingMessage): Promise<Answer | 'reset'> => {
    const url = new URL(request.url ?? '', 'http://x')
    let body = ''
    for await (const part of request) body += String(part)
    const [id, session] = [url.searchParams.get('id'), url.searchParams.get('session')]
    seen.push({ path: url.pathname, id, session, body })
    if (url.pathname.endsWith('/open')) {
      sessions++
      const trail = { arn: 'arn:trail', incarnation: incarnation.now }
      return [200, { session: `session-${sessions}`, heads: [0], builtinS3: true, trail }]
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
  return { client, seen, waits, incarnation, elapsed: () => now }
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

  it('ends when the trail is another one after a restart of the server', async (t) => {
    const lost: Answer = [400, { code: 'no-session', error: 'restarted' }]
    for (const now of ['one', 'two']) {
      const { client, seen, incarnation } = await setUp(t, [lost])
      await client.open('trail')
      incarnation.now = now
      const appended = client.append(0, Buffer.from('frame'))
      if (now === 'one') assert.equal(await appended, 1)
      else await assert.rejects(appended, { code: 'refused', message: /stopped or deleted/ })
      assert.equal(seen.filter(({ path }) => path.endsWith('/frame')).length, now === 'one' ? 2 : 1)
    }
  })

  it('tells a trail that ended as the server does, and sends the frame once', async (t) => {
    const { client, seen } = await setUp(t, [[400, { code: 'no-trail', error: 'was deleted' }]])
    await client.open('trail')
    await assert.rejects(client.append(0, Buffer.from('frame')), /was deleted/)
    assert.equal(seen.length, 2)
  })

  it('sends nothing again when the journal has forgotten an append that may have been', async (t) => {
    const forgets = 120_000
    for (const doubtful of ['reset', AWAY, [503, { code: 'unknown', error: '?' }]] as const) {
      const { client, seen, elapsed } = await setUp(t, [doubtful, ...Array(200).fill(FULL)])
      await client.open(undefined)
      await assert.rejects(client.append(0, Buffer.from('frame')), {
        code: 'unreachable',
        hint: /goes on where this one ended/,
      })
      assert.ok(elapsed() > SERVER_WAIT_MS && elapsed() < forgets, `${elapsed()} ms`)
      assert.ok(seen.length < 200)
    }
    // The doubt outlives the session.
    const lost: Answer = [400, { code: 'no-session', error: 'restarted' }]
    const full = Array<Answer>(40).fill(FULL)
    const { client, elapsed } = await setUp(t, ['reset', ...full, lost, ...full, ...full])
    await client.open(undefined)
    await assert.rejects(client.append(0, Buffer.from('frame')), { code: 'unreachable' })
    assert.ok(elapsed() < forgets, `${elapsed()} ms`)
  })

  it('asks for many accounts in portions, and for one statement in the end', async (t) => {
    const accounts = Array.from({ length: ACCOUNTS_PER_CHECK + 1 }, (_, index) =>
      String(index).padStart(12, '0'),
    )
    const [first = '', last = ''] = [accounts[0], accounts.at(-1)]
    const { client, seen } = await setUp(t, [
      [200, { missing: [first], statement: 'one' }],
      [200, { missing: [last], statement: 'other' }],
      [200, { missing: [first, last], statement: 'both' }],
      [200, { missing: [] }],
      [200, { missing: [last], statement: 'other' }],
    ])
    const both = { missing: [first, last], statement: 'both' }
    assert.deepEqual(await client.check('arn', accounts), both)
    const asked = seen.map(({ body }) => (JSON.parse(body) as { accounts: string[] }).accounts)
    assert.deepEqual(
      asked.map(({ length }) => length),
      [ACCOUNTS_PER_CHECK, 1, 2],
    )
    assert.deepEqual(asked.slice(0, 2).flat(), accounts)
    assert.ok(seen.every(({ body }) => body.length < IMPORT_JSON_BYTES_MAX))
    const one = { missing: [last], statement: 'other' }
    assert.deepEqual(await client.check('arn', accounts), one)
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

  const NONE: ImportSummary = {
    ...{ files: 1, filesKnown: 0, filesEmpty: 0, filesSkipped: 0, events: 0, imported: 0 },
    ...{ repeats: 0, changed: 0, skipped: 0, tooOld: 0, notInHistory: 0, leftOut: 0, notKept: 0 },
    ...{ forTrail: null, digestFilesIgnored: 0, seconds: 1.25, eventsPerSecond: 0, trail: null },
    interrupted: false,
  }
  const linesOf = (changes: Partial<ImportSummary>): string[] =>
    summaryText({ ...NONE, ...changes })
      .trimEnd()
      .split('\n')
      .map((line) => line.trim())

  it('leaves out what is zero, save the events', () => {
    assert.deepEqual(linesOf({ skipped: 3, filesSkipped: 1 }), [
      '0  events imported into the event history',
      '2  records skipped',
      '1  files',
      '1  of them skipped: damaged, not readable, or no log files',
      '1.3  seconds, 0 events/s',
    ])
  })

  it('says what is nowhere, and what would keep it', () => {
    const lines = linesOf({ imported: 3_563, tooOld: 3_563, notInHistory: 3_563, notKept: 3_563 })
    assert.deepEqual(lines.slice(0, 3), [
      '0  events imported into the event history',
      "3,563  were not kept: they are older than the event history's 90 days; --deliver TRAIL writes them to log files",
      '1  files',
    ])
    assert.match(linesOf({ imported: 2, notInHistory: 1, notKept: 1 })[1] ?? '', /^1 {2}were not/)
  })

  it('says with a trail what it takes and leaves out, and nothing of age where all is delivered', () => {
    const old = { imported: 10, tooOld: 10, notInHistory: 10, trail: 'arn:trail' }
    const all = linesOf({ ...old, forTrail: 10 })
    assert.deepEqual(all.slice(0, 3), [
      '10  events imported',
      '10  of them for log files of arn:trail',
      '1  files',
    ])
    const some = linesOf({ ...old, forTrail: 8, leftOut: 2, notKept: 2 })
    assert.match(some[2] ?? '', /^2 {2}of them left out by the trail's selectors and regions$/)
    assert.match(some[3] ?? '', /^2 {2}of these were not kept/)
  })
})
