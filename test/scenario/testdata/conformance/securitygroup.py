from kit import *

ec2 = client()
vpc = ec2.create_vpc(CidrBlock="10.50.0.0/16")["Vpc"]["VpcId"]
args = dict(GroupName="conform web", Description="what the web needs", VpcId=vpc, TagSpecifications=tags("security-group", Name="conform-sg"))
dry(ec2.create_security_group, **args)
made = ec2.create_security_group(**args)
id = made["GroupId"]
has(made, SecurityGroupArn=None, Tags=[{"Key": "Name", "Value": "conform-sg"}])
refused("InvalidGroup.Duplicate", ec2.create_security_group, says=f"The security group 'conform web' already exists for VPC '{vpc}'", **args)
refused("InvalidParameterValue", ec2.create_security_group, GroupName="sg-x", Description="x", VpcId=vpc)
refused("InvalidParameterValue", ec2.create_security_group, GroupName="x", Description="ümlaut", VpcId=vpc)
group = ec2.describe_security_groups(GroupIds=[id])["SecurityGroups"][0]
has(group, GroupName="conform web", Description="what the web needs", VpcId=vpc, OwnerId=None, IpPermissions=[], SecurityGroupArn=made["SecurityGroupArn"])
out = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}], "Ipv6Ranges": [], "PrefixListIds": [], "UserIdGroupPairs": []}
same(group["IpPermissionsEgress"], [out], "egress")
tagged(ec2, id, "security-group")

# Rules: one for each source, described together.
other = ec2.create_security_group(GroupName="other", Description="other", VpcId=vpc)["GroupId"]
pl = ec2.create_managed_prefix_list(PrefixListName="conform-rules", MaxEntries=2, AddressFamily="IPv4", Entries=[{"Cidr": "192.0.2.0/24"}])["PrefixList"]["PrefixListId"]
web = {"IpProtocol": "6", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "inside"}, {"CidrIp": "192.168.7.1/24"}],
       "UserIdGroupPairs": [{"GroupId": other, "Description": "others"}], "PrefixListIds": [{"PrefixListId": pl}]}
dry(ec2.authorize_security_group_ingress, GroupId=id, IpPermissions=[web])
rules = ec2.authorize_security_group_ingress(GroupId=id, IpPermissions=[web], TagSpecifications=tags("security-group-rule", side="in"))
same(rules["Return"], True)
rules = rules["SecurityGroupRules"]
same(len(rules), 4, "the number of rules")
has(rules[0], GroupId=id, GroupOwnerId=None, IsEgress=False, IpProtocol="tcp", FromPort=443, ToPort=443, CidrIpv4="10.0.0.0/8", Description="inside",
    SecurityGroupRuleId=None, SecurityGroupRuleArn=None, Tags=[{"Key": "side", "Value": "in"}])
has([r for r in rules if "ReferencedGroupInfo" in r][0]["ReferencedGroupInfo"], GroupId=other, UserId=group["OwnerId"])
permission = ec2.describe_security_groups(GroupIds=[id])["SecurityGroups"][0]["IpPermissions"]
same(len(permission), 1, "the number of permissions")
has(permission[0], IpProtocol="tcp", FromPort=443, ToPort=443, UserIdGroupPairs=[{"GroupId": other, "UserId": group["OwnerId"], "Description": "others"}],
    PrefixListIds=[{"PrefixListId": pl}])
same(sorted(r["CidrIp"] for r in permission[0]["IpRanges"]), ["10.0.0.0/8", "192.168.7.0/24"], "ranges")
refused("InvalidPermission.Duplicate", ec2.authorize_security_group_ingress, says='the specified rule "peer: 10.0.0.0/8, TCP, from port: 443, to port: 443, ALLOW" already exists',
        GroupId=id, IpProtocol="tcp", FromPort=443, ToPort=443, CidrIp="10.0.0.0/8")
