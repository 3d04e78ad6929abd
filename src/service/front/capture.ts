import type { Registry } from 'prom-client'
import { loadCatalogue } from '../../capture/catalogue/catalogue.ts'
import { createGateway } from '../../capture/gateway/gateway.ts'
import type { GatewayLimits } from '../../capture/gateway/gateway-options.ts'
import { createRecordCall } from '../../capture/record/record-call.ts'
import { identify } from '../../capture/router/identify.ts'
import type { Config } from '../../config.ts'
import { isRegion, REGIONS_MAX } from '../../documents/region-registry.ts'
import { systemClock } from '../../platform/clock.ts'
import { openFilesMax } from '../../platform/open-files.ts'
import type { RoleHost } from '../../supervisor/role-process.ts'
import type { Stores } from '../stores.ts'
import type { FrontJournal } from './journal.ts'
import { createLearning } from './learning.ts'
import type { Services } from './services.ts'

/** Calls under way may end this long after the server was told to stop. */
const GATEWAY_GRACE_MS = 8_000

export interface Capture {
  readonly address: { readonly host: string; readonly port: number }
  /** Takes no more calls and waits for those under way; may be called twice. */
  close(): Promise<void>
}

const limitsOf = ({ capture }: Config): Partial<GatewayLimits> => ({
  connectionsMax: capture.maxConnections,
  connectionsPerAddressMax: capture.maxConnectionsPerAddress,
  bodyIdleMs: capture.clientTimeout,
  answerIdleMs: capture.clientTimeout,
  bodyBytesPerSecondMin: capture.minUploadRate,
  upstreamConnectMs: capture.upstreamConnectTimeout,
  upstreamWriteMs: capture.clientTimeout,
  upstreamIdleMs: capture.upstreamTimeout,
})

/** The gateway: the AWS endpoint itself. */
export const openCapture = async (
  { config, logger }: RoleHost,
  stores: Stores,
  { recorder, calls }: FrontJournal,
  services: Services,
  registry: Registry,
): Promise<Capture> => {
  const { identities, upstreams, regions } = stores
  const clock = systemClock
  const catalogue = loadCatalogue()
  const { keepSessionTokens, clockSkew } = config.capture
  const isBuiltin = (signingName: string) => services.of(signingName) !== undefined
  const otherNames = new Set<string>()
  const gateway = await createGateway({
    listen: config.listen,
    credentials: identities,
    identify: identify(catalogue),
    recordCall: createRecordCall({
      catalogue,
      keepSessionTokens,
      failed: (error, { identity, eventId }) => {
        const { eventSource, eventName } = identity
        logger.error({ error, eventId, eventSource, eventName }, 'A record lacks its details.')
      },
    }),
    recorder,
    calls,
    builtin: services.of,
    upstream: upstreams.of,
    learn: createLearning({ identities, isBuiltin, clock, logger }),
    unknownKeys: config.unknownKeys,
    defaults: { account: config.account, region: config.region },
    virtualHostSuffixes: config.virtualHosts,
    trustedProxies: config.trustedProxies,
    onRegion: (region) => {
      // `default` of Ceph, `auto`: no region of AWS's form. Clew's API refuses it, others may take it.
      if (!isRegion(region)) return otherNames.size < REGIONS_MAX && otherNames.add(region).size > 0
      if (!regions.accepts(region)) return false
      regions.join(region).catch((error: unknown) => {
        logger.warn({ error, region }, 'A region could not join; it will at its next request.')
      })
      return true
    },
    skewMs: clockSkew,
    limits: limitsOf(config),
    filesMax: openFilesMax(),
    clock,
    logger,
    registry,
  })
  let closed: Promise<void> | undefined
  return {
    address: gateway.address,
    close: () => {
      closed ??= gateway.close(GATEWAY_GRACE_MS)
      return closed
    },
  }
}
