import { Counter, type Registry } from 'prom-client'

export interface IdentityTelemetry {
  /** `result`: cached, loaded or unknown. */
  readonly lookups: Counter<'result'>
  readonly expiredSessions: Counter
}

export const createIdentityTelemetry = (registry: Registry): IdentityTelemetry => ({
  lookups: new Counter({
    name: 'clew_identity_lookups_total',
    help: 'Access keys that were looked up, by where they were found.',
    labelNames: ['result'],
    registers: [registry],
  }),
  expiredSessions: new Counter({
    name: 'clew_identity_expired_sessions_total',
    help: 'Expired sessions that were removed from the credential store.',
    registers: [registry],
  }),
})
