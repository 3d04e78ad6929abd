/**
 * A verification against an endpoint: DescribeTrails, ListPublicKeys and S3, as `aws cloudtrail
 * validate-logs` does (reference/formats.md §4.7), with the credentials of the standard AWS
 * environment variables and profiles.
 */
import {
  CloudTrailClient,
  DescribeTrailsCommand,
  GetTrailStatusCommand,
  ListPublicKeysCommand,
  TrailNotFoundException,
} from '@aws-sdk/client-cloudtrail'
import {
  ListObjectsV2Command,
  type ListObjectsV2CommandInput,
  type ListObjectsV2CommandOutput,
  S3Client,
} from '@aws-sdk/client-s3'
import type { ListedKey, VerifyAccess } from '../../../integrity/verification.ts'
import { DELIVERY_TOLERANCE_MS } from '../../../integrity/verify-chain.ts'
import { messageOf } from '../../../platform/errors.ts'
import { type ChainHead, type HeadedChain, withHeads } from '../chain-heads.ts'
import { type ChainFilter, type ChainPlace, noChains, parseTrailArn } from '../chains.ts'
import { hashOfMember, inflateGzipMember } from '../content/gzip-member.ts'
import type { VerifySource } from '../offline.ts'
import { VerifyError } from '../verify-error.ts'
import { type BucketListing, findChains, folderOf, type TrailPlace } from './find-chains.ts'
import { createObjectReader, type ObjectReader } from './object-reader.ts'
import type { Credentials } from './signed-get.ts'

/** How far around a digest's end its key is looked for when the requested range did not have it. */
const KEY_MARGIN_MS = 2 * 3_600_000

export interface EndpointOptions extends ChainFilter {
  /** Absent: AWS, or AWS_ENDPOINT_URL. */
  readonly endpointUrl?: string
  /** Absent: those of the environment. */
  readonly credentials?: Credentials
  /** Where no other region is named; absent: the environment's. */
  readonly defaultRegion?: string
  /** What is known to have been delivered. */
  readonly heads: readonly ChainHead[]
  readonly bucket?: string
  readonly start: number
  readonly end: number
  /** Ask the trail when it delivered its newest digest: only where the range ends now. */
  readonly askStatus: boolean
  /** Objects that are read at the same time, of each chain. */
  readonly connections: number
}

class Endpoint implements BucketListing {
  readonly #options: EndpointOptions
  readonly #trails = new Map<string, CloudTrailClient>()
  readonly #s3: S3Client
  readonly #objects: ObjectReader
  readonly #keys = new Map<string, Promise<Map<string, Uint8Array>>>()

