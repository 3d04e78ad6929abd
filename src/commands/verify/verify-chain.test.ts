import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { isValid } from '../../integrity/verification.ts'
import { inflateGzipMember } from './content/gzip-member.ts'
import {
  accessOf,
  fingerprint,
  HOUR,
  START,
  scope,
  signedBucket,
  verify,
} from './testing/signed-bucket.ts'

const place = (key: string | undefined): string => `s3://${scope.bucket}/${key}`

/** Replaces the object of `key` by what `change` makes of it. */
const altered = (
  bucket: ReturnType<typeof signedBucket>,
  key: string | undefined,
  change: (body: Buffer) => Buffer,
): void => {
  const object = bucket.objects.get(key ?? '')
  assert.ok(object !== undefined)
  object.body = change(object.body)
}

const rewritten = (from: string, to: string) => (body: Buffer) =>
  gzipSync(gunzipSync(body).toString().replace(from, to))

describe('verifyChain', () => {
  it('finds an untouched chain valid, newest first, each log file behind its digest', async () => {
    const bucket = signedBucket([2, 0, 1])
    const { summary, findings } = await verify(bucket)
    assert.ok(isValid(summary))
    assert.deepEqual(summary, {
      digests: { valid: 4, invalid: 0 },
      backfillDigests: { valid: 0, invalid: 0 },
      logs: { valid: 3, invalid: 0 },
      unverified: 0,
      chainProblems: 0,
      foundStart: START - HOUR,
      foundEnd: START + 3 * HOUR,
    })
    const [d0, d1, d2, d3] = bucket.digests
    const [l0, l1, l2] = bucket.logs
    assert.deepEqual(
      findings.map(({ text }) => text),
      [
        `Digest file\t${place(d3)}\tvalid`,
        `Log file\t${place(l2)}\tvalid`,
        `Digest file\t${place(d2)}\tvalid`,
        `Digest file\t${place(d1)}\tvalid`,
        `Log file\t${place(l0)}\tvalid`,
        `Log file\t${place(l1)}\tvalid`,
        `Digest file\t${place(d0)}\tvalid`,
      ],
    )
  })

  it('walks several chains and tells the gap between them, which is no failure', async () => {
    const bucket = signedBucket([1], [1, 1])
    const { summary, findings } = await verify(bucket)
    assert.ok(isValid(summary))
    assert.equal(summary.digests.valid, 5)
    const gaps = findings.filter(({ verdict }) => verdict === 'gap').map(({ text }) => text)
    assert.deepEqual(gaps, [
      'No log files were delivered by CloudTrail between 2026-03-02T09:15:20Z and 2026-03-02T10:15:20Z',
    ])
  })

  it('looks at the requested range only', async () => {
    const bucket = signedBucket([1, 1, 1, 1])
    const { summary } = await verify(bucket, { start: START + HOUR, end: START + 2 * HOUR })
    // One hour more, as the CLI: files of the end are in the next digest.
    assert.deepEqual(summary.digests, { valid: 3, invalid: 0 })
    assert.equal(summary.foundEnd, START + 2 * HOUR)
    const none = await verify(bucket, { trailName: 'mai' })
    assert.deepEqual(none.findings, [])
  })

  it('says of a log file what is wrong with it', async () => {
    const bucket = signedBucket([5])
    const [changed, gone, damaged, appended] = bucket.logs
    altered(bucket, changed, rewritten('"0"', '"9"'))
    bucket.objects.delete(gone ?? '')
    altered(bucket, damaged, () => Buffer.from('no gzip'))
    altered(bucket, appended, (body) => Buffer.concat([body, gzipSync('more')]))
    const { invalid, summary } = await verify(bucket)
    assert.deepEqual(invalid, [
      `Log file\t${place(changed)}\tINVALID: hash value doesn't match`,
      `Log file\t${place(gone)}\tINVALID: not found`,
      `Log file\t${place(damaged)}\tINVALID: invalid format`,
      `Log file\t${place(appended)}\tINVALID: unexpected data after end of compressed stream`,
    ])
    assert.deepEqual(summary.logs, { valid: 1, invalid: 4 })
  })

  it('says of a digest what is wrong with it', async () => {
    const cases: [(bucket: ReturnType<typeof signedBucket>, key: string) => void, string][] = [
      [
        (b, key) => altered(b, key, rewritten('"SHA-256"', '"SHA-999"')),
        'signature verification failed',
      ],
      [(b, key) => altered(b, key, () => gzipSync('{')), 'invalid format'],
      [(b, key) => altered(b, key, () => Buffer.from('{}')), 'invalid format'],
      [
        (b, key) => altered(b, key, rewritten('"digestEndTime"', '"digestendTime"')),
        'invalid format',
      ],
      [
        (b, key) => altered(b, key, rewritten(fingerprint, 'f'.repeat(32))),
        `public key not found in region eu-west-1 for fingerprint ${'f'.repeat(32)}`,
      ],
      [(b, key) => void b.objects.delete(key), 'not found'],
      [
        (b, key) => {
          const object = b.objects.get(key)
          if (object !== undefined) object.metadata = {}
        },
        'signature verification failed',
      ],
      [
        (b, key) => {
          const other = b.objects.get(b.digests[3] ?? '')
          if (other !== undefined) b.objects.set(key, other)
        },
        'has been moved from its original location',
      ],
    ]
    for (const [damage, problem] of cases) {
      const bucket = signedBucket([1, 1, 1, 1])
      const key = bucket.digests[2] ?? ''
      damage(bucket, key)
      const { invalid } = await verify(bucket)
      assert.equal(invalid[0], `Digest file\t${place(key)}\tINVALID: ${problem}`)
      assert.equal(
        invalid[1],
        'Digest chain\tmain in eu-west-1\tINVALID: no valid digest between 2026-03-02T09:15:20Z and 2026-03-02T10:15:20Z, where the chain goes on',
      )
      assert.equal(invalid.length, 2)
    }
  })

  it('says when a key is no PKCS#1 key', async () => {
    const bucket = signedBucket([])
    const access = { ...accessOf(bucket), publicKey: async () => Buffer.from('key') }
    const { invalid } = await verify(bucket, {}, access)
    assert.ok(invalid[0]?.endsWith(`Unable to load PKCS #1 key with fingerprint ${fingerprint}`))
  })

  it('reports what cannot be read as a finding of that object', async () => {
    const bucket = signedBucket([1, 1])
    const access = {
      ...accessOf(bucket),
      fetch: async () => {
        throw new Error('AccessDenied')
      },
    }
    const { invalid } = await verify(bucket, {}, access)
    assert.ok(invalid.includes(`Digest file\t${place(bucket.digests[2])}\tINVALID: AccessDenied`))
  })

  it('finds a digest that was replaced by an older state of itself', async () => {
    // Both are signed for the same place and time; only the link tells them apart.
    const bucket = signedBucket([1, 1, 1])
    const other = signedBucket([1, 2, 1])
    const key = bucket.digests[2] ?? ''
    const object = other.objects.get(key)
    assert.ok(object !== undefined)
    bucket.objects.set(key, object)
    const { invalid } = await verify(bucket)
    assert.equal(
      invalid[0],
      `Digest file\t${place(key)}\tINVALID: does not match the link in the digest that follows it`,
    )
  })

  it('follows a chain into the bucket where it began', async () => {
    const bucket = signedBucket([1, 1])
    const access = accessOf(bucket)
    const { summary, invalid } = await verify(
      bucket,
      { bucket: 'elsewhere', head: { bucket: scope.bucket, key: bucket.digests[2] ?? '' } },
      {
        ...access,
        list: async function* (name, ...rest) {
          if (name !== 'elsewhere') yield* access.list(name, ...rest)
        },
      },
    )
    assert.deepEqual(invalid, [])
    assert.equal(summary.digests.valid, 3)
  })
})

