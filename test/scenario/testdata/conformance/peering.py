from kit import *

ec2 = client()
a, b = [ec2.create_vpc(CidrBlock=f"10.{n}.0.0/16")["Vpc"]["VpcId"] for n in (110, 111)]
args = dict(VpcId=a, PeerVpcId=b, TagSpecifications=tags("vpc-peering-connection", Name="conform-pcx"))
dry(ec2.create_vpc_peering_connection, **args)
pcx = ec2.create_vpc_peering_connection(**args)["VpcPeeringConnection"]
id = pcx["VpcPeeringConnectionId"]
same(pcx["Status"]["Code"] in ("initiating-request", "pending-acceptance"), True, "new status")

def described(id=id):
    return ec2.describe_vpc_peering_connections(VpcPeeringConnectionIds=[id])["VpcPeeringConnections"][0]

has(described(), ExpirationTime=None, Tags=[{"Key": "Name", "Value": "conform-pcx"}])
has(described()["RequesterVpcInfo"], CidrBlock="10.110.0.0/16", CidrBlockSet=[{"CidrBlock": "10.110.0.0/16"}], OwnerId=None, VpcId=a, Region=ec2.meta.region_name)
same("CidrBlock" in described()["AccepterVpcInfo"], False, "the accepter's range before it accepts")
same(described()["Status"]["Code"], "pending-acceptance", "status")
tagged(ec2, id, "vpc-peering-connection")
options = dict(VpcPeeringConnectionId=id, RequesterPeeringConnectionOptions={"AllowDnsResolutionFromRemoteVpc": True})
refused("OperationNotPermitted", ec2.modify_vpc_peering_connection_options, **options)
dry(ec2.accept_vpc_peering_connection, VpcPeeringConnectionId=id)
ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=id)
eventually("the peering is active", lambda: described()["Status"] == {"Code": "active", "Message": "Active"})
has(described()["AccepterVpcInfo"], CidrBlock="10.111.0.0/16", VpcId=b, PeeringOptions=None)
refused("InvalidStateTransition", ec2.accept_vpc_peering_connection, says=f"VpcPeeringConnectionID {id} is not in the correct state for the request.", VpcPeeringConnectionId=id)
refused("InvalidStateTransition", ec2.reject_vpc_peering_connection, VpcPeeringConnectionId=id)
for v in a, b:
    ec2.modify_vpc_attribute(VpcId=v, EnableDnsHostnames={"Value": True})
got = ec2.modify_vpc_peering_connection_options(AccepterPeeringConnectionOptions={"AllowDnsResolutionFromRemoteVpc": True}, **options)
same(got["RequesterPeeringConnectionOptions"]["AllowDnsResolutionFromRemoteVpc"], True)
same(described()["AccepterVpcInfo"]["PeeringOptions"]["AllowDnsResolutionFromRemoteVpc"], True)
found(ec2.describe_vpc_peering_connections, "VpcPeeringConnections", "VpcPeeringConnectionId", [id], vpc_peering_connection_id=id, requester_vpc_info__vpc_id=a,
      accepter_vpc_info__vpc_id=b, tag___Name="conform-pcx", requester_vpc_info__cidr_block="10.110.*", also=dict(status_code="active", accepter_vpc_info__owner_id=pcx["RequesterVpcInfo"]["OwnerId"]))
refused("DependencyViolation", ec2.delete_vpc, VpcId=a)

# Ranges that overlap make it fail; a request can be refused.
c = ec2.create_vpc(CidrBlock="10.111.128.0/17")["Vpc"]["VpcId"]
failed = ec2.create_vpc_peering_connection(VpcId=b, PeerVpcId=c)["VpcPeeringConnection"]["VpcPeeringConnectionId"]
same(described(failed)["Status"], {"Code": "failed", "Message": "Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range"}, "status")
refused("InvalidStateTransition", ec2.accept_vpc_peering_connection, VpcPeeringConnectionId=failed)
asked = ec2.create_vpc_peering_connection(VpcId=a, PeerVpcId=c)["VpcPeeringConnection"]["VpcPeeringConnectionId"]
same(ec2.reject_vpc_peering_connection(VpcPeeringConnectionId=asked)["Return"], True)
same(described(asked)["Status"]["Code"], "rejected", "status")
dry(ec2.delete_vpc_peering_connection, VpcPeeringConnectionId=id)
same(ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=id)["Return"], True)
eventually("the peering is deleted", lambda: described()["Status"]["Code"] == "deleted")
refused("InvalidVpcPeeringConnectionID.NotFound", ec2.delete_vpc_peering_connection, says="The vpcPeeringConnection ID 'pcx-00000000000000000' does not exist",
        VpcPeeringConnectionId="pcx-00000000000000000")
for v in a, b, c:
    ec2.delete_vpc(VpcId=v)
