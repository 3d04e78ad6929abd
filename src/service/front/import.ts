/** The front's side of `clew import`: it alone appends to the journal (capture/import/protocol.ts). */
import { z } from 'zod'
import { type AdminRoute, routeAnswer } from '../../admin/admin-route.ts'
import { createShardOf } from '../../capture/import/batch.ts'
import { checkFrame, type ExpectedFrame } from '../../capture/import/check-frame.ts'
import {
  IMPORT_JSON_BYTES_MAX,
  IMPORT_ROUTES,
  type OpenAnswer,
  PASSED_WAIT_MS,
} from '../../capture/import/protocol.ts'
import type { Config } from '../../config.ts'
import { type Documents, DocumentsError } from '../../documents/documents.ts'
import { evaluateResourcePolicy } from '../../identity/policy/evaluate.ts'
import { FRAME_BYTES_MAX, type Journal, JournalError } from '../../journal/journal.ts'
import { CodedError, messageOf } from '../../platform/errors.ts'
import { uuid } from '../../platform/ids.ts'
import { type Channel, ChannelError } from '../../platform/process-channel.ts'
import { type BucketCheck, createBucketCheck } from '../../trails/bucket-access.ts'
import { findTrail } from '../../trails/find-trail.ts'
import {
  accountsWithoutAccess,
  statementFor,
  writesForEveryAccount,
} from '../../trails/import-access.ts'
import type { AccountTrails, Trail } from '../../trails/trail.ts'
import type { Stores } from '../stores.ts'

export class ImportRefusal extends CodedError<
  'bad-request' | 'no-session' | 'no-trail' | 'no-s3' | 'unavailable'
> {}

export interface ImportRoutesOptions {
  readonly journal: Pick<Journal, 'append' | 'shards' | 'range'>
  readonly documents: Documents
  /** Undefined where S3 is on an upstream. */
  readonly bucket: Omit<BucketCheck, 'checkAcl'> | undefined
  readonly channel: Pick<Channel, 'call'>
}

const openRequest = z.strictObject({ trail: z.string().max(512).optional() })
const account = z.string().regex(/^\d{12}$/)
const checkRequest = z.strictObject({
  trailArn: z.string().max(512),
  accounts: z.array(account).max(60_000),
})
const count = z.number().int().min(0)
const passedRequest = z.strictObject({ heads: z.array(z.tuple([count, count])).max(64) })
const frameQuery = z.object({
  session: z.uuid(),
  shard: z.coerce.number().int().min(0),
  id: z.string().min(1).max(200),
})

const parsed = <Output>(schema: z.ZodType<Output>, body: Buffer): Output => {
  try {
    return schema.parse(JSON.parse(body.toString()))
  } catch (cause) {
    throw new ImportRefusal('bad-request', `The request is not understood: ${messageOf(cause)}`, {
      cause,
    })
  }
}

const REPEAT_STATUS = 503

/** What the import waits for is told apart from what it must give up at. */
const refusalOf = (error: unknown) => {
  if (!(error instanceof CodedError)) throw error
  const { code, hint } = error
  const closing = error instanceof JournalError && ['closed', 'unknown'].includes(code)
  const restarting =
    closing ||
    error instanceof ChannelError ||
    (error instanceof DocumentsError && ['unavailable', 'closed'].includes(code))
  const told = restarting ? 'unavailable' : code
  const isFull = error instanceof JournalError && code === 'full'
  const status = isFull || told === 'unavailable' ? REPEAT_STATUS : 400
  return routeAnswer(status, { error: error.message, code: told, ...(hint ? { hint } : {}) })
}

interface Session {
  readonly id: string
  /** As it was at `open`. */
  readonly trail: Trail | undefined
}

const describe = (trail: Trail) => ({
  arn: trail.arn,
  incarnation: trail.incarnation,
  ...(trail.stopLoggingTime === undefined ? {} : { stoppedAt: trail.stopLoggingTime }),
  account: trail.account,
  bucket: trail.s3BucketName,
  homeRegion: trail.homeRegion,
  isMultiRegionTrail: trail.isMultiRegionTrail,
  includeGlobalServiceEvents: trail.includeGlobalServiceEvents,
  selectors: trail.selectors,
  ...(trail.s3KeyPrefix === undefined ? {} : { prefix: trail.s3KeyPrefix }),
})

/** What is asked about trails: which one is meant, and where its bucket lets it write. */
const createTrailAnswers = ({ documents, bucket }: ImportRoutesOptions) => {
  const named = async (name: string): Promise<Trail> => {
    const trail = await findTrail(documents, name)
    const stored = await documents.get<AccountTrails>(`trails/${trail.account}`)
    const coming = stored?.value.unannounced?.some(
      (each) => each.kind === 'put' && each.arn === trail.arn,
    )
    if (coming === true) {
      // What is appended before it is announced in every shard would not be delivered.
      throw new ImportRefusal('unavailable', `A change of ${trail.arn} is not in the journal yet.`)
    }
    if (trail.isLogging) return trail
    throw new ImportRefusal('no-trail', `The trail ${trail.arn} does not log.`, {
      hint: 'Start it with `aws cloudtrail start-logging`: a trail that is stopped delivers nothing.',
    })
  }
  const check = async (body: Buffer) => {
    const { trailArn, accounts } = parsed(checkRequest, body)
    const trail = await named(trailArn)
    const missing = bucket === undefined ? [] : await accountsWithoutAccess(bucket, trail, accounts)
    return { missing, ...(missing.length > 0 ? { statement: statementFor(trail, missing) } : {}) }
  }
  /** Throws ImportRefusal `no-trail` unless the trail has logged without a break since `then`. */
  const stillLogs = async (then: Trail): Promise<void> => {
    const stored = await documents.get<AccountTrails>(`trails/${then.account}`)
    const now = stored?.value.trails[then.arn]
    const isThere = now?.incarnation === then.incarnation
    if (isThere && now.isLogging && now.stopLoggingTime === then.stopLoggingTime) return
    const what = isThere ? 'stopped' : 'deleted'
    throw new ImportRefusal('no-trail', `The trail ${then.arn} was ${what} during the import.`, {
      hint: 'What it did not take is not counted as imported: run the same command again when it logs.',
    })
  }
  return { named, check, stillLogs }
}

