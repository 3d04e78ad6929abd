import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import type { DigestScope } from '../../integrity/digest.ts'
import type { ChainHead } from './chain-heads.ts'
import { type BucketListing, findChains } from './endpoint/find-chains.ts'
import { serveBucket } from './testing/endpoint-server.ts'
import { type Result, type RunOptions, runVerify } from './testing/run-verify.ts'
import {
  HOUR,
  type SignedBucket,
  START,
  scope,
  signedBucket,
  signedBucketOf,
  trailArn,
} from './testing/signed-bucket.ts'

const imported: DigestScope = { ...scope, account: '111111111111', region: 'us-west-2' }
const signedIn = {
  AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'secret',
  AWS_REGION: scope.region,
}

const folder = await mkdtemp(join(tmpdir(), 'clew-verify-accounts-'))
after(() => rm(folder, { recursive: true, force: true }))

/** The trail's own chain, an imported account's, and one of another trail. */
const sharedBucket = (of: DigestScope = imported) => {
  const own = signedBucket([1, 1])
  const foreign = signedBucketOf(of, [2])
  const other = signedBucketOf({ ...scope, account: '222222222222', trailName: 'other' }, [1])
  const objects = new Map([...own.objects, ...foreign.objects, ...other.objects])
  return { bucket: { ...own, objects }, foreign }
}

const against = async (
  bucket: SignedBucket,
  args: readonly string[] = [],
  options: RunOptions = {},
  delivered = START,
): Promise<Result> => {
  const before = { ...process.env }
  Object.assign(process.env, signedIn)
  const server = await serveBucket(bucket, delivered)
  try {
    return await runVerify(['--endpoint-url', server.url, ...args], options)
  } finally {
    server.close()
    process.env = before
  }
}

describe('clew verify of a bucket with imported accounts', () => {
  it('verifies every account that has digests of the trail, and no other trail', async () => {
    const { out, err, code } = await against(sharedBucket().bucket)
    assert.deepEqual([err, code], ['', 0])
    assert.ok(out.includes(`of account ${scope.account} in eu-west-1 between`))
    assert.ok(out.includes('of account 111111111111 in us-west-2 between'))
    assert.ok(out.includes('3/3 digest files valid\n2/2 log files valid\n'))
    assert.ok(out.includes('2/2 digest files valid\n2/2 log files valid\n'))
    assert.ok(!out.includes('222222222222'))
  })

  it('misses a log file of an imported account, with --trail-arn too', async () => {
    const { bucket, foreign } = sharedBucket()
    const [log = ''] = foreign.logs
    bucket.objects.delete(log)
    for (const args of [[], ['--trail-arn', trailArn], ['--account-id', '111111111111']]) {
      const { err, code } = await against(bucket, args)
      assert.equal(code, 1)
      assert.equal(err, `Log file\ts3://${scope.bucket}/${log}\tINVALID: not found\n`)
    }
  })

  it('verifies one account where it is asked for', async () => {
    const { out, code } = await against(sharedBucket().bucket, ['--account-id', '111111111111'])
    assert.equal(code, 0)
    assert.ok(out.includes('2/2 digest files valid\n2/2 log files valid\n'))
    assert.ok(!out.includes(`of account ${scope.account}`))
  })

  it('refuses an account without digests, and what is no account id', async () => {
    const { bucket } = sharedBucket()
    await assert.rejects(against(bucket, ['--account-id', '999']), /12 digits/)
    await assert.rejects(against(bucket, ['--account-id', '999999999999']), {
      code: 'no-digests',
      message: `No digest chain of account 999999999999 was found: looked in s3://${scope.bucket}/AWSLogs/999999999999/CloudTrail-Digest/.`,
    })
  })

  it('misses the newest digest, or all, of an imported account that the data folder knows', async () => {
    const { bucket, foreign } = sharedBucket()
    const { account, region } = imported
    const newest = foreign.digests.at(-1) ?? ''
    const heads = (): ChainHead[] => [
      { trailArn, account, region, head: { bucket: scope.bucket, key: newest } },
    ]
    const args = ['--data', folder]
    assert.equal((await against(bucket, args, { heads })).code, 0)
    for (const gone of [[newest], foreign.digests]) {
      for (const key of gone) bucket.objects.delete(key)
      const { err, code } = await against(bucket, args, { heads })
      assert.equal(code, 1)
      assert.ok(err.includes(`s3://${scope.bucket}/${newest}\tINVALID: not found`))
    }
    const asked = [...args, '--account-id', account]
    assert.equal((await against(bucket, asked, { heads })).code, 1)
  })

  it('takes the newest digest of a region from whichever account it is', async () => {
    const inRegion = { ...imported, region: scope.region }
    const delivered = START + HOUR
    assert.equal((await against(sharedBucket(inRegion).bucket, [], {}, delivered)).code, 1)
    const { bucket, foreign } = sharedBucket(inRegion)
    const late = { ...bucket, modified: new Map([[foreign.digests.at(-1) ?? '', delivered]]) }
    assert.equal((await against(late, [], {}, delivered)).code, 0)
  })
})

