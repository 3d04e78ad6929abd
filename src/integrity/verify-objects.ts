/** Checks one digest and one log file. */
import { messageOf } from '../platform/errors.ts'
import { DIGEST_SIGNATURE_ALGORITHM, type DigestLink, sha256Hex } from './digest.ts'
import { type ParsedDigest, type ParsedLogFile, parseDigest } from './parse-digest.ts'
import { publicKeyOf, stringToSign, verifyText } from './signature.ts'
import {
  type FetchedObject,
  PROBLEMS,
  type VerifyAccess,
  type VerifyTarget,
} from './verification.ts'

export interface DigestPlace {
  readonly bucket: string
  readonly key: string
  /** What the digest that follows says of this one. */
  readonly link?: Pick<DigestLink, 'signature'> & { readonly hash: string | undefined }
}

/**
 * `unverified`: there is no signature to check (a downloaded folder); its links lead on all the
 * same, because the digest that they name is checked by the signature they carry.
 */
export type CheckedDigest =
  | { readonly kind: 'valid' | 'unverified'; readonly digest: ParsedDigest }
  | { readonly kind: 'invalid'; readonly problem: string }

export const isBackfillKey = (key: string): boolean => key.endsWith('_backfill.json.gz')

const bad = (problem: string): CheckedDigest => ({ kind: 'invalid', problem })

const signatureOf = (
  access: VerifyAccess,
  place: DigestPlace,
  metadata: FetchedObject['metadata'],
): { readonly signature?: string } | { readonly problem: string } => {
  const signature = metadata.signature
  const algorithm = metadata['signature-algorithm']
  if (signature !== undefined && algorithm !== undefined) {
    return algorithm === DIGEST_SIGNATURE_ALGORITHM
      ? { signature }
      : { problem: PROBLEMS.signature }
  }
  if (access.metadataKept || signature !== undefined || algorithm !== undefined) {
    return { problem: PROBLEMS.signature }
  }
  return place.link === undefined ? {} : { signature: place.link.signature }
}

const checkSignature = async (
  access: VerifyAccess,
  target: VerifyTarget,
  digest: ParsedDigest,
  sha256: string,
  signed: { readonly signature: string; readonly keyTime: number },
): Promise<string | undefined> => {
  const bytes = await access.publicKey(digest.fingerprint, signed.keyTime)
  if (bytes === undefined) return PROBLEMS.publicKey(target.homeRegion, digest.fingerprint)
  const key = publicKeyOf(bytes)
  if (key === undefined) return PROBLEMS.badKey(digest.fingerprint)
  const text = stringToSign({ ...digest, sha256 })
  return verifyText(text, signed.signature, key) ? undefined : PROBLEMS.signature
}

const checkLoadedDigest = async (
  access: VerifyAccess,
  target: VerifyTarget,
  place: DigestPlace,
  object: FetchedObject,
): Promise<CheckedDigest> => {
  const inflated = access.inflate(object.body)
  if (inflated === undefined) return bad(PROBLEMS.format)
  if (inflated.trailing) return bad(PROBLEMS.trailing)
  const digest = parseDigest(inflated.data)
  if (digest === undefined) return bad(PROBLEMS.format)
  const signed = signatureOf(access, place, object.metadata)
  if ('problem' in signed) return bad(signed.problem)
  const generated = object.metadata['backfill-generation-timestamp']
  const keyTime = isBackfillKey(place.key) ? Date.parse(generated ?? '') : digest.end
  if (Number.isNaN(keyTime)) return bad(PROBLEMS.format)
  if (digest.bucket !== place.bucket || digest.key !== place.key) return bad(PROBLEMS.moved)
  const { signature } = signed
  if (signature === undefined) return { kind: 'unverified', digest }
  const sha256 = sha256Hex(inflated.data)
  const problem = await checkSignature(access, target, digest, sha256, { signature, keyTime })
  if (problem !== undefined) return bad(problem)
  const { link } = place
  const linked =
    link === undefined || (link.signature === signature && (link.hash ?? sha256) === sha256)
  return linked ? { kind: 'valid', digest } : bad(PROBLEMS.link)
}

/** Never rejects: what cannot be read is a problem of that digest. */
export const checkDigest = async (
  access: VerifyAccess,
  target: VerifyTarget,
  place: DigestPlace,
  loaded: Promise<FetchedObject | undefined>,
): Promise<CheckedDigest> => {
  try {
    const object = await loaded
    if (object === undefined) return bad(PROBLEMS.missing)
    return await checkLoadedDigest(access, target, place, object)
  } catch (error) {
    return bad(messageOf(error))
  }
}

/** The problem of a log file, or undefined. Never rejects. */
export const checkLogFile = async (
  access: VerifyAccess,
  file: ParsedLogFile,
): Promise<string | undefined> => {
  try {
    const content = await access.hash(file.bucket, file.key)
    if (content === undefined) return PROBLEMS.missing
    if (content.sha256 === undefined) return PROBLEMS.format
    if (content.trailing) return PROBLEMS.trailing
    return content.sha256 === file.hash ? undefined : PROBLEMS.hash
  } catch (error) {
    return messageOf(error)
  }
}
