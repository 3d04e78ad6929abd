/** Makes one digest durable: sign, store for the outbox, move the chain by one compare-and-set. */
import {
  type DigestLink,
  type DigestScope,
  digestKey,
  digestText,
  sha256Hex,
} from '../../../integrity/digest.ts'
import { stringToSign } from '../../../integrity/signature.ts'
import type { SigningKeys } from '../../../integrity/signing-keys.ts'
import { type Clock, isoSeconds } from '../../../platform/clock.ts'
import type { ChainDocument, ChainTrail } from '../chain-state.ts'
import type { ChainStore } from '../chain-store.ts'
import type { Draft } from './draft.ts'
import type { Outbox } from './outbox.ts'

export interface MakerContext {
  readonly clock: Clock
  readonly store: ChainStore
  readonly outbox: Outbox
  readonly signingKeys: SigningKeys
}

const scopeOf = (
  trail: ChainTrail,
  { account, region }: Pick<ChainDocument, 'account' | 'region'>,
): DigestScope => ({
  account,
  region,
  trailName: trail.name,
  homeRegion: trail.homeRegion,
  bucket: trail.bucket,
  ...(trail.prefix === undefined ? {} : { prefix: trail.prefix }),
})

interface Signed {
  readonly text: string
  readonly link: DigestLink
}

const signed = async (
  signingKeys: SigningKeys,
  document: ChainDocument,
  draft: Draft,
): Promise<Signed> => {
  const { trail, start, end, starting } = draft
  const scope = scopeOf(trail, document)
  const signer = await signingKeys.signer(document.region, end)
  const previous = starting ? undefined : document.chain?.previous
  const files = starting ? [] : document.files
  const { fingerprint } = signer
  const text = digestText({ scope, start, end, fingerprint, files, previous })
  const place = { bucket: scope.bucket, key: digestKey(scope, end) }
  const hash = sha256Hex(text)
  const previousSignature = previous?.signature ?? null
  const endTime = isoSeconds(end)
  const signature = signer.sign(
    stringToSign({ ...place, endTime, sha256: hash, previousSignature }),
  )
  return { text, link: { ...place, hash, signature } }
}

/** False where the document changed meanwhile: nothing was made. */
const makeOnce = async (
  context: MakerContext,
  chain: string,
  before: ChainDocument,
  draft: Draft,
): Promise<boolean> => {
  const { clock, store, outbox, signingKeys } = context
  const { trail, end } = draft
  const { text, link } = await signed(signingKeys, before, draft)
  const number = before.digests
  await outbox.write(chain, number, {
    version: 1,
    trailArn: before.trailArn,
    account: before.account,
    region: before.region,
    incarnation: trail.incarnation,
    bucket: link.bucket,
    key: link.key,
    text,
    signature: link.signature,
    end,
    madeAt: clock.now(),
  })
  const after: ChainDocument = {
    ...before,
    files: draft.starting ? before.files : [],
    control: draft.control ?? before.control,
    highWater: end,
    digests: number + 1,
    chain: { trail, phase: draft.phase, previous: link },
  }
  if (!(await store.replace(chain, before, after))) return false
  outbox.release(chain, number)
  return true
}

/** `draftOf` is asked again after a conflict; undefined: there is nothing to make (any more). */
export const makeDigest = async (
  context: MakerContext,
  chain: string,
  draftOf: (document: ChainDocument) => Draft | undefined,
): Promise<boolean> => {
  for (;;) {
    const document = context.store.known(chain)
    const draft = document === undefined ? undefined : draftOf(document)
    if (document === undefined || draft === undefined) return false
    if (await makeOnce(context, chain, document, draft)) return true
  }
}