describe('findChains', () => {
  const listingOf = (...keys: string[]): BucketListing => ({
    folders: async (_, prefix) => {
      const below = keys.filter((key) => key.startsWith(prefix))
      return [...new Set(below.map((key) => key.slice(prefix.length).split('/')[0] ?? ''))]
    },
    list: async function* (_, prefix) {
      for (const key of keys) if (key.startsWith(prefix)) yield { key }
    },
  })
  const trail = { arn: trailArn, bucket: scope.bucket, prefix: 'logs' }
  const digest = (owner: string, account: string, region: string, name = 'main'): string =>
    `logs/AWSLogs/${owner}/CloudTrail-Digest/${region}/2026/03/02/${account}_CloudTrail-Digest_${region}_${name}_eu-west-1_20260302T081520Z.json.gz`
  const chain = { trailName: 'main', homeRegion: 'eu-west-1', bucket: scope.bucket, prefix: 'logs' }
  const own = scope.account

  it('finds the accounts of an organization', async () => {
    const member = '333333333333'
    const found = await findChains(
      listingOf(
        digest(`o-abc123/${own}`, own, 'eu-west-1'),
        digest(`o-abc123/${member}`, member, 'us-east-1'),
        digest(own, own, 'eu-west-1', 'other'),
      ),
      trail,
      {},
    )
    assert.deepEqual(found, [
      { ...chain, account: own, organizationId: 'o-abc123', region: 'eu-west-1' },
      { ...chain, account: member, organizationId: 'o-abc123', region: 'us-east-1' },
    ])
  })

  it('has the own account where nothing is found of it', async () => {
    assert.deepEqual(await findChains(listingOf(), trail, {}), [
      { ...chain, account: own, region: 'eu-west-1' },
    ])
  })
})

describe('clew verify in a shell without profile.env', () => {
  const withoutAws = (): NodeJS.ProcessEnv =>
    Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_')))

  const inBareShell = async (args: readonly string[], more: NodeJS.ProcessEnv = {}) => {
    const before = process.env
    process.env = { ...withoutAws(), ...more, AWS_EC2_METADATA_DISABLED: 'true' }
    try {
      return await runVerify(args, { environment: process.env })
    } finally {
      process.env = before
    }
  }

  it('finds the server by --data, and by the default folder', async () => {
    const server = await serveBucket(signedBucket([1]), START)
    const places = { endpoint: server.url, console: server.url, pid: 1 }
    await writeFile(join(folder, 'server.json'), JSON.stringify(places))
    await writeFile(
      join(folder, 'profile.env'),
      Object.entries(signedIn)
        .map(([name, value]) => `export ${name}='${value}'\n`)
        .join(''),
    )
    try {
      const named = await inBareShell(['--data', folder])
      assert.equal(named.err, `verify: asking the server of ${folder} at ${server.url}\n`)
      assert.ok(named.out.includes('2/2 digest files valid\n1/1 log files valid\n'))
      assert.equal((await inBareShell([], { CLEW_DATA: folder })).out, named.out)
    } finally {
      server.close()
    }
  })

  it('says what is missing', async () => {
    const nowhere = join(folder, 'nowhere')
    await assert.rejects(inBareShell(['--data', nowhere]), {
      code: 'no-folder',
      message: `No server runs on ${nowhere}, and the environment names neither AWS_ENDPOINT_URL nor credentials.`,
    })
    await assert.rejects(inBareShell([], { CLEW_DATA: nowhere, AWS_CONFIG_FILE: nowhere }), {
      message: 'The endpoint cannot be asked: Region is missing',
      hint: 'Name the region with --region or AWS_REGION, or name the data folder of a running server with --data.',
    })
  })
})
