/**
 * The keys that digests are signed with: per region, RSA of 2048 bits, valid for 30 days as AWS's
 * (reference/formats.md §4.5), shared by all accounts. Document `signing-keys/<region>`; private
 * keys are sealed under the master key; public keys are kept for ever, so that old digests stay
 * verifiable after their trail is gone.
 */
import {
  createPrivateKey,
  generateKeyPair,
  type KeyObject,
  type RSAKeyPairKeyObjectOptions,
} from 'node:crypto'
import { promisify } from 'node:util'
import type { Document, Documents } from '../documents/documents.ts'
import type { Clock } from '../platform/clock.ts'
import type { MasterKey } from '../platform/encryption.ts'
import { CodedError } from '../platform/errors.ts'
import { fingerprintOf, publicKeyBytes, signText } from './signature.ts'

const DAY_MS = 86_400_000
/** In every sample of AWS exactly 2,592,000 seconds. */
export const KEY_VALIDITY_MS = 30 * DAY_MS
/** A successor is made this long before a key ends, so that there is always a valid one. */
export const KEY_OVERLAP_MS = DAY_MS
/** A private key is forgotten this long after its end: no digest is that late. */
const PRIVATE_KEY_GRACE_MS = 90 * DAY_MS
const KEY_BITS = 2048
const PREFIX = 'signing-keys/'

export interface PublicKeyFacts {
  readonly fingerprint: string
  /** PKCS#1 DER, base64. */
  readonly publicKey: string
  /** Epoch milliseconds, whole seconds. */
  readonly validFrom: number
  readonly validUntil: number
}

interface StoredKey extends PublicKeyFacts {
  /** PKCS#8 DER, sealed; absent once it is forgotten. */
  readonly privateKey?: string
}

interface StoredKeys {
  readonly version: 1
  readonly keys: readonly StoredKey[]
}

export interface DigestSigner {
  readonly fingerprint: string
  /** Hex. */
  sign(text: string): string
}

/** What `clew keys export-public` writes and `clew verify --public-keys` reads. */
export interface PublicKeyExport {
  readonly format: 'clew-public-keys'
  readonly version: 1
  readonly regions: Readonly<Record<string, readonly PublicKeyFacts[]>>
}

export interface SigningKeys {
  /** A key that is valid at `at` (the digest's end, epoch milliseconds), made where there is none. */
  signer(region: string, at: number): Promise<DigestSigner>
  /** Keys whose validity touches the interval, both ends included; epoch milliseconds. */
  publicKeys(region: string, start: number, end: number): Promise<PublicKeyFacts[]>
  exportPublicKeys(): Promise<PublicKeyExport>
}

export interface SigningKeysOptions {
  readonly documents: Documents
  readonly master: MasterKey
  readonly clock: Pick<Clock, 'now'>
}

const generate = promisify(generateKeyPair) as (
  type: 'rsa',
  options: RSAKeyPairKeyObjectOptions,
) => Promise<{ privateKey: KeyObject }>

const purposeOf = (region: string, fingerprint: string): string =>
  `digest signing key ${region} ${fingerprint}`

const factsOf = ({ fingerprint, publicKey, validFrom, validUntil }: StoredKey): PublicKeyFacts => ({
  fingerprint,
  publicKey,
  validFrom,
  validUntil,
})

/** A window that ended this recently reaches to now. */
const NOW_TOLERANCE_MS = 10_000

/** The newest key that can sign at `at` and, where `fresh`, does not end within the overlap. */
const pick = (keys: readonly StoredKey[], at: number, fresh: boolean): StoredKey | undefined =>
  keys
    .filter((key) => key.privateKey !== undefined)
    .filter((key) => key.validFrom <= at && at < key.validUntil - (fresh ? KEY_OVERLAP_MS : 0))
    .sort((a, b) => a.validFrom - b.validFrom)
    .at(-1)

const makeKey = async (master: MasterKey, region: string, at: number): Promise<StoredKey> => {
  const { privateKey } = await generate('rsa', { modulusLength: KEY_BITS })
  const publicKey = publicKeyBytes(privateKey)
  const fingerprint = fingerprintOf(publicKey)
  const der = privateKey.export({ type: 'pkcs8', format: 'der' })
  const validFrom = Math.floor(at / 1000) * 1000
  return {
    fingerprint,
    publicKey: publicKey.toString('base64'),
    privateKey: master.sealText(der, purposeOf(region, fingerprint)),
    validFrom,
    validUntil: validFrom + KEY_VALIDITY_MS,
  }
}

