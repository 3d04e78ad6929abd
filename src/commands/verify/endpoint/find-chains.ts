/**
 * Which chains of a trail a bucket holds: those of the trail's own account, of members of its
 * organization (`AWSLogs/o-…/ACCOUNT/`), and of accounts whose log files were imported into it.
 */
import { digestPrefix } from '../../../integrity/digest.ts'
import { createLimiter } from '../../../integrity/limiter.ts'
import type { ListedKey } from '../../../integrity/verification.ts'
import { type ChainFilter, type ChainPlace, chainOfKey, parseTrailArn } from '../chains.ts'

/** Folders that are looked through at the same time. */
const FOLDERS_AT_ONCE = 16

/** How a bucket is listed. */
export interface BucketListing {
  /** Names of the folders directly below a prefix that ends with `/`. */
  folders(bucket: string, prefix: string): Promise<string[]>
  list(bucket: string, prefix: string, after: string): AsyncIterable<ListedKey>
}

export interface TrailPlace {
  readonly arn: string
  readonly bucket: string
  readonly prefix?: string
}

interface Owner {
  readonly account: string
  readonly organizationId?: string
}

const ownerFolder = ({ account, organizationId }: Owner): string =>
  organizationId === undefined ? account : `${organizationId}/${account}`

/** Where a chain's digests are, with a slash at the end. */
export const folderOf = (chain: ChainPlace): string =>
  `${digestPrefix(chain.prefix, ownerFolder(chain), chain.region)}/`

const isAccount = (name: string): boolean => /^\d{12}$/.test(name)
const isOrganization = (name: string): boolean => /^o-[a-z0-9]+$/.test(name)

const ownersOf = async (
  listing: BucketListing,
  { bucket }: TrailPlace,
  root: string,
): Promise<Owner[]> => {
  const names = await listing.folders(bucket, root)
  const nested = names.filter(isOrganization).map(async (organizationId) => {
    const accounts = await listing.folders(bucket, `${root}${organizationId}/`)
    return accounts.filter(isAccount).map((account) => ({ account, organizationId }))
  })
  const accounts = names.filter(isAccount).map((account) => ({ account }))
  return [...accounts, ...(await Promise.all(nested)).flat()]
}

/** Other trails have folders of the same account and region: one digest of this trail must be there. */
const holdsDigest = async (listing: BucketListing, chain: ChainPlace): Promise<boolean> => {
  for await (const { key } of listing.list(chain.bucket, folderOf(chain), '')) {
    const found = chainOfKey(chain.bucket, key)
    if (found?.trailName === chain.trailName && found.homeRegion === chain.homeRegion) return true
  }
  return false
}

/**
 * The trail's own account is there even where nothing is found of it: that it has no digests must be
 * told, and its status may say that it should have some.
 */
export const findChains = async (
  listing: BucketListing,
  trail: TrailPlace,
  filter: Pick<ChainFilter, 'region'>,
): Promise<ChainPlace[]> => {
  const { homeRegion, account: own, name } = parseTrailArn(trail.arn)
  const { bucket } = trail
  const prefix = trail.prefix === undefined || trail.prefix === '' ? {} : { prefix: trail.prefix }
  const root = `${prefix.prefix === undefined ? '' : `${prefix.prefix}/`}AWSLogs/`
  const limit = createLimiter(FOLDERS_AT_ONCE)
  const placeOf = (owner: Owner, region: string): ChainPlace => ({
    ...{ trailName: name, homeRegion, ...owner, region, bucket, ...prefix },
  })
  const chainsOf = async (owner: Owner): Promise<ChainPlace[]> => {
    const digests = `${root}${ownerFolder(owner)}/CloudTrail-Digest/`
    const names = await limit(() => listing.folders(bucket, digests))
    const regions = names.filter((region) => (filter.region ?? region) === region)
    const places = regions.map((region) => placeOf(owner, region))
    if (owner.account === own && owner.organizationId === undefined) return places
    const held = places.map((place) => limit(() => holdsDigest(listing, place)))
    const isHeld = await Promise.all(held)
    return places.filter((_, index) => isHeld[index] === true)
  }
  const owners = await ownersOf(listing, trail, root)
  const found = (await Promise.all(owners.map(chainsOf))).flat()
  // An organization's trail has nothing in its own account's folder, where another trail may have.
  const inOrganization = new Set(
    found.flatMap((chain) =>
      chain.account === own && chain.organizationId !== undefined ? [chain.region] : [],
    ),
  )
  const chains = found.filter(
    ({ account, organizationId, region }) =>
      account !== own || organizationId !== undefined || !inOrganization.has(region),
  )
  return chains.every(({ account }) => account !== own)
    ? [placeOf({ account: own }, filter.region ?? homeRegion), ...chains]
    : chains
}
