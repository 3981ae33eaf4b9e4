from kit import *

ec2 = client()
args = dict(DhcpConfigurations=[{"Key": "domain-name", "Values": ["conform.example"]}, {"Key": "domain-name-servers", "Values": ["AmazonProvidedDNS"]},
                                {"Key": "ntp-servers", "Values": ["169.254.169.123"]}, {"Key": "ipv6-address-preferred-lease-time", "Values": ["300"]}], TagSpecifications=tags("dhcp-options", Name="conform-dopt"))
dry(ec2.create_dhcp_options, **args)
dopt = ec2.create_dhcp_options(**args)["DhcpOptions"]
id = dopt["DhcpOptionsId"]
has(dopt, OwnerId=None, Tags=[{"Key": "Name", "Value": "conform-dopt"}])
got = ec2.describe_dhcp_options(DhcpOptionsIds=[id])["DhcpOptions"][0]
same({c["Key"]: [v["Value"] for v in c["Values"]] for c in got["DhcpConfigurations"]},
     {"domain-name": ["conform.example"], "domain-name-servers": ["AmazonProvidedDNS"], "ntp-servers": ["169.254.169.123"], "ipv6-address-preferred-lease-time": ["300"]}, "options")
tagged(ec2, id, "dhcp-options")
found(ec2.describe_dhcp_options, "DhcpOptions", "DhcpOptionsId", [id], dhcp_options_id=id, tag___Name="conform-dopt", value="conform.*", also=dict(key="domain-name"))
refused("InvalidParameterValue", ec2.create_dhcp_options, DhcpConfigurations=[{"Key": "no-such-option", "Values": ["x"]}])
refused("InvalidParameterValue", ec2.create_dhcp_options, DhcpConfigurations=[{"Key": "domain-name-servers", "Values": ["x"]}])
vpc = ec2.create_vpc(CidrBlock="10.120.0.0/16")["Vpc"]["VpcId"]
dry(ec2.associate_dhcp_options, DhcpOptionsId=id, VpcId=vpc)
ec2.associate_dhcp_options(DhcpOptionsId=id, VpcId=vpc)
same(ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["DhcpOptionsId"], id, "options of the VPC")
refused("DependencyViolation", ec2.delete_dhcp_options, says=f"The dhcpOptions '{id}' has dependencies and cannot be deleted.", DhcpOptionsId=id)
ec2.associate_dhcp_options(DhcpOptionsId="default", VpcId=vpc)
dry(ec2.delete_dhcp_options, DhcpOptionsId=id)
ec2.delete_dhcp_options(DhcpOptionsId=id)
refused("InvalidDhcpOptionID.NotFound", ec2.describe_dhcp_options, DhcpOptionsIds=[id])
ec2.delete_vpc(VpcId=vpc)
