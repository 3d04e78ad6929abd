/** A verification without a network: a downloaded bucket and a file of public keys. */
import { join } from 'node:path'
import { parseDigest } from '../../integrity/parse-digest.ts'
import type { VerifyAccess } from '../../integrity/verification.ts'
import { type ChainHead, type HeadedChain, withHeads } from './chain-heads.ts'
import { type ChainFilter, type ChainPlace, chainsOfKeys, matchesFilter } from './chains.ts'
import { inflateGzipMember } from './content/gzip-member.ts'
import { type FolderBucket, openFolderBucket } from './folder-access.ts'
import { readPublicKeysFile } from './public-keys.ts'
import { VerifyError } from './verify-error.ts'

export interface VerifySource {
  readonly chains: readonly (HeadedChain & {
    /** Epoch milliseconds: the trail says that it delivered a digest then. */
    readonly delivered?: number
  })[]
  accessOf(chain: ChainPlace): VerifyAccess
  close(): void
}

/** The bucket that the folder's digests name, where they agree on one. */
const bucketNamed = async (folder: FolderBucket): Promise<string | undefined> => {
  for (const key of folder.keys.toReversed()) {
    if (chainsOfKeys('', [key]).length === 0) continue
    const object = await folder.fetch(key)
    const data = object && inflateGzipMember(object.body)?.data
    const digest = data && parseDigest(data)
    if (digest !== undefined) return digest.bucket
  }
  return undefined
}

export const openOffline = async (
  folder: string,
  publicKeysFile: string,
  filter: ChainFilter & { readonly bucket?: string },
  heads: readonly ChainHead[],
): Promise<VerifySource> => {
  const keys = await readPublicKeysFile(publicKeysFile)
  const root = await openFolderBucket(folder)
  const bucket = filter.bucket ?? (await bucketNamed(root)) ?? ''
  // `aws s3 sync s3://b d` and `aws s3 sync s3://b d/b` are both common.
  const nested = root.keys.length > 0 && root.keys.every((key) => key.startsWith(`${bucket}/`))
  const files = nested ? await openFolderBucket(join(folder, bucket)) : root
  const found = chainsOfKeys(bucket, files.keys).filter((chain) => matchesFilter(chain, filter))
  const chains = withHeads(
    found,
    heads,
    (place, { trailArn }) =>
      place.bucket === bucket &&
      matchesFilter(place, filter) &&
      (filter.trailArn === undefined || filter.trailArn === trailArn),
  )
  if (chains.length === 0) {
    throw new VerifyError('no-digests', `${folder} holds no digests of what was asked for.`, {
      hint: 'A downloaded bucket has AWSLogs/ACCOUNT/CloudTrail-Digest/ in it, maybe below a prefix.',
    })
  }
  const access: VerifyAccess = {
    list: (name, prefix, after) => (name === bucket ? files.list(prefix, after) : nothing()),
    fetch: async (name, key) => (name === bucket ? await files.fetch(key) : undefined),
    hash: async (name, key) => (name === bucket ? await files.hash(key) : undefined),
    publicKey: async (fingerprint) => keys.get(fingerprint),
    inflate: inflateGzipMember,
    metadataKept: false,
  }
  return { chains, accessOf: () => access, close: () => files.close() }
}

const nothing = async function* (): AsyncGenerator<never> {}