/** One import at a time appends; the next one begins when nothing of it is under way. */
const createSessions = (
  { journal, bucket }: ImportRoutesOptions,
  { named, stillLogs }: Pick<ReturnType<typeof createTrailAnswers>, 'named' | 'stillLogs'>,
) => {
  const shardOf = createShardOf(journal.shards.length)
  let session: Session | undefined
  /** Of every session: one that was given up while it opened must not hide those before it. */
  const underWay = new Set<Promise<unknown>>()

  const open = async (body: Buffer): Promise<OpenAnswer> => {
    const request = parsed(openRequest, body)
    const trail = request.trail === undefined ? undefined : await named(request.trail)
    const builtinS3 = bucket !== undefined
    if (trail !== undefined && !builtinS3) {
      throw new ImportRefusal('no-s3', 'Clew keeps no buckets here: S3 is on an upstream.', {
        hint: 'Start the server with `--upstream s3=builtin` too: trails deliver into the built-in S3.',
      })
    }
    const anyAccount = trail && bucket && (await writesForEveryAccount(bucket, trail))
    session = { id: uuid(), trail }
    const { id } = session
    // What an earlier import had handed over is in the journal, or is not, before this one looks.
    await Promise.allSettled(underWay)
    const ranges = await Promise.all(journal.shards.map((shard) => journal.range(shard)))
    const heads = ranges.map(({ next }) => next - 1)
    const described = trail && { ...describe(trail), ...(anyAccount ? { anyAccount } : {}) }
    return { session: id, heads, builtinS3, ...(described ? { trail: described } : {}) }
  }

  const frame = async (body: Buffer, query: URLSearchParams) => {
    const asked = frameQuery.safeParse(Object.fromEntries(query))
    if (!asked.success) {
      throw new ImportRefusal('bad-request', 'A frame needs session, shard and id.')
    }
    const { shard, id } = asked.data
    const current = session
    if (current === undefined || current.id !== asked.data.session) {
      throw new ImportRefusal(
        'no-session',
        'Another import has begun, or the server was restarted.',
      )
    }
    const { trail } = current
    const expected: ExpectedFrame = { shard, shardOf, trailArn: trail?.arn }
    checkFrame(body, expected)
    const work = async () => {
      if (trail !== undefined) await stillLogs(trail)
      const sequence = await journal.append(shard, body, id)
      // A stop is in the documents before it is in the journal: the trail takes the frame for certain.
      if (trail !== undefined) await stillLogs(trail)
      return { sequence }
    }
    const working = work()
    underWay.add(working)
    try {
      return await working
    } finally {
      underWay.delete(working)
    }
  }
  return { open, frame }
}

const route = (
  bytesMax: number,
  work: (body: Buffer, query: URLSearchParams) => Promise<unknown>,
): AdminRoute => ({
  bytesMax,
  handle: async (body, query) => {
    try {
      return routeAnswer(200, await work(body, query))
    } catch (error) {
      return refusalOf(error)
    }
  },
})

export const createImportRoutes = (
  options: ImportRoutesOptions,
): Readonly<Record<string, AdminRoute>> => {
  const trails = createTrailAnswers(options)
  const { open, frame } = createSessions(options, trails)
  const passed = async (body: Buffer) => {
    const { heads } = parsed(passedRequest, body)
    const asked = { heads, waitMs: PASSED_WAIT_MS }
    return { passed: await options.channel.call('writer', 'passed', asked) }
  }
  return {
    [`POST ${IMPORT_ROUTES.open}`]: route(IMPORT_JSON_BYTES_MAX, open),
    [`POST ${IMPORT_ROUTES.check}`]: route(IMPORT_JSON_BYTES_MAX, trails.check),
    [`POST ${IMPORT_ROUTES.frame}`]: route(FRAME_BYTES_MAX, frame),
    [`POST ${IMPORT_ROUTES.passed}`]: route(IMPORT_JSON_BYTES_MAX, passed),
  }
}

export const importRoutes = (
  config: Config,
  { documents, objects, parsePolicy }: Stores,
  journal: ImportRoutesOptions['journal'],
  channel: Channel,
): Readonly<Record<string, AdminRoute>> => {
  const bucket =
    objects &&
    createBucketCheck({
      bucket: (name) => objects.bucket(name),
      parsePolicy,
      evaluate: evaluateResourcePolicy,
      policyMode: config.trails.bucketPolicy,
    })
  return createImportRoutes({ journal, documents, bucket, channel })
}
