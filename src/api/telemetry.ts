import { Counter, Histogram, type Registry } from 'prom-client'

/** Of the CloudTrail API: `operation` is `unknown` for targets that name none. */
export interface ApiTelemetry {
  /** `code`: `ok` or the fault's. */
  answered(operation: string, code: string, seconds: number): void
}

export const createApiTelemetry = (registry: Registry): ApiTelemetry => {
  const requests = new Counter({
    name: 'clew_api_requests_total',
    help: 'Calls of the CloudTrail API by operation and fault code (ok for none).',
    labelNames: ['operation', 'code'] as const,
    registers: [registry],
  })
  const duration = new Histogram({
    name: 'clew_api_request_duration_seconds',
    help: 'From the first byte of a CloudTrail API call to its answer.',
    labelNames: ['operation'] as const,
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
    registers: [registry],
  })
  return {
    answered: (operation, code, seconds) => {
      requests.inc({ operation, code })
      duration.observe({ operation }, seconds)
    },
  }
}
