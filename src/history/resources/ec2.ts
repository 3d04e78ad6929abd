/**
 * EC2: AWS lists, for calls that change something, the ids that request and response name, at any
 * depth; reads have none (LookupEvents answers in the data set of reference/formats.md §7: Describe
 * with an instance id → [], RunInstances → the eight resources in this table's order).
 */
import { isObject, type JsonObject } from '../json.ts'
import type { ResourceList } from './resource-rule.ts'

/** Member name → type, in the order of the answer. */
const TYPE_OF_MEMBER: readonly (readonly [string, string])[] = [
  ['vpcId', 'AWS::EC2::VPC'],
  ['imageId', 'AWS::EC2::Ami'],
  ['networkInterfaceId', 'AWS::EC2::NetworkInterface'],
  ['instanceId', 'AWS::EC2::Instance'],
  ['keyName', 'AWS::EC2::KeyPair'],
  ['groupName', 'AWS::EC2::SecurityGroup'],
  ['groupId', 'AWS::EC2::SecurityGroup'],
  ['subnetId', 'AWS::EC2::Subnet'],
  ['volumeId', 'AWS::EC2::Volume'],
  ['snapshotId', 'AWS::EC2::Snapshot'],
  ['routeTableId', 'AWS::EC2::RouteTable'],
  ['internetGatewayId', 'AWS::EC2::InternetGateway'],
  ['natGatewayId', 'AWS::EC2::NatGateway'],
  ['networkAclId', 'AWS::EC2::NetworkAcl'],
  ['allocationId', 'AWS::EC2::EIP'],
  ['publicIp', 'AWS::EC2::EIP'],
  ['customerGatewayId', 'AWS::EC2::CustomerGateway'],
  ['vpnGatewayId', 'AWS::EC2::VPNGateway'],
  ['vpnConnectionId', 'AWS::EC2::VPNConnection'],
  ['vpcEndpointId', 'AWS::EC2::VPCEndpoint'],
  ['vpcPeeringConnectionId', 'AWS::EC2::VPCPeeringConnection'],
  ['dhcpOptionsId', 'AWS::EC2::DHCPOptions'],
  ['flowLogId', 'AWS::EC2::FlowLog'],
  ['launchTemplateId', 'AWS::EC2::LaunchTemplate'],
  ['transitGatewayId', 'AWS::EC2::TransitGateway'],
]
const MEMBERS = new Set(TYPE_OF_MEMBER.map(([member]) => member))

/** Ids of a list without types (CreateTags names `resourceId`). */
const MEMBER_OF_PREFIX: ReadonlyMap<string, string> = new Map(
  Object.entries({
    ami: 'imageId',
    acl: 'networkAclId',
    eipalloc: 'allocationId',
    eni: 'networkInterfaceId',
    i: 'instanceId',
    igw: 'internetGatewayId',
    nat: 'natGatewayId',
    rtb: 'routeTableId',
    sg: 'groupId',
    snap: 'snapshotId',
    subnet: 'subnetId',
    vol: 'volumeId',
    vpc: 'vpcId',
  }),
)

/** Deeper structures name no resource; a hostile record may be as deep as its size allows. */
const DEPTH_MAX = 8

type Found = Map<string, string[]>

const note = (found: Found, name: string, value: string): void => {
  // EC2's newer operations keep the capital of the wire: `VpcId`.
  const member = name.charAt(0).toLowerCase() + name.slice(1)
  const known = MEMBERS.has(member)
    ? member
    : member === 'resourceId'
      ? MEMBER_OF_PREFIX.get(value.slice(0, value.indexOf('-')))
      : undefined
  if (known === undefined) return
  const values = found.get(known)
  if (values === undefined) found.set(known, [value])
  else values.push(value)
}

const walk = (value: unknown, depth: number, found: Found): void => {
  if (depth > DEPTH_MAX) return
  if (Array.isArray(value)) {
    for (const item of value) walk(item, depth + 1, found)
    return
  }
  if (!isObject(value)) return
  for (const name in value) {
    const inner = value[name]
    if (typeof inner === 'string') note(found, name, inner)
    else if (typeof inner === 'object') walk(inner, depth + 1, found)
  }
}

export const ec2Resources = (record: JsonObject, list: ResourceList): void => {
  if (record.readOnly === true || record.readOnly === 'true') return
  const found: Found = new Map()
  walk(record.requestParameters, 0, found)
  walk(record.responseElements, 0, found)
  for (const [member, type] of TYPE_OF_MEMBER) {
    for (const name of found.get(member) ?? []) list.add(type, name)
  }
}
