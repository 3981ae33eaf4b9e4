"""Internet gateways, elastic addresses and NAT gateways."""
from kit import *

ec2 = client()
vpc = ec2.create_vpc(CidrBlock="10.90.0.0/16")["Vpc"]["VpcId"]
subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.90.1.0/24")["Subnet"]["SubnetId"]

args = dict(TagSpecifications=tags("internet-gateway", Name="conform-igw"))
dry(ec2.create_internet_gateway, **args)
igw = ec2.create_internet_gateway(**args)["InternetGateway"]
has(igw, Attachments=[], OwnerId=None, Tags=[{"Key": "Name", "Value": "conform-igw"}])
igw = igw["InternetGatewayId"]
tagged(ec2, igw, "internet-gateway")
refused("Gateway.NotAttached", ec2.detach_internet_gateway, InternetGatewayId=igw, VpcId=vpc)
dry(ec2.attach_internet_gateway, InternetGatewayId=igw, VpcId=vpc)
ec2.attach_internet_gateway(InternetGatewayId=igw, VpcId=vpc)
refused("Resource.AlreadyAssociated", ec2.attach_internet_gateway, says=f"resource {igw} is already attached to network {vpc}", InternetGatewayId=igw, VpcId=vpc)
second = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
refused("InvalidParameterValue", ec2.attach_internet_gateway, says=f"Network {vpc} already has an internet gateway attached", InternetGatewayId=second, VpcId=vpc)
ec2.delete_internet_gateway(InternetGatewayId=second)
eventually("it is attached", lambda: ec2.describe_internet_gateways(InternetGatewayIds=[igw])["InternetGateways"][0]["Attachments"] == [{"State": "available", "VpcId": vpc}])
found(ec2.describe_internet_gateways, "InternetGateways", "InternetGatewayId", [igw], attachment__vpc_id=vpc, internet_gateway_id=igw, tag___Name="conform-igw",
      also=dict(attachment__state="available"))
refused("DependencyViolation", ec2.delete_internet_gateway, says=f"The internetGateway '{igw}' has dependencies and cannot be deleted.", InternetGatewayId=igw)

args = dict(Domain="vpc", TagSpecifications=tags("elastic-ip", Name="conform-eip"))
dry(ec2.allocate_address, **args)
eip = ec2.allocate_address(**args)
has(eip, PublicIp=None, AllocationId=None, Domain="vpc", NetworkBorderGroup=ec2.meta.region_name, PublicIpv4Pool="amazon")
eip, public = eip["AllocationId"], eip["PublicIp"]
tagged(ec2, eip, "elastic-ip")
eni = ec2.create_network_interface(SubnetId=subnet, PrivateIpAddress="10.90.1.9")["NetworkInterface"]["NetworkInterfaceId"]
assoc = ec2.associate_address(AllocationId=eip, NetworkInterfaceId=eni)["AssociationId"]
has(ec2.describe_addresses(AllocationIds=[eip])["Addresses"][0], AllocationId=eip, AssociationId=assoc, Domain="vpc", NetworkInterfaceId=eni, NetworkInterfaceOwnerId=None,
    PrivateIpAddress="10.90.1.9", PublicIp=public, Tags=[{"Key": "Name", "Value": "conform-eip"}])
has(ec2.describe_network_interfaces(NetworkInterfaceIds=[eni])["NetworkInterfaces"][0]["Association"], AllocationId=eip, AssociationId=assoc, PublicIp=public, IpOwnerId=None)
found(ec2.describe_addresses, "Addresses", "AllocationId", [eip], allocation_id=eip, association_id=assoc, network_interface_id=eni, public_ip=public,
      private_ip_address="10.90.1.9", tag___Name="conform-eip", also=dict(domain="vpc"))
same(ids(ec2.describe_addresses(PublicIps=[public])["Addresses"], "AllocationId"), [eip], "by address")
same(ec2.describe_addresses_attribute(AllocationIds=[eip], Attribute="domain-name")["Addresses"], [], "it has no reverse name")
spare = ec2.allocate_address()["AllocationId"]
other = ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
refused("Resource.AlreadyAssociated", ec2.associate_address, AllocationId=eip, NetworkInterfaceId=other, AllowReassociation=False)
refused("InvalidIPAddress.InUse", ec2.release_address, AllocationId=eip)
refused("DependencyViolation", ec2.detach_internet_gateway, says=f"Network {vpc} has some mapped public address(es).", InternetGatewayId=igw, VpcId=vpc)
moved = ec2.associate_address(AllocationId=eip, NetworkInterfaceId=other, AllowReassociation=True)["AssociationId"]
refused("InvalidAssociationID.NotFound", ec2.disassociate_address, AssociationId=assoc)
ec2.disassociate_address(AssociationId=moved)
refused("InvalidAddress.NotFound", ec2.describe_addresses, says="Address '198.19.255.254' not found.", PublicIps=["198.19.255.254"])
offer = ec2.enable_address_transfer(AllocationId=spare, TransferAccountId="123456789012")["AddressTransfer"]
has(offer, AllocationId=spare, TransferAccountId="123456789012", AddressTransferStatus="pending", TransferOfferExpirationTimestamp=None)
same(ec2.describe_address_transfers()["AddressTransfers"], [offer], "transfers")
refused("InvalidAddress.NotFound", ec2.accept_address_transfer, Address=offer["PublicIp"])
has(ec2.disable_address_transfer(AllocationId=spare)["AddressTransfer"], AddressTransferStatus="disabled")
same(ec2.describe_address_transfers(AllocationIds=[spare])["AddressTransfers"], [], "transfers")
for e in eni, other:
    ec2.delete_network_interface(NetworkInterfaceId=e)

