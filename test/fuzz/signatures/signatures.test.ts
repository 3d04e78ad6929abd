/** Both variants of Signature Version 4 against the signers of the AWS SDK. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { holds } from '../runs.ts'
import { alterationsOf } from './alterations.ts'
import { signedHead, type Way } from './signers.ts'
import { type Intention, intentions, isS3, NOW, spellings, verdictOn } from './wire.ts'

const WAYS: readonly [variant: Way['variant'], presigned: boolean, usual: number][] = [
  ['SigV4', false, 120],
  ['SigV4', true, 120],
  ['SigV4A', false, 25],
  ['SigV4A', true, 25],
]

/** A presigned S3 URL covers no body. */
const signable = (wanted: Intention, presigned: boolean): Intention =>
  presigned && isS3(wanted.service) ? { ...wanted, body: '' } : wanted

for (const [variant, presigned, usual] of WAYS) {
  describe(`${variant}, ${presigned ? 'presigned' : 'in the header'}`, () => {
    it('every request that was signed is accepted, however it is spelled', () =>
      holds<[Intention, Way['spelling']]>(usual, [intentions, spellings], async (any, spelling) => {
        const wanted = signable(any, presigned)
        const head = await signedHead(wanted, { variant, presigned, spelling })
        const verdict = await verdictOn(head, wanted.body, wanted.sessionToken)
        assert.equal(verdict, 'ok', JSON.stringify(head))
      }))

    it('whatever is altered of what a signature covers, it is refused', () =>
      holds<[Intention, Way['spelling'], number]>(
        usual,
        [intentions, spellings, fc.nat()],
        async (any, spelling, seed) => {
          const wanted = signable(any, presigned)
          const head = await signedHead(wanted, { variant, presigned, spelling })
          const s3 = isS3(wanted.service)
          const all = alterationsOf(head, wanted.body, { coversBody: !(presigned && s3), s3 })
          // A dozen of them each time, evenly spread, beginning anywhere.
          const step = Math.max(1, Math.floor(all.length / 12))
          for (let at = seed % step; at < all.length; at += step) {
            const altered = all[at]
            assert.ok(altered)
            const verdict = await verdictOn(altered.head, altered.body, wanted.sessionToken)
            assert.notEqual(verdict, 'ok', `${altered.what}: ${JSON.stringify(altered.head)}`)
          }
        },
      ))

    it('holds for its own time and its own token only', () =>
      holds<[Intention, Way['spelling']]>(
        Math.ceil(usual / 10),
        [intentions, spellings],
        async (any, spelling) => {
          const wanted = signable(any, presigned)
          const head = await signedHead(wanted, { variant, presigned, spelling })
          const at = (ms: number, token = wanted.sessionToken) =>
            verdictOn(head, wanted.body, token, NOW + ms)
          assert.equal(await at(presigned ? 60_001 : 900_001), presigned ? 'url-expired' : 'skewed')
          assert.equal(await at(-900_001), presigned ? 'url-early' : 'skewed')
          assert.equal(await at(0, `${wanted.sessionToken ?? ''}x`), 'bad-token')
        },
      ))
  })
}
