/**
 * Who made a call. `userIdentityOf` (user-identity.ts) turns it into the record's `userIdentity`
 * (reference/capture.md §4, reference/formats.md §1.4).
 */

export interface RootPrincipal {
  readonly kind: 'root'
  readonly account: string
  /** The account's alias, which AWS shows as userName. */
  readonly alias?: string
}

export interface UserPrincipal {
  readonly kind: 'user'
  readonly account: string
  /** AIDA…; '' for a user of an upstream whose id was never seen: then no principalId is written. */
  readonly userId: string
  readonly userName: string
  /** Begins and ends with a slash. */
  readonly path: string
}

export interface RolePrincipal {
  readonly kind: 'assumed-role'
  readonly account: string
  /** AROA… */
  readonly roleId: string
  readonly roleName: string
  readonly path: string
  readonly sessionName: string
}

export interface FederatedPrincipal {
  readonly kind: 'federated-user'
  readonly account: string
  readonly name: string
  readonly issuer: RootPrincipal | UserPrincipal
}

/** Whoever calls AssumeRoleWithSAML itself; an assumed role afterwards. */
export interface SamlPrincipal {
  readonly kind: 'saml-user'
  /** The account of the role. */
  readonly account: string
  readonly nameQualifier: string
  readonly subject: string
}

/** Whoever calls AssumeRoleWithWebIdentity itself; an assumed role afterwards. */
export interface WebIdentityPrincipal {
  readonly kind: 'web-identity-user'
  /** The account of the role. */
  readonly account: string
  /** Issuer or the ARN of the OIDC provider. */
  readonly issuer: string
  readonly audience: string
  readonly subject: string
}

export interface ServicePrincipal {
  readonly kind: 'service'
  /** `cloudtrail.amazonaws.com` */
  readonly service: string
}

/** Nobody is known: no signature, or an unknown key that a setting let through. */
export interface UnknownPrincipal {
  readonly kind: 'anonymous' | 'unknown'
}

export type Principal =
  | RootPrincipal
  | UserPrincipal
  | RolePrincipal
  | FederatedPrincipal
  | SamlPrincipal
  | WebIdentityPrincipal
  | ServicePrincipal
  | UnknownPrincipal

/** What temporary credentials add; absent for long-term keys. */
export interface SessionFacts {
  /** Epoch milliseconds. */
  readonly createdAt: number
  readonly mfaAuthenticated: boolean
  readonly sourceIdentity?: string
  readonly webIdFederation?: {
    readonly provider: string
    readonly attributes: Record<string, string>
  }
}

export interface Caller {
  readonly principal: Principal
  /** Absent for anonymous callers and services. */
  readonly accessKeyId?: string
  readonly session?: SessionFacts
  /** DNS name of the AWS service that makes the call with the principal's rights. */
  readonly invokedBy?: string
}
