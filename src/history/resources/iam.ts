/** IAM and STS (reference/formats.md §7: CreateUser has three users, reads have none). */
import { onEveryCall, onWrites, type ResourceRule } from './resource-rule.ts'

export const IAM_RULES: Readonly<Record<string, readonly ResourceRule[]>> = {
  'iam.amazonaws.com': [
    onWrites('AWS::IAM::AccessKey', 'request.accessKeyId', 'response.accessKey.accessKeyId'),
    onWrites(
      'AWS::IAM::User',
      'request.userName',
      'response.user.userName',
      'response.user.arn',
      'response.user.userId',
      'response.accessKey.userName',
    ),
    onWrites(
      'AWS::IAM::Role',
      'request.roleName',
      'response.role.roleName',
      'response.role.arn',
      'response.role.roleId',
    ),
    onWrites(
      'AWS::IAM::Group',
      'request.groupName',
      'response.group.groupName',
      'response.group.arn',
      'response.group.groupId',
    ),
    onWrites(
      'AWS::IAM::Policy',
      'request.policyArn',
      'request.policyName',
      'response.policy.policyName',
      'response.policy.arn',
      'response.policy.policyId',
    ),
    onWrites(
      'AWS::IAM::InstanceProfile',
      'request.instanceProfileName',
      'response.instanceProfile.instanceProfileName',
      'response.instanceProfile.arn',
      'response.instanceProfile.instanceProfileId',
    ),
    onWrites('AWS::IAM::MFADevice', 'request.serialNumber'),
    onWrites('AWS::IAM::ServerCertificate', 'request.serverCertificateName'),
    onWrites('AWS::IAM::SAMLProvider', 'request.sAMLProviderArn', 'response.sAMLProviderArn'),
    onWrites(
      'AWS::IAM::OIDCProvider',
      'request.openIDConnectProviderArn',
      'response.openIDConnectProviderArn',
    ),
  ],
  'sts.amazonaws.com': [
    onEveryCall('AWS::IAM::AccessKey', 'response.credentials.accessKeyId'),
    onEveryCall(
      'AWS::STS::AssumedRole',
      'response.assumedRoleUser.assumedRoleId',
      'response.assumedRoleUser.arn',
    ),
    onEveryCall(
      'AWS::STS::FederatedUser',
      'response.federatedUser.federatedUserId',
      'response.federatedUser.arn',
    ),
    onEveryCall('AWS::IAM::Role', 'request.roleArn'),
  ],
}
