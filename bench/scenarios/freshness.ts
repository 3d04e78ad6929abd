/** From the answer of a call to the first LookupEvents that has it, under load. */
import type { Context, Prepared, Scenario } from '../scenario.ts'
import { isOk, openConnection } from '../support/client/load.ts'
import { startPacedLoad } from '../support/client/paced-load.ts'
import { signedRequest } from '../support/client/signed-request.ts'
import { type MeasuredPair, startWithUpstream } from '../support/servers/clew.ts'
import { figure, grouped, medianOf, quantileOf } from '../support/statistics.ts'

const CONNECTIONS = 32
/** Look for the probes at the same time as the load runs. */
const PROBERS = 2
/** Between two look-ups of the same probe. */
const POLL_MS = 10
const VISIBLE_MS_MAX = 30_000
const LOOKUP = 'com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents'

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Asks on one connection; resolves with the whole answer, rejects unless it is 200. */
const openAsker = async (port: number) => {
  const broken = Promise.withResolvers<never>()
  broken.promise.catch(() => {})
  const connection = await openConnection(port, broken.reject)
  const ask = async (request: Buffer): Promise<Buffer> => {
    const answered = new Promise<Buffer>((resolve) => connection.ask(request, resolve))
    const answer = await Promise.race([answered, broken.promise])
    if (!isOk(answer)) throw new Error(`a probe failed: ${answer.toString()}`)
    return answer
  }
  return { ask, close: connection.close }
}

/** Milliseconds until each of a series of calls was visible. */
const probe = async (
  { clew }: MeasuredPair,
  name: string,
  until: number,
): Promise<{ times: number[]; lookups: number }> => {
  const asker = await openAsker(clew.port)
  const times: number[] = []
  let lookups = 0
  try {
    while (performance.now() < until) {
      const queue = `probe-${name}-${times.length}`
      const body = JSON.stringify({ QueueName: queue })
      const target = 'AmazonSQS.CreateQueue'
      await asker.ask(await signedRequest({ ...clew, signingName: 'sqs', target, body }))
      const at = performance.now()
      const lookup = JSON.stringify({
        LookupAttributes: [{ AttributeKey: 'ResourceName', AttributeValue: queue }],
        MaxResults: 1,
      })
      const call = {
        signingName: 'cloudtrail',
        target: LOOKUP,
        body: lookup,
        version: '1.1',
      } as const
      const request = await signedRequest({ ...clew, ...call })
      for (;;) {
        lookups++
        if ((await asker.ask(request)).includes('"EventId"')) break
        if (performance.now() - at > VISIBLE_MS_MAX)
          throw new Error(`${queue} never became visible`)
        await pause(POLL_MS)
      }
      times.push(performance.now() - at)
    }
  } finally {
    asker.close()
  }
  return { times, lookups }
}

const prepare = async ({ sizes }: Context): Promise<Prepared> => {
  const pair = await startWithUpstream()
  return {
    measure: async () => {
      const { read, write } = await pair.requests()
      const load = await startPacedLoad({
        port: pair.clew.port,
        callsPerSecond: sizes.callRate,
        connections: CONNECTIONS,
        request: (call) => (call % 2 === 0 ? read : write),
      })
      const started = performance.now()
      const until = started + sizes.freshnessSeconds * 1000
      const probing = Array.from({ length: PROBERS }, (_, at) => probe(pair, String(at), until))
      try {
        const probes = await Promise.all(probing)
        const seconds = (performance.now() - started) / 1000
        const times = probes.flatMap((each) => each.times)
        const lookups = probes.reduce((sum, each) => sum + each.lookups, 0)
        return {
          p50: quantileOf(times, 0.5),
          p99: quantileOf(times, 0.99),
          max: Math.max(...times),
          probes: times.length,
          perSecond: load.answered() / seconds,
          lookupsPerSecond: lookups / seconds,
        }
      } finally {
        await load.stop()
      }
    },
    close: () => pair.close(),
  }
}

export const freshness: Scenario = {
  name: 'freshness',
  title: 'Capture to look-up',
  method: ({ sizes }) =>
    `${grouped(sizes.callRate)} calls/s for ${sizes.freshnessSeconds} s, half reads, half management writes. Two probes at the same time make a queue with a name of its own and ask LookupEvents for that ResourceName every ${POLL_MS} ms; measured is the time from the answer of CreateQueue to the answer that has the event.`,
  rounds: () => ({ counted: 1, warmUp: false }),
  prepare,
  targets: ({ sizes }) => [
    {
      measure: `capture → visible in LookupEvents at ${grouped(sizes.callRate)} calls/s, p99`,
      reach: '≤ 1 s',
      comparedWith: '',
      judge: (rounds) => {
        const of = (name: string) => medianOf(rounds, ({ measured }) => figure(measured, name))
        const isLoaded = of('perSecond') >= 0.98 * sizes.callRate
        const short = isLoaded ? '' : ', the rate was not reached'
        return {
          result: `${of('p99').toFixed(0)} ms at ${grouped(of('perSecond'))} calls/s${short}`,
          met: isLoaded && of('p99') <= 1_000,
        }
      },
    },
  ],
  table: (rounds) => {
    const of = (name: string) => medianOf(rounds, ({ measured }) => figure(measured, name))
    return {
      columns: ['p50 ms', 'p99 ms', 'max ms', 'probes', 'look-ups/s'],
      rows: [
        ['p50', 'p99', 'max', 'probes', 'lookupsPerSecond'].map((name) => of(name).toFixed(0)),
      ],
    }
  },
}
