from kit import *

ec2 = client()
vpc = ec2.create_vpc(CidrBlock="10.30.0.0/16")["Vpc"]["VpcId"]
zone = ec2.describe_availability_zones()["AvailabilityZones"][0]
args = dict(VpcId=vpc, CidrBlock="10.30.1.9/24", AvailabilityZone=zone["ZoneName"], TagSpecifications=tags("subnet", Name="conform"))
dry(ec2.create_subnet, **args)
subnet = ec2.create_subnet(**args)["Subnet"]
id = subnet["SubnetId"]
eventually("the subnet is available", lambda: ec2.describe_subnets(SubnetIds=[id])["Subnets"][0]["State"] == "available")
has(ec2.describe_subnets(SubnetIds=[id])["Subnets"][0], CidrBlock="10.30.1.0/24", VpcId=vpc, AvailableIpAddressCount=251, MapPublicIpOnLaunch=False,
    DefaultForAz=False, AssignIpv6AddressOnCreation=False, Ipv6CidrBlockAssociationSet=[], EnableDns64=False, Ipv6Native=False, OwnerId=None,
    AvailabilityZone=zone["ZoneName"], AvailabilityZoneId=zone["ZoneId"], Tags=[{"Key": "Name", "Value": "conform"}], SubnetArn=None,
    PrivateDnsNameOptionsOnLaunch={"HostnameType": "ip-name", "EnableResourceNameDnsARecord": False, "EnableResourceNameDnsAAAARecord": False})
same(subnet["SubnetArn"].rsplit("/", 1)[1], id, "ARN")

ec2.modify_subnet_attribute(SubnetId=id, MapPublicIpOnLaunch={"Value": True})
has(ec2.describe_subnets(SubnetIds=[id])["Subnets"][0], MapPublicIpOnLaunch=True)
refused("InvalidParameterCombination", ec2.modify_subnet_attribute, SubnetId=id, MapPublicIpOnLaunch={"Value": True}, EnableDns64={"Value": False})
tagged(ec2, id, "subnet")
found(ec2.describe_subnets, "Subnets", "SubnetId", [id], vpc_id=vpc, cidr_block="10.30.1.0/24", subnet_id=id,
      subnet_arn=subnet["SubnetArn"], also=dict(tag___Name="c*m", available_ip_address_count="251", state="available", availability_zone=zone["ZoneName"],
      availability_zone_id=zone["ZoneId"], default_for_az="false", owner_id=subnet["OwnerId"]))

refused("InvalidSubnet.Conflict", ec2.create_subnet, says="conflicts with another subnet", VpcId=vpc, CidrBlock="10.30.1.128/25")
refused("InvalidSubnet.Range", ec2.create_subnet, VpcId=vpc, CidrBlock="10.31.0.0/24")
refused("InvalidSubnet.Range", ec2.create_subnet, VpcId=vpc, CidrBlock="10.30.2.0/29")
refused("InvalidParameterValue", ec2.create_subnet, says="Subnets can currently only be created in the following availability zones",
        VpcId=vpc, CidrBlock="10.30.2.0/24", AvailabilityZone=zone["ZoneName"][:-1] + "z")
refused("InvalidVpcID.NotFound", ec2.create_subnet, VpcId="vpc-00000000000000000", CidrBlock="10.30.2.0/24")

more = [ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.30.{n}.0/28")["Subnet"]["SubnetId"] for n in range(10, 16)]
same(ids(pages(ec2.describe_subnets, "Subnets", 5, Filters=where(vpc_id=vpc)), "SubnetId"), sorted(more + [id]), "pages")
same({s["AvailableIpAddressCount"] for s in ec2.describe_subnets(SubnetIds=more)["Subnets"]}, {11}, "addresses of a /28")

# Reservations of ranges.
kept = ec2.create_subnet_cidr_reservation(SubnetId=id, Cidr="10.30.1.64/28", ReservationType="prefix", Description="kept")["SubnetCidrReservation"]
has(kept, Cidr="10.30.1.64/28", ReservationType="prefix", Description="kept", SubnetId=id, OwnerId=None)
same(len(ec2.get_subnet_cidr_reservations(SubnetId=id)["SubnetIpv4CidrReservations"]), 1, "reservations")
ec2.delete_subnet_cidr_reservation(SubnetCidrReservationId=kept["SubnetCidrReservationId"])

eni = ec2.create_network_interface(SubnetId=id)["NetworkInterface"]["NetworkInterfaceId"]
has(ec2.describe_subnets(SubnetIds=[id])["Subnets"][0], AvailableIpAddressCount=250)
refused("DependencyViolation", ec2.delete_subnet, says=f"The subnet '{id}' has dependencies and cannot be deleted.", SubnetId=id)
ec2.delete_network_interface(NetworkInterfaceId=eni)
dry(ec2.delete_subnet, SubnetId=id)
for s in more + [id]:
    ec2.delete_subnet(SubnetId=s)
refused("InvalidSubnetID.NotFound", ec2.delete_subnet, says=f"The subnet ID '{id}' does not exist", SubnetId=id)
ec2.delete_vpc(VpcId=vpc)
