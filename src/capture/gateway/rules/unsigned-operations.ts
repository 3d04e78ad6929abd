/**
 * Operations that AWS takes without a signature: the service models mark them `noAuth` (they carry
 * a token of another kind, or none). By signing name.
 */
const UNSIGNED: Readonly<Record<string, ReadonlySet<string>>> = {
  sts: new Set(['AssumeRoleWithSAML', 'AssumeRoleWithWebIdentity']),
  'cognito-identity': new Set([
    'GetCredentialsForIdentity',
    'GetId',
    'GetOpenIdToken',
    'UnlinkIdentity',
  ]),
  'cognito-idp': new Set([
    'AssociateSoftwareToken',
    'ChangePassword',
    'CompleteWebAuthnRegistration',
    'ConfirmDevice',
    'ConfirmForgotPassword',
    'ConfirmSignUp',
    'DeleteUser',
    'DeleteUserAttributes',
    'DeleteWebAuthnCredential',
    'ForgetDevice',
    'ForgotPassword',
    'GetDevice',
    'GetTokensFromRefreshToken',
    'GetUser',
    'GetUserAttributeVerificationCode',
    'GetUserAuthFactors',
    'GlobalSignOut',
    'InitiateAuth',
    'ListDevices',
    'ListWebAuthnCredentials',
    'ResendConfirmationCode',
    'RespondToAuthChallenge',
    'RevokeToken',
    'SetUserMFAPreference',
    'SetUserSettings',
    'SignUp',
    'StartWebAuthnRegistration',
    'UpdateAuthEventFeedback',
    'UpdateDeviceStatus',
    'UpdateUserAttributes',
    'VerifySoftwareToken',
    'VerifyUserAttribute',
  ]),
  'sso-oauth': new Set(['CreateToken', 'RegisterClient', 'StartDeviceAuthorization']),
  awsssoportal: new Set(['GetRoleCredentials', 'ListAccountRoles', 'ListAccounts', 'Logout']),
}

/**
 * S3 takes any operation on a bucket from anybody, and the bucket's policy decides; an unsigned
 * request without a bucket is none of S3's.
 */
export const mayBeUnsigned = (identity: {
  readonly signingName: string
  readonly operation?: string
  readonly bucket?: string
}): boolean => {
  const { signingName, operation, bucket } = identity
  if (signingName === 's3') return bucket !== undefined
  if (operation === undefined || !Object.hasOwn(UNSIGNED, signingName)) return false
  return UNSIGNED[signingName]?.has(operation) === true
}

/** moto's own control path (`POST /moto-api/reset`): no AWS call, so it is not recorded. */
export const isEmulatorControl = (rawPath: string): boolean => rawPath.startsWith('/moto-api/')
