/** A delivered chain with anything altered that a digest covers: verification finds it. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { inflateGzipMember } from '../../../src/commands/verify/content/gzip-member.ts'
import {
  accessOf,
  fingerprint,
  HOUR,
  publicKey,
  type SignedBucket,
  START,
  type StoredObject,
  scope,
  signedBucket,
  verify,
} from '../../../src/commands/verify/testing/signed-bucket.ts'
import { isValid, type VerifyAccess } from '../../../src/integrity/verification.ts'
import { type Mutation, mutate, mutations } from '../mutations.ts'
import { holds } from '../runs.ts'

const SIGNED = signedBucket([1, 0, 3])

/** A start, three hours and four log files: a copy that may be altered. */
const chain = (): SignedBucket => ({
  ...SIGNED,
  objects: new Map(
    [...SIGNED.objects].map(([key, { body, metadata }]) => [
      key,
      { body: Buffer.from(body), metadata: { ...metadata } },
    ]),
  ),
})
const KEYS = [...chain().objects.keys()]
const DIGESTS = chain().digests

const verdictOf = async (bucket: SignedBucket): Promise<boolean> => {
  const head = { bucket: scope.bucket, key: bucket.digests.at(-1) ?? '' }
  const { summary } = await verify(bucket, { head })
  return isValid(summary)
}

const inflated = (body: Buffer): string | undefined => {
  const member = inflateGzipMember(body)
  return member === undefined || member.trailing
    ? undefined
    : Buffer.from(member.data).toString('latin1')
}

const objectOf = (bucket: SignedBucket, key: string): StoredObject => {
  const object = bucket.objects.get(key)
  assert.ok(object)
  return object
}

describe('an altered chain', () => {
  it('untouched is valid', async () => assert.ok(await verdictOf(chain())))

  it('is never valid with another byte in what an object holds', () =>
    holds<[string, Mutation[]]>(80, [fc.constantFrom(...KEYS), mutations], async (key, changes) => {
      const bucket = chain()
      const object = objectOf(bucket, key)
      const text = gunzipSync(object.body)
      const changed = mutate(text, changes)
      object.body = gzipSync(changed)
      assert.equal(await verdictOf(bucket), changed.equals(text), changed.toString('latin1'))
    }))

  it('is never valid with other stored bytes, unless they hold the same', () =>
    holds<[string, Mutation[]]>(
      120,
      [fc.constantFrom(...KEYS), mutations],
      async (key, changes) => {
        const bucket = chain()
        const object = objectOf(bucket, key)
        const before = inflated(object.body)
        object.body = mutate(object.body, changes)
        assert.equal(await verdictOf(bucket), inflated(object.body) === before)
      },
    ))

  it('is never valid with another signature, or none', () =>
    holds<[string, Mutation[], string]>(
      60,
      [fc.constantFrom(...DIGESTS), mutations, fc.constantFrom('signature', 'signature-algorithm')],
      async (key, changes, name) => {
        const bucket = chain()
        const { metadata } = objectOf(bucket, key)
        const before = metadata[name] ?? ''
        const after = mutate(Buffer.from(before), changes).toString('latin1')
        if (after === '') delete metadata[name]
        else metadata[name] = after
        // Hexadecimal digits have two cases, and mean the same; the link is compared as it is.
        const same =
          after === before || (name === 'signature' && after.toLowerCase() === before.toLowerCase())
        if (!same) assert.ok(!(await verdictOf(bucket)), after)
      },
    ))

  it('is never valid with an object gone, or two of them exchanged', () =>
    holds<[string, string]>(
      40,
      [fc.constantFrom(...KEYS), fc.constantFrom(...KEYS)],
      async (one, two) => {
        const gone = chain()
        gone.objects.delete(one)
        assert.ok(!(await verdictOf(gone)), `without ${one}`)
        if (one === two) return
        const exchanged = chain()
        const [first, second] = [objectOf(exchanged, one), objectOf(exchanged, two)]
        exchanged.objects.set(one, second).set(two, first)
        assert.ok(!(await verdictOf(exchanged)), `${one} for ${two}`)
      },
    ))
})

type Alter = (bucket: SignedBucket, access: VerifyAccess) => VerifyAccess | undefined

const OLDEST = DIGESTS[0] ?? ''
const NEWEST = DIGESTS.at(-1) ?? ''
const LOG = chain().logs[0] ?? ''
const url = (key: string): string => `s3://${scope.bucket}/${key}`

const stored =
  (key: string, change: (object: StoredObject) => void): Alter =>
  (bucket) => {
    change(objectOf(bucket, key))
    return undefined
  }

const document = (
  object: StoredObject,
  change: (fields: Record<string, unknown>) => void,
): void => {
  const fields = JSON.parse(gunzipSync(object.body).toString()) as Record<string, unknown>
  change(fields)
  object.body = gzipSync(JSON.stringify(fields))
}