/** The public keys of all regions; needs no master key. */
export const readPublicKeys = async (documents: Documents): Promise<PublicKeyExport> => {
  const stored = await documents.list<StoredKeys>(PREFIX)
  const regions = stored.map(
    ({ key, value }) => [key.slice(PREFIX.length), value.keys.map(factsOf)] as const,
  )
  return { format: 'clew-public-keys', version: 1, regions: Object.fromEntries(regions) }
}

class DocumentSigningKeys implements SigningKeys {
  readonly #documents: Documents
  readonly #master: MasterKey
  readonly #clock: Pick<Clock, 'now'>
  /** Keys that are being found or made, by region: one is made once, however many ask. */
  readonly #finding = new Map<string, Promise<unknown>>()
  /** Opened private keys by fingerprint. */
  readonly #opened = new Map<string, KeyObject>()

  constructor({ documents, master, clock }: SigningKeysOptions) {
    this.#documents = documents
    this.#master = master
    this.#clock = clock
  }

  async signer(region: string, at: number): Promise<DigestSigner> {
    const before = this.#finding.get(region) ?? Promise.resolve()
    const finding = before.then(() => this.#keyAt(region, at))
    // Its own caller is told; the next one tries for itself.
    this.#finding.set(
      region,
      finding.catch(() => {}),
    )
    const key = await finding
    const privateKey = this.#open(region, key)
    return { fingerprint: key.fingerprint, sign: (text) => signText(text, privateKey) }
  }

  async publicKeys(region: string, start: number, end: number): Promise<PublicKeyFacts[]> {
    const now = this.#clock.now()
    // AWS's regions always have a current key, also before the first digest (§4.7 point 6).
    // The caller read the clock a little earlier: its now is ours.
    if (start <= now && now - NOW_TOLERANCE_MS <= end) {
      await this.#keyAt(region, Math.min(now, end))
    }
    const keys = (await this.#read(region))?.value.keys ?? []
    return keys.filter((key) => key.validFrom <= end && start <= key.validUntil).map(factsOf)
  }

  exportPublicKeys(): Promise<PublicKeyExport> {
    return readPublicKeys(this.#documents)
  }

  #read(region: string): Promise<Document<StoredKeys> | undefined> {
    return this.#documents.get<StoredKeys>(`${PREFIX}${region}`)
  }

  async #keyAt(region: string, at: number): Promise<StoredKey> {
    for (;;) {
      const stored = await this.#read(region)
      const keys = stored?.value.keys ?? []
      // A time that has passed needs no successor: the key of that time does.
      const fresh = at > this.#clock.now() - KEY_OVERLAP_MS
      const found = pick(keys, at, fresh)
      if (found !== undefined) return found
      const made = await makeKey(this.#master, region, at)
      const next: StoredKeys = { version: 1, keys: [...keys.map((key) => this.#forget(key)), made] }
      try {
        await this.#documents.put(`${PREFIX}${region}`, next, stored?.revision ?? 'absent')
        return made
      } catch (error) {
        // Another process was faster: its key serves both.
        if (!(error instanceof CodedError) || error.code !== 'conflict') throw error
      }
    }
  }

  #forget(key: StoredKey): StoredKey {
    return key.validUntil + PRIVATE_KEY_GRACE_MS < this.#clock.now() ? factsOf(key) : key
  }

  #open(region: string, key: StoredKey): KeyObject {
    const known = this.#opened.get(key.fingerprint)
    if (known !== undefined) return known
    const der = this.#master.openText(key.privateKey ?? '', purposeOf(region, key.fingerprint))
    const privateKey = createPrivateKey({ key: der, type: 'pkcs8', format: 'der' })
    this.#opened.set(key.fingerprint, privateKey)
    return privateKey
  }
}

/** Keys are made at their first use; nothing has to be closed. */
export const openSigningKeys = (options: SigningKeysOptions): SigningKeys =>
  new DocumentSigningKeys(options)
