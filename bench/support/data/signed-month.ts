/**
 * A bucket with a month of hourly digests in it, as a trail would have delivered it: real keys, the
 * project's own digests and signatures, log files of realistic size. Made in the built-in bucket of a
 * data folder and, for a verification without a network, as files with their metadata beside them.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { openSqliteDocuments } from '../../../src/documents/sqlite-documents.ts'
import {
  type DigestedFile,
  type DigestLink,
  type DigestScope,
  digestKey,
  digestMetadata,
  digestText,
  sha256Hex,
} from '../../../src/integrity/digest.ts'
import { createLimiter } from '../../../src/integrity/limiter.ts'
import { stringToSign } from '../../../src/integrity/signature.ts'
import { openSigningKeys, type SigningKeys } from '../../../src/integrity/signing-keys.ts'
import { openFileObjectStore } from '../../../src/outlets/file-system/file-object-store.ts'
import type { PutOptions } from '../../../src/outlets/object-store.ts'
import { isoSeconds, systemClock } from '../../../src/platform/clock.ts'
import { silentLogger } from '../../../src/platform/logger.ts'
import { pathsOf, readMasterKey } from '../../../src/supervisor/data-folder.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const PUTS_AT_ONCE = 32
/** Of a log file: about 60 kB of text, 9 kB compressed. */
const EVENTS_PER_FILE = 50

const compress = promisify(gzip)

export interface Month {
  readonly start: number
  readonly end: number
  readonly digests: number
  readonly files: number
}

type Put = (key: string, body: Uint8Array, options: PutOptions) => Promise<void>

/** An event of usual size whose ids differ from every other's. */
const eventText = (at: number, number: number): string => {
  const id = sha256Hex(String(number))
  const uuid = `${id.slice(0, 8)}-${id.slice(8, 12)}-4${id.slice(13, 16)}-8${id.slice(17, 20)}-${id.slice(20, 32)}`
  return JSON.stringify({
    eventVersion: '1.11',
    userIdentity: {
      type: 'AssumedRole',
      principalId: `AROA${id.slice(32, 48).toUpperCase()}:session`,
      arn: 'arn:aws:sts::123456789012:assumed-role/Deploy/session',
      accountId: '123456789012',
      accessKeyId: `ASIA${id.slice(48, 64).toUpperCase()}`,
      sessionContext: {
        sessionIssuer: {
          type: 'Role',
          principalId: `AROA${id.slice(32, 48).toUpperCase()}`,
          arn: 'arn:aws:iam::123456789012:role/Deploy',
          accountId: '123456789012',
          userName: 'Deploy',
        },
        attributes: { creationDate: isoSeconds(at), mfaAuthenticated: 'false' },
      },
    },
    eventTime: isoSeconds(at),
    eventSource: 'sqs.amazonaws.com',
    eventName: 'CreateQueue',
    awsRegion: 'us-east-1',
    sourceIPAddress: '192.0.2.17',
    userAgent: 'aws-cli/2.31.0 md/awscrt#0.27.6 ua/2.1 os/linux md/arch#x86_64 lang/python#3.13',
    requestParameters: { queueName: `queue-${number}`, attributes: { DelaySeconds: '0' } },
    responseElements: { queueUrl: `https://sqs.us-east-1.amazonaws.com/123456789012/${number}` },
    requestID: `${id.slice(32, 40)}-0000-4000-8000-${id.slice(0, 12)}`,
    eventID: uuid,
    readOnly: false,
    eventType: 'AwsApiCall',
    managementEvent: true,
    recipientAccountId: '123456789012',
    eventCategory: 'Management',
  })
}

