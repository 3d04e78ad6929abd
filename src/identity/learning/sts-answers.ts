import { parseArn } from '../../event/arn.ts'
import type { Caller, SessionFacts } from '../../event/principal.ts'
import type { LearnedCredential, ReadAnswer } from '../learn.ts'
import { Secret } from '../secret.ts'
import type { SessionPrincipal } from '../store/records.ts'

/** Longer ones are none: AWS promises nothing, but clients put up with about 4 KB. */
const SESSION_TOKEN_LENGTH_MAX = 8_192

const ROLE_SESSION = /^assumed-role\/([^/]+)\/([^/]+)$/
const ROLE_PATH = /^role(\/(?:.+\/)?)[^/]+$/

/** The path of the role, which only the request's ARN has. */
const pathOf = (roleArn: string | null): string =>
  ROLE_PATH.exec(parseArn(roleArn ?? '')?.resource ?? '')?.[1] ?? '/'

const assumedRole = ({ parameters, result }: ReadAnswer): SessionPrincipal | undefined => {
  const arn = parseArn(result.text('AssumedRoleUser', 'Arn') ?? '')
  const [, roleName, sessionName] = ROLE_SESSION.exec(arn?.resource ?? '') ?? []
  const [roleId] = (result.text('AssumedRoleUser', 'AssumedRoleId') ?? '').split(':')
  if (arn === undefined || roleName === undefined || sessionName === undefined) return undefined
  const path = pathOf(parameters.get('RoleArn'))
  const { account } = arn
  return { kind: 'assumed-role', account, roleId: roleId ?? '', roleName, path, sessionName }
}

const sameUser = ({ caller: { principal } }: ReadAnswer): SessionPrincipal | undefined =>
  principal.kind === 'user' || principal.kind === 'root' ? principal : undefined

const federatedUser = ({ caller, result }: ReadAnswer): SessionPrincipal | undefined => {
  const { principal: issuer } = caller
  const arn = parseArn(result.text('FederatedUser', 'Arn') ?? '')
  const name = arn?.resource.split('/')[1]
  if (arn === undefined || name === undefined) return undefined
  if (issuer.kind !== 'user' && issuer.kind !== 'root') return undefined
  return { kind: 'federated-user', account: arn.account, name, issuer }
}

/** Only OAuth providers have attributes in real records; for OIDC providers the map is empty. */
const OAUTH_PROVIDERS: readonly string[] = [
  'accounts.google.com',
  'www.amazon.com',
  'graph.facebook.com',
  'cognito-identity.amazonaws.com',
]

const webIdentity = ({ result }: ReadAnswer): Partial<SessionFacts> => {
  const provider = result.text('Provider')
  if (provider === undefined) return {}
  const attributes: Record<string, string> = {}
  if (OAUTH_PROVIDERS.includes(provider)) {
    const audience = result.text('Audience')
    const subject = result.text('SubjectFromWebIdentityToken')
    if (audience !== undefined) attributes[`${provider}:aud`] = audience
    if (subject !== undefined) attributes[`${provider}:sub`] = subject
  }
  return { webIdFederation: { provider, attributes } }
}

interface Operation {
  readonly principal: (answer: ReadAnswer) => SessionPrincipal | undefined
  readonly facts?: (answer: ReadAnswer) => Partial<SessionFacts>
}

const OPERATIONS: Readonly<Record<string, Operation>> = {
  AssumeRole: { principal: assumedRole },
  AssumeRoleWithSAML: { principal: assumedRole },
  AssumeRoleWithWebIdentity: { principal: assumedRole, facts: webIdentity },
  GetSessionToken: { principal: sameUser },
  GetFederationToken: { principal: federatedUser },
}

/** A source identity is set once and stays through role chaining (STS API, SourceIdentity). */
const sourceIdentityOf = (answer: ReadAnswer): Partial<SessionFacts> => {
  const sourceIdentity =
    answer.result.text('SourceIdentity') ??
    answer.parameters.get('SourceIdentity') ??
    answer.caller.session?.sourceIdentity
  return sourceIdentity === undefined ? {} : { sourceIdentity }
}

/** `[]` for other operations; undefined where an answer should have named credentials. */
export const learnFromSts = (answer: ReadAnswer): LearnedCredential[] | undefined => {
  const operation = OPERATIONS[answer.operation]
  if (operation === undefined) return []
  const { result, parameters, now } = answer
  const accessKeyId = result.text('Credentials', 'AccessKeyId')
  const secret = result.text('Credentials', 'SecretAccessKey')
  const token = result.text('Credentials', 'SessionToken')
  const expiresAt = result.time('Credentials', 'Expiration')
  const principal = operation.principal(answer)
  if (accessKeyId === undefined || secret === undefined || token === undefined) return undefined
  if (expiresAt === undefined || principal === undefined) return undefined
  if (token.length > SESSION_TOKEN_LENGTH_MAX) return undefined
  const facts: SessionFacts = {
    createdAt: now,
    mfaAuthenticated: parameters.has('TokenCode'),
    ...sourceIdentityOf(answer),
    ...operation.facts?.(answer),
  }
  const session = { accessKeyId, secret: new Secret(secret), sessionToken: new Secret(token) }
  return [{ kind: 'session', ...session, principal, facts, expiresAt }]
}

/** The callers of the two operations that carry a token instead of a signature. */
export const federationCaller = (answer: ReadAnswer): Caller | undefined => {
  const { operation, result } = answer
  const account = parseArn(result.text('AssumedRoleUser', 'Arn') ?? '')?.account ?? answer.account
  if (operation === 'AssumeRoleWithSAML') {
    const nameQualifier = result.text('NameQualifier')
    const subject = result.text('Subject')
    if (nameQualifier === undefined || subject === undefined) return undefined
    return { principal: { kind: 'saml-user', account, nameQualifier, subject } }
  }
  if (operation !== 'AssumeRoleWithWebIdentity') return undefined
  const issuer = result.text('Provider')
  const subject = result.text('SubjectFromWebIdentityToken')
  if (issuer === undefined || subject === undefined) return undefined
  const audience = result.text('Audience') ?? ''
  return { principal: { kind: 'web-identity-user', account, issuer, audience, subject } }
}