args = dict(SubnetId=subnet, AllocationId=eip, ClientToken="conform-nat", TagSpecifications=tags("natgateway", Name="conform-nat"))
dry(ec2.create_nat_gateway, **args)
nat = ec2.create_nat_gateway(**args)["NatGateway"]
id = nat["NatGatewayId"]
same(ec2.create_nat_gateway(**args)["NatGateway"]["NatGatewayId"], id, "the same token")
has(nat, State="pending", SubnetId=subnet, VpcId=vpc, ConnectivityType="public", CreateTime=None)

def described(id=id):
    return ec2.describe_nat_gateways(NatGatewayIds=[id])["NatGateways"][0]

eventually("the NAT gateway is available", lambda: described()["State"] == "available")
address = described()["NatGatewayAddresses"][0]
has(address, AllocationId=eip, PublicIp=public, PrivateIp=None, NetworkInterfaceId=None, AssociationId=None, IsPrimary=True, Status="succeeded")
has(ec2.describe_network_interfaces(NetworkInterfaceIds=[address["NetworkInterfaceId"]])["NetworkInterfaces"][0], Description=f"Interface for NAT Gateway {id}",
    InterfaceType="nat_gateway", RequesterManaged=True, SourceDestCheck=False, Status="in-use")
tagged(ec2, id, "natgateway")
same(ids(ec2.describe_nat_gateways(Filter=where(vpc_id=vpc, state="available", subnet_id=subnet, tag___Name="conform-nat"))["NatGateways"], "NatGatewayId"), [id], "filters")
refused("AuthFailure", ec2.disassociate_address, AssociationId=address["AssociationId"])
refused("OperationNotPermitted", ec2.delete_network_interface, NetworkInterfaceId=address["NetworkInterfaceId"])
refused("MissingParameter", ec2.create_nat_gateway, SubnetId=subnet)

# Secondary addresses.
more = ec2.associate_nat_gateway_address(NatGatewayId=id, AllocationIds=[spare])["NatGatewayAddresses"]
has(more[0], AllocationId=spare, IsPrimary=False, AssociationId=None, PrivateIp=None)
eventually("the address works", lambda: [a["Status"] for a in described()["NatGatewayAddresses"]] == ["succeeded", "succeeded"])
same(described()["State"], "available")
refused("InvalidParameterValue", ec2.disassociate_nat_gateway_address, NatGatewayId=id, AssociationIds=[address["AssociationId"]])
gone = ec2.disassociate_nat_gateway_address(NatGatewayId=id, AssociationIds=[more[0]["AssociationId"]])["NatGatewayAddresses"]
has(gone[0], Status="disassociating", AllocationId=spare)
same(len(described()["NatGatewayAddresses"]), 1, "addresses")
ec2.release_address(AllocationId=spare)
private = ec2.create_nat_gateway(SubnetId=subnet, ConnectivityType="private", SecondaryPrivateIpAddressCount=1)["NatGateway"]["NatGatewayId"]
ec2.assign_private_nat_gateway_address(NatGatewayId=private, PrivateIpAddresses=["10.90.1.200"])
same([a["IsPrimary"] for a in described(private)["NatGatewayAddresses"]], [True, False, False], "addresses of a private one")
ec2.unassign_private_nat_gateway_address(NatGatewayId=private, PrivateIpAddresses=["10.90.1.200"])
refused("InvalidParameterCombination", ec2.create_nat_gateway, SubnetId=subnet, ConnectivityType="private", AllocationId=eip)

# A gateway that cannot work is made, and fails.
lost = ec2.create_nat_gateway(SubnetId=subnet, AllocationId=eip)["NatGateway"]["NatGatewayId"]
has(described(lost), State="failed", FailureCode="Resource.AlreadyAssociated", FailureMessage=None)

refused("DependencyViolation", ec2.delete_subnet, SubnetId=subnet)
dry(ec2.delete_nat_gateway, NatGatewayId=id)
for n in id, private, lost:
    same(ec2.delete_nat_gateway(NatGatewayId=n)["NatGatewayId"], n)
    eventually("the NAT gateway is gone", lambda: described(n)["State"] == "deleted")
refused("NatGatewayNotFound", ec2.delete_nat_gateway, says="nat-00000000000000000 was not found", NatGatewayId="nat-00000000000000000")
dry(ec2.release_address, AllocationId=eip)
ec2.release_address(AllocationId=eip)
refused("InvalidAllocationID.NotFound", ec2.release_address, AllocationId=eip)
ec2.detach_internet_gateway(InternetGatewayId=igw, VpcId=vpc)
ec2.delete_internet_gateway(InternetGatewayId=igw)
refused("InvalidInternetGatewayID.NotFound", ec2.describe_internet_gateways, InternetGatewayIds=[igw])
ec2.delete_subnet(SubnetId=subnet)
ec2.delete_vpc(VpcId=vpc)
