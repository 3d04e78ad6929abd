/** The consumers and their runner, and what other processes may ask of them. */
import assert from 'node:assert/strict'
import type { Registry } from 'prom-client'
import { loadCatalogue } from '../../capture/catalogue/catalogue.ts'
import {
  createFactsOf,
  type FactsOf,
  withDecidedReadOnly,
} from '../../capture/import/missing-facts.ts'
import { compileSelectors } from '../../event/selectors/compile.ts'
import { createHistoryConsumer } from '../../history/consumer.ts'
import type { Sequence, Shard } from '../../journal/journal.ts'
import { startRunner } from '../../journal/runner/runner.ts'
import { shardOf } from '../../journal/shard.ts'
import { systemClock } from '../../platform/clock.ts'
import { pathsOf } from '../../supervisor/data-folder.ts'
import type { RoleHost } from '../../supervisor/role-process.ts'
import { createDeliveryConsumer } from '../../trails/delivery/consumer.ts'
import { CONSUMER_NAMES } from '../consumer-names.ts'
import type { Stores } from '../stores.ts'
import type { WriterJournal } from './journal.ts'

/** `clew flush` gives up after this long; deliveries go on. */
const FLUSH_MS_MAX = 120_000

/** The catalogue is read when the first event without `readOnly` comes: imports have such. */
const lazyFactsOf = (): FactsOf => {
  let factsOf: FactsOf | undefined
  return (eventSource, eventName) => {
    factsOf ??= createFactsOf(loadCatalogue())
    return factsOf(eventSource, eventName)
  }
}

export const openConsumers = async (
  { config, channel, logger, restart }: RoleHost,
  stores: Stores,
  { reader, record }: WriterJournal,
  registry: Registry,
): Promise<{ close(): Promise<void> }> => {
  const { documents, master, objects } = stores
  const clock = systemClock
  const paths = pathsOf(config.data)
  const common = { master, clock, logger, registry }
  const factsOf = lazyFactsOf()
  const history = createHistoryConsumer({ folder: paths.history, ...common })
  const trails = createDeliveryConsumer({
    ...common,
    documents,
    journalRecord: record,
    bucket: stores.trailBucket,
    bucketFacts: async (name) => objects?.bucket(name),
    signingKeys: stores.signingKeys,
    compileSelectors: (selectors) => withDecidedReadOnly(compileSelectors(selectors), factsOf),
    shardOf: (account, region) => shardOf(account, region, reader.shards.length),
    folder: paths.delivery,
    logFileIntervalMs: config.logFileInterval,
    digestIntervalMs: config.digestInterval,
    maxFileBytes: config.trails.maxFileBytes,
    gzipLevel: config.trails.gzipLevel,
    heldBytesMax: config.trails.heldBytes,
    pendingBytesMax: config.trails.pendingBytes,
    putTimeoutMs: config.trails.putTimeout,
  })
  const consumers = [history, trails]
  assert.deepEqual(
    consumers.map(({ name }) => name),
    CONSUMER_NAMES,
    'truncation must know every consumer',
  )
  const runner = startRunner({ ...common, journal: reader, documents, consumers })
  channel.handle('metrics', () => registry.getMetricsAsJSON())
  channel.handle('flush', async () => {
    await runner.flushTo(undefined, AbortSignal.timeout(FLUSH_MS_MAX))
  })
  channel.handle('passed', async (payload) => {
    const { heads, waitMs } = payload as { heads: [Shard, Sequence][]; waitMs: number }
    const late = AbortSignal.timeout(waitMs)
    try {
      await runner.passed(new Map(heads), late)
      return true
    } catch (error) {
      if (late.aborted) return false
      throw error
    }
  })
  void runner.failed.then((error) => restart(`The consumers cannot go on: ${error.message}`))
  return { close: () => runner.stop() }
}
