/** The services that Clew itself answers: the CloudTrail API, and S3 and STS where built in. */
import type { Registry } from 'prom-client'
import { authorizeRootOnly } from '../../api/authorize.ts'
import { API_BODY_BYTES_MAX, createCloudTrailApi } from '../../api/cloudtrail-api.ts'
import { createCloudTrailDataApi } from '../../api/cloudtrail-data-api.ts'
import { createOperations } from '../../api/operations.ts'
import { authorizeS3 } from '../../builtin/s3/authorize.ts'
import { createBuiltinS3 } from '../../builtin/s3/service.ts'
import { createBuiltinSts } from '../../builtin/sts/sts.ts'
import { lookupEvents } from '../../history/operations/lookup-events.ts'
import { openHistory } from '../../history/reader.ts'
import type { BuiltinService } from '../../identity/verified-call.ts'
import { listPublicKeys } from '../../integrity/operations/list-public-keys.ts'
import { systemClock } from '../../platform/clock.ts'
import { uuid } from '../../platform/ids.ts'
import { pathsOf } from '../../supervisor/data-folder.ts'
import type { RoleHost } from '../../supervisor/role-process.ts'
import { openTrailStore } from '../../trails/trail-store.ts'
import { closing } from '../owned.ts'
import type { Stores } from '../stores.ts'
import type { FrontJournal } from './journal.ts'
import { evaluateForCaller } from './policy-evaluators.ts'

export interface Services {
  readonly of: (signingName: string) => BuiltinService | undefined
  close(): Promise<void>
}

export const openServices = async (
  { config, logger }: RoleHost,
  stores: Stores,
  { recorder }: FrontJournal,
  registry: Registry,
): Promise<Services> => {
  const { documents, master, objects, identities, upstreams } = stores
  const clock = systemClock
  const owned = closing(logger)
  const trails = openTrailStore({ documents, recorder, logger })
  owned.add({ close: async () => trails.close() })
  await trails.announceAll()
  // Called without a file too: what an earlier file brought then goes.
  await identities.importFile(config.identities)
  const folder = pathsOf(config.data).history
  const history = owned.add(await openHistory({ folder, master, clock, logger }))
  const rate = config.lookupEventsPerSecond
  const operations = createOperations({
    trails,
    documents,
    bucket: stores.trailBucket,
    regions: stores.regions.list,
    newId: uuid,
    lookupEvents: lookupEvents(history, { master }),
    listPublicKeys: listPublicKeys(stores.signingKeys),
  })
  const requestsPerSecond = rate === 0 ? {} : { LookupEvents: rate }
  const services = new Map<string, BuiltinService>([
    [
      'cloudtrail',
      createCloudTrailApi({
        operations,
        authorize: authorizeRootOnly,
        clock,
        logger,
        registry,
        limits: { bodyBytesMax: API_BODY_BYTES_MAX, requestsPerSecond },
      }),
    ],
    ['cloudtrail-data', createCloudTrailDataApi()],
  ])
  if (objects !== undefined) {
    const authorize = authorizeS3(evaluateForCaller(stores.parsePolicy, config.region))
    services.set('s3', createBuiltinS3({ store: objects, logger, authorize }))
  }
  if (upstreams.isBuiltin('sts')) services.set('sts', createBuiltinSts({ identities, clock }))
  return { of: (signingName) => services.get(signingName), close: () => owned.closeAll() }
}
