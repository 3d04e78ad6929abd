/** The server of the data folder as an import sees it: frames go to it, over the console port. */
import { Agent, request as httpRequest } from 'node:http'
import { ImportError } from '../../capture/import/import-error.ts'
import type { FrameTarget } from '../../capture/import/importer.ts'
import {
  type CheckAnswer,
  type FrameAnswer,
  IMPORT_ROUTES,
  type OpenAnswer,
  type PassedAnswer,
  REPEATED_CODES,
} from '../../capture/import/protocol.ts'
import type { Sequence, Shard } from '../../journal/journal.ts'
import type { Clock } from '../../platform/clock.ts'
import { messageOf } from '../../platform/errors.ts'

/**
 * How long a server that does not answer is waited for: shorter than the two minutes in which a
 * repeated append is told from a new one.
 */
export const SERVER_WAIT_MS = 60_000
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

/** `path` is asked again before every attempt: a session may have to be opened anew. */
type Insist = (path: () => Promise<string>, body: Uint8Array) => Promise<Reply>

/** Repeats what may be repeated; a full journal is waited for as long as it takes. */
const createInsist = (post: Post, { clock, waiting }: ClientOptions): Insist => {
  return async (path, body) => {
    let since: number | undefined
    for (let pause = RETRY_PAUSE_MS; ; pause = Math.min(pause * 2, RETRY_PAUSE_MAX_MS)) {
      let why: string
      try {
        const reply = await post(await path(), body)
        if (!isRepeated(reply)) return reply
        why = String(reply.value.error)
        // Nothing was written: the next attempt is as good as the first.
        if (reply.value.code === 'full') since = undefined
        else since ??= clock.monotonic()
      } catch (error) {
        if (error instanceof ImportError) throw error
        why = `The server does not answer: ${messageOf(error)}`
        since ??= clock.monotonic()
      }
      if (since !== undefined && clock.monotonic() - since > SERVER_WAIT_MS) {
        throw new ImportError('unreachable', why, {
          hint: 'Run the same command again when the server runs: it goes on where this one ended.',
        })
      }
      waiting(why)
      await clock.sleep(pause)
    }
  }
}

export const createServerClient = (options: ClientOptions): ServerClient => {
  const agent = new Agent({ keepAlive: true, maxSockets: SOCKETS_MAX })
  const insist = createInsist(createPost(agent, options), options)
  const heads = new Map<Shard, Sequence>()
  let trailName: string | undefined
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
    )
    return session
  }

  return {
    open: (trail) => {
      trailName = trail
      return opened()
    },
    check: (trailArn, accounts) => ask(IMPORT_ROUTES.check, { trailArn, accounts }),
    append: async (shard, frame) => {
      const id = `${options.jobId}/${frames++}`
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
        const reply = await insist(path, frame)
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
