/** Which chains there are to verify. */
import type { VerifyTarget } from '../../integrity/verification.ts'
import { VerifyError } from './verify-error.ts'

/** A chain: one trail, one region, at one place. */
export type ChainPlace = Pick<
  VerifyTarget,
  'trailName' | 'homeRegion' | 'account' | 'organizationId' | 'region' | 'bucket' | 'prefix'
>

/** What the user wants to see of them; absent members want all. */
export interface ChainFilter {
  readonly trailArn?: string
  readonly region?: string
  readonly account?: string
  readonly prefix?: string
}

const DIGEST_KEY =
  /^(?:(.+)\/)?AWSLogs\/(?:(o-[a-z0-9]+)\/)?(\d{12})\/CloudTrail-Digest\/([a-z0-9-]+)\/\d{4}\/\d\d\/\d\d\/\3_CloudTrail-Digest_\4_(.+)_([a-z0-9-]+)_\d{8}T\d{6}Z(?:_backfill)?\.json\.gz$/

/** The chain that a digest's key belongs to; undefined for any other key. */
export const chainOfKey = (bucket: string, key: string): ChainPlace | undefined => {
  const match = DIGEST_KEY.exec(key)
  if (match === null) return undefined
  const [, prefix, organizationId, account = '', region = '', trailName = '', homeRegion = ''] =
    match
  return {
    bucket,
    account,
    region,
    trailName,
    homeRegion,
    ...(prefix === undefined ? {} : { prefix }),
    ...(organizationId === undefined ? {} : { organizationId }),
  }
}

export const chainsOfKeys = (bucket: string, keys: readonly string[]): ChainPlace[] => {
  const chains = new Map<string, ChainPlace>()
  for (const key of keys) {
    const chain = chainOfKey(bucket, key)
    if (chain !== undefined) chains.set(JSON.stringify(chain), chain)
  }
  return [...chains.values()]
}

export interface TrailArn {
  readonly homeRegion: string
  readonly account: string
  readonly name: string
}

/** Throws VerifyError `bad-option`; the text is the AWS CLI's. */
export const parseTrailArn = (arn: string): TrailArn => {
  const match = /^arn:[^:]+:cloudtrail:([^:]+):(\d{12}):trail\/(.+)$/.exec(arn)
  if (match === null) {
    throw new VerifyError('bad-option', `Invalid trail ARN provided: ${arn}`, {
      hint: 'It looks like arn:aws:cloudtrail:us-east-1:123456789012:trail/NAME.',
    })
  }
  const [, homeRegion = '', account = '', name = ''] = match
  return { homeRegion, account, name }
}

export const matchesFilter = (chain: ChainPlace, filter: ChainFilter): boolean => {
  if (filter.region !== undefined && filter.region !== chain.region) return false
  if (filter.account !== undefined && filter.account !== chain.account) return false
  if (filter.prefix !== undefined && filter.prefix !== (chain.prefix ?? '')) return false
  if (filter.trailArn === undefined) return true
  // Not its account: members of an organization and imported accounts have digests of the trail too.
  const arn = parseTrailArn(filter.trailArn)
  return arn.name === chain.trailName && arn.homeRegion === chain.homeRegion
}

const digestFolder = ({ prefix }: Pick<ChainPlace, 'prefix'>, account: string): string =>
  `${prefix === undefined || prefix === '' ? '' : `${prefix}/`}AWSLogs/${account}/CloudTrail-Digest/`

/** Says what was looked for and where, when no chain is left to verify. */
export const noChains = (
  filter: ChainFilter,
  places: readonly Pick<ChainPlace, 'bucket' | 'prefix'>[],
): VerifyError => {
  const { trailArn, account, region } = filter
  const what = [
    trailArn === undefined ? '' : ` of ${trailArn}`,
    account === undefined ? '' : ` of account ${account}`,
    region === undefined ? '' : ` in ${region}`,
  ].join('')
  const where = places.map((place) => {
    const folder = digestFolder(place, account ?? 'ACCOUNT')
    return `s3://${place.bucket}/${folder}${region === undefined ? '' : `${region}/`}`
  })
  return new VerifyError(
    'no-digests',
    `No digest chain${what} was found: looked in ${[...new Set(where)].join(', ')}.`,
    {
      hint: 'Is the account, the region, the trail right? Did the trail have log file validation on?',
    },
  )
}
