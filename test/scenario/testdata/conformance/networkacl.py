from kit import *

ec2 = client()
vpc = ec2.create_vpc(CidrBlock="10.70.0.0/16")["Vpc"]["VpcId"]
subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.70.1.0/24")["Subnet"]["SubnetId"]
default = ec2.describe_network_acls(Filters=where(vpc_id=vpc, default="true"))["NetworkAcls"][0]
last = [{"CidrBlock": "0.0.0.0/0", "Egress": e, "Protocol": "-1", "RuleAction": "deny", "RuleNumber": 32767} for e in (True, False)]
all = [{"CidrBlock": "0.0.0.0/0", "Egress": e, "Protocol": "-1", "RuleAction": "allow", "RuleNumber": 100} for e in (True, False)]
same(sorted(default["Entries"], key=str), sorted(all + last, key=str), "default entries")
same([a["SubnetId"] for a in default["Associations"]], [subnet], "associations")
args = dict(VpcId=vpc, ClientToken="conform-acl", TagSpecifications=tags("network-acl", Name="conform-acl"))
dry(ec2.create_network_acl, **args)
acl = ec2.create_network_acl(**args)["NetworkAcl"]
id = acl["NetworkAclId"]
same(ec2.create_network_acl(**args)["NetworkAcl"]["NetworkAclId"], id, "the same token")
has(acl, VpcId=vpc, IsDefault=False, OwnerId=None, Associations=[], Tags=[{"Key": "Name", "Value": "conform-acl"}])
same(sorted(acl["Entries"], key=str), sorted(last, key=str), "entries")
tagged(ec2, id, "network-acl")

entry = dict(NetworkAclId=id, RuleNumber=100, Protocol="6", RuleAction="allow", Egress=False, CidrBlock="10.0.0.5/8", PortRange={"From": 22, "To": 23})
dry(ec2.create_network_acl_entry, **entry)
ec2.create_network_acl_entry(**entry)
refused("NetworkAclEntryAlreadyExists", ec2.create_network_acl_entry, says="The network acl entry identified by 100 already exists.", **entry)
ec2.create_network_acl_entry(NetworkAclId=id, RuleNumber=100, Protocol="1", RuleAction="deny", Egress=True, CidrBlock="0.0.0.0/0", IcmpTypeCode={"Type": 8, "Code": -1})
got = ec2.describe_network_acls(NetworkAclIds=[id])["NetworkAcls"][0]["Entries"]
same([e for e in got if e["RuleNumber"] == 100 and not e["Egress"]],
     [{"CidrBlock": "10.0.0.0/8", "Egress": False, "PortRange": {"From": 22, "To": 23}, "Protocol": "6", "RuleAction": "allow", "RuleNumber": 100}], "entry")
same([e["IcmpTypeCode"] for e in got if e["RuleNumber"] == 100 and e["Egress"]], [{"Type": 8, "Code": -1}], "ICMP")
ec2.replace_network_acl_entry(**{**entry, "RuleAction": "deny"})
same([e["RuleAction"] for e in ec2.describe_network_acls(NetworkAclIds=[id])["NetworkAcls"][0]["Entries"] if e["RuleNumber"] == 100 and not e["Egress"]], ["deny"], "replaced")
refused("InvalidNetworkAclEntry.NotFound", ec2.replace_network_acl_entry, **{**entry, "RuleNumber": 7})
refused("InvalidNetworkAclEntry.NotFound", ec2.delete_network_acl_entry, NetworkAclId=id, RuleNumber=7, Egress=False)
refused("InvalidParameterValue", ec2.create_network_acl_entry, **{**entry, "RuleNumber": 32767})
refused("InvalidParameterValue", ec2.delete_network_acl_entry, NetworkAclId=id, RuleNumber=32767, Egress=False)
found(ec2.describe_network_acls, "NetworkAcls", "NetworkAclId", [id], network_acl_id=id, tag___Name="conform-acl",
      also=dict(vpc_id=vpc, default="false", entry__cidr="10.0.0.0/8", entry__rule_action="deny", entry__port_range__from="22", entry__protocol="6", entry__rule_number="100",
                entry__egress="true", entry__icmp__type="8"))

old = default["Associations"][0]["NetworkAclAssociationId"]
dry(ec2.replace_network_acl_association, AssociationId=old, NetworkAclId=id)
new = ec2.replace_network_acl_association(AssociationId=old, NetworkAclId=id)["NewAssociationId"]
same(ids(ec2.describe_network_acls(Filters=where(association__subnet_id=subnet))["NetworkAcls"], "NetworkAclId"), [id], "the ACL of the subnet")
refused("InvalidAssociationID.NotFound", ec2.replace_network_acl_association, AssociationId=old, NetworkAclId=id)
refused("DependencyViolation", ec2.delete_network_acl, says=f"The networkAcl '{id}' has dependencies and cannot be deleted.", NetworkAclId=id)
refused("InvalidParameterValue", ec2.delete_network_acl, says="default network ACL", NetworkAclId=default["NetworkAclId"])
ec2.replace_network_acl_association(AssociationId=new, NetworkAclId=default["NetworkAclId"])
ec2.delete_network_acl_entry(NetworkAclId=id, RuleNumber=100, Egress=False)
dry(ec2.delete_network_acl, NetworkAclId=id)
ec2.delete_network_acl(NetworkAclId=id)
refused("InvalidNetworkAclID.NotFound", ec2.describe_network_acls, says=f"The networkAcl ID '{id}' does not exist", NetworkAclIds=[id])
more = [ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"] for _ in range(6)]
same(ids(pages(ec2.describe_network_acls, "NetworkAcls", 5, Filters=where(vpc_id=vpc)), "NetworkAclId"), sorted(more + [default["NetworkAclId"]]), "pages")
for a in more:
    ec2.delete_network_acl(NetworkAclId=a)
ec2.delete_subnet(SubnetId=subnet)
ec2.delete_vpc(VpcId=vpc)
