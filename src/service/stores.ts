/** State that both processes open: documents, objects, identities, signing keys, regions. */
import type { Registry } from 'prom-client'
import type { Documents } from '../documents/documents.ts'
import { openRegionRegistry, type RegionRegistry } from '../documents/region-registry.ts'
import { openSqliteDocuments } from '../documents/sqlite-documents.ts'
import { type Identities, openIdentities } from '../identity/identities.ts'
import { evaluateResourcePolicy } from '../identity/policy/evaluate.ts'
import { createPolicyCache } from '../identity/policy/policy-cache.ts'
import type { CompiledPolicy } from '../identity/policy/statement.ts'
import { createIdentityTelemetry } from '../identity/telemetry.ts'
import { openSigningKeys, type SigningKeys } from '../integrity/signing-keys.ts'
import {
  type FileObjectStore,
  openFileObjectStore,
} from '../outlets/file-system/file-object-store.ts'
import { systemClock } from '../platform/clock.ts'
import type { MasterKey } from '../platform/encryption.ts'
import { pathsOf, readMasterKey } from '../supervisor/data-folder.ts'
import type { RoleHost } from '../supervisor/role-process.ts'
import { createTrailBucket, type TrailBucket } from '../trails/bucket-access.ts'
import { closing } from './owned.ts'
import { parseUpstreams, type Upstreams } from './upstreams.ts'

export interface Stores {
  readonly master: MasterKey
  readonly documents: Documents
  readonly identities: Identities
  readonly signingKeys: SigningKeys
  readonly regions: RegionRegistry
  readonly upstreams: Upstreams
  readonly parsePolicy: (text: string) => CompiledPolicy
  /** Undefined when S3 is on an upstream. */
  readonly objects: FileObjectStore | undefined
  readonly trailBucket: TrailBucket | undefined
  close(): Promise<void>
}

export const openStores = async (
  { config, logger }: RoleHost,
  registry: Registry,
): Promise<Stores> => {
  const telemetry = createIdentityTelemetry(registry)
  const paths = pathsOf(config.data)
  const clock = systemClock
  const owned = closing(logger)
  const master = readMasterKey(config)
  const documents = owned.add(await openSqliteDocuments(paths.documents, { clock, logger }))
  const identities = owned.add(
    await openIdentities({ documents, master, clock, logger, telemetry }),
  )
  const regions = await openRegionRegistry(documents, config.regions)
  owned.add({ close: async () => regions.close() })
  const upstreams = parseUpstreams(config.upstream)
  const objects = upstreams.isBuiltin('s3')
    ? owned.add(await openFileObjectStore(paths.objects, { master, clock, logger }))
    : undefined
  const parsePolicy = createPolicyCache('bucket')
  const policyMode = config.trails.bucketPolicy
  return {
    master,
    documents,
    identities,
    regions,
    upstreams,
    parsePolicy,
    objects,
    signingKeys: openSigningKeys({ documents, master, clock }),
    trailBucket:
      objects &&
      createTrailBucket({ objects, parsePolicy, evaluate: evaluateResourcePolicy, policyMode }),
    close: () => owned.closeAll(),
  }
}
