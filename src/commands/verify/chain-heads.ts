/** The newest delivered digest of a chain, out of the data folder of the Clew that delivered it. */
import { existsSync } from 'node:fs'
import { openSqliteDocuments } from '../../documents/sqlite-documents.ts'
import type { VerifyTarget } from '../../integrity/verification.ts'
import { systemClock } from '../../platform/clock.ts'
import { silentLogger } from '../../platform/logger.ts'
import { pathsOf } from '../../supervisor/data-folder.ts'
import { readChainDocuments } from '../../trails/delivery/chain-store.ts'
import { type ChainPlace, parseTrailArn } from './chains.ts'
import { VerifyError } from './verify-error.ts'

/** Undefined where Clew has not delivered a digest of the chain. */
export const chainHeadOf = async (
  data: string,
  chain: ChainPlace,
): Promise<VerifyTarget['head']> => {
  const path = pathsOf(data).documents
  if (!existsSync(path)) {
    throw new VerifyError('no-folder', `${data} is no data folder of Clew.`, {
      hint: 'Name the folder that `clew serve --data` uses.',
    })
  }
  const documents = await openSqliteDocuments(path, { clock: systemClock, logger: silentLogger })
  try {
    const found = (await readChainDocuments(documents)).find(({ trailArn, account, region }) => {
      const { homeRegion, name } = parseTrailArn(trailArn)
      return (
        region === chain.region &&
        account === chain.account &&
        homeRegion === chain.homeRegion &&
        name === chain.trailName
      )
    })
    return found?.head
  } finally {
    await documents.close()
  }
}
