/** The server of the data folder as an import sees it: frames go to it, over the console port. */
import { Agent, request as httpRequest } from 'node:http'
import { ImportError } from '../../capture/import/import-error.ts'
import type { FrameTarget } from '../../capture/import/importer.ts'
import {
  type CheckAnswer,
  type FrameAnswer,
  IMPORT_ROUTES,
  type ImportTrail,
  type OpenAnswer,
  type PassedAnswer,
  REPEATED_CODES,
} from '../../capture/import/protocol.ts'
import type { Sequence, Shard } from '../../journal/journal.ts'
import type { Clock } from '../../platform/clock.ts'
import { messageOf, systemCodeOf } from '../../platform/errors.ts'

/**
 * How long a server that does not answer is waited for: shorter than the two minutes in which a
 * repeated append is told from a new one.
 */
export const SERVER_WAIT_MS = 60_000
/**
 * How long a frame is sent again whose first outcome is unknown: the journal tells a repeated append
 * from a new one for two minutes (DUPLICATE_WINDOW_MS); ten seconds are left for the way and the clocks.
 */
export const DOUBT_MAX_MS = 110_000
/** Accounts in one question: the body stays below IMPORT_JSON_BYTES_MAX, the count below the server's limit. */
export const ACCOUNTS_PER_CHECK = 50_000
const RETRY_PAUSE_MS = 200
const RETRY_PAUSE_MAX_MS = 2_000
const SOCKETS_MAX = 8

export interface ServerClient extends FrameTarget {
  open(trail: string | undefined): Promise<OpenAnswer>
  check(trailArn: string, accounts: readonly string[]): Promise<CheckAnswer>
  /** Resolves when every consumer has taken everything that this import brought. */
  passed(signal: AbortSignal): Promise<void>
  /** Delivers what is pending. Rejects with what failed. */
  flush(): Promise<void>
  close(): void
}

export interface ClientOptions {
  readonly url: string
  readonly token: string
  readonly jobId: string
  readonly clock: Clock
  /** The import waits, and for what. */
  readonly waiting: (why: string) => void
}

interface Reply {
  readonly status: number
  readonly value: Record<string, unknown>
}

const isRepeated = ({ status, value }: Reply): boolean =>
  status === 503 && REPEATED_CODES.has(String(value.code))

const refused = ({ status, value }: Reply): ImportError => {
  const hint = typeof value.hint === 'string' ? { hint: value.hint } : {}
  return new ImportError('refused', String(value.error ?? `The server answered ${status}.`), hint)
}

type Post = (path: string, body: Uint8Array) => Promise<Reply>