describe('digests that were deleted', () => {
  it('are found wherever a later one is left', async () => {
    for (const gone of [[2], [2, 3], [1, 2, 3], [0], [0, 1]]) {
      const bucket = signedBucket([1, 1, 1, 1, 1])
      for (const index of gone) bucket.objects.delete(bucket.digests[index] ?? '')
      const { summary, invalid } = await verify(bucket)
      assert.ok(!isValid(summary), `without ${gone}`)
      const newest = bucket.digests[gone.at(-1) ?? 0]
      assert.equal(invalid[0], `Digest file\t${place(newest)}\tINVALID: not found`)
    }
  })

  it('are found at the newest end by the head, the delivery time, or the expected end', async () => {
    const bucket = signedBucket([1, 1])
    const key = bucket.digests[2] ?? ''
    const head = { bucket: scope.bucket, key }
    const complete = { head, expectUntil: START + 2 * HOUR, expectDelivered: START + 5000 }
    assert.deepEqual((await verify(bucket, complete)).invalid, [])
    bucket.objects.delete(key)
    assert.deepEqual((await verify(bucket)).invalid, [], 'nothing else tells')
    assert.deepEqual(
      (await verify(bucket, { head })).invalid,
      [`Digest file\t${place(key)}\tINVALID: not found`].concat(
        (await verify(bucket, { head })).invalid.slice(1),
      ),
    )
    assert.deepEqual((await verify(bucket, { expectUntil: START + 2 * HOUR })).invalid, [
      'Digest chain\tmain in eu-west-1\tINVALID: the newest valid digest ends at 2026-03-02T09:15:20Z, expected one until 2026-03-02T10:15:20Z',
    ])
    assert.deepEqual((await verify(bucket, { expectDelivered: START + 11_000 })).invalid, [
      'Digest chain\tmain in eu-west-1\tINVALID: the trail delivered a digest at 2026-03-02T08:15:31Z, which is not found',
    ])
    const empty = await verify(signedBucket(), { expectUntil: START })
    assert.deepEqual(empty.invalid, [
      'Digest chain\tmain in eu-west-1\tINVALID: no valid digest was found, expected one until 2026-03-02T08:15:20Z',
    ])
  })
})

