/** One Prometheus text of both processes: the writer's figures come over the channel. */
import { AggregatorRegistry, collectDefaultMetrics, Registry } from 'prom-client'
import type { Logger } from '../platform/logger.ts'
import type { Channel } from '../platform/process-channel.ts'

/** Each process's own registry; process metrics (memory, event loop lag, handles) included. */
export const createRegistry = (role: string): Registry => {
  const registry = new Registry()
  registry.setDefaultLabels({ role })
  collectDefaultMetrics({ register: registry })
  return registry
}

/** While the writer restarts, the front's figures alone are better than none. */
export const metricsOfAll = async (
  own: Registry,
  channel: Channel,
  logger: Logger,
): Promise<string> => {
  const parts: object[] = [await own.getMetricsAsJSON()]
  try {
    parts.push((await channel.call('writer', 'metrics')) as object)
  } catch (error) {
    logger.warn({ error }, 'The metrics of the writer are missing.')
  }
  return AggregatorRegistry.aggregate(parts as never).metrics()
}
