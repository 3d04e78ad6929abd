/** Public keys from a file: `clew keys export-public`, or the answer of ListPublicKeys. */
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { fingerprintOf } from '../../integrity/signature.ts'
import { messageOf } from '../../platform/errors.ts'
import { VerifyError } from './verify-error.ts'

const exported = z.object({
  format: z.literal('clew-public-keys'),
  version: z.literal(1),
  regions: z.record(
    z.string(),
    z.array(z.object({ fingerprint: z.string(), publicKey: z.base64() })),
  ),
})
const listed = z.object({
  PublicKeyList: z.array(z.object({ Fingerprint: z.string(), Value: z.base64() })),
})

/** By fingerprint. */
export type PublicKeys = ReadonlyMap<string, Buffer>

const pairsOf = (value: unknown): [string, string][] => {
  const ours = exported.safeParse(value)
  if (ours.success) {
    const keys = Object.values(ours.data.regions).flat()
    return keys.map(({ fingerprint, publicKey }) => [fingerprint, publicKey])
  }
  const { PublicKeyList } = listed.parse(value)
  return PublicKeyList.map(({ Fingerprint, Value }) => [Fingerprint, Value])
}

/** Rejects with VerifyError `bad-keys-file`. */
export const readPublicKeysFile = async (file: string): Promise<PublicKeys> => {
  try {
    const pairs = pairsOf(JSON.parse(await readFile(file, 'utf8')))
    return new Map(
      pairs.map(([fingerprint, text]) => {
        const bytes = Buffer.from(text, 'base64')
        if (fingerprintOf(bytes) !== fingerprint) {
          throw new Error(`the key ${fingerprint} has another fingerprint than it says`)
        }
        return [fingerprint, bytes]
      }),
    )
  } catch (cause) {
    const why = cause instanceof z.ZodError ? 'it holds no public keys' : messageOf(cause)
    throw new VerifyError('bad-keys-file', `${file} cannot be used: ${why}.`, {
      cause,
      hint: 'Write it with `clew keys export-public` or `aws cloudtrail list-public-keys`.',
    })
  }
}