/** Reference/formats.md §4.8: every line about an object, and a way to get it. */
const MESSAGES: readonly [line: string, ...alter: Alter[]][] = [
  [
    `Digest file\t${url(NEWEST)}\tINVALID: signature verification failed`,
    stored(NEWEST, ({ metadata }) => {
      metadata.signature = '00'.repeat(256)
    }),
    stored(NEWEST, (object) => {
      object.metadata = {}
    }),
    stored(NEWEST, (object) =>
      document(object, (fields) => {
        fields.newestEventTime = null
      }),
    ),
  ],
  [
    `Digest file\t${url(NEWEST)}\tINVALID: invalid format`,
    stored(NEWEST, (object) => {
      object.body = Buffer.from('no gzip')
    }),
    stored(NEWEST, (object) => {
      object.body = gzipSync('{"digestEndTime":')
    }),
    stored(NEWEST, (object) => {
      object.body = object.body.subarray(0, -1)
    }),
    ...[
      ...['digestPublicKeyFingerprint', 'digestS3Bucket', 'digestS3Object', 'logFiles'],
      ...['previousDigestSignature', 'digestEndTime', 'digestStartTime'],
    ].map((name) =>
      stored(NEWEST, (object) =>
        document(object, (fields) => {
          delete fields[name]
        }),
      ),
    ),
  ],
  [
    `Digest file\t${url(NEWEST)}\tINVALID: has been moved from its original location`,
    (bucket) => {
      bucket.objects.set(NEWEST, objectOf(bucket, OLDEST))
      return undefined
    },
  ],
  [
    `Digest file\t${url(OLDEST)}\tINVALID: not found`,
    (bucket) => {
      bucket.objects.delete(OLDEST)
      return undefined
    },
  ],
  [
    `Digest file\t${url(NEWEST)}\tINVALID: public key not found in region ${scope.homeRegion} for fingerprint ${fingerprint}`,
    (_, access) => ({ ...access, publicKey: async () => undefined }),
  ],
  [
    `Digest file\t${url(NEWEST)}\tINVALID: Unable to load PKCS #1 key with fingerprint ${fingerprint}`,
    (_, access) => ({ ...access, publicKey: async () => publicKey.subarray(0, 20) }),
  ],
  [
    `Digest file\t${url(NEWEST)}\tINVALID: the store says no`,
    (_, access) => ({
      ...access,
      fetch: async (name, key) => {
        if (key === NEWEST) throw new Error('the store says no')
        return access.fetch(name, key)
      },
    }),
  ],
  [
    `Log file\t${url(LOG)}\tINVALID: hash value doesn't match`,
    stored(LOG, (object) => {
      object.body = gzipSync('{"Records":[]}')
    }),
  ],
  [
    `Log file\t${url(LOG)}\tINVALID: not found`,
    (bucket) => {
      bucket.objects.delete(LOG)
      return undefined
    },
  ],
  [
    `Log file\t${url(LOG)}\tINVALID: invalid format`,
    stored(LOG, (object) => {
      object.body = Buffer.from('{"Records":[]}')
    }),
    stored(LOG, (object) => {
      object.body = object.body.subarray(0, -3)
    }),
  ],
  [
    `Log file\t${url(LOG)}\tINVALID: unexpected data after end of compressed stream`,
    stored(LOG, (object) => {
      object.body = Buffer.concat([object.body, Buffer.from([0])])
    }),
    stored(LOG, (object) => {
      object.body = Buffer.concat([object.body, gzipSync('{"Records":[{"eventID":"forged"}]}')])
    }),
  ],
]

describe('every message of validate-logs', () => {
  it('valid', async () => {
    const { findings, summary } = await verify(chain())
    const lines = findings.map(({ text }) => text)
    for (const key of DIGESTS) assert.ok(lines.includes(`Digest file\t${url(key)}\tvalid`))
    for (const key of chain().logs) assert.ok(lines.includes(`Log file\t${url(key)}\tvalid`))
    assert.equal(lines.length, KEYS.length)
    assert.ok(isValid(summary))
  })

  for (const [line, ...ways] of MESSAGES) {
    it(line.split('\t').toSpliced(1, 1).join(' '), async () => {
      for (const [index, alter] of ways.entries()) {
        const bucket = chain()
        const access = accessOf(bucket)
        const { invalid, summary } = await verify(bucket, {}, alter(bucket, access) ?? access)
        assert.ok(invalid.includes(line), `way ${index}: ${invalid.join('\n')}`)
        assert.ok(!isValid(summary))
      }
    })
  }

  it('a gap between two chains is told and is no failure', async () => {
    const { findings, summary } = await verify(signedBucket([1], [1]))
    const gap = findings.find(({ verdict }) => verdict === 'gap')
    const [from, to] = [START + HOUR, START + 2 * HOUR].map((ms) =>
      new Date(ms).toISOString().replace('.000', ''),
    )
    assert.equal(gap?.text, `No log files were delivered by CloudTrail between ${from} and ${to}`)
    assert.ok(isValid(summary))
  })

  it('backfill digests have their lead-in, and need their time of generation', async () => {
    const bucket = chain()
    const key = NEWEST.replace('.json.gz', '_backfill.json.gz')
    const copy = objectOf(bucket, NEWEST)
    bucket.objects.set(key, { body: copy.body, metadata: { ...copy.metadata } })
    const without = await verify(bucket)
    assert.deepEqual(without.invalid, [
      `(backfill) Digest file\t${url(key)}\tINVALID: invalid format`,
    ])
    objectOf(bucket, key).metadata['backfill-generation-timestamp'] = '2026-03-02T12:00:00.000Z'
    const moved = await verify(bucket)
    assert.deepEqual(moved.invalid, [
      `(backfill) Digest file\t${url(key)}\tINVALID: has been moved from its original location`,
    ])
  })
})
