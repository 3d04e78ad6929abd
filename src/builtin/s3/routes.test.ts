import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { ROUTES } from './routes.ts'

const ROOT = join(import.meta.dirname, '..', '..', '..')
const MODEL = join(ROOT, '..', 'shared', 'models', 's3.json.gz')

/** Operations of the model that are other names of a row, or have no address of their own here. */
const ALIASES = new Set([
  'GetBucketAnalyticsConfiguration',
  'GetBucketIntelligentTieringConfiguration',
  'GetBucketInventoryConfiguration',
  'GetBucketLifecycle',
  'GetBucketMetricsConfiguration',
  'GetBucketNotification',
  'ListDirectoryBuckets',
  'PutBucketLifecycle',
  'PutBucketNotification',
  'WriteGetObjectResponse',
])

describe('routes of the built-in S3', () => {
  it('name every operation of the model', (t) => {
    if (!existsSync(MODEL)) {
      t.skip('the S3 service model is not on this machine: the table is not compared with it')
      return
    }
    const model: { operations: object } = JSON.parse(gunzipSync(readFileSync(MODEL)).toString())
    const known = new Set(ROUTES.map(({ operation }) => operation))
    const missing = Object.keys(model.operations).filter(
      (name) => !known.has(name) && !ALIASES.has(name),
    )
    assert.deepEqual(missing, [])
  })

  it('are all in the documentation, under what they do', () => {
    const document = readFileSync(join(ROOT, 'docs', 'builtin-s3.md'), 'utf8')
    const listed = new Set([...document.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name))
    const operations = new Set(ROUTES.map(({ operation }) => operation))
    assert.deepEqual([...listed].toSorted(), [...operations].toSorted())
  })
})
