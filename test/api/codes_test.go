package api

import "testing"

// refusal is a wrong call with the answer AWS gives: the code and, where it is known, the text.
type refusal struct{ op, params, code, text string }

// none is the end of ids that nothing has.
const none = "0123456789abcdef0"

// ec2Refusals are known from AWS's documentation and from answers seen in public, as are the others'. Names of the site
// are filled in on both sides.
func ec2Refusals() []refusal {
	return []refusal{
		{"ec2 DescribeVpcs", `{"VpcId":["vpc-` + none + `"]}`, "InvalidVpcID.NotFound", "The vpc ID 'vpc-" + none + "' does not exist"},
		{"ec2 DescribeVpcs", `{"VpcId":["vpc-xyz"]}`, "InvalidVpcID.Malformed", `Invalid id: "vpc-xyz" (expecting "vpc-...")`},
		{"ec2 DescribeVpcs", `{"Filter":[{"Name":"x","Value":["y"]}]}`, "InvalidParameterValue", "The filter 'x' is invalid"},
		{"ec2 DescribeVpcs", `{"NextToken":"nonsense"}`, "InvalidNextToken", ""},
		{"ec2 CreateVpc", `{}`, "MissingParameter", ""},
		{"ec2 CreateVpc", `{"CidrBlock":"10.0.0.0/8"}`, "InvalidVpc.Range", "The CIDR '10.0.0.0/8' is invalid."},
		{"ec2 CreateVpc", `{"CidrBlock":"x"}`, "InvalidParameterValue", "Value (x) for parameter cidrBlock is invalid. This is not a valid CIDR block."},
		{"ec2 CreateVpc", `{"CidrBlock":"10.9.0.0/16","TagSpecification":[{"ResourceType":"subnet","Tag":[{"Key":"k","Value":"v"}]}]}`, "InvalidParameterValue", "'subnet' is not a valid taggable resource type for this operation."},
		{"ec2 CreateVpc", `{"CidrBlock":"10.9.0.0/16","TagSpecification":[{"ResourceType":"vpc"}]}`, "InvalidParameterValue", "Tag specification must have at least one tag"},
		{"ec2 CreateVpc", `{"CidrBlock":"10.9.0.0/16","TagSpecification":[{"ResourceType":"vpc","Tag":[{"Key":"aws:x","Value":"v"}]}]}`, "InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use"},
		{"ec2 CreateVpc", `{"CidrBlock":"10.9.0.0/16","Wrong":"x"}`, "UnknownParameter", "The parameter Wrong is not recognized"},
		{"ec2 DeleteVpc", `{"VpcId":"$vpc"}`, "DependencyViolation", "The vpc '$vpc' has dependencies and cannot be deleted."},
		{"ec2 ModifyVpcAttribute", `{"VpcId":"$vpc","EnableDnsSupport":{"Value":true},"EnableDnsHostnames":{"Value":true}}`, "InvalidParameterCombination", ""},
		{"ec2 DisassociateVpcCidrBlock", `{"AssociationId":"vpc-cidr-assoc-` + none + `"}`, "InvalidVpcCidrBlockAssociationID.NotFound", ""},
		{"ec2 CreateSubnet", `{"VpcId":"$vpc","CidrBlock":"10.0.1.0/24"}`, "InvalidSubnet.Conflict", "The CIDR '10.0.1.0/24' conflicts with another subnet"},
		{"ec2 CreateSubnet", `{"VpcId":"$vpc","CidrBlock":"10.99.1.0/24"}`, "InvalidSubnet.Range", "The CIDR '10.99.1.0/24' is invalid."},
		{"ec2 CreateSubnet", `{"VpcId":"$vpc","CidrBlock":"10.0.1.0/29"}`, "InvalidSubnet.Range", "The CIDR '10.0.1.0/29' is invalid."},
		{"ec2 CreateSubnet", `{"VpcId":"$vpc","CidrBlock":"10.0.9.0/24","AvailabilityZone":"us-east-1z"}`, "InvalidParameterValue",
			"Value (us-east-1z) for parameter availabilityZone is invalid. Subnets can currently only be created in the following availability zones: us-east-1a, us-east-1b, us-east-1c, us-east-1d, us-east-1e, us-east-1f."},
		{"ec2 DeleteSubnet", `{"SubnetId":"$subnet"}`, "DependencyViolation", "The subnet '$subnet' has dependencies and cannot be deleted."},
		{"ec2 DeleteSubnet", `{"SubnetId":"subnet-` + none + `"}`, "InvalidSubnetID.NotFound", "The subnet ID 'subnet-" + none + "' does not exist"},
		{"ec2 CreateSecurityGroup", `{"VpcId":"$vpc","GroupName":"web-ann","GroupDescription":"x"}`, "InvalidGroup.Duplicate", "The security group 'web-ann' already exists for VPC '$vpc'"},
		{"ec2 CreateSecurityGroup", `{"VpcId":"$vpc","GroupName":"x"}`, "MissingParameter", ""},
		{"ec2 DeleteSecurityGroup", `{"GroupId":"$sg"}`, "DependencyViolation", "resource $sg has a dependent object"},
		{"ec2 DeleteSecurityGroup", `{"GroupId":"sg-` + none + `"}`, "InvalidGroup.NotFound", "The security group 'sg-" + none + "' does not exist"},
		{"ec2 DeleteSecurityGroup", `{"GroupId":"nonsense"}`, "InvalidGroupId.Malformed", ""},
		{"ec2 AuthorizeSecurityGroupIngress", `{"GroupId":"$sg","IpPermissions":[{"IpProtocol":"tcp","FromPort":22,"ToPort":22,"IpRanges":[{"CidrIp":"10.0.0.0/8"}]}]}`, "InvalidPermission.Duplicate",
			`the specified rule "peer: 10.0.0.0/8, TCP, from port: 22, to port: 22, ALLOW" already exists`},
		{"ec2 AuthorizeSecurityGroupEgress", `{"GroupId":"$sg","IpPermissions":[{"IpProtocol":"-1","IpRanges":[{"CidrIp":"0.0.0.0/0"}]}]}`, "InvalidPermission.Duplicate",
			`the specified rule "peer: 0.0.0.0/0, ALL, ALLOW" already exists`},
		{"ec2 RevokeSecurityGroupIngress", `{"GroupId":"$sg","IpPermissions":[{"IpProtocol":"tcp","FromPort":23,"ToPort":23,"IpRanges":[{"CidrIp":"10.0.0.0/8"}]}]}`, "InvalidPermission.NotFound",
			"The specified rule does not exist in this security group."},
		{"ec2 AuthorizeSecurityGroupIngress", `{"GroupId":"$sg","GroupName":"web-ann","IpPermissions":[{"IpProtocol":"-1","IpRanges":[{"CidrIp":"0.0.0.0/0"}]}]}`, "InvalidParameterCombination", ""},
		{"ec2 AuthorizeSecurityGroupIngress", `{"GroupId":"$sg","IpProtocol":"tcp","IpPermissions":[{"IpProtocol":"-1","IpRanges":[{"CidrIp":"0.0.0.0/0"}]}]}`, "InvalidParameterCombination", ""},
		{"ec2 CreateRoute", `{"RouteTableId":"$rtb","DestinationCidrBlock":"192.168.0.0/16","NetworkInterfaceId":"$eni"}`, "RouteAlreadyExists", "The route identified by 192.168.0.0/16 already exists."},
		{"ec2 CreateRoute", `{"RouteTableId":"$rtb","DestinationCidrBlock":"192.168.0.0/17","NetworkInterfaceId":"eni-` + none + `"}`, "InvalidNetworkInterfaceID.NotFound", "The networkInterface ID 'eni-" + none + "' does not exist"},
		{"ec2 DeleteRoute", `{"RouteTableId":"$rtb","DestinationCidrBlock":"172.16.0.0/12"}`, "InvalidRoute.NotFound", "no route with destination-cidr-block 172.16.0.0/12 in route table $rtb"},
		{"ec2 DeleteRoute", `{"RouteTableId":"$rtb","DestinationCidrBlock":"10.0.0.0/16"}`, "InvalidParameterValue", "cannot remove local route 10.0.0.0/16 in route table $rtb"},
		{"ec2 ReplaceRoute", `{"RouteTableId":"$rtb","DestinationCidrBlock":"172.16.0.0/12","InstanceId":"$i"}`, "InvalidParameterValue", "There is no route defined for '172.16.0.0/12' in the route table. Use CreateRoute instead."},
		{"ec2 DeleteRouteTable", `{"RouteTableId":"$rtb"}`, "DependencyViolation", "The routeTable '$rtb' has dependencies and cannot be deleted."},
		{"ec2 AssociateRouteTable", `{"RouteTableId":"$rtbFree","SubnetId":"$subnet"}`, "Resource.AlreadyAssociated", ""},
		{"ec2 CreateKeyPair", `{"KeyName":"key-ann"}`, "InvalidKeyPair.Duplicate", ""},
		{"ec2 ImportKeyPair", `{"KeyName":"x","PublicKeyMaterial":"bm9uc2Vuc2U="}`, "InvalidKey.Format", "Key is not in valid OpenSSH public key format"},
		{"ec2 RunInstances", `{"ImageId":"$image","MinCount":1,"MaxCount":1,"SubnetId":"$subnet","KeyName":"nobody"}`, "InvalidKeyPair.NotFound", "The key pair 'nobody' does not exist"},
		{"ec2 RunInstances", `{"ImageId":"$image","MinCount":1,"MaxCount":1,"SubnetId":"$subnet","InstanceType":"x9.nano"}`, "InvalidParameterValue", "Invalid value 'x9.nano' for InstanceType."},
		{"ec2 RunInstances", `{"ImageId":"$image","InstanceType":"t3.micro","MinCount":300,"MaxCount":300,"SubnetId":"$subnet"}`, "InsufficientFreeAddressesInSubnet",
			"There are not enough free addresses in subnet '$subnet' to satisfy the requested number of instances."},
		{"ec2 RunInstances", `{"ImageId":"$image","InstanceType":"t3.micro","MinCount":1,"MaxCount":1}`, "VPCIdNotSpecified", "No default VPC for this user. GroupName is only supported for EC2-Classic and default VPC."},
		{"ec2 RunInstances", `{"ImageId":"$image","InstanceType":"t3.micro","MinCount":1,"MaxCount":1,"SubnetId":"$subnetFar","SecurityGroupId":["$sg"]}`, "InvalidParameter", "Security group $sg and subnet $subnetFar belong to different networks."},
		{"ec2 RunInstances", `{"ImageId":"$image","InstanceType":"t3.micro","MinCount":1,"MaxCount":1,"SubnetId":"$subnet","IamInstanceProfile":{"Name":"nobody"}}`, "InvalidParameterValue",
			"Value (nobody) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name"},
		{"ec2 RunInstances", `{"ImageId":"$image","InstanceType":"t3.micro","MinCount":1,"MaxCount":1,"SubnetId":"$subnet","NetworkInterface":[{"DeviceIndex":0,"SubnetId":"$subnet"}]}`, "InvalidParameterCombination",
			"Network interfaces and an instance-level subnet ID may not be specified on the same request"},
		{"ec2 TerminateInstances", `{"InstanceId":["$i","i-` + none + `"]}`, "InvalidInstanceID.NotFound", "The instance ID 'i-" + none + "' does not exist"},
		{"ec2 DescribeInstances", `{"InstanceId":["i-` + none + `","i-00000000000000000"]}`, "InvalidInstanceID.NotFound", "The instance IDs 'i-" + none + ", i-00000000000000000' do not exist"},
		{"ec2 DeleteManagedPrefixList", `{"PrefixListId":"pl-` + none + `"}`, "InvalidPrefixListID.NotFound", ""},
		{"ec2 ModifyManagedPrefixList", `{"PrefixListId":"$pl","CurrentVersion":7,"AddEntry":[{"Cidr":"10.0.0.0/8"}]}`, "PrefixListVersionMismatch", ""},
		{"ec2 DescribeInstanceTypes", `{"InstanceType":["x9.nano"]}`, "InvalidInstanceType", "The following supplied instance types do not exist: [x9.nano]"},
		{"ec2 DescribeDhcpOptions", `{"DhcpOptionsId":["dopt-` + none + `"]}`, "InvalidDhcpOptionID.NotFound", ""},
		{"ec2 DescribeNatGateways", `{"NatGatewayId":["nat-` + none + `"]}`, "NatGatewayNotFound", "NatGateway nat-" + none + " was not found"},
		{"ec2 DeleteNatGateway", `{"NatGatewayId":"nat-xyz"}`, "NatGatewayMalformed", ""},
		{"ec2 CreateVpcPeeringConnection", `{"VpcId":"$vpcJoined","PeerVpcId":"$vpcAsked","PeerOwnerId":"12345"}`, "InvalidParameterValue", ""},
		{"ec2 CreateVpcPeeringConnection", `{"VpcId":"$vpcJoined","PeerVpcId":"$vpcAsked","PeerRegion":"nowhere"}`, "InvalidParameterValue", ""},
		{"ec2 CreateNetworkInsightsPath", `{"Source":"$i","Destination":"eni-` + none + `","Protocol":"tcp","ClientToken":"x"}`, "InvalidNetworkInterfaceID.NotFound", "The networkInterface ID 'eni-" + none + "' does not exist"},
		{"ec2 CreateNetworkInsightsPath", `{"Source":"arn:aws:ec2:eu-west-1:$account:instance/$i","Destination":"$iOff","Protocol":"tcp","ClientToken":"x"}`, "InvalidParameterValue", ""},
		{"ec2 CreateNetworkInsightsAccessScope", `{"ClientToken":"x","MatchPath":[{"Source":{"PacketHeaderStatement":{"SourcePrefixList":["pl-` + none + `"]}}}]}`, "InvalidPrefixListID.NotFound", ""},
		{"ec2 CreateNetworkInsightsAccessScope", `{"ClientToken":"x","MatchPath":[{"Source":{"ResourceStatement":{"ResourceType":["AWS::RDS::DBInstance"]}}}]}`, "UnsupportedOperation", ""},
		{"ec2 StartNetworkInsightsAnalysis", `{"NetworkInsightsPathId":"$nip","ClientToken":"x","AdditionalAccount":["bob"]}`, "InvalidParameterValue", ""},
	}
}

