/** The consumers and their runner, and what other processes may ask of them. */
import assert from 'node:assert/strict'
import type { Registry } from 'prom-client'
import { compileSelectors } from '../../event/selectors/compile.ts'
import { createHistoryConsumer } from '../../history/consumer.ts'
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
  const history = createHistoryConsumer({ folder: paths.history, ...common })
  const trails = createDeliveryConsumer({
    ...common,
    documents,
    journalRecord: record,
    bucket: stores.trailBucket,
    bucketFacts: async (name) => objects?.bucket(name),
    signingKeys: stores.signingKeys,
    compileSelectors,
    shardOf: (account, region) => shardOf(account, region, reader.shards.length),
    folder: paths.delivery,
    logFileIntervalMs: config.logFileInterval,
    digestIntervalMs: config.digestInterval,
    maxFileBytes: config.trails.maxFileBytes,
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
  void runner.failed.then((error) => restart(`The consumers cannot go on: ${error.message}`))
  return { close: () => runner.stop() }
}
