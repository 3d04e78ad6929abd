/** What IAM takes as names (IAM's service model: accountIdType, userNameType, pathType, …). */
import { IdentityError } from './identity-error.ts'

export const ACCOUNT_ID = /^\d{12}$/
export const ACCOUNT_ALIAS = /^[a-z0-9](?:[a-z0-9]|-(?!-)){1,61}[a-z0-9]$/
/** Users and roles. */
export const PRINCIPAL_NAME = /^[\w+=,.@-]{1,64}$/
export const PRINCIPAL_PATH = /^\/(?:[\x21-\x7e]{1,510}\/)?$/
/** AIDA…, AROA…: IAM's unique ids. */
export const UNIQUE_ID = /^\w{16,128}$/
/** AWS's have 16 to 128 word characters; MinIO and other upstreams have shorter ones and dots. */
export const ACCESS_KEY_ID = /^[\w.-]{3,128}$/
/** Printable ASCII. AWS's have 40 characters; `minioadmin` has 10. */
export const SECRET_ACCESS_KEY = /^[\x21-\x7e]{8,256}$/

/** Throws IdentityError `bad-value` that says what was wrong, unless `value` matches. */
export const checkName = (what: string, value: string, pattern: RegExp): string => {
  if (pattern.test(value)) return value
  throw new IdentityError('bad-value', `'${value}' is no ${what}.`, {
    hint: `It must match ${pattern.source}.`,
  })
}
