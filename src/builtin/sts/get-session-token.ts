import { startValidation } from './constraints.ts'
import { credentialsOf, type StsOperation } from './operation.ts'
import { refuseUnsupported } from './parameters.ts'
import { StsFault } from './sts-fault.ts'

/** Seconds (STS model: durationSecondsType; the default is GetSessionToken's). */
const DURATION = { min: 900, max: 129_600, otherwise: 43_200 } as const
/** What root asks for beyond one hour becomes one hour (STS API, GetSessionToken). */
const ROOT_SECONDS_MAX = 3_600

/** GetSessionToken: the same user or root, for a while. */
export const getSessionToken: StsOperation = async ({ call, parameters }, context) => {
  refuseUnsupported(parameters, 'GetSessionToken', ['SerialNumber', 'TokenCode'])
  const validation = startValidation()
  const given = parameters.get('DurationSeconds')
  const asked = validation.integer('durationSeconds', given, DURATION)
  validation.finish()
  const { principal, session } = call.caller
  const { kind } = principal
  if (session !== undefined || (kind !== 'user' && kind !== 'root')) {
    throw new StsFault('AccessDenied', 'Cannot call GetSessionToken with session credentials')
  }
  const seconds = kind === 'root' ? Math.min(asked, ROOT_SECONDS_MAX) : asked
  const now = context.clock.now()
  const issued = await context.identities.issueSession({
    principal,
    facts: { createdAt: now, mfaAuthenticated: false },
    expiresAt: now + seconds * 1_000,
  })
  return { Credentials: credentialsOf(issued) }
}
