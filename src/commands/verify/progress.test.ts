import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { progressText, startProgress } from './progress.ts'

describe('progressText', () => {
  const chain = (listed: number, digests: number, done = false) => ({ listed, digests, done })

  it('tells share, counts, rate and the time left', () => {
    const counts = { chains: 1, logs: 2_400, seconds: 2 }
    assert.equal(
      progressText([chain(720, 180)], counts, false),
      ' 25 % 180/720 digests, 2,400 log files, 1,290/s, 6 s left',
    )
    const bar = progressText([chain(720, 180)], counts, true)
    assert.ok(bar.includes(`${'█'.repeat(6)}${'░'.repeat(18)}`))
  })

  it('counts chains that have not begun, and promises nothing before there is a rate', () => {
    const counts = { chains: 4, logs: 0, seconds: 300 }
    assert.ok(progressText([chain(10, 5), chain(7, 7, true)], counts, false).startsWith(' 38 %'))
    assert.ok(progressText([chain(10, 10)], counts, false).endsWith(', 15 min left'))
    assert.ok(!progressText([chain(0, 0)], counts, false).includes('left'))
  })
})

describe('startProgress', () => {
  it('draws over its bar, and takes it away before anything else is written', (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] })
    const written: string[] = []
    const output = {
      out: (text: string) => void written.push(`out ${text}`),
      err: (text: string) => void written.push(text),
    }
    const progress = startProgress(1, { output, isTerminal: true })
    const chain = progress.chain()
    chain.listed(2)
    chain.found({ subject: 'digest' })
    t.mock.timers.tick(200)
    assert.equal(written.length, 1)
    assert.ok(written[0]?.startsWith('\r\u001b[K 50 %'))
    progress.over(output).out('finding')
    assert.deepEqual(written.slice(1), ['\r\u001b[K', 'out finding'])
    progress.stop()
    t.mock.timers.tick(1_000)
    assert.equal(written.length, 3)
  })

  it('writes whole lines, seldom, where stderr is no terminal', (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] })
    const written: string[] = []
    const output = { out: () => {}, err: (text: string) => void written.push(text) }
    const progress = startProgress(1, { output, isTerminal: false })
    progress.chain().listed(10)
    t.mock.timers.tick(4_000)
    assert.deepEqual(written, [])
    t.mock.timers.tick(1_000)
    assert.match(written[0] ?? '', /^verify: {3}0 % 0\/10 digests, 0 log files, 0\/s\n$/)
    progress.stop()
  })
})