refused("InvalidPermission.Duplicate", ec2.authorize_security_group_egress, says="peer: 0.0.0.0/0, ALL, ALLOW", GroupId=id, IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}])
refused("InvalidParameterValue", ec2.authorize_security_group_ingress, GroupId=id, IpProtocol="tcp", CidrIp="10.0.0.0/8")
refused("InvalidParameterValue", ec2.authorize_security_group_ingress, GroupId=id, IpProtocol="tcp", FromPort=2, ToPort=1, CidrIp="10.0.0.0/8")
refused("InvalidParameterValue", ec2.authorize_security_group_ingress, GroupId=id, IpProtocol="tcp", FromPort=1, ToPort=1, CidrIp="10.0.0.0/33")
refused("InvalidGroup.NotFound", ec2.authorize_security_group_ingress, GroupId=id, IpPermissions=[{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": "sg-00000000000000000"}]}])

# ICMP has a type and a code; all traffic has no ports.
ec2.authorize_security_group_ingress(GroupId=id, IpPermissions=[{"IpProtocol": "icmp", "FromPort": 8, "ToPort": -1, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}])
ec2.authorize_security_group_ingress(GroupId=id, IpPermissions=[{"IpProtocol": "-1", "FromPort": 1, "ToPort": 2, "UserIdGroupPairs": [{"GroupId": id}]}])
got = {p["IpProtocol"]: p for p in ec2.describe_security_groups(GroupIds=[id])["SecurityGroups"][0]["IpPermissions"]}
has(got["icmp"], FromPort=8, ToPort=-1)
same("FromPort" in got["-1"], False, "ports of all traffic")
rows = pages(ec2.describe_security_group_rules, "SecurityGroupRules", 5, Filters=where(group_id=id))
same(len(rows), 7, "the number of rules")
has([r for r in rows if r["IpProtocol"] == "-1" and not r["IsEgress"]][0], FromPort=-1, ToPort=-1)

# Change one, by its id; its words; and the words of all.
first = rules[0]["SecurityGroupRuleId"]
tagged(ec2, first, "security-group-rule")
ec2.modify_security_group_rules(GroupId=id, SecurityGroupRules=[{"SecurityGroupRuleId": first, "SecurityGroupRule": {
    "IpProtocol": "tcp", "FromPort": 8443, "ToPort": 8443, "CidrIpv4": "10.0.0.0/9", "Description": "changed"}}])
has(ec2.describe_security_group_rules(SecurityGroupRuleIds=[first])["SecurityGroupRules"][0], FromPort=8443, CidrIpv4="10.0.0.0/9", Description="changed", SecurityGroupRuleId=first)
ec2.update_security_group_rule_descriptions_ingress(GroupId=id, SecurityGroupRuleDescriptions=[{"SecurityGroupRuleId": first, "Description": "again"}])
has(ec2.describe_security_group_rules(SecurityGroupRuleIds=[first])["SecurityGroupRules"][0], Description="again")
ec2.update_security_group_rule_descriptions_egress(GroupId=id, IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "out"}]}])
same(ec2.describe_security_groups(GroupIds=[id])["SecurityGroups"][0]["IpPermissionsEgress"][0]["IpRanges"], [{"CidrIp": "0.0.0.0/0", "Description": "out"}], "description")

found(ec2.describe_security_groups, "SecurityGroups", "GroupId", [id], group_id=id, tag___Name="conform-sg", description="what the web *", ip_permission__cidr="10.0.0.0/9",
      ip_permission__from_port="8443", ip_permission__prefix_list_id=pl, ip_permission__group_id=other, group_name="conform web",
      also=dict(vpc_id=vpc, ip_permission__protocol="icmp", egress__ip_permission__cidr="0.0.0.0/0", ip_permission__user_id=group["OwnerId"], owner_id=group["OwnerId"]))
same(ids(ec2.get_security_groups_for_vpc(VpcId=vpc, Filters=where(group_name="conform*"))["SecurityGroupForVpcs"], "GroupId"), [id], "groups for the VPC")
same([x["ResourceId"] for x in ec2.get_managed_prefix_list_associations(PrefixListId=pl)["PrefixListAssociations"]], [id], "who names the list")