describe('any change', () => {
  it('of any byte of any object is found, unless the content is the same', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async (which, where, flip) => {
          const bucket = signedBucket([2, 1], [1])
          const keys = [...bucket.objects.keys()]
          const key = keys[which % keys.length] ?? ''
          const before = bucket.objects.get(key)?.body ?? Buffer.alloc(0)
          const after = Buffer.from(before)
          const at = where % after.length
          after[at] = (after[at] ?? 0) ^ flip
          altered(bucket, key, () => after)
          const same = inflateGzipMember(after)?.data
          const unchanged = same !== undefined && Buffer.from(same).equals(gunzipSync(before))
          const { summary } = await verify(bucket)
          assert.equal(isValid(summary), unchanged, `${key} at ${at}`)
        },
      ),
      { numRuns: 120 },
    )
  })

  it('of any character of any document or signature is found', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat(), fc.boolean(), async (which, where, inMetadata) => {
        const bucket = signedBucket([2, 1], [1])
        const keys = inMetadata ? bucket.digests : [...bucket.objects.keys()]
        const key = keys[which % keys.length] ?? ''
        const object = bucket.objects.get(key)
        assert.ok(object !== undefined)
        const flip = (text: string): string => {
          const at = where % text.length
          const other = text[at] === '0' ? '1' : '0'
          return `${text.slice(0, at)}${other}${text.slice(at + 1)}`
        }
        if (inMetadata) {
          const name = where % 2 === 0 ? 'signature' : 'signature-algorithm'
          object.metadata = { ...object.metadata, [name]: flip(object.metadata[name] ?? '') }
        } else {
          object.body = gzipSync(flip(gunzipSync(object.body).toString()))
        }
        const { summary } = await verify(bucket)
        assert.ok(!isValid(summary), key)
      }),
      { numRuns: 120 },
    )
  })

  it('of the set of objects is found: any deletion save that of the newest digests', async () => {
    const complete = signedBucket([2, 1, 0, 1])
    const newest = complete.digests.at(-1)
    for (const key of complete.objects.keys()) {
      const bucket = signedBucket([2, 1, 0, 1])
      bucket.objects.delete(key)
      const { summary } = await verify(bucket)
      assert.equal(isValid(summary), key === newest, key)
    }
  })
})

describe('a downloaded folder', () => {
  it('has the signatures in the digests that follow; only the newest lacks one', async () => {
    const bucket = signedBucket([1, 1, 1])
    const newest = bucket.digests[3]
    const { findings, summary } = await verify(bucket, {}, accessOf(bucket, false))
    assert.equal(
      findings[0]?.text,
      `Digest file\t${place(newest)}\tnot verified: its signature is in object metadata that this folder does not have`,
    )
    assert.deepEqual(summary.digests, { valid: 3, invalid: 0 })
    assert.deepEqual(summary.logs, { valid: 2, invalid: 0 })
    assert.equal(summary.unverified, 1)
    assert.equal(summary.foundEnd, START + 2 * HOUR, 'the newest does not count as covered')
    assert.ok(!isValid(summary))
    assert.ok(isValid(summary, true))
  })

  it('proves nothing by itself: a lone digest without a signature is not valid', async () => {
    const bucket = signedBucket([])
    const { summary } = await verify(bucket, {}, accessOf(bucket, false))
    assert.ok(!isValid(summary, true))
  })

  it('does not let a forged newest digest vouch for another one', async () => {
    const bucket = signedBucket([1, 1, 1])
    altered(bucket, bucket.digests[2], rewritten('"SHA-256"', '"SHA-999"'))
    const { invalid } = await verify(bucket, {}, accessOf(bucket, false))
    const problem = 'signature verification failed'
    assert.equal(invalid[0], `Digest file\t${place(bucket.digests[2])}\tINVALID: ${problem}`)
  })
})
