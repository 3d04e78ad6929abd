/** That every credential opens under the master key: a damaged one locks its owner out. */
import type { MasterKey } from '../platform/encryption.ts'
import { messageOf } from '../platform/errors.ts'
import { KEYS_PREFIX, type KeyDocument } from './store/records.ts'
import { openFor } from './store/secrets.ts'

export interface IdentitiesReport {
  readonly keys: number
  readonly problems: readonly { readonly place: string; readonly problem: string }[]
}

/** `documents`: all below KEYS_PREFIX. What is opened is wiped. */
export const fsckIdentities = (
  documents: readonly { readonly key: string; readonly value: KeyDocument }[],
  master: MasterKey,
): IdentitiesReport => ({
  keys: documents.length,
  problems: documents.flatMap(({ key, value }) => {
    const accessKeyId = key.slice(KEYS_PREFIX.length)
    try {
      openFor(master, accessKeyId, 'secret', value.secret).fill(0)
      if (value.owner.kind === 'session') {
        openFor(master, accessKeyId, 'token', value.owner.token).fill(0)
      }
      return []
    } catch (error) {
      return [{ place: `document ${key}`, problem: messageOf(error) }]
    }
  }),
})