const putLogFile = async (
  put: Put,
  scope: DigestScope,
  at: number,
  number: number,
): Promise<DigestedFile> => {
  const { account, region } = scope
  const stamp = isoSeconds(at).replaceAll(/[-:]/g, '')
  const day = isoSeconds(at).slice(0, 10).replaceAll('-', '/')
  const name = `${account}_CloudTrail_${region}_${stamp.slice(0, 13)}Z_${String(number).padStart(16, '0')}`
  const key = `AWSLogs/${account}/CloudTrail/${region}/${day}/${name}.json.gz`
  const events = Array.from({ length: EVENTS_PER_FILE }, (_, index) =>
    eventText(at, number * EVENTS_PER_FILE + index),
  )
  const text = `{"Records":[${events.join(',')}]}`
  const time = isoSeconds(at)
  await put(key, await compress(text), {
    contentType: 'application/json',
    contentEncoding: 'gzip',
  })
  const sha256 = sha256Hex(text)
  return { bucket: scope.bucket, key, sha256, newestEventTime: time, oldestEventTime: time }
}

const putDigest = async (
  put: Put,
  keys: SigningKeys,
  scope: DigestScope,
  end: number,
  files: readonly DigestedFile[],
  previous: DigestLink | undefined,
): Promise<DigestLink> => {
  const { fingerprint, sign } = await keys.signer(scope.region, end)
  const text = digestText({ scope, start: end - HOUR_MS, end, fingerprint, files, previous })
  const hash = sha256Hex(text)
  const key = digestKey(scope, end)
  const facts = { endTime: isoSeconds(end), bucket: scope.bucket, key, sha256: hash }
  const previousSignature = previous?.signature ?? null
  const signature = sign(stringToSign({ ...facts, previousSignature }))
  await put(key, await compress(text), {
    contentType: 'application/json',
    contentEncoding: 'gzip',
    metadata: digestMetadata(signature),
  })
  return { bucket: scope.bucket, key, hash, signature }
}

/** A chain that ends in the last full hour; the files are spread evenly over its digests. */
const fill = async (
  put: Put,
  keys: SigningKeys,
  scope: DigestScope,
  { files, days }: { files: number; days: number },
): Promise<Month> => {
  const limit = createLimiter(PUTS_AT_ONCE)
  const end = Math.floor(systemClock.now() / HOUR_MS) * HOUR_MS
  const start = end - days * DAY_MS
  const hours = days * 24
  let previous = await putDigest(put, keys, scope, start, [], undefined)
  let made = 0
  for (let hour = 1; hour <= hours; hour++) {
    const upTo = Math.round((files * hour) / hours)
    const at = start + hour * HOUR_MS
    const numbers = Array.from({ length: upTo - made }, (_, index) => made + index)
    const hourly = await Promise.all(
      numbers.map((number) => limit(() => putLogFile(put, scope, at - HOUR_MS / 2, number))),
    )
    previous = await putDigest(put, keys, scope, at, hourly, previous)
    made = upTo
  }
  return { start, end, digests: hours + 1, files: made }
}

/** `data`: a data folder that no server uses; it has the bucket of `scope`. `copy`: a new folder. */
export const makeSignedMonth = async (
  data: string,
  copy: string,
  scope: DigestScope,
  counts: { readonly files: number; readonly days: number },
): Promise<Month> => {
  const paths = pathsOf(data)
  const master = readMasterKey({ data })
  const common = { clock: systemClock, logger: silentLogger }
  const documents = await openSqliteDocuments(paths.documents, common)
  const objects = await openFileObjectStore(paths.objects, { master, ...common })
  try {
    const keys = openSigningKeys({ documents, master, clock: systemClock })
    const put: Put = async (key, body, options) => {
      const file = join(copy, key)
      await mkdir(dirname(file), { recursive: true })
      await Promise.all([
        objects.put(scope.bucket, key, body, options),
        writeFile(file, body),
        options.metadata === undefined
          ? undefined
          : writeFile(`${file}.metadata.json`, JSON.stringify(options.metadata)),
      ])
    }
    return await fill(put, keys, scope, counts)
  } finally {
    await objects.close()
    await documents.close()
  }
}
