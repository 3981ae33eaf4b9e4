from kit import *

for nobodys in "0.0.0.0/16", "127.0.0.0/16", "169.254.0.0/16", "224.0.0.0/16", "240.0.0.0/16":
    refused("InvalidVpc.Range", client().create_vpc, CidrBlock=nobodys)

ec2 = client()
args = dict(CidrBlock="10.20.3.7/16", TagSpecifications=tags("vpc", Name="conform-vpc", kind="x"))
dry(ec2.create_vpc, **args)
vpc = ec2.create_vpc(**args)["Vpc"]
id = vpc["VpcId"]
has(vpc, CidrBlock="10.20.0.0/16", State="pending", IsDefault=False, InstanceTenancy="default", DhcpOptionsId=None, OwnerId=None)
eventually("the VPC is available", lambda: ec2.describe_vpcs(VpcIds=[id])["Vpcs"][0]["State"] == "available")
vpc = ec2.describe_vpcs(VpcIds=[id])["Vpcs"][0]
has(vpc, CidrBlock="10.20.0.0/16", Tags=[{"Key": "Name", "Value": "conform-vpc"}, {"Key": "kind", "Value": "x"}])
block = vpc["CidrBlockAssociationSet"]
same([(b["CidrBlock"], b["CidrBlockState"]["State"]) for b in block], [("10.20.0.0/16", "associated")], "blocks")

# What comes with it.
mine = where(vpc_id=id)
tables = ec2.describe_route_tables(Filters=mine)["RouteTables"]
same([[a["Main"] for a in t["Associations"]] for t in tables], [[True]], "main route table")
same(tables[0]["Routes"], [{"DestinationCidrBlock": "10.20.0.0/16", "GatewayId": "local", "Origin": "CreateRouteTable", "State": "active"}], "routes")
groups = ec2.describe_security_groups(Filters=mine)["SecurityGroups"]
same([(g["GroupName"], g["Description"]) for g in groups], [("default", "default VPC security group")], "groups")
acls = ec2.describe_network_acls(Filters=mine)["NetworkAcls"]
same([a["IsDefault"] for a in acls], [True], "ACLs")

for name, want in ("enableDnsSupport", True), ("enableDnsHostnames", False), ("enableNetworkAddressUsageMetrics", False):
    got = ec2.describe_vpc_attribute(VpcId=id, Attribute=name)
    same(got[name[0].upper() + name[1:]]["Value"], want, name)
ec2.modify_vpc_attribute(VpcId=id, EnableDnsHostnames={"Value": True})
same(ec2.describe_vpc_attribute(VpcId=id, Attribute="enableDnsHostnames")["EnableDnsHostnames"], {"Value": True})
refused("InvalidParameterCombination", ec2.modify_vpc_attribute, VpcId=id, EnableDnsHostnames={"Value": True}, EnableDnsSupport={"Value": True})

# Further ranges.
more = ec2.associate_vpc_cidr_block(VpcId=id, CidrBlock="10.21.0.0/16")["CidrBlockAssociation"]
has(more, CidrBlock="10.21.0.0/16", AssociationId=None)
refused("InvalidVpc.Range", ec2.associate_vpc_cidr_block, VpcId=id, CidrBlock="10.0.0.0/8")
refused("OperationNotPermitted", ec2.disassociate_vpc_cidr_block, says="primary", AssociationId=block[0]["AssociationId"])
subnet = ec2.create_subnet(VpcId=id, CidrBlock="10.21.1.0/24")["Subnet"]["SubnetId"]
refused("InvalidCidrBlock.InUse", ec2.disassociate_vpc_cidr_block, AssociationId=more["AssociationId"])

tagged(ec2, id, "vpc")
found(ec2.describe_vpcs, "Vpcs", "VpcId", [id], vpc_id=id, cidr="10.20.0.0/16", cidr_block_association__cidr_block="10.21.*",
      tag___Name="conform-v??", tag___kind="x", cidr_block_association__association_id=block[0]["AssociationId"],
      also=dict(state="available", is_default="false", tag_key="kind", owner_id=vpc["OwnerId"], dhcp_options_id=vpc["DhcpOptionsId"]))
same(len(ec2.describe_vpcs(Filters=where(tag___Name=["other", "conform\\-vpc", "conform*"]))["Vpcs"]), 1, "one of several values")
same(ec2.describe_vpcs(Filters=where(tag___Name="CONFORM-VPC"))["Vpcs"], [], "values in another case")

others = [ec2.create_vpc(CidrBlock="10.20.0.0/16", TagSpecifications=tags("vpc", paged="yes"))["Vpc"]["VpcId"] for _ in range(6)]
same(ids(pages(ec2.describe_vpcs, "Vpcs", 5, Filters=where(tag___paged="yes")), "VpcId"), sorted(others), "pages")
refused("InvalidParameterValue", client(checked=False).describe_vpcs, MaxResults=4)
for o in others:
    ec2.delete_vpc(VpcId=o)

refused("InvalidParameterValue", ec2.create_vpc, says="is invalid", CidrBlock="10.0.0.0.0")
refused("InvalidVpc.Range", ec2.create_vpc, says="The CIDR '10.0.0.0/8' is invalid.", CidrBlock="10.0.0.0/8")
refused("InvalidVpc.Range", ec2.create_vpc, CidrBlock="10.0.0.0/29")
refused("InvalidParameterValue", ec2.create_vpc, says="is not a valid taggable resource type", CidrBlock="10.0.0.0/16", TagSpecifications=tags("subnet", a="b"))
refused("InvalidVpcID.NotFound", ec2.describe_vpcs, says="The vpc ID 'vpc-00000000000000000' does not exist", VpcIds=["vpc-00000000000000000", id])
refused("InvalidVpcID.Malformed", ec2.delete_vpc, VpcId="vpc-x")

same(ec2.modify_vpc_tenancy(VpcId=id, InstanceTenancy="default")["ReturnValue"], True, "tenancy")

# Everything that keeps it.
refused("DependencyViolation", ec2.delete_vpc, says=f"The vpc '{id}' has dependencies and cannot be deleted.", VpcId=id)
ec2.delete_subnet(SubnetId=subnet)
ec2.disassociate_vpc_cidr_block(AssociationId=more["AssociationId"])
keepers = [
    (ec2.create_security_group(GroupName="keeper", Description="keeper", VpcId=id)["GroupId"], lambda x: ec2.delete_security_group(GroupId=x)),
    (ec2.create_route_table(VpcId=id)["RouteTable"]["RouteTableId"], lambda x: ec2.delete_route_table(RouteTableId=x)),
    (ec2.create_network_acl(VpcId=id)["NetworkAcl"]["NetworkAclId"], lambda x: ec2.delete_network_acl(NetworkAclId=x)),
    (ec2.create_egress_only_internet_gateway(VpcId=id)["EgressOnlyInternetGateway"]["EgressOnlyInternetGatewayId"],
     lambda x: ec2.delete_egress_only_internet_gateway(EgressOnlyInternetGatewayId=x)),
]
for keeper, drop in keepers:
    refused("DependencyViolation", ec2.delete_vpc, VpcId=id)
    drop(keeper)
dry(ec2.delete_vpc, VpcId=id)
ec2.delete_vpc(VpcId=id)
refused("InvalidVpcID.NotFound", ec2.delete_vpc, VpcId=id)
