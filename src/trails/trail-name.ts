/**
 * The names around a trail and their rules, with AWS's literal messages where one is known, its
 * grammar errors kept (reference/control-plane.md §0.4, A.1 CreateTrail). Each function returns what
 * is wrong, or undefined.
 */
import { isIPv4 } from 'node:net'

const NAME_MIN = 3
const NAME_MAX = 128
const BUCKET_MIN = 3
const BUCKET_MAX = 63
const PREFIX_MAX = 200

const lengthProblem = (name: string): string | undefined => {
  if (name.length < NAME_MIN) {
    return `Trail name too short. Minimum allowed length: ${NAME_MIN} characters. Specified name length: ${name.length} characters.`
  }
  if (name.length > NAME_MAX) {
    return `Trail name too long. Maximum allowed length: ${NAME_MAX} characters. Specified name length: ${name.length} characters.`
  }
  return undefined
}

/** InvalidTrailNameException. */
export const trailNameProblem = (name: string): string | undefined => {
  const length = lengthProblem(name)
  if (length !== undefined) return length
  if (!/^[0-9A-Za-z]/.test(name)) return 'Trail name must starts with a letter or number.'
  if (!/[0-9A-Za-z]$/.test(name)) return 'Trail name must ends with a letter or number.'
  if (!/^[0-9A-Za-z._-]+$/.test(name)) {
    return 'Trail name or ARN can only contain uppercase letters, lowercase letters, numbers, periods (.), hyphens (-), and underscores (_).'
  }
  if (/[._-]{2}/.test(name)) {
    return 'Trail name can not have adjacent periods (.), hyphens (-), or underscores (_).'
  }
  return isIPv4(name) ? 'Trail name can not be formatted as an IP address.' : undefined
}

/** InvalidS3BucketNameException: the rules of every region but the old ones of us-east-1. */
export const bucketNameProblem = (name: string): string | undefined => {
  if (name.length < BUCKET_MIN || name.length > BUCKET_MAX) {
    return `Bucket name must have ${BUCKET_MIN} to ${BUCKET_MAX} characters.`
  }
  if (!/^[a-z0-9.-]+$/.test(name)) {
    return 'Bucket name can only contain lowercase letters, numbers, periods (.), and hyphens (-).'
  }
  if (!/^[a-z0-9].*[a-z0-9]$/.test(name)) {
    return 'Bucket name must start and end with a lowercase letter or number.'
  }
  if (/\.\.|\.-|-\./.test(name)) {
    return 'Bucket name can not have a period next to a period or a hyphen.'
  }
  return isIPv4(name) ? 'Bucket name can not be formatted as an IP address.' : undefined
}

/**
 * InvalidS3PrefixException. AWS names a length and "bad characters" only; refused here are those
 * that S3 advises against, and what would put `AWSLogs` elsewhere than below the prefix.
 */
export const keyPrefixProblem = (prefix: string): string | undefined => {
  if (prefix.length > PREFIX_MAX) {
    return `S3 prefix too long. Maximum allowed length: ${PREFIX_MAX} characters. Specified length: ${prefix.length} characters.`
  }
  if (!/^[A-Za-z0-9!_.*'()/@&$=;:+ ,?-]*$/.test(prefix)) {
    return 'S3 prefix contains characters that are not allowed.'
  }
  const segments = prefix.split('/')
  return segments.some((segment) => segment === '' || segment === '.' || segment === '..')
    ? 'S3 prefix can not start with a slash, nor have empty, "." or ".." parts.'
    : undefined
}

/** As it is stored: the trailing slash that people write is dropped. '' when there is none. */
export const normalisePrefix = (prefix: string): string => prefix.replace(/\/$/, '')

/** `arn:aws:cloudtrail:us-east-1:123456789012:trail/name`, taken apart. */
export interface CloudTrailArn {
  readonly partition: string
  readonly region: string
  readonly account: string
  /** `trail`, `eventdatastore`, `channel`, `dashboard`, or anything else. */
  readonly type: string
  readonly id: string
}

const ARN =
  /^arn:(?<partition>aws[a-z-]*):cloudtrail:(?<region>[a-z0-9-]+):(?<account>\d{12}):(?<type>[a-z-]+)\/(?<id>.+)$/

/** Undefined for what is no ARN of CloudTrail. */
export const parseCloudTrailArn = (text: string): CloudTrailArn | undefined => {
  const { partition, region, account, type, id } = ARN.exec(text)?.groups ?? {}
  if (!partition || !region || !account || !type || !id) return undefined
  return { partition, region, account, type, id }
}

export const trailArn = (
  call: { partition: string; region: string; account: string },
  name: string,
): string => `arn:${call.partition}:cloudtrail:${call.region}:${call.account}:trail/${name}`
