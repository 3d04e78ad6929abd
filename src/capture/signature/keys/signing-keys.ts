import { createHmac, createSecretKey, type KeyObject } from 'node:crypto'

/** One entry serves every request of a key, day, region and service. */
const ENTRIES_MAX = 4096

export interface SigningKeys {
  /** The key under which the scope `20260302/eu-west-1/s3/aws4_request` signs. */
  of(accessKeyId: string, secret: KeyObject, scopeText: string): KeyObject
  /**
   * Keeps what `of` gave. Called once a signature held under it, so that nobody without the secret
   * can push others' keys out by inventing scopes.
   */
  keep(accessKeyId: string, secret: KeyObject, scopeText: string, key: KeyObject): void
}

const hmac = (key: KeyObject, text: string): KeyObject =>
  createSecretKey(createHmac('sha256', key).update(text).digest())

const derive = (secret: KeyObject, scopeText: string): KeyObject =>
  scopeText.split('/').reduce(hmac, secret)

/**
 * Derived signing keys, least recently used first out. Four HMACs are saved per request, and an
 * HMAC with a KeyObject costs a sixth of one with a Buffer (reference/engines.md §8).
 */
export const createSigningKeys = (entriesMax = ENTRIES_MAX): SigningKeys => {
  const entries = new Map<string, { secret: KeyObject; key: KeyObject }>()
  return {
    of: (accessKeyId, secret, scopeText) => {
      const known = entries.get(`${accessKeyId}/${scopeText}`)
      // A key id whose secret was replaced must not verify with the old one.
      const valid = known !== undefined && (known.secret === secret || known.secret.equals(secret))
      return valid ? known.key : derive(secret, scopeText)
    },
    keep: (accessKeyId, secret, scopeText, key) => {
      const name = `${accessKeyId}/${scopeText}`
      entries.delete(name)
      entries.set(name, { secret, key })
      if (entries.size <= entriesMax) return
      const oldest = entries.keys().next()
      if (oldest.done !== true) entries.delete(oldest.value)
    },
  }
}
