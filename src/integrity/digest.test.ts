import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { type DigestFacts, type DigestLink, digestKey, digestText, sha256Hex } from './digest.ts'
import { parseDigest } from './parse-digest.ts'
import {
  fingerprintOf,
  publicKeyBytes,
  publicKeyOf,
  signText,
  stringToSign,
  verifyText,
} from './signature.ts'

const folder = new URL('../../test/golden/digests/', import.meta.url)

interface GoldenKey {
  readonly privateKeyPkcs8Pem: string
  readonly publicKeyPkcs1: string
  readonly fingerprint: string
}

interface GoldenDigest {
  readonly facts: Omit<DigestFacts, 'previous'> & { readonly previous?: DigestLink }
  readonly key: string
  readonly text: string
  readonly sha256: string
  readonly stringToSign: string
  readonly signature: string
}

const read = <Value>(name: string): Value =>
  JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Value

const goldenKey = read<GoldenKey>('key.json')
const privateKey = createPrivateKey(goldenKey.privateKeyPkcs8Pem)
const names = readdirSync(folder).filter((name) => name !== 'key.json')

const power = (base: bigint, exponent: bigint, modulus: bigint): bigint => {
  let result = 1n
  for (let square = base, rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % modulus
    square = (square * square) % modulus
  }
  return result
}

/** RFC 8017 §9.2: what the signature must be once the public exponent is applied. */
const encodedMessage = (text: string): string => {
  const digestInfo = `3031300d060960864801650304020105000420${sha256Hex(text)}`
  return `0001${'ff'.repeat(256 - 3 - digestInfo.length / 2)}00${digestInfo}`
}

describe('golden digests', () => {
  for (const name of names) {
    it(`${name}: key, document, string to sign and signature`, () => {
      const golden = read<GoldenDigest>(name)
      const { facts } = golden
      assert.equal(digestKey(facts.scope, facts.end), golden.key)
      const text = digestText({ ...facts, previous: facts.previous })
      assert.equal(text, golden.text)
      assert.equal(sha256Hex(text), golden.sha256)
      const parsed = parseDigest(Buffer.from(text))
      assert.ok(parsed !== undefined)
      const toSign = stringToSign({ ...parsed, sha256: golden.sha256 })
      assert.equal(toSign, golden.stringToSign)
      assert.equal(signText(toSign, privateKey), golden.signature)
    })

    it(`${name}: the signature is right by hand`, () => {
      const golden = read<GoldenDigest>(name)
      const { n, e } = createPublicKey(privateKey).export({ format: 'jwk' })
      const number = (text: string | undefined) =>
        BigInt(`0x${Buffer.from(text ?? '', 'base64url').toString('hex')}`)
      const opened = power(BigInt(`0x${golden.signature}`), number(e), number(n))
      assert.equal(opened.toString(16).padStart(512, '0'), encodedMessage(golden.stringToSign))
    })
  }

  it('name the key by the MD5 of its PKCS#1 bytes', () => {
    const bytes = publicKeyBytes(privateKey)
    assert.equal(bytes.toString('base64'), goldenKey.publicKeyPkcs1)
    assert.equal(bytes.length, 270)
    assert.equal(fingerprintOf(bytes), goldenKey.fingerprint)
  })
})

describe('verifyText', () => {
  const key = createPublicKey(privateKey)

  it('takes the right signature alone', () => {
    const signature = signText('text', privateKey)
    assert.ok(verifyText('text', signature, key))
    assert.ok(!verifyText('text ', signature, key))
    assert.ok(
      !verifyText(
        'text',
        signature.replace(/^./, (digit) => (digit === '0' ? '1' : '0')),
        key,
      ),
    )
    for (const bad of ['', 'zz', signature.slice(1), `${signature}00`, 'é'.repeat(512)]) {
      assert.ok(!verifyText('text', bad, key))
    }
  })

  it('knows a PKCS#1 key from anything else', () => {
    assert.ok(publicKeyOf(publicKeyBytes(privateKey)) !== undefined)
    const spki = key.export({ type: 'spki', format: 'der' })
    assert.equal(publicKeyOf(spki), undefined)
    assert.equal(publicKeyOf(Buffer.alloc(0)), undefined)
  })
})