const createPost = (agent: Agent, { url, token }: ClientOptions): Post => {
  return (path, body) =>
    new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${token}`, 'content-length': body.byteLength }
      const request = httpRequest(`${url}${path}`, { method: 'POST', agent, headers }, (answer) => {
        const parts: Buffer[] = []
        answer.on('data', (part: Buffer) => parts.push(part))
        answer.on('error', reject)
        answer.on('end', () => {
          try {
            const value = JSON.parse(Buffer.concat(parts).toString()) as Record<string, unknown>
            resolve({ status: answer.statusCode ?? 0, value })
          } catch (cause) {
            reject(cause)
          }
        })
      })
      request.on('error', reject)
      request.end(body)
    })
}

/** When the first attempt began of which nobody knows whether it was carried out. */
interface Doubt {
  since: number | undefined
}

/** `path` is asked again before every attempt: a session may have to be opened anew. */
type Insist = (path: () => Promise<string>, body: Uint8Array, doubt?: Doubt) => Promise<Reply>

const unreachable = (why: string): ImportError =>
  new ImportError('unreachable', why, {
    hint: 'Run the same command again when the server runs: it goes on where this one ended.',
  })

/**
 * Repeats what may be repeated. A full journal is waited for as long as it takes, unless an attempt
 * before may have been carried out: a run that goes on finds out, a late repetition would store twice.
 */
const createInsist = (post: Post, { clock, waiting }: ClientOptions): Insist => {
  return async (path, body, doubt = { since: undefined }) => {
    let since: number | undefined
    for (let pause = RETRY_PAUSE_MS; ; pause = Math.min(pause * 2, RETRY_PAUSE_MAX_MS)) {
      let why: string
      const asked = await path()
      const began = clock.monotonic()
      if (doubt.since !== undefined && began - doubt.since > DOUBT_MAX_MS) {
        throw unreachable('The server did not say in time whether it has a part of the import.')
      }
      try {
        const reply = await post(asked, body)
        if (!isRepeated(reply)) return reply
        why = String(reply.value.error)
        // The server is there, and this attempt wrote nothing; those before it may have.
        if (reply.value.code === 'full') since = undefined
        else {
          since ??= clock.monotonic()
          doubt.since ??= began
        }
      } catch (error) {
        why = `The server does not answer: ${messageOf(error)}`
        since ??= clock.monotonic()
        // Refused: nothing was sent.
        if (systemCodeOf(error) !== 'ECONNREFUSED') doubt.since ??= began
      }
      if (since !== undefined && clock.monotonic() - since > SERVER_WAIT_MS) throw unreachable(why)
      waiting(why)
      await clock.sleep(pause)
    }
  }
}

/** Asks in portions; `check` is one question. */
const createCheck =
  (check: ServerClient['check']): ServerClient['check'] =>
  async (trailArn, accounts) => {
    const answers: CheckAnswer[] = []
    for (let at = 0; at === 0 || at < accounts.length; at += ACCOUNTS_PER_CHECK) {
      answers.push(await check(trailArn, accounts.slice(at, at + ACCOUNTS_PER_CHECK)))
    }
    const lacking = answers.filter(({ missing }) => missing.length > 0)
    const [first] = lacking
    if (first === undefined || lacking.length === 1) return first ?? { missing: [] }
    const missing = lacking.flatMap((answer) => answer.missing)
    // One statement for all of them, as far as one question goes.
    const { statement } = await check(trailArn, missing.slice(0, ACCOUNTS_PER_CHECK))
    return { missing, ...(statement === undefined ? {} : { statement }) }
  }

/** After a restart of the server the trail must be the one that the import began with. */
const createSameTrail = (): ((answer: OpenAnswer) => OpenAnswer) => {
  let began: ImportTrail | undefined
  return (answer) => {
    const { trail } = answer
    began ??= trail
    const isSame = trail?.incarnation === began?.incarnation
    if (isSame && trail?.stoppedAt === began?.stoppedAt) return answer
    const what = `The trail ${began?.arn ?? ''} was stopped or deleted during the import.`
    throw new ImportError('refused', what, {
      hint: 'What it did not take is not counted as imported: run the same command again.',
    })
  }
}

export const createServerClient = (options: ClientOptions): ServerClient => {
  const agent = new Agent({ keepAlive: true, maxSockets: SOCKETS_MAX })
  const insist = createInsist(createPost(agent, options), options)
  const heads = new Map<Shard, Sequence>()
  let trailName: string | undefined
  const sameTrail = createSameTrail()
  let session: Promise<OpenAnswer> | undefined
  let frames = 0

  const ask = async <Answer>(path: string, value: unknown): Promise<Answer> => {
    const reply = await insist(async () => path, Buffer.from(JSON.stringify(value)))
    if (reply.status !== 200) throw refused(reply)
    return reply.value as Answer
  }

  const opened = (): Promise<OpenAnswer> => {
    session ??= ask<OpenAnswer>(
      IMPORT_ROUTES.open,
      trailName === undefined ? {} : { trail: trailName },
    ).then(sameTrail)
    return session
  }

  return {
    open: (trail) => {
      trailName = trail
      return opened()
    },
    check: createCheck((trailArn, accounts) => ask(IMPORT_ROUTES.check, { trailArn, accounts })),
    append: async (shard, frame) => {
      const id = `${options.jobId}/${frames++}`
      const doubt: Doubt = { since: undefined }
      for (let attempt = 1; ; attempt++) {
        const mine = opened()
        const path = async (): Promise<string> => {
          const query = new URLSearchParams({
            session: (await mine).session,
            shard: `${shard}`,
            id,
          })
          return `${IMPORT_ROUTES.frame}?${query}`
        }
        const reply = await insist(path, frame, doubt)
        if (reply.status === 200) {
          const { sequence } = reply.value as unknown as FrameAnswer
          heads.set(shard, Math.max(sequence, heads.get(shard) ?? 0))
          return sequence
        }
        // The server was restarted: it has forgotten the session, not the frames.
        if (reply.value.code !== 'no-session' || attempt > 1) throw refused(reply)
        if (session === mine) session = undefined
      }
    },
    passed: async (signal) => {
      for (;;) {
        signal.throwIfAborted()
        const answer = await ask<PassedAnswer>(IMPORT_ROUTES.passed, { heads: [...heads] })
        if (answer.passed) return
      }
    },
    flush: async () => {
      const reply = await insist(async () => '/admin/flush', new Uint8Array())
      if (reply.status !== 200) throw refused(reply)
    },
    close: () => agent.destroy(),
  }
}
