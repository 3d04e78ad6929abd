import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { test } from 'node:test'
import { createAsymmetricKeys, deriveAsymmetricKey, privateKeyOf } from './asymmetric-key.ts'

const secretKey = (text: string) => createSecretKey(Buffer.from(text))
const coordinates = (key: ReturnType<typeof deriveAsymmetricKey>): [string, string] => {
  const { x = '', y = '' } = key.export({ format: 'jwk' })
  return [Buffer.from(x, 'base64url').toString('hex'), Buffer.from(y, 'base64url').toString('hex')]
}

// The pair that AWS publishes for its example credentials, in the tests of its own signers.
const AWS_KEY = 'AKISORANDOMAASORANDOM'
const AWS_SECRET = secretKey('q+jcrXGc+0zWN6uzclKVhvMmUsIfRPa4rlRandom')
const AWS_X = '15d242ceebf8d8169fd6a8b5a746c41140414c3b07579038da06af89190fffcb'
const AWS_Y = '0515242cedd82e94799482e4c0514b505afccf2c0c98d6a553bf539f424c5ec0'

test("the key pair of AWS's example credentials", () => {
  assert.deepEqual(coordinates(deriveAsymmetricKey(AWS_KEY, AWS_SECRET)), [AWS_X, AWS_Y])
})

test('a candidate outside the group is passed over, and the largest one inside it is not', () => {
  const order = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc6325'
  const largest = privateKeyOf(Buffer.from(`${order}4f`, 'hex'))
  assert.equal(largest?.toString('hex'), `${order}50`)
  assert.equal(privateKeyOf(Buffer.from(`${order}50`, 'hex')), undefined)
  assert.equal(privateKeyOf(Buffer.alloc(32, 0xff)), undefined)
  assert.equal(privateKeyOf(Buffer.alloc(32))?.toString('hex'), '01'.padStart(64, '0'))
})

test('a kept key serves again; another secret or another key id has another one', () => {
  const keys = createAsymmetricKeys(2)
  const first = keys.of(AWS_KEY, AWS_SECRET)
  assert.equal(keys.of(AWS_KEY, secretKey('q+jcrXGc+0zWN6uzclKVhvMmUsIfRPa4rlRandom')), first)
  assert.ok(!keys.of('AKIAANOTHER', AWS_SECRET).equals(first))
  assert.ok(!keys.of(AWS_KEY, secretKey('another')).equals(first))
  assert.deepEqual(coordinates(keys.of(AWS_KEY, AWS_SECRET)), [AWS_X, AWS_Y])
})
