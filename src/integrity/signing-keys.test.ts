import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Documents } from '../documents/documents.ts'
import { openSqliteDocuments } from '../documents/sqlite-documents.ts'
import { systemClock } from '../platform/clock.ts'
import { masterKeyOf } from '../platform/encryption.ts'
import { silentLogger } from '../platform/logger.ts'
import { listPublicKeys } from './operations/list-public-keys.ts'
import { fingerprintOf, publicKeyOf, verifyText } from './signature.ts'
import { KEY_OVERLAP_MS, KEY_VALIDITY_MS, openSigningKeys } from './signing-keys.ts'

const NOW = Date.UTC(2026, 2, 2, 8, 15, 20, 789)
const REGION = 'eu-west-1'
const master = masterKeyOf(Buffer.alloc(32, 3))

const documentsOf = (): Promise<Documents> =>
  openSqliteDocuments(':memory:', { clock: systemClock, logger: silentLogger })

const world = async () => {
  const documents = await documentsOf()
  let now = NOW
  const clock = { now: () => now }
  const open = () => openSigningKeys({ documents, master, clock })
  const set = (ms: number) => {
    now = ms
  }
  return { documents, open, keys: open(), set }
}

describe('signing keys', () => {
  it('are made at the first use, valid for thirty days, and the same ever after', async () => {
    const { keys, open } = await world()
    const signer = await keys.signer(REGION, NOW)
    const [key, ...others] = await open().publicKeys(REGION, NOW, NOW)
    assert.equal(others.length, 0)
    assert.equal(key?.fingerprint, signer.fingerprint)
    assert.equal(key?.validFrom, Math.floor(NOW / 1000) * 1000)
    assert.equal(key?.validUntil, Math.floor(NOW / 1000) * 1000 + 30 * 86_400_000)
    const bytes = Buffer.from(key?.publicKey ?? '', 'base64')
    assert.equal(fingerprintOf(bytes), signer.fingerprint)
    const again = await open().signer(REGION, NOW + 1000)
    const publicKey = publicKeyOf(bytes)
    assert.ok(publicKey !== undefined && verifyText('text', again.sign('text'), publicKey))
  })

  it('are listed for a caller whose now is a moment old', async () => {
    const { keys, set } = await world()
    set(NOW + 40)
    assert.equal((await keys.publicKeys(REGION, NOW, NOW)).length, 1)
  })

  it('are one key whoever asks at the same time', async () => {
    const { open } = await world()
    const signers = await Promise.all(Array.from({ length: 4 }, () => open().signer(REGION, NOW)))
    assert.equal(new Set(signers.map((signer) => signer.fingerprint)).size, 1)
  })

  it('get a successor before they end, and both are listed', async () => {
    const { keys, set } = await world()
    const first = await keys.signer(REGION, NOW)
    const late = NOW + KEY_VALIDITY_MS - KEY_OVERLAP_MS
    set(late - 2000)
    assert.equal((await keys.signer(REGION, late - 2000)).fingerprint, first.fingerprint)
    set(late)
    const second = await keys.signer(REGION, late)
    assert.notEqual(second.fingerprint, first.fingerprint)
    assert.equal((await keys.publicKeys(REGION, late, late)).length, 2)
    assert.equal((await keys.publicKeys(REGION, NOW, NOW + 1000)).length, 1)
  })

  it('sign a digest of the past with the key of that time', async () => {
    const { keys, set } = await world()
    const first = await keys.signer(REGION, NOW)
    set(NOW + 40 * 86_400_000)
    const second = await keys.signer(REGION, NOW + 40 * 86_400_000)
    assert.notEqual(second.fingerprint, first.fingerprint)
    assert.equal((await keys.signer(REGION, NOW + 1000)).fingerprint, first.fingerprint)
    assert.equal(
      (await keys.signer(REGION, NOW + KEY_VALIDITY_MS - 5000)).fingerprint,
      first.fingerprint,
    )
    const between = NOW + 35 * 86_400_000
    const made = await keys.signer(REGION, between)
    const listed = await keys.publicKeys(REGION, between, between)
    assert.ok(listed.some(({ fingerprint }) => fingerprint === made.fingerprint))
  })

  it('forget private keys at last, never public ones', async () => {
    const { documents, keys, set } = await world()
    await keys.signer(REGION, NOW)
    const later = NOW + 200 * 86_400_000
    set(later)
    await keys.signer(REGION, later)
    const stored = await documents.get<{ keys: { privateKey?: string }[] }>(
      `signing-keys/${REGION}`,
    )
    assert.deepEqual(
      stored?.value.keys.map(({ privateKey }) => privateKey === undefined),
      [true, false],
    )
    const { regions } = await keys.exportPublicKeys()
    assert.equal(regions[REGION]?.length, 2)
  })

  it('never lie in the documents in plain', async () => {
    const { documents, keys } = await world()
    await keys.signer(REGION, NOW)
    const text = JSON.stringify(await documents.list(''))
    const sealed = /"privateKey":"([^"]+)"/.exec(text)?.[1] ?? ''
    // A PKCS#8 document begins with a SEQUENCE of more than 255 bytes.
    assert.notEqual(Buffer.from(sealed, 'base64').readUInt16BE(0), 0x3082)
    const stolen = openSigningKeys({
      documents,
      master: masterKeyOf(Buffer.alloc(32, 4)),
      clock: { now: () => NOW },
    })
    await assert.rejects(stolen.signer(REGION, NOW), { code: 'wrong-key' })
  })
})

describe('ListPublicKeys', () => {
  type Call = Parameters<ReturnType<typeof listPublicKeys>>[1]
  const call = {
    region: REGION,
    now: NOW,
    fault: (code: string, message: string) => Object.assign(new Error(message), { code }),
  } as unknown as Call

  it('answers the current key without a range, in wire form', async () => {
    const { keys } = await world()
    const { PublicKeyList: list = [] } = await listPublicKeys(keys)({}, call)
    assert.equal(list.length, 1)
    const [key] = list
    assert.ok(key?.Value?.startsWith('MIIBCgKC'))
    assert.equal(key?.ValidityStartTime, Math.floor(NOW / 1000))
    assert.equal(key?.ValidityEndTime, Math.floor(NOW / 1000) + 2_592_000)
    assert.match(key?.Fingerprint ?? '', /^[0-9a-f]{32}$/)
  })

  it('answers what overlaps the range, and refuses one that ends before it starts', async () => {
    const { keys } = await world()
    await keys.signer(REGION, NOW)
    const list = listPublicKeys(keys)
    const start = NOW / 1000
    const before = await list({ StartTime: start - 9000, EndTime: start - 8000 }, call)
    assert.deepEqual(before, { PublicKeyList: [] })
    const within = await list({ StartTime: start - 9000, EndTime: start + 7200 }, call)
    assert.equal(within.PublicKeyList?.length, 1)
    await assert.rejects(list({ StartTime: start, EndTime: start - 1 }, call), {
      code: 'InvalidTimeRangeException',
    })
  })
})
