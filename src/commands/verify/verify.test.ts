import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { CodedError } from '../../platform/errors.ts'
import { serveBucket } from './testing/endpoint-server.ts'
import { type Result, runVerify } from './testing/run-verify.ts'
import {
  fingerprint,
  HOUR,
  publicKey,
  type SignedBucket,
  START,
  scope,
  signedBucket,
  signedBucketOf,
  trailArn,
} from './testing/signed-bucket.ts'

const folder = await mkdtemp(join(tmpdir(), 'clew-verify-'))
after(() => rm(folder, { recursive: true, force: true }))

const run = (...args: string[]): Promise<Result> => {
  const { account, region } = scope
  const headOf = (key: string) => [
    { trailArn, account, region, head: { bucket: scope.bucket, key } },
  ]
  return runVerify(args, { heads: headOf })
}

const download = async (bucket: SignedBucket, name: string, metadata = false): Promise<string> => {
  const root = join(folder, name)
  for (const [key, object] of bucket.objects) {
    const path = join(root, key)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, object.body)
    if (metadata) await writeFile(`${path}.metadata.json`, JSON.stringify(object.metadata))
  }
  return root
}

const keysFile = join(folder, 'keys.json')
const key = { fingerprint, publicKey: publicKey.toString('base64'), validFrom: 0, validUntil: 1 }
await writeFile(
  keysFile,
  JSON.stringify({ format: 'clew-public-keys', version: 1, regions: { [scope.region]: [key] } }),
)
const publicKeys = ['--public-keys', keysFile] as const

const rejects = (args: string[], code: string): Promise<void> =>
  assert.rejects(run(...args), (error: unknown) => {
    assert.ok((error instanceof CodedError && error.hint !== undefined) || code === 'bad-option')
    assert.equal((error as CodedError<string>).code, code)
    return true
  })