  constructor(options: EndpointOptions, homeRegion: string | undefined) {
    this.#options = options
    // One client for all buckets: it follows the redirect to a bucket's region by itself.
    this.#s3 = new S3Client({
      ...this.#place(options.region ?? homeRegion),
      forcePathStyle: options.endpointUrl !== undefined,
      followRegionRedirects: true,
      // Checksums of S3 would hide nothing and stop at objects that never had one.
      responseChecksumValidation: 'WHEN_REQUIRED',
    })
    this.#objects = createObjectReader(this.#s3, options.connections)
  }

  close(): void {
    this.#objects.close()
    this.#s3.destroy()
    for (const client of this.#trails.values()) client.destroy()
  }

  async trails(): Promise<TrailPlace[]> {
    const { trailArn, bucket, prefix, region } = this.#options
    if (trailArn !== undefined && bucket !== undefined) {
      return [{ arn: trailArn, bucket, ...(prefix === undefined ? {} : { prefix }) }]
    }
    const home = region ?? (trailArn === undefined ? undefined : parseTrailArn(trailArn).homeRegion)
    const { trailList = [] } = await this.#cloudTrail(home).send(new DescribeTrailsCommand({}))
    return trailList.flatMap(({ TrailARN: arn, S3BucketName: name, S3KeyPrefix: keyPrefix }) =>
      arn === undefined || name === undefined || (trailArn ?? arn) !== arn
        ? []
        : [
            {
              arn,
              bucket: bucket ?? name,
              ...(keyPrefix === undefined ? {} : { prefix: keyPrefix }),
            },
          ],
    )
  }

  async *#pages(first: ListObjectsV2CommandInput): AsyncGenerator<ListObjectsV2CommandOutput> {
    let page = await this.#s3.send(new ListObjectsV2Command(first))
    yield page
    while (page.NextContinuationToken !== undefined) {
      const { StartAfter: _, ...next } = first
      const ContinuationToken = page.NextContinuationToken
      page = await this.#s3.send(new ListObjectsV2Command({ ...next, ContinuationToken }))
      yield page
    }
  }

  async folders(bucket: string, prefix: string): Promise<string[]> {
    const names: string[] = []
    const asked = { Bucket: bucket, Prefix: prefix, Delimiter: '/' }
    for await (const { CommonPrefixes: found } of this.#pages(asked)) {
      const folders = (found ?? []).flatMap((folder) => folder.Prefix ?? [])
      names.push(...folders.map((folder) => folder.slice(prefix.length, -1)))
    }
    return names
  }

  async *list(bucket: string, prefix: string, after: string): AsyncGenerator<ListedKey> {
    const asked = { Bucket: bucket, Prefix: prefix, StartAfter: after }
    for await (const { Contents: found } of this.#pages(asked)) {
      for (const { Key: key, LastModified: modified } of found ?? []) {
        if (key === undefined) continue
        yield modified === undefined ? { key } : { key, lastModified: modified.getTime() }
      }
    }
  }

  async delivered(arn: string, region: string): Promise<number | undefined> {
    if (!this.#options.askStatus) return undefined
    const asked = this.#cloudTrail(region).send(new GetTrailStatusCommand({ Name: arn }))
    const status = await asked.catch((error: unknown) => {
      // A region that only holds imported log files does not know a trail of another region.
      if (error instanceof TrailNotFoundException) return undefined
      throw error
    })
    return status?.LatestDigestDeliveryTime?.getTime()
  }

  access(region: string): VerifyAccess {
    return {
      list: (bucket, prefix, after) => this.list(bucket, prefix, after),
      fetch: (bucket, key) => this.#objects.read(bucket, key),
      hash: async (bucket, key) => {
        const object = await this.#objects.read(bucket, key)
        return object && hashOfMember(object.body)
      },
      publicKey: (fingerprint, at) => this.#publicKey(region, fingerprint, at),
      inflate: inflateGzipMember,
      metadataKept: true,
    }
  }

  #place(asked: string | undefined): {
    endpoint?: string
    region?: string
    credentials?: Credentials
  } {
    const { endpointUrl, credentials, defaultRegion } = this.#options
    const region = asked ?? defaultRegion
    return {
      ...(credentials === undefined ? {} : { credentials }),
      ...(endpointUrl === undefined ? {} : { endpoint: endpointUrl }),
      ...(region === undefined ? {} : { region }),
    }
  }

  #cloudTrail(region: string | undefined): CloudTrailClient {
    const id = region ?? ''
    const known = this.#trails.get(id)
    if (known !== undefined) return known
    const client = new CloudTrailClient(this.#place(region))
    this.#trails.set(id, client)
    return client
  }

  async #publicKey(region: string, name: string, at: number): Promise<Uint8Array | undefined> {
    const { start, end } = this.#options
    const requested = await this.#listKeys(region, start, end + KEY_MARGIN_MS)
    const found = requested.get(name)
    if (found !== undefined) return found
    const around = await this.#listKeys(region, at - KEY_MARGIN_MS, at + KEY_MARGIN_MS)
    return around.get(name)
  }

  #listKeys(region: string, start: number, end: number): Promise<Map<string, Uint8Array>> {
    const id = `${region}/${start}/${end}`
    const known = this.#keys.get(id)
    if (known !== undefined) return known
    const range = { StartTime: new Date(start), EndTime: new Date(end) }
    const listing = this.#cloudTrail(region)
      .send(new ListPublicKeysCommand(range))
      .then(({ PublicKeyList: list = [] }) => {
        const pairs = list.flatMap(({ Fingerprint: name, Value: value }) =>
          name === undefined || value === undefined ? [] : [[name, value] as const],
        )
        return new Map(pairs)
      })
    this.#keys.set(id, listing)
    return listing
  }
}

