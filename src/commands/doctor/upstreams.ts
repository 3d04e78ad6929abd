/** Upstreams: whether each answers, and what it thinks the time is. */
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { messageOf } from '../../platform/errors.ts'
import { parseUpstreams } from '../../service/upstreams.ts'
import { type DoctorContext, type Finding, fail, ok, skip, warn } from './finding.ts'

/** An upstream that says nothing for so long would make every call time out. */
const ANSWER_MS_MAX = 5_000
/** `Date` has whole seconds; a skew below this means nothing. */
const SKEW_MS_WARN = 60_000
const SKEW_MS_MEASURABLE = 2_000

export interface Upstream {
  /** The signing name, or `all`. */
  readonly name: string
  readonly url: URL
}

interface Answer {
  readonly status: number
  /** Their clock less ours, milliseconds; undefined without a Date. */
  readonly skewMs: number | undefined
  readonly tookMs: number
}

/** As they were given; throws ConfigError like `serve`. */
export const upstreamsOf = (settings: readonly string[]): Upstream[] => {
  const parsed = parseUpstreams(settings)
  const names = settings.map((given) => /^([^=:/]+)=/.exec(given)?.[1] ?? '')
  return [...new Set(names)].flatMap((name) => {
    const url = parsed.of(name)
    return url === undefined ? [] : [{ name: name === '' ? 'all' : name, url }]
  })
}

/** One unsigned GET: any status proves that somebody speaks HTTP there. */
const ask = (url: URL, clock: DoctorContext['clock']): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const started = { wall: clock.now(), monotonic: clock.monotonic() }
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest
    const signal = AbortSignal.timeout(ANSWER_MS_MAX)
    const request = send(url, { method: 'GET', agent: false, signal }, (response) => {
      const tookMs = clock.monotonic() - started.monotonic
      const date = Date.parse(response.headers.date ?? '')
      // The second that Date names began up to one second before it was written.
      const skewMs = Number.isNaN(date) ? undefined : date + 500 - (started.wall + tookMs / 2)
      response.destroy()
      resolve({ status: response.statusCode ?? 0, skewMs, tookMs })
    })
    request.on('error', (error) => {
      reject(signal.aborted ? new Error(`no answer within ${ANSWER_MS_MAX / 1000} s`) : error)
    })
    request.end()
  })

const spoken = (ms: number): string =>
  Math.abs(ms) < 120_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`

/** `skewMs`: their clock less ours. `refusedMs`: from there on signatures are refused. */
export const judgeSkew = (name: string, skewMs: number | undefined, refusedMs: number): Finding => {
  if (skewMs === undefined) return skip(`clock: upstream ${name} sends no Date`)
  const side = skewMs > 0 ? 'behind' : 'ahead of'
  const text = `this machine's clock is ${spoken(Math.abs(skewMs))} ${side} that of upstream ${name}`
  const todo = 'synchronise both clocks (chrony, systemd-timesyncd)'
  if (Math.abs(skewMs) > refusedMs) return fail(`${text}: signatures are refused`, todo)
  if (Math.abs(skewMs) > SKEW_MS_WARN) return warn(text, todo)
  return Math.abs(skewMs) < SKEW_MS_MEASURABLE
    ? ok(`the clock agrees with that of upstream ${name}`)
    : ok(text)
}

const checkUpstream = async (
  { name, url }: Upstream,
  { clock, config }: DoctorContext,
): Promise<Finding[]> => {
  const text = `upstream ${name} (${url.origin})`
  try {
    const { status, skewMs, tookMs } = await ask(url, clock)
    const answers = `${text} answers ${status} after ${Math.round(tookMs)} ms`
    const reached =
      status >= 500
        ? warn(answers, 'look at its own log: it is reached, and not well')
        : ok(answers)
    return [reached, judgeSkew(name, skewMs, config.capture.clockSkew)]
  } catch (error) {
    const code = messageOf(error) || String((error as { code?: unknown }).code)
    return [fail(`${text} does not answer: ${code}`, 'start it, or correct --upstream')]
  }
}

/** `serve` must be given the same --upstream flags for this to say something of it. */
export const checkUpstreams = async (context: DoctorContext): Promise<Finding[]> => {
  const upstreams = upstreamsOf(context.config.upstream)
  if (upstreams.length === 0) {
    return [skip('no --upstream is given: S3 and STS are built in, nothing is forwarded')]
  }
  const all = await Promise.all(upstreams.map((upstream) => checkUpstream(upstream, context)))
  return all.flat()
}
