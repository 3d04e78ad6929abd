/**
 * The table of contents. The front takes calls and appends to the journal; the writer follows the
 * journal. Everything that a process owns is opened here, in order, and closed in the reverse one.
 * Each process loads its own half only: that is a third of the time to start.
 */
import { constants, setPriority } from 'node:os'
import { createRegistry } from './service/metrics.ts'
import { closing } from './service/owned.ts'
import { openStores } from './service/stores.ts'
import type { RoleHost, RunningRole } from './supervisor/role-process.ts'

/** Calls in, answers out: gateway, built-in services, CloudTrail API, console port. */
export const startFront = async (host: RoleHost): Promise<RunningRole> => {
  const { openFrontJournal, openServices, openCapture, openPorts } = await import(
    './service/front.ts'
  )
  const registry = createRegistry('front')
  const owned = closing(host.logger)
  const stores = owned.add(await openStores(host, registry)) // documents, objects, identities, keys
  const journal = owned.add(await openFrontJournal(host, stores, registry)) // + recorder, spool
  const services = owned.add(await openServices(host, stores, journal, registry))
  const gateway = owned.add(await openCapture(host, stores, journal, services, registry))
  const ports = owned.add(await openPorts(host, stores, journal, gateway, registry))
  return { listening: ports.listening, close: () => owned.closeAll() }
}

/** From the journal to what is asked later: event history, log files, digests. */
export const startWriter = async (host: RoleHost): Promise<RunningRole> => {
  const { openWriterJournal, openConsumers } = await import('./service/writer.ts')
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL) // answers come first
  const registry = createRegistry('writer')
  const owned = closing(host.logger)
  const stores = owned.add(await openStores(host, registry))
  const journal = owned.add(await openWriterJournal(host, stores))
  owned.add(await openConsumers(host, stores, journal, registry)) // history, trails, runner
  return { close: () => owned.closeAll() }
}