describe('clew verify FOLDER', () => {
  it('finds a downloaded bucket valid and says what it covers', async () => {
    const root = await download(signedBucket([1, 1]), 'valid', true)
    const { out, err, code } = await run(root, ...publicKeys)
    assert.equal(code, 0)
    assert.equal(err, '')
    assert.ok(out.includes('Validating log files for trail main (home eu-west-1)'))
    assert.ok(out.includes('Results found for 2026-03-02T07:15:20Z to 2026-03-02T10:15:20Z:'))
    assert.ok(out.includes('3/3 digest files valid\n2/2 log files valid\n'))
  })

  it('is not content without the signature of the newest digest, unless told so', async () => {
    const root = await download(signedBucket([1, 1]), join('nested', scope.bucket))
    const plain = [dirname(root), ...publicKeys, '--verbose']
    const { out, err, code } = await run(...plain)
    assert.equal(code, 1)
    assert.equal(err.match(/not verified/g)?.length, 1)
    assert.ok(out.includes('2/2 digest files valid'))
    assert.ok(out.includes('\tvalid\n'))
    assert.ok(out.includes('pass --allow-unsigned-newest'))
    const allowed = await run(...plain, '--allow-unsigned-newest')
    assert.equal(allowed.code, 0)
    assert.ok(allowed.out.includes('NOT VERIFIED'))
    const document = JSON.parse((await run(...plain, '--json')).out)
    assert.deepEqual([document.valid, document.chains[0].valid], [false, false])
    const until = ['--allow-unsigned-newest', '--expect-until', '2026-03-02T10:15:20Z']
    assert.equal((await run(...plain, ...until)).code, 1)
  })

  it('takes the signature of the last digest asked for from the one behind the end', async () => {
    const root = await download(signedBucket([1, 1, 1, 1]), 'ended')
    const { code, err, out } = await run(root, ...publicKeys, '--end-time', '2026-03-02T10:15:20Z')
    assert.equal(err, '')
    assert.equal(code, 0)
    assert.ok(out.includes('4/4 digest files valid\n3/3 log files valid\n'))
  })

  it('exits 1 where something was changed, and names it, as text and as JSON', async () => {
    const bucket = signedBucket([1, 1])
    const [log] = bucket.logs
    bucket.objects.set(log ?? '', { body: gzipSync('{"Records":[]}'), metadata: {} })
    const root = await download(bucket, 'changed', true)
    const text = await run(root, ...publicKeys)
    assert.equal(text.code, 1)
    assert.equal(
      text.err,
      `Log file\ts3://${scope.bucket}/${log}\tINVALID: hash value doesn't match\n`,
    )
    assert.ok(text.out.includes('1/2 log files valid, 1/2 log files INVALID'))
    const json = await run(root, ...publicKeys, '--json')
    const document = JSON.parse(json.out)
    assert.equal(json.code, 1)
    assert.equal(document.valid, false)
    assert.equal(document.chains[0].findings[0].key, log)
    assert.equal(document.chains[0].foundEnd, '2026-03-02T10:15:20Z')
  })

  it('misses the newest digest when the data folder knows of it', async () => {
    const bucket = signedBucket([1, 1])
    const newest = bucket.digests[2] ?? ''
    bucket.objects.delete(newest)
    const root = await download(bucket, 'shortened', true)
    assert.equal((await run(root, ...publicKeys)).code, 0)
    const { code, err } = await run(root, ...publicKeys, '--data', newest)
    assert.equal(code, 1)
    assert.ok(err.includes(`s3://${scope.bucket}/${newest}\tINVALID: not found`))
  })

  it('verifies imported accounts of the trail that is asked for', async () => {
    const bucket = signedBucketOf({ ...scope, account: '111111111111' }, [1])
    const root = await download(bucket, 'imported', true)
    const asked = [root, ...publicKeys, '--trail-arn', trailArn]
    assert.ok((await run(...asked)).out.includes('2/2 digest files valid\n1/1 log files valid\n'))
    await rm(join(root, bucket.logs[0] ?? ''))
    assert.equal((await run(...asked)).code, 1)
  })

  it('reads nothing outside the folder, whatever a digest names', async () => {
    const bucket = signedBucket([1])
    const [log = ''] = bucket.logs
    const text = Buffer.from('{}')
    await writeFile(join(folder, 'outside.json.gz'), gzipSync(text))
    const { openFolderBucket } = await import('./folder-access.ts')
    const root = await download(bucket, 'inside')
    const files = await openFolderBucket(root)
    assert.ok((await files.fetch(log)) !== undefined)
    for (const bad of [
      '../outside.json.gz',
      'a/../../outside.json.gz',
      '/etc/passwd',
      '',
      'a\\b',
    ]) {
      assert.equal(await files.fetch(bad), undefined)
    }
  })

  it('refuses what it cannot do', async () => {
    const root = await download(signedBucket([]), 'lone', true)
    await rejects([root], 'bad-option')
    await rejects([join(folder, 'nowhere'), ...publicKeys], 'no-folder')
    await rejects([root, '--public-keys', join(folder, 'nowhere')], 'bad-keys-file')
    await rejects([root, ...publicKeys, '--region', 'us-east-1'], 'no-digests')
    await rejects([root, ...publicKeys, '--trail-arn', 'main'], 'bad-option')
    const range = ['--start-time', '2026-03-03', '--end-time', '2026-03-02']
    await rejects([root, ...publicKeys, ...range], 'bad-option')
    const wrong = { ...key, fingerprint: 'f'.repeat(32) }
    const file = join(folder, 'wrong.json')
    await writeFile(
      file,
      JSON.stringify({
        PublicKeyList: [{ Value: wrong.publicKey, Fingerprint: wrong.fingerprint }],
      }),
    )
    await rejects([root, '--public-keys', file], 'bad-keys-file')
    await assert.rejects(run(root, '--start-time', 'yesterday'), /2026-03-02T08:15:00Z/)
  })
})

describe('clew verify --endpoint-url', () => {
  const credentials = { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret' }
  const environment = { ...credentials, AWS_REGION: scope.region }

  const against = async (bucket: SignedBucket, delivered: number, ...args: string[]) => {
    const before = { ...process.env }
    Object.assign(process.env, environment)
    const server = await serveBucket(bucket, delivered)
    try {
      return await run('--endpoint-url', server.url, ...args)
    } finally {
      server.close()
      process.env = before
    }
  }

  it('asks CloudTrail for trails and keys, and S3 for the rest', async () => {
    const { out, err, code } = await against(signedBucket([1, 0, 1]), START)
    assert.equal(err, '')
    assert.equal(code, 0)
    assert.ok(out.includes('4/4 digest files valid\n2/2 log files valid\n'))
  })

  it('misses the newest digest when the trail says that it delivered one', async () => {
    const { err, code } = await against(signedBucket([1]), START + HOUR)
    assert.equal(code, 1)
    assert.ok(
      err.includes('the trail delivered a digest at 2026-03-02T09:15:20Z, which is not found'),
    )
  })

  it('says which trail it could not find', async () => {
    const other = `${trailArn}-other`
    await assert.rejects(against(signedBucket([1]), START, '--trail-arn', other), {
      code: 'no-trail',
      message: `A trail could not be found for ${other}`,
    })
  })

  it('cannot do without an endpoint', async () => {
    Object.assign(process.env, environment)
    await rejects(['--endpoint-url', 'http://127.0.0.1:1'], 'endpoint')
  })
})
