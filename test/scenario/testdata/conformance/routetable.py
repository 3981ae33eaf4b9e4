from kit import *

ec2 = client()
vpc = ec2.create_vpc(CidrBlock="10.40.0.0/16")["Vpc"]["VpcId"]
a, b = [ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.40.{n}.0/24")["Subnet"]["SubnetId"] for n in (1, 2)]
args = dict(VpcId=vpc, ClientToken="conform-table", TagSpecifications=tags("route-table", Name="conform-rtb"))
dry(ec2.create_route_table, **args)
table = ec2.create_route_table(**args)["RouteTable"]
id = table["RouteTableId"]
same(ec2.create_route_table(**args)["RouteTable"]["RouteTableId"], id, "the same token")
refused("IdempotentParameterMismatch", ec2.create_route_table, VpcId=vpc, ClientToken="conform-table")
local = {"DestinationCidrBlock": "10.40.0.0/16", "GatewayId": "local", "Origin": "CreateRouteTable", "State": "active"}
has(table, VpcId=vpc, OwnerId=None, Associations=[], PropagatingVgws=[], Routes=[local], Tags=[{"Key": "Name", "Value": "conform-rtb"}])
tagged(ec2, id, "route-table")

def routes(id=id):
    return [r for r in ec2.describe_route_tables(RouteTableIds=[id])["RouteTables"][0]["Routes"] if r != local]

# Associations.
rtbassoc = ec2.associate_route_table(RouteTableId=id, SubnetId=a)["AssociationId"]
refused("Resource.AlreadyAssociated", ec2.associate_route_table, RouteTableId=id, SubnetId=a)
eventually("it is associated", lambda: ec2.describe_route_tables(RouteTableIds=[id])["RouteTables"][0]["Associations"][0]["AssociationState"]["State"] == "associated")
has(ec2.describe_route_tables(RouteTableIds=[id])["RouteTables"][0]["Associations"][0], Main=False, SubnetId=a, RouteTableId=id, RouteTableAssociationId=rtbassoc)
found(ec2.describe_route_tables, "RouteTables", "RouteTableId", [id], route_table_id=id, association__subnet_id=a, tag___Name="conform-rtb",
      association__route_table_association_id=rtbassoc, also=dict(vpc_id=vpc, association__main="false", route__state="active", route__gateway_id="local"))
main = ec2.describe_route_tables(Filters=where(vpc_id=vpc, association__main="true"))["RouteTables"][0]
mainassoc = main["Associations"][0]["RouteTableAssociationId"]
refused("InvalidParameterValue", ec2.disassociate_route_table, says="main route table", AssociationId=mainassoc)

# Routes: to an interface, a gateway, a peering, a NAT gateway; to ranges and to prefix lists.
igw = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
refused("InvalidParameterValue", ec2.create_route, says="belong to different networks", RouteTableId=id, DestinationCidrBlock="0.0.0.0/0", GatewayId=igw)
ec2.attach_internet_gateway(InternetGatewayId=igw, VpcId=vpc)
dry(ec2.create_route, RouteTableId=id, DestinationCidrBlock="0.0.0.0/0", GatewayId=igw)
same(ec2.create_route(RouteTableId=id, DestinationCidrBlock="0.0.0.0/0", GatewayId=igw)["Return"], True)
refused("RouteAlreadyExists", ec2.create_route, says="The route identified by 0.0.0.0/0 already exists.", RouteTableId=id, DestinationCidrBlock="0.0.0.0/0", GatewayId=igw)
same(routes(), [{"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": igw, "Origin": "CreateRoute", "State": "active"}], "routes")
eni = ec2.create_network_interface(SubnetId=b)["NetworkInterface"]["NetworkInterfaceId"]
nat = ec2.create_nat_gateway(SubnetId=b, ConnectivityType="private")["NatGateway"]["NatGatewayId"]
pl = ec2.create_managed_prefix_list(PrefixListName="conform-routes", MaxEntries=2, AddressFamily="IPv4", Entries=[{"Cidr": "192.0.2.0/24"}])["PrefixList"]["PrefixListId"]
ec2.create_route(RouteTableId=id, DestinationPrefixListId=pl, NatGatewayId=nat)
refused("RouteAlreadyExists", ec2.create_route, RouteTableId=id, DestinationPrefixListId=pl, NatGatewayId=nat)
has(routes()[1], DestinationPrefixListId=pl, NatGatewayId=nat, State="active")
same([x["ResourceId"] for x in ec2.get_managed_prefix_list_associations(PrefixListId=pl)["PrefixListAssociations"]], [id], "who names the list")
refused("DependencyViolation", ec2.delete_managed_prefix_list, PrefixListId=pl)
ec2.replace_route(RouteTableId=id, DestinationPrefixListId=pl, NetworkInterfaceId=eni)
has(routes()[1], DestinationPrefixListId=pl, NetworkInterfaceId=eni, State="blackhole")
refused("InvalidParameterValue", ec2.replace_route, says="Use CreateRoute instead", RouteTableId=id, DestinationCidrBlock="203.0.113.0/24", NetworkInterfaceId=eni)
ec2.delete_route(RouteTableId=id, DestinationPrefixListId=pl)
refused("InvalidRoute.NotFound", ec2.delete_route, says="no route with destination-prefix-list-id", RouteTableId=id, DestinationPrefixListId=pl)
ec2.delete_managed_prefix_list(PrefixListId=pl)

# Within the VPC, only whole subnets, and only through something.
refused("InvalidParameterValue", ec2.create_route, says="This route can target only an interface or an instance.", RouteTableId=id, DestinationCidrBlock="10.40.2.0/24", GatewayId=igw)
refused("InvalidParameterValue", ec2.create_route, RouteTableId=id, DestinationCidrBlock="10.40.2.0/25", NatGatewayId=nat)
ec2.create_route(RouteTableId=id, DestinationCidrBlock="10.40.2.0/24", NatGatewayId=nat)
has(routes()[1], DestinationCidrBlock="10.40.2.0/24", NatGatewayId=nat, State="active")
refused("RouteAlreadyExists", ec2.create_route, RouteTableId=id, DestinationCidrBlock="10.40.0.0/16", NatGatewayId=nat)
refused("InvalidParameterValue", ec2.delete_route, says="cannot remove local route", RouteTableId=id, DestinationCidrBlock="10.40.0.0/16")
refused("InvalidRoute.NotFound", ec2.delete_route, says=f"no route with destination-cidr-block 198.51.100.0/24 in route table {id}", RouteTableId=id, DestinationCidrBlock="198.51.100.0/24")

for reserved in "169.254.168.0/22", "169.254.169.254/32":
    refused("InvalidParameterValue", ec2.create_route, says="reserved range", RouteTableId=id, DestinationCidrBlock=reserved, GatewayId=igw)

# IPv6 has no way here.
eigw = ec2.create_egress_only_internet_gateway(VpcId=vpc, TagSpecifications=tags("egress-only-internet-gateway", a="b"))["EgressOnlyInternetGateway"]
has(eigw, Attachments=[{"State": "attached", "VpcId": vpc}], Tags=[{"Key": "a", "Value": "b"}])
eigw = eigw["EgressOnlyInternetGatewayId"]
tagged(ec2, eigw, "egress-only-internet-gateway")
same(ids(ec2.describe_egress_only_internet_gateways(EgressOnlyInternetGatewayIds=[eigw])["EgressOnlyInternetGateways"], "EgressOnlyInternetGatewayId"), [eigw])
refused("InvalidParameterValue", ec2.create_route, says="no IPv6 CIDR", RouteTableId=id, DestinationIpv6CidrBlock="::/0", EgressOnlyInternetGatewayId=eigw)
refused("InvalidParameterValue", ec2.create_route, says="IPv6 only", RouteTableId=id, DestinationCidrBlock="1.0.0.0/8", EgressOnlyInternetGatewayId=eigw)
dry(ec2.delete_egress_only_internet_gateway, EgressOnlyInternetGatewayId=eigw)
same(ec2.delete_egress_only_internet_gateway(EgressOnlyInternetGatewayId=eigw)["ReturnCode"], True)
refused("InvalidGatewayID.NotFound", ec2.delete_egress_only_internet_gateway, EgressOnlyInternetGatewayId=eigw)

for code, target in ("InvalidGatewayID.NotFound", {"GatewayId": "igw-00000000000000000"}), ("InvalidNatGatewayID.NotFound", {"NatGatewayId": "nat-00000000000000000"}), (
        "InvalidNetworkInterfaceID.NotFound", {"NetworkInterfaceId": "eni-00000000000000000"}), ("InvalidInstanceID.NotFound", {"InstanceId": "i-00000000000000000"}), (
        "InvalidVpcPeeringConnectionID.NotFound", {"VpcPeeringConnectionId": "pcx-00000000000000000"}), ("InvalidTransitGatewayID.NotFound", {"TransitGatewayId": "tgw-00000000000000000"}):
    refused(code, ec2.create_route, RouteTableId=id, DestinationCidrBlock="9.0.0.0/8", **target)

# A target that goes leaves a blackhole.
ec2.delete_nat_gateway(NatGatewayId=nat)
eventually("the NAT gateway is gone", lambda: ec2.describe_nat_gateways(NatGatewayIds=[nat])["NatGateways"][0]["State"] == "deleted")
has(routes()[1], NatGatewayId=nat, State="blackhole")
ec2.detach_internet_gateway(InternetGatewayId=igw, VpcId=vpc)
has(routes()[0], GatewayId=igw, State="blackhole")
ec2.delete_internet_gateway(InternetGatewayId=igw)

# Another main table, and back.
new = ec2.replace_route_table_association(AssociationId=mainassoc, RouteTableId=id)
refused("DependencyViolation", ec2.delete_route_table, says=f"The routeTable '{id}' has dependencies and cannot be deleted.", RouteTableId=id)
same(ec2.describe_route_tables(Filters=where(vpc_id=vpc, association__main="true"))["RouteTables"][0]["RouteTableId"], id, "main table")
ec2.replace_route_table_association(AssociationId=new["NewAssociationId"], RouteTableId=main["RouteTableId"])
refused("DependencyViolation", ec2.delete_route_table, RouteTableId=id)
ec2.disassociate_route_table(AssociationId=rtbassoc)
refused("InvalidAssociationID.NotFound", ec2.disassociate_route_table, AssociationId=rtbassoc)
dry(ec2.delete_route_table, RouteTableId=id)
ec2.delete_route_table(RouteTableId=id)
refused("InvalidRouteTableID.NotFound", ec2.describe_route_tables, says=f"The routeTable ID '{id}' does not exist", RouteTableIds=[id])
more = [ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"] for _ in range(6)]
same(ids(pages(ec2.describe_route_tables, "RouteTables", 5, Filters=where(vpc_id=vpc)), "RouteTableId"), sorted(more + [main["RouteTableId"]]), "pages")
for t in more:
    ec2.delete_route_table(RouteTableId=t)
ec2.delete_network_interface(NetworkInterfaceId=eni)
for s in a, b:
    ec2.delete_subnet(SubnetId=s)
ec2.delete_vpc(VpcId=vpc)
