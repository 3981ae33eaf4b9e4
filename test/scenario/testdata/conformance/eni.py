from kit import *

ec2 = client()
vpc = ec2.create_vpc(CidrBlock="10.80.0.0/16")["Vpc"]["VpcId"]
ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.80.1.0/24")["Subnet"]["SubnetId"]
group = ec2.create_security_group(GroupName="eni", Description="eni", VpcId=vpc)["GroupId"]
args = dict(SubnetId=subnet, PrivateIpAddress="10.80.1.50", Groups=[group], Description="conform", ClientToken="conform-eni",
            TagSpecifications=tags("network-interface", Name="conform-eni"))
dry(ec2.create_network_interface, **args)
eni = ec2.create_network_interface(**args)["NetworkInterface"]
id = eni["NetworkInterfaceId"]
same(ec2.create_network_interface(**args)["NetworkInterface"]["NetworkInterfaceId"], id, "the same token")
refused("IdempotentParameterMismatch", ec2.create_network_interface, **{**args, "Description": "other"})
refused("InvalidIPAddress.InUse", ec2.create_network_interface, says="10.80.1.50", SubnetId=subnet, PrivateIpAddress="10.80.1.50")
refused("InvalidParameterValue", ec2.create_network_interface, says="reserved", SubnetId=subnet, PrivateIpAddress="10.80.1.2")
refused("InvalidParameterValue", ec2.create_network_interface, says="does not fall within the subnet's address range", SubnetId=subnet, PrivateIpAddress="10.81.1.5")
region = ec2.meta.region_name
domain = "ec2.internal" if region == "us-east-1" else region + ".compute.internal"
eni = ec2.describe_network_interfaces(NetworkInterfaceIds=[id])["NetworkInterfaces"][0]
has(eni, AvailabilityZone=None, Description="conform", Groups=[{"GroupName": "eni", "GroupId": group}], InterfaceType="interface", MacAddress=None, OwnerId=None,
    PrivateDnsName="ip-10-80-1-50." + domain, PrivateIpAddress="10.80.1.50", RequesterManaged=False, SourceDestCheck=True, Status="available", SubnetId=subnet,
    VpcId=vpc, TagSet=[{"Key": "Name", "Value": "conform-eni"}], Ipv6Addresses=[])
same([(a["PrivateIpAddress"], a["Primary"]) for a in eni["PrivateIpAddresses"]], [("10.80.1.50", True)], "addresses")
tagged(ec2, id, "network-interface")

# Addresses and prefixes.
more = ec2.assign_private_ip_addresses(NetworkInterfaceId=id, SecondaryPrivateIpAddressCount=2)["AssignedPrivateIpAddresses"]
same(len(more), 2, "the number of addresses")
ec2.assign_private_ip_addresses(NetworkInterfaceId=id, Ipv4PrefixCount=1)
eni = ec2.describe_network_interfaces(NetworkInterfaceIds=[id])["NetworkInterfaces"][0]
same(len(eni["PrivateIpAddresses"]), 3, "addresses")
same(eni["Ipv4Prefixes"][0]["Ipv4Prefix"].rsplit("/", 1)[1], "28", "prefix")
refused("InvalidParameterValue", ec2.unassign_private_ip_addresses, NetworkInterfaceId=id, PrivateIpAddresses=["10.80.1.50"])
ec2.unassign_private_ip_addresses(NetworkInterfaceId=id, PrivateIpAddresses=[more[0]["PrivateIpAddress"]])
ec2.unassign_private_ip_addresses(NetworkInterfaceId=id, Ipv4Prefixes=[eni["Ipv4Prefixes"][0]["Ipv4Prefix"]])

# Attributes, one a call.
ec2.modify_network_interface_attribute(NetworkInterfaceId=id, SourceDestCheck={"Value": False})
same(ec2.describe_network_interface_attribute(NetworkInterfaceId=id, Attribute="sourceDestCheck")["SourceDestCheck"], {"Value": False})
ec2.reset_network_interface_attribute(NetworkInterfaceId=id, SourceDestCheck="true")
has(ec2.describe_network_interfaces(NetworkInterfaceIds=[id])["NetworkInterfaces"][0], SourceDestCheck=True)
ec2.modify_network_interface_attribute(NetworkInterfaceId=id, Description={"Value": "changed"})
same(ec2.describe_network_interface_attribute(NetworkInterfaceId=id, Attribute="description")["Description"], {"Value": "changed"})
default = ec2.describe_security_groups(Filters=where(vpc_id=vpc, group_name="default"))["SecurityGroups"][0]["GroupId"]
ec2.modify_network_interface_attribute(NetworkInterfaceId=id, Groups=[default, group])
same(sorted(g["GroupId"] for g in ec2.describe_network_interface_attribute(NetworkInterfaceId=id, Attribute="groupSet")["Groups"]), sorted([default, group]), "groups")
refused("InvalidParameterCombination", ec2.modify_network_interface_attribute, NetworkInterfaceId=id, SourceDestCheck={"Value": False}, Description={"Value": "x"})
found(ec2.describe_network_interfaces, "NetworkInterfaces", "NetworkInterfaceId", [id], network_interface_id=id, tag___Name="conform-eni", subnet_id=subnet, vpc_id=vpc,
      mac_address=eni["MacAddress"], group_id=group, private_dns_name="ip-10-80-1-50.*",
      also=dict(status="available", addresses__private_ip_address="10.80.1.50", private_ip_address="10.80.1.50", description="changed", requester_managed="false",
                source_dest_check="true", group_name="eni", owner_id=eni["OwnerId"], availability_zone=eni["AvailabilityZone"], addresses__primary="true",
                interface_type="interface"))
others = [ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"] for _ in range(6)]
same(ids(pages(ec2.describe_network_interfaces, "NetworkInterfaces", 5, Filters=where(vpc_id=vpc)), "NetworkInterfaceId"), sorted(others + [id]), "pages")
for o in others:
    ec2.delete_network_interface(NetworkInterfaceId=o)
refused("InvalidNetworkInterfaceID.NotFound", ec2.delete_network_interface, says="The networkInterface ID 'eni-00000000000000000' does not exist", NetworkInterfaceId="eni-00000000000000000")
dry(ec2.delete_network_interface, NetworkInterfaceId=id)
ec2.delete_network_interface(NetworkInterfaceId=id)
refused("InvalidNetworkInterfaceID.NotFound", ec2.describe_network_interfaces, NetworkInterfaceIds=[id])
ec2.delete_security_group(GroupId=group)
ec2.delete_subnet(SubnetId=subnet)
ec2.delete_vpc(VpcId=vpc)
