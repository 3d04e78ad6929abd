/**
 * Services with one endpoint for a whole partition: CloudTrail records their calls in that
 * endpoint's region, whatever region the client signed for (CloudTrail user guide, "Global service
 * events"; the services' own endpoint pages).
 */
type Partition = 'aws' | 'aws-cn' | 'aws-us-gov'

const HOME: Readonly<Record<Partition, string>> = {
  aws: 'us-east-1',
  'aws-cn': 'cn-north-1',
  'aws-us-gov': 'us-gov-west-1',
}

/** Signing names. A region in place of the partition's usual one where AWS chose another. */
const GLOBAL: Readonly<Record<string, string | undefined>> = {
  cloudfront: undefined,
  globalaccelerator: 'us-west-2',
  iam: undefined,
  organizations: undefined,
  route53: undefined,
  shield: undefined,
  waf: undefined,
}

const partitionOf = (region: string): Partition => {
  if (region.startsWith('cn-')) return 'aws-cn'
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws'
}

/** Old SDKs sign for `aws-global`, the name of the global STS and S3 endpoints. */
const PSEUDO_REGION = 'aws-global'

/** The awsRegion of a call that was signed for `region`. */
export const globalRegion = (signingName: string, region: string): string => {
  const home = HOME[partitionOf(region)]
  if (!Object.hasOwn(GLOBAL, signingName)) return region === PSEUDO_REGION ? home : region
  const own = GLOBAL[signingName]
  return own !== undefined && home === HOME.aws ? own : home
}