// otherRefusals are those of CloudWatch Logs and of VPC Lattice.
func otherRefusals() []refusal {
	return []refusal{
		{"logs CreateLogGroup", `{"logGroupName":"/ann/app"}`, "ResourceAlreadyExistsException", "The specified log group already exists"},
		{"logs CreateLogStream", `{"logGroupName":"/ann/app","logStreamName":"stream-ann"}`, "ResourceAlreadyExistsException", "The specified log stream already exists"},
		{"logs DeleteLogGroup", `{"logGroupName":"/nobody"}`, "ResourceNotFoundException", "The specified log group does not exist."},
		{"logs GetLogEvents", `{"logGroupName":"/ann/app","logStreamName":"nobody"}`, "ResourceNotFoundException", "The specified log stream does not exist."},
		{"logs PutRetentionPolicy", `{"logGroupName":"/ann/app","retentionInDays":8}`, "InvalidParameterException", ""},
		{"logs CreateLogGroup", `{"logGroupName":"aws/x"}`, "InvalidParameterException", ""},
		{"vpc-lattice CreateResourceGateway", `{"name":"x-y","vpcIdentifier":"$vpc","subnetIds":["$subnetTiny"]}`, "ValidationException",
			"Subnet $subnetTiny is not valid because it doesn't have the minimum number of IPv4 addresses. Specify a subnet with at least 16 IPv4 addresses."},
		{"vpc-lattice CreateResourceConfiguration", `{"name":"fresh","type":"GROUP","resourceGatewayIdentifier":"$rgw","customDomainName":"a.example"}`, "ValidationException", "Unexpected attribute customDomainName for type GROUP"},
		{"vpc-lattice CreateResourceConfiguration", `{"name":"fresh","type":"ARN","resourceGatewayIdentifier":"$rgw","resourceConfigurationDefinition":{"arnResource":{"arn":"arn:aws:ec2:us-east-1:111111111111:instance/$i"}}}`, "ValidationException",
			"ARN-based integration is only supported for RDS and not arn:aws:ec2:us-east-1:111111111111:instance/$i"},
		{"vpc-lattice CreateServiceNetworkVpcAssociation", `{"serviceNetworkIdentifier":"$snFree","vpcIdentifier":"$vpc"}`, "ConflictException", "VPC has already been associated to a service network."},
		{"vpc-lattice DeleteServiceNetwork", `{"serviceNetworkIdentifier":"$sn"}`, "ConflictException", "ServiceNetwork $sn has VPC(s) associated"},
		{"vpc-lattice GetServiceNetwork", `{"serviceNetworkIdentifier":"sn-` + none + `"}`, "ResourceNotFoundException", ""},
		{"vpc-lattice CreateServiceNetwork", `{"name":"network-ann"}`, "ConflictException", ""},
		{"vpc-lattice CreateServiceNetwork", `{"name":"A"}`, "ValidationException", ""},
		{"vpc-lattice DeleteResourceGateway", `{"resourceGatewayIdentifier":"$rgw"}`, "ConflictException", ""},
		{"vpc-lattice ListServiceNetworks", `{"maxResults":101}`, "ValidationException", ""},
	}
}

// TestRefusals: known refusals have AWS's codes and texts.
func TestRefusals(t *testing.T) {
	c := newCloud(t)
	s := c.populate(t, ann, "ann")
	s.names["subnetTiny"] = firstID(s.call("ec2 CreateSubnet", s.parse(`{"VpcId":"$vpc","CidrBlock":"10.0.4.0/28"}`)), "subnet")
	then := c.store.World()
	for _, r := range append(ec2Refusals(), otherRefusals()...) {
		a := s.call(r.op, s.parse(r.params))
		text := s.fill(r.text)
		if a.code != r.code || text != "" && a.message != text {
			t.Errorf("%s %s\ngot  %v\nwant %s: %s", r.op, s.fill(r.params), a, r.code, text)
		}
	}
	if c.store.World().Rev != then.Rev {
		t.Error("the world changed")
	}
}
