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
} from '@aws-sdk/client-cloudtrail'
import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import type { ListedKey, VerifyAccess } from '../../../integrity/verification.ts'
import { messageOf } from '../../../platform/errors.ts'
import { type ChainFilter, type ChainPlace, matchesFilter, parseTrailArn } from '../chains.ts'
import { hashOfMember, inflateGzipMember } from '../content/gzip-member.ts'
import type { VerifySource } from '../offline.ts'
import { VerifyError } from '../verify-error.ts'
import { createObjectReader, type ObjectReader } from './object-reader.ts'

/** How far around a digest's end its key is looked for when the requested range did not have it. */
const KEY_MARGIN_MS = 2 * 3_600_000

export interface EndpointOptions extends ChainFilter {
  /** Absent: AWS, or AWS_ENDPOINT_URL. */
  readonly endpointUrl?: string
  readonly bucket?: string
  readonly start: number
  readonly end: number
  /** Ask the trail when it delivered its newest digest: only where the range ends now. */
  readonly askStatus: boolean
  /** Objects that are read at the same time, of each chain. */
  readonly connections: number
}

interface TrailPlace {
  readonly arn: string
  readonly bucket: string
  readonly prefix?: string
}

class Endpoint {
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

  /** Regions that have digests of the trail. */
  async regions({ arn, bucket, prefix }: TrailPlace): Promise<string[]> {
    if (this.#options.region !== undefined) return [this.#options.region]
    const account = this.#options.account ?? parseTrailArn(arn).account
    const front = prefix === undefined || prefix === '' ? '' : `${prefix}/`
    const place = `${front}AWSLogs/${account}/CloudTrail-Digest/`
    const page = await this.#s3.send(
      new ListObjectsV2Command({ Bucket: bucket, Prefix: place, Delimiter: '/' }),
    )
    const folders = (page.CommonPrefixes ?? []).flatMap((folder) => folder.Prefix ?? [])
    const regions = folders.map((folder) => folder.slice(place.length, -1))
    return regions.length === 0 ? [parseTrailArn(arn).homeRegion] : regions
  }

  async delivered(arn: string, region: string): Promise<number | undefined> {
    if (!this.#options.askStatus) return undefined
    const status = await this.#cloudTrail(region).send(new GetTrailStatusCommand({ Name: arn }))
    return status.LatestDigestDeliveryTime?.getTime()
  }

  access(region: string): VerifyAccess {
    return {
      list: (bucket, prefix, after) => this.#list(bucket, prefix, after),
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

  #place(region: string | undefined): { endpoint?: string; region?: string } {
    const { endpointUrl } = this.#options
    return {
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

  async *#list(bucket: string, prefix: string, after: string): AsyncGenerator<ListedKey> {
    let token: string | undefined
    do {
      const page = await this.#s3.send(
        new ListObjectsV2Command({
          Bucket: bucket,
          Prefix: prefix,
          ...(token === undefined ? { StartAfter: after } : { ContinuationToken: token }),
        }),
      )
      for (const { Key: key, LastModified: modified } of page.Contents ?? []) {
        if (key === undefined) continue
        yield modified === undefined ? { key } : { key, lastModified: modified.getTime() }
      }
      token = page.NextContinuationToken
    } while (token !== undefined)
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

const chainsOf = async (
  endpoint: Endpoint,
  trail: TrailPlace,
  filter: ChainFilter,
): Promise<VerifySource['chains'][number][]> => {
  const { homeRegion, account, name } = parseTrailArn(trail.arn)
  const chains = (await endpoint.regions(trail)).map((region) => ({
    trailName: name,
    homeRegion,
    account: filter.account ?? account,
    region,
    bucket: trail.bucket,
    ...(trail.prefix === undefined ? {} : { prefix: trail.prefix }),
  }))
  const wanted = chains.filter((chain) => matchesFilter(chain, { ...filter, trailArn: trail.arn }))
  return await Promise.all(
    wanted.map(async (chain) => {
      const delivered = await endpoint.delivered(trail.arn, chain.region)
      return delivered === undefined ? chain : { ...chain, delivered }
    }),
  )
}

/** Rejects with VerifyError `no-trail` or `endpoint`. */
export const openEndpoint = async (options: EndpointOptions): Promise<VerifySource> => {
  const { trailArn, region, account } = options
  const home = trailArn === undefined ? undefined : parseTrailArn(trailArn).homeRegion
  const endpoint = new Endpoint(options, home)
  const filter: ChainFilter = {
    ...(region === undefined ? {} : { region }),
    ...(account === undefined ? {} : { account }),
  }
  try {
    const trails = await endpoint.trails()
    if (trails.length === 0) {
      const what =
        trailArn === undefined ? 'There is no trail.' : `A trail could not be found for ${trailArn}`
      throw new VerifyError('no-trail', what, {
        hint: 'Is the region right? A trail is described in its home region and, if multi-region, in all.',
      })
    }
    const chains = await Promise.all(trails.map((trail) => chainsOf(endpoint, trail, filter)))
    return {
      chains: chains.flat(),
      accessOf: (chain: ChainPlace) => endpoint.access(chain.region),
      close: () => endpoint.close(),
    }
  } catch (cause) {
    endpoint.close()
    if (cause instanceof VerifyError) throw cause
    throw new VerifyError('endpoint', `The endpoint cannot be asked: ${messageOf(cause)}`, {
      cause,
      hint: 'Check --endpoint-url, the credentials (AWS_PROFILE, AWS_ACCESS_KEY_ID) and the region.',
    })
  }
}