const hasDelivered = async (
  endpoint: Endpoint,
  chain: ChainPlace,
  delivered: number,
): Promise<boolean> => {
  for await (const { lastModified } of endpoint.list(chain.bucket, folderOf(chain), '')) {
    if (lastModified !== undefined && lastModified >= delivered - DELIVERY_TOLERANCE_MS) return true
  }
  return false
}

/**
 * When a chain must have got its newest digest. The status of a trail in a region is about all of
 * its accounts: it is expected of the first chain of the region, unless another one fulfils it.
 */
const expectedOf = async (
  endpoint: Endpoint,
  trail: TrailPlace,
  chain: ChainPlace,
  chains: readonly ChainPlace[],
): Promise<number | undefined> => {
  const inRegion = chains.filter(({ region }) => region === chain.region)
  const own = inRegion.find(({ account }) => account === parseTrailArn(trail.arn).account)
  if (chain !== (own ?? inRegion[0])) return undefined
  const delivered = await endpoint.delivered(trail.arn, chain.region)
  if (delivered === undefined) return undefined
  for (const other of inRegion) {
    if (other !== chain && (await hasDelivered(endpoint, other, delivered))) return undefined
  }
  return delivered
}

const chainsOf = async (
  endpoint: Endpoint,
  trail: TrailPlace,
  options: EndpointOptions,
): Promise<VerifySource['chains'][number][]> => {
  const { region, account, heads } = options
  // The status is about all accounts, whichever of them are asked for.
  const filter: ChainFilter = region === undefined ? {} : { region }
  const found = await findChains(endpoint, trail, filter)
  const { bucket, prefix } = trail
  const headed: HeadedChain[] = withHeads(
    found,
    heads,
    (place, head) => head.trailArn === trail.arn && (region ?? place.region) === place.region,
  )
  // What an earlier bucket holds is found from the head; the rest is looked for where the trail is.
  const chains = headed.map((chain) => {
    const { prefix: _, ...place } = chain
    return { ...place, bucket, ...(prefix === undefined || prefix === '' ? {} : { prefix }) }
  })
  const wanted = chains.filter((chain) => (account ?? chain.account) === chain.account)
  return await Promise.all(
    wanted.map(async (chain) => {
      const delivered = await expectedOf(endpoint, trail, chain, chains)
      return delivered === undefined ? chain : { ...chain, delivered }
    }),
  )
}

/** What the SDK says where the environment lacks something, and what people can do about it. */
const MISSING: readonly (readonly [RegExp, string])[] = [
  [/region is missing/i, 'Name the region with --region or AWS_REGION'],
  [/could not load credentials|credential is missing/i, 'Set AWS_ACCESS_KEY_ID or AWS_PROFILE'],
]

const endpointError = (cause: unknown): VerifyError => {
  const message = messageOf(cause)
  const missing = MISSING.find(([pattern]) => pattern.test(message))
  return new VerifyError('endpoint', `The endpoint cannot be asked: ${message}`, {
    cause,
    hint:
      missing === undefined
        ? 'Check --endpoint-url, the credentials (AWS_PROFILE, AWS_ACCESS_KEY_ID) and the region.'
        : `${missing[1]}, or name the data folder of a running server with --data.`,
  })
}

/** Rejects with VerifyError `no-trail`, `no-digests` or `endpoint`. */
export const openEndpoint = async (options: EndpointOptions): Promise<VerifySource> => {
  const { trailArn } = options
  const home = trailArn === undefined ? undefined : parseTrailArn(trailArn).homeRegion
  const endpoint = new Endpoint(options, home)
  try {
    const trails = await endpoint.trails()
    if (trails.length === 0) {
      const what =
        trailArn === undefined ? 'There is no trail.' : `A trail could not be found for ${trailArn}`
      throw new VerifyError('no-trail', what, {
        hint: 'Is the region right? A trail is described in its home region and, if multi-region, in all.',
      })
    }
    const found = await Promise.all(trails.map((trail) => chainsOf(endpoint, trail, options)))
    const chains = found.flat()
    if (chains.length === 0) throw noChains(options, trails)
    return {
      chains,
      accessOf: (chain: ChainPlace) => endpoint.access(chain.region),
      close: () => endpoint.close(),
    }
  } catch (cause) {
    endpoint.close()
    throw cause instanceof VerifyError ? cause : endpointError(cause)
  }
}