# Across a peering, and stale without it.
far = ec2.create_vpc(CidrBlock="10.51.0.0/16")["Vpc"]["VpcId"]
there = ec2.create_security_group(GroupName="there", Description="there", VpcId=far)["GroupId"]
over = [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "UserIdGroupPairs": [{"GroupId": there}]}]
refused("InvalidGroup.NotFound", ec2.authorize_security_group_ingress, says="You have specified two resources that belong to different networks.", GroupId=id, IpPermissions=over)
pcx = ec2.create_vpc_peering_connection(VpcId=vpc, PeerVpcId=far)["VpcPeeringConnection"]["VpcPeeringConnectionId"]
ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=pcx)
ec2.authorize_security_group_ingress(GroupId=id, IpPermissions=over)
pair = [p["UserIdGroupPairs"] for p in ec2.describe_security_groups(GroupIds=[id])["SecurityGroups"][0]["IpPermissions"] if p.get("FromPort") == 22][0][0]
has(pair, GroupId=there, VpcPeeringConnectionId=pcx, VpcId=far, PeeringStatus="active", UserId=None)
same(ec2.describe_security_group_references(GroupId=[there])["SecurityGroupReferenceSet"], [{"GroupId": there, "ReferencingVpcId": vpc, "VpcPeeringConnectionId": pcx}], "references")
same(ec2.describe_stale_security_groups(VpcId=vpc)["StaleSecurityGroupSet"], [], "stale groups")
ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=pcx)
stale = ec2.describe_stale_security_groups(VpcId=vpc)["StaleSecurityGroupSet"]
same(ids(stale, "GroupId"), [id], "stale groups")
same(stale[0]["StaleIpPermissions"][0]["UserIdGroupPairs"][0]["GroupId"], there, "stale rule")
ec2.revoke_security_group_ingress(GroupId=id, IpPermissions=over)
same(ec2.describe_stale_security_groups(VpcId=vpc)["StaleSecurityGroupSet"], [], "stale groups")

# Away with it, in the wrong order first.
refused("CannotDelete", ec2.delete_security_group, says="cannot be deleted by a user", GroupId=ec2.describe_security_groups(Filters=where(vpc_id=vpc, group_name="default"))["SecurityGroups"][0]["GroupId"])
refused("DependencyViolation", ec2.delete_security_group, says=f"resource {other} has a dependent object", GroupId=other)
refused("DependencyViolation", ec2.delete_managed_prefix_list, PrefixListId=pl)
refused("InvalidSecurityGroupRuleId.NotFound", ec2.revoke_security_group_ingress, GroupId=id, SecurityGroupRuleIds=["sgr-00000000000000000"])
revoked = ec2.revoke_security_group_ingress(GroupId=id, SecurityGroupRuleIds=[r["SecurityGroupRuleId"] for r in rules])
same(revoked["Return"], True)
ec2.delete_security_group(GroupId=other)
ec2.delete_managed_prefix_list(PrefixListId=pl)
subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.50.1.0/24")["Subnet"]["SubnetId"]
eni = ec2.create_network_interface(SubnetId=subnet, Groups=[id])["NetworkInterface"]["NetworkInterfaceId"]
refused("DependencyViolation", ec2.delete_security_group, GroupId=id)
ec2.delete_network_interface(NetworkInterfaceId=eni)
ec2.delete_subnet(SubnetId=subnet)
dry(ec2.delete_security_group, GroupId=id)
has(ec2.delete_security_group(GroupId=id), GroupId=id, Return=True)
refused("InvalidGroup.NotFound", ec2.describe_security_groups, says=f"The security group '{id}' does not exist", GroupIds=[id])
refused("InvalidGroupId.Malformed", ec2.describe_security_groups, GroupIds=["x"])
ec2.delete_security_group(GroupId=there)
for v in vpc, far:
    ec2.delete_vpc(VpcId=v)
