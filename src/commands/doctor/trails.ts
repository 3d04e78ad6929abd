/** Trails: whether CloudTrail may deliver into each bucket, and how the last deliveries went. */
import { existsSync, readdirSync } from 'node:fs'
import { readStoredDocuments } from '../../documents/stored-documents.ts'
import { evaluateResourcePolicy } from '../../identity/policy/evaluate.ts'
import { createPolicyCache } from '../../identity/policy/policy-cache.ts'
import { readStoredBuckets } from '../../outlets/file-system/stored-buckets.ts'
import { CodedError, messageOf } from '../../platform/errors.ts'
import { parseUpstreams } from '../../service/upstreams.ts'
import { pathsOf, readMasterKey } from '../../supervisor/data-folder.ts'
import { type BucketCheck, createBucketCheck } from '../../trails/bucket-access.ts'
import { markersOf } from '../../trails/bucket-preflight.ts'
import { pendingFolderOf } from '../../trails/delivery/files/pending-folder.ts'
import type { AccountTrails, Trail } from '../../trails/trail.ts'
import type { TrailStatus } from '../../trails/trail-status.ts'
import { type DoctorContext, type Finding, fail, ok, skip, warn } from './finding.ts'

const CHAINS_PREFIX = 'delivery/chains/'

/** Its own, and those that imports delivered through it: `delivery/chains/<arn>/<region>/<account>`. */
export const accountsOf = (trail: Trail, chainKeys: readonly string[]): string[] => {
  const prefix = `${CHAINS_PREFIX}${trail.arn}/`
  const imported = chainKeys
    .filter((key) => key.startsWith(prefix))
    .flatMap((key) => key.slice(prefix.length).split('/')[1] ?? [])
  return [...new Set([trail.account, ...imported])]
}

/** The check of CreateTrail, once for each account, without its marker objects. */
export const checkBucket = async (
  trail: Trail,
  accounts: readonly string[],
  check: BucketCheck,
): Promise<Finding> => {
  const text = `trail ${trail.name} (${trail.arn}), bucket ${trail.s3BucketName}`
  try {
    await check.checkAcl(trail)
    for (const account of accounts) {
      for (const key of markersOf(trail, account)) await check.checkPut(trail, key)
    }
    return ok(`${text}: CloudTrail may deliver for ${accounts.join(', ')}`)
  } catch (error) {
    if (!(error instanceof CodedError)) throw error
    return fail(`${text}: ${error.message}`, error.hint ?? 'mend the bucket, then `clew flush`')
  }
}

const ago = (ms: number | undefined): string =>
  ms === undefined ? 'never' : new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')

/** Every region of the trail has a status of its own. */
export const judgeStatus = (trail: Trail, statuses: readonly TrailStatus[]): Finding[] =>
  statuses
    .filter(({ incarnation }) => incarnation === trail.incarnation)
    .flatMap((status) => {
      const { latestDeliveryError, latestDigestDeliveryError, lost } = status
      const failed = latestDeliveryError ?? latestDigestDeliveryError
      const what = latestDeliveryError === undefined ? 'digest' : 'delivery'
      const last = ago(
        what === 'digest' ? status.latestDigestDeliveryTime : status.latestDeliveryTime,
      )
      return [
        ...(failed === undefined
          ? []
          : [
              fail(
                `trail ${trail.name}: the last ${what} failed with ${failed}; the last good one: ${last}`,
                'mend the bucket or its policy; files wait 30 days and are retried by themselves',
              ),
            ]),
        ...(lost === undefined
          ? []
          : [
              warn(
                `trail ${trail.name}: ${lost.files} files (${lost.events} events) and ${lost.digests} digests were given up`,
                'the event history has the events of the last 90 days: `clew events --format json`',
              ),
            ]),
      ]
    })

/** Clew delivers into buckets of its own only; a trail of before an upstream took S3 over cannot. */
const bucketElsewhere = ({ name, s3BucketName, isLogging }: Trail): Finding =>
  isLogging
    ? fail(
        `trail ${name}: its bucket ${s3BucketName} is not built in, so nothing can be delivered`,
        'start the server with `--upstream s3=builtin` too, or stop the trail',
      )
    : skip(`trail ${name}: it does not log, and its bucket is not built in`)

const judgePending = (folder: string): Finding => {
  const waiting = existsSync(folder)
    ? readdirSync(folder).filter((name) => name.endsWith('.pending')).length
    : 0
  return waiting === 0
    ? ok('no log file waits for its bucket')
    : warn(`${waiting} log files wait for their bucket`, 'mend the bucket; they go by themselves')
}

const checkOf = ({ config }: DoctorContext): BucketCheck | undefined => {
  if (!parseUpstreams(config.upstream).isBuiltin('s3')) return undefined
  const { objects } = pathsOf(config.data)
  const buckets = existsSync(objects) ? readStoredBuckets(objects, readMasterKey(config)) : []
  return createBucketCheck({
    bucket: async (name) => buckets.find((bucket) => bucket.name === name),
    parsePolicy: createPolicyCache('bucket'),
    evaluate: evaluateResourcePolicy,
    policyMode: config.trails.bucketPolicy,
  })
}

export const checkTrails = async (context: DoctorContext): Promise<Finding[]> => {
  const paths = pathsOf(context.config.data)
  if (!existsSync(paths.documents)) return [skip('trails: no server has used the folder yet')]
  const read = <Value>(prefix: string) => readStoredDocuments<Value>(paths.documents, prefix)
  const trails = read<AccountTrails>('trails/').flatMap(({ value }) => Object.values(value.trails))
  if (trails.length === 0) return [ok('there is no trail: events are in the history alone')]
  const chains = read(CHAINS_PREFIX).map(({ key }) => key)
  const statuses = read<TrailStatus>('trail-status/')
  const findings: Finding[] = []
  let check: BucketCheck | undefined
  try {
    check = checkOf(context)
  } catch (error) {
    findings.push(fail(`the object store: ${messageOf(error)}`, 'run `clew fsck`'))
  }
  for (const trail of trails) {
    if (check === undefined) findings.push(bucketElsewhere(trail))
    else findings.push(await checkBucket(trail, accountsOf(trail, chains), check))
    const mine = statuses.filter(({ key }) => key.endsWith(`/${trail.arn}`))
    findings.push(
      ...judgeStatus(
        trail,
        mine.map(({ value }) => value),
      ),
    )
  }
  return [...findings, judgePending(pendingFolderOf(paths.delivery))]
}
