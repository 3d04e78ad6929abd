/** The newest delivered digests of all chains, out of the data folder of the Clew that delivered them. */
import { existsSync } from 'node:fs'
import { openSqliteDocuments } from '../../documents/sqlite-documents.ts'
import type { VerifyTarget } from '../../integrity/verification.ts'
import { systemClock } from '../../platform/clock.ts'
import { silentLogger } from '../../platform/logger.ts'
import { pathsOf } from '../../supervisor/data-folder.ts'
import { readChainDocuments } from '../../trails/delivery/chain-store.ts'
import { type ChainPlace, chainOfKey, parseTrailArn } from './chains.ts'
import { VerifyError } from './verify-error.ts'

/** What Clew knows to have delivered: an imported account has chains of its own. */
export interface ChainHead {
  readonly trailArn: string
  /** The account whose log files the chain lists; the trail's, or an imported one. */
  readonly account: string
  readonly region: string
  readonly head: NonNullable<VerifyTarget['head']>
}

/** Chains in which Clew has delivered a digest. Rejects with VerifyError `no-folder`. */
export const readChainHeads = async (data: string): Promise<ChainHead[]> => {
  const path = pathsOf(data).documents
  if (!existsSync(path)) {
    throw new VerifyError('no-folder', `${data} is no data folder of Clew.`, {
      hint: 'Name the folder that `clew serve --data` uses.',
    })
  }
  const documents = await openSqliteDocuments(path, { clock: systemClock, logger: silentLogger })
  try {
    const chains = await readChainDocuments(documents)
    return chains.flatMap(({ trailArn, account, region, head }) =>
      head === undefined ? [] : [{ trailArn, account, region, head }],
    )
  } finally {
    await documents.close()
  }
}

/** A chain, and its newest digest where that is known. */
export type HeadedChain = ChainPlace & Pick<VerifyTarget, 'head'>

const isOf = (chain: ChainPlace, { trailArn, account, region }: ChainHead): boolean => {
  const { homeRegion, name } = parseTrailArn(trailArn)
  return (
    region === chain.region &&
    account === chain.account &&
    homeRegion === chain.homeRegion &&
    name === chain.trailName
  )
}

/** Where the chain of a head is; undefined where its key is no digest's. */
export const placeOfHead = ({ head }: ChainHead): ChainPlace | undefined =>
  chainOfKey(head.bucket, head.key)

/**
 * The chains that were found, with their heads, and those of `wanted` heads that were not found:
 * somebody may have removed every digest of them.
 */
export const withHeads = (
  chains: readonly ChainPlace[],
  heads: readonly ChainHead[],
  wanted: (place: ChainPlace, head: ChainHead) => boolean,
): HeadedChain[] => {
  const found = chains.map((chain) => {
    const known = heads.find((each) => isOf(chain, each))
    return known === undefined ? chain : { ...chain, head: known.head }
  })
  const lost = heads.flatMap((each) => {
    const place = placeOfHead(each)
    if (place === undefined || chains.some((chain) => isOf(chain, each))) return []
    return wanted(place, each) ? [{ ...place, head: each.head }] : []
  })
  return [...found, ...lost]
}
