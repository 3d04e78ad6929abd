/**
 * EC2 operations that existed in API version 2014-10-01 or before. Their records have the names of
 * the SOAP API; those of every later operation are wrapped in `<Operation>Request` (94 of 94
 * sampled operations, reference/capture.md §1.4).
 */

const EARLY: Readonly<Record<string, string>> = {
  Accept: 'VpcPeeringConnection',
  Allocate: 'Address',
  Assign: 'PrivateIpAddresses',
  Associate: 'Address DhcpOptions RouteTable',
  Attach: 'ClassicLinkVpc InternetGateway NetworkInterface Volume VpnGateway',
  Authorize: 'SecurityGroupEgress SecurityGroupIngress',
  Bundle: 'Instance',
  Cancel: 'BundleTask ConversionTask ExportTask ReservedInstancesListing SpotInstanceRequests',
  Confirm: 'ProductInstance',
  Copy: 'Image Snapshot',
  Create:
    'CustomerGateway DhcpOptions Image InstanceExportTask InternetGateway KeyPair NetworkAcl NetworkAclEntry NetworkInterface PlacementGroup ReservedInstancesListing Route RouteTable SecurityGroup Snapshot SpotDatafeedSubscription Subnet Tags Volume Vpc VpcPeeringConnection VpnConnection VpnConnectionRoute VpnGateway',
  Delete:
    'CustomerGateway DhcpOptions InternetGateway KeyPair NetworkAcl NetworkAclEntry NetworkInterface PlacementGroup Route RouteTable SecurityGroup Snapshot SpotDatafeedSubscription Subnet Tags Volume Vpc VpcPeeringConnection VpnConnection VpnConnectionRoute VpnGateway',
  Deregister: 'Image',
  Describe:
    'AccountAttributes Addresses AvailabilityZones BundleTasks ClassicLinkInstances ConversionTasks CustomerGateways DhcpOptions ExportTasks ImageAttribute Images InstanceAttribute InstanceStatus Instances InternetGateways KeyPairs NetworkAcls NetworkInterfaceAttribute NetworkInterfaces PlacementGroups Regions ReservedInstances ReservedInstancesListings ReservedInstancesModifications ReservedInstancesOfferings RouteTables SecurityGroups SnapshotAttribute Snapshots SpotDatafeedSubscription SpotInstanceRequests SpotPriceHistory Subnets Tags VolumeAttribute VolumeStatus Volumes VpcAttribute VpcClassicLink VpcPeeringConnections Vpcs VpnConnections VpnGateways',
  Detach: 'ClassicLinkVpc InternetGateway NetworkInterface Volume VpnGateway',
  Disable: 'VgwRoutePropagation VpcClassicLink',
  Disassociate: 'Address RouteTable',
  Enable: 'VgwRoutePropagation VolumeIO VpcClassicLink',
  Get: 'ConsoleOutput PasswordData',
  Import: 'Instance KeyPair Volume',
  Modify:
    'ImageAttribute InstanceAttribute NetworkInterfaceAttribute ReservedInstances SnapshotAttribute SubnetAttribute VolumeAttribute VpcAttribute',
  Monitor: 'Instances',
  Purchase: 'ReservedInstancesOffering',
  Reboot: 'Instances',
  Register: 'Image',
  Reject: 'VpcPeeringConnection',
  Release: 'Address',
  Replace: 'NetworkAclAssociation NetworkAclEntry Route RouteTableAssociation',
  Report: 'InstanceStatus',
  Request: 'SpotInstances',
  Reset: 'ImageAttribute InstanceAttribute NetworkInterfaceAttribute SnapshotAttribute',
  Revoke: 'SecurityGroupEgress SecurityGroupIngress',
  Run: 'Instances',
  Start: 'Instances',
  Stop: 'Instances',
  Terminate: 'Instances',
  Unassign: 'PrivateIpAddresses',
  Unmonitor: 'Instances',
}

const LEGACY = new Set(
  Object.entries(EARLY).flatMap(([verb, nouns]) => nouns.split(' ').map((noun) => verb + noun)),
)

export const isLegacyEc2 = (operation: string): boolean => LEGACY.has(operation)
