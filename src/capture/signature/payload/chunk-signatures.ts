/** The chain of signatures through the chunks of one body: each one signs the one before it. */
import { createHash, type Hash, hash } from 'node:crypto'
import { algorithmOf, textSignatureHolds } from '../keys/text-signature.ts'
import { chunkMismatch } from './payload-error.ts'
import { type ChunkSigning, EMPTY_SHA256 } from './payload-mode.ts'

export interface ChunkSignatures {
  /** A chunk begins, with the signature of its head. */
  begin(signature: string): void
  data(bytes: Buffer): void
  /** The chunk is over: throws PayloadError unless its signature holds. */
  finish(): void
  /** `canonical`: `name:value\n` for every trailing header. Throws PayloadError. */
  trailer(canonical: string, signature: string): void
}

export const createChunkSignatures = (signing: ChunkSigning): ChunkSignatures => {
  const algorithm = algorithmOf(signing.key)
  let previous = signing.seed
  let claimed = ''
  let digest: Hash = createHash('sha256')

  const verify = (stringToSign: string, given: string): void => {
    // Of version 4A they vary in length, and clients fill them up; the next one signs the bare one.
    const signature = algorithm === 'AWS4-HMAC-SHA256' ? given : given.replace(/\*+$/, '')
    if (!textSignatureHolds(signing.key, stringToSign, signature)) throw chunkMismatch()
    previous = signature
  }

  return {
    begin: (signature) => {
      claimed = signature
      digest = createHash('sha256')
    },
    data: (bytes) => {
      digest.update(bytes)
    },
    finish: () =>
      verify(
        `${algorithm}-PAYLOAD\n${signing.amzDate}\n${signing.scopeText}\n${previous}\n${EMPTY_SHA256}\n${digest.digest('hex')}`,
        claimed,
      ),
    trailer: (canonical, signature) =>
      verify(
        `${algorithm}-TRAILER\n${signing.amzDate}\n${signing.scopeText}\n${previous}\n${hash('sha256', canonical, 'hex')}`,
        signature,
      ),
  }
}

/** For a caller whose key is not known: nothing can be verified. */
export const uncheckedSignatures: ChunkSignatures = {
  begin: () => {},
  data: () => {},
  finish: () => {},
  trailer: () => {},
}
