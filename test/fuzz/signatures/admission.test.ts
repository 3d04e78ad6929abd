/** A call that is signed for several regions is admitted to one, and says how it was signed. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SignatureV4a } from '@smithy/signature-v4a'
import { admit, claimedService } from '../../../src/capture/gateway/request/admission.ts'
import type { WireHead } from '../../../src/capture/gateway/request/wire-head.ts'
import { readClaim } from '../../../src/capture/signature/claim.ts'
import {
  ACCOUNT,
  directoryOf,
  Sha256,
  testCredential,
} from '../../../src/capture/signature/signing.test-support.ts'
import { createSignatureVerifier } from '../../../src/capture/signature/verifier.ts'
import { CREDENTIALS, DATE, headOnWire, NOW } from './wire.ts'

const options = {
  verifier: createSignatureVerifier({
    directory: directoryOf(testCredential()),
    clock: { now: () => NOW },
  }),
  unknownKeys: 'reject' as const,
  defaults: { account: ACCOUNT, region: 'eu-west-1' },
  refused: () => {},
}

const headFor = async (regionSet: string): Promise<WireHead> => {
  const signer = new SignatureV4a({
    service: 's3',
    region: regionSet,
    uriEscapePath: false,
    sha256: Sha256,
    credentials: CREDENTIALS,
  })
  const given = { method: 'GET', protocol: 'http:', hostname: 'localhost', path: '/bucket/key' }
  const headers = { host: 'localhost' }
  const signed = await signer.sign({ ...given, headers }, { signingDate: DATE })
  const head = headOnWire('GET', '/bucket/key', Object.entries(signed.headers))
  return { ...head, rawHeaders: head.rawHeaders ?? [], contentLength: 0 }
}

describe('a call signed for a set of regions', () => {
  it('counts where it was received, or in the first region that it names', async () => {
    for (const [set, region] of [
      ['*', 'eu-west-1'],
      ['us-east-1,eu-west-1', 'eu-west-1'],
      ['us-east-1,us-west-2', 'us-east-1'],
      ['eu-*', 'eu-west-1'],
    ] as const) {
      const head = await headFor(set)
      const claim = readClaim(head)
      assert.equal(claimedService(head, claim), 's3')
      const { kind, scope, signature, account } = await admit(options, head, claim, undefined)
      assert.equal(kind, 'verified')
      assert.equal(account, ACCOUNT)
      assert.deepEqual(scope, { signingName: 's3', region })
      assert.deepEqual(signature, { version: 'SigV4A', method: 'AuthHeader' })
    }
  })

  it('is refused with another set, none, or one that names no regions', async () => {
    const head = await headFor('us-east-1')
    for (const changed of [
      'eu-west-1',
      '*',
      'us-east-1,eu-west-1',
      '',
      '../..',
      'a b',
      undefined,
    ]) {
      const { 'x-amz-region-set': _, ...others } = head.headers
      const headers = changed === undefined ? others : { ...others, 'x-amz-region-set': changed }
      const altered = { ...head, headers }
      await assert.rejects(admit(options, altered, readClaim(altered), undefined), {
        code: /^(SignatureDoesNotMatch|AuthorizationHeaderMalformed)$/,
      })
    }
  })
})
