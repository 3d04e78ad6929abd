/**
 * `X-Amz-Region-Set` of Signature Version 4A: the regions that a signature is good for, separated
 * by commas; each may hold `*` (AWS: "Elements of an AWS API request signature").
 */
import { glob } from '../../../identity/policy/wildcard.ts'

/** More regions than AWS has, and few enough to go through. */
const REGIONS_MAX = 64

const REGION_PATTERN = /^(?=.{1,64}$)[A-Za-z0-9*]+(?:[._-][A-Za-z0-9*]+)*$/

/** Undefined for what is no list of region names. */
export const parseRegionSet = (text: string): readonly string[] | undefined => {
  const names = text.split(',', REGIONS_MAX + 1).map((name) => name.trim())
  const valid = names.length <= REGIONS_MAX && names.every((name) => REGION_PATTERN.test(name))
  return valid ? names : undefined
}

/**
 * The one region that a call signed for a set is recorded in: where it was received (`home`) if the
 * set allows that, else the first region that the set names (docs/decisions/0035).
 */
export const regionOfSet = (set: readonly string[], home: string): string =>
  set.some((pattern) => glob(pattern).matches(home))
    ? home
    : (set.find((name) => !name.includes('*')) ?? home)
