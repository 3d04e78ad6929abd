/** Access keys as the signature verifier and the gateway need them. */
import type { KeyObject } from 'node:crypto'
import type { Caller } from '../event/principal.ts'

export interface Credential {
  readonly accessKeyId: string
  /** `AWS4` + secret as an HMAC key; the plain secret is never kept in a string. */
  readonly signingSecret: KeyObject
  /** The bare secret as an HMAC key: SigV2. */
  readonly secret: KeyObject
  readonly account: string
  readonly caller: Caller
  /** Temporary credentials only: what `x-amz-security-token` must equal. */
  readonly sessionToken?: string
  /** Epoch milliseconds. */
  readonly expiresAt?: number
}

export interface CredentialDirectory {
  /** Undefined for an unknown key. Expired sessions are returned; the verifier refuses them. */
  find(accessKeyId: string): Promise<Credential | undefined>
}
