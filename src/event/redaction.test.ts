import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isSecretName, withoutUrlSecrets } from './redaction.ts'

describe('isSecretName', () => {
  it('takes names of secrets', () => {
    for (const name of [
      ...[
        'password',
        'MasterUserPassword',
        'DB_PASSWORD',
        'clientSecret',
        'privateKey',
        'private_key',
      ],
      ...['sessionToken', 'accessToken', 'grantTokens', 'secretAccessKey', 'apiKey', 'api_key'],
      ...['keyMaterial', 'userData', 'passphrase', 'connectionString', 'SECRET'],
    ]) {
      assert.ok(isSecretName(name), name)
    }
  })

  it('leaves what only sounds like one', () => {
    for (const name of [
      ...['nextToken', 'NextToken', 'clientToken', 'clientRequestToken', 'paginationToken'],
      ...['continuation-token', 'secretId', 'secretArn', 'secretName', 'passwordPolicy'],
      ...['passwordResetRequired', 'passwordLastUsedDays', 'accessKeyId', 'keyId', 'tokenType'],
      ...['idempotencyToken', 'nextForwardToken', 'key', 'userName', 'authorName'],
    ]) {
      assert.ok(!isSecretName(name), name)
    }
  })
})

describe('withoutUrlSecrets', () => {
  it('hides passwords and signatures, and nothing else', () => {
    const hidden = 'HIDDEN_DUE_TO_SECURITY_REASONS'
    assert.equal(
      withoutUrlSecrets('postgres://app:s3cret@db:5432/x and https://h/p?X-Amz-Signature=abc&y=1'),
      `postgres://app:${hidden}@db:5432/x and https://h/p?X-Amz-Signature=${hidden}&y=1`,
    )
    for (const text of [
      'https://host:8443/a@b',
      'arn:aws:iam::1:user/x',
      'a@b.example',
      's3://b/k',
    ]) {
      assert.equal(withoutUrlSecrets(text), text)
    }
  })
})
