/** The console port, and what tells people and commands where the server is. */
import type { Registry } from 'prom-client'
import { startAdminServer } from '../../admin/admin-server.ts'
import type { Config } from '../../config.ts'
import { systemClock } from '../../platform/clock.ts'
import { readAdminToken } from '../../supervisor/data-folder.ts'
import type { RoleHost } from '../../supervisor/role-process.ts'
import { metricsOfAll } from '../metrics.ts'
import type { Stores } from '../stores.ts'
import type { Capture } from './capture.ts'
import { flushWriter } from './flush.ts'
import { importRoutes } from './import.ts'
import type { FrontJournal } from './journal.ts'
import { urlOf, writeProfile, writeServerFile } from './profile.ts'

export interface Ports {
  readonly listening: Pick<Config, 'listen' | 'console'>
  close(): Promise<void>
}

export const openPorts = async (
  { config, channel, logger }: RoleHost,
  stores: Stores,
  { journal }: FrontJournal,
  capture: Capture,
  registry: Registry,
): Promise<Ports> => {
  const { identities } = stores
  let ready = false
  const admin = await startAdminServer({
    listen: config.console,
    token: readAdminToken(config.data),
    isReady: () => ready,
    flush: () => flushWriter(channel, systemClock),
    metrics: () => metricsOfAll(registry, channel, logger),
    logger,
    routes: importRoutes(config, stores, journal, channel),
  })
  const places = { endpoint: urlOf(capture.address), console: urlOf(admin.address) }
  await identities.ensureRootKey(config.account)
  await writeProfile(config, places.endpoint, await identities.rootKey(config.account))
  await writeServerFile(config, places)
  channel.handle('places', async () => places)
  channel.handle('drain', () => capture.close())
  ready = true
  return {
    listening: { listen: capture.address, console: admin.address },
    close: async () => {
      ready = false
      await admin.close()
    },
  }
}
