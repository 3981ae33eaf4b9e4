package api

import (
	"reflect"
	"regexp"
)

// free are the members that take texts nobody would expect: "SERVICE OPERATION MEMBER: ATTACK".
var free = regexp.MustCompile(`^(` +
	// tags, filters and what is only kept to be told again
	`ec2 \S+ (TagSpecification 0 |)Tag 0 (Key|Value): .*|` +
	`ec2 \S+ Filter 0 (Value 0|Value): .*|` +
	`ec2 \S+ (\S+ )*(Description|PrefixListName|KeyName|GroupName|GroupDescription|ClientToken|AdditionalInfo|PeeringStatus): .*|` +
	`logs \S+ (tags|tags 0|tagKeys|tagKeys 0): .*|` +
	`logs \S+ (logStreamName|logStreamNamePrefix|logStreamNames 0|filterPattern|sequenceToken|logEvents 0 message|entity.*): .*|` +
	`logs \S+ (logGroupName|logGroupNamePrefix|logGroupIdentifiers 0): (parent|slashes|minus)|` +
	`vpc-lattice \S+ (tags|tagKeys|tagKeys 0|clientToken): .*|` +
	// empty means not given
	`ec2 \S+ (\S+ )*\S+: empty|` +
	`logs CreateLogGroup kmsKeyId: empty|` +
	`logs DescribeLogGroups accountIdentifiers: no items|` +
	`vpc-lattice \S+ (portRanges|securityGroupIds): no items|` +
	`vpc-lattice \S+ (sharingConfig|dnsOptions): no members|` +
	`vpc-lattice (Create|Update)Service certificateArn: empty|` +
	`vpc-lattice (Create|Update)TargetGroup (config )?healthCheck( \S+)*: (0|empty|no members)|` + // means the default
	`vpc-lattice CreateRule match httpMatch (method: empty|headerMatches 0 (match contains: .*|name: minus))|` + // whatever a header may hold
	`vpc-lattice CreateRule action forward targetGroups 0 weight: 0|` + // which gets nothing
	`vpc-lattice ListTargets targets( 0 id)?: .*|` + // those that there are
	// -1 is all protocols, 0 a port, and times are what they are
	`ec2 \S+ (\S+ )*IpProtocol: minus|` +
	`ec2 \S+ (\S+ )*FromPort: 0|` +
	`ec2 AuthorizeSecurityGroupEgress IpPermissions 0 (FromPort|ToPort): (0|-1)|` + // types and codes of ICMP
	`ec2 (RunInstances|CreateNetworkInterface|AttachNetworkInterface) (\S+ )*(\w+Count|\w+Index): 0|` +
	`ec2 CreateNetworkInsightsPath DestinationPort: 0|` +
	`ec2 ModifyInstanceMetadataDefaults HttpPutResponseHopLimit: -1|` + // no preference
	`ec2 CreateFlowLogs LogGroupName: (parent|slashes|minus)|` + // names may have dots, slashes and hyphens
	`ec2 \w+NetworkAclEntry (Protocol: minus|PortRange From: 0)|` +
	// refused in an answer that is right itself
	`vpc-lattice (Register|Deregister)Targets targets 0 id: .*|` +
	`ec2 (CreateFlowLogs ResourceId 0|DeleteVpcEndpoints VpcEndpointId 0|(Accept|Reject)VpcEndpointConnections VpcEndpointId 0|DeleteVpcEndpointServiceConfigurations ServiceId 0|ModifyInstanceCreditSpecification InstanceCreditSpecification 0 InstanceId): .*|` +
	`route53resolver \S+ (\S+ )*(Name|CreatorRequestId|TagKeys 0|Tags 0 (Key|Value)): .*|` + // a rule's name may be a hyphen or a blank
	`route53resolver \S+ (\S+ )*(NextToken|SortBy|DelegationRecord|ServerNameIndication): empty|` +
	`route53resolver \S+ (Filters|Tags|TagKeys|UpdateIpAddresses): no items|` +
	`route53resolver CreateResolverRule DomainName: minus|` +
	`route53resolver UpdateResolverRule Config: no members|` +
	`iam \S+ (UserName|GroupName|RoleName|PolicyName|InstanceProfileName|NewUserName|NewGroupName): minus|` + // names may be hyphens and digits
	`iam \S+ (Tags 0 (Key|Value)|TagKeys 0|Description): .*|` +
	`iam ListServiceSpecificCredentials ServiceName: .*|` + // of which there are none
	`iam Simulate\w+ (ResourceArns 0|ContextEntries 0 ContextKeyName|ContextEntries 0 ContextKeyValues 0): .*|` + // words of the caller's own
	`iam Simulate\w+ ContextEntries 0: text for a structure|` + // a parameter nobody knows
	`iam Simulate\w+ (ResourceArns|ContextEntries|ContextEntries 0 ContextKeyValues): 1001 items|` +
	`elasticloadbalancing \S+ (Tags 0 (Key|Value)|TagKeys 0): .*|` +
	`elasticloadbalancing \S+ Marker: empty|` +
	`elasticloadbalancing RemoveTags TagKeys: 1001 items|` +
	`elasticloadbalancing \S+ (\S+ )*ForwardConfig( \S+)?: text for a structure|` + // a parameter nobody knows
	`ssm \S+ (\S+ )*\S+: (empty|no items|no members)|` + // means not given
	`ssm \S+ (Tags 0 (Key|Value)|TagKeys 0|TagKeys|Description|Value|Reason|Comment|DisplayName|VersionName|KeyId|Name): .*|` + // words of the caller's own
	`ssm (ListDocuments|DescribeInstanceInformation) Filters 0 Values( 0)?: .*|ssm DescribeParameters ParameterFilters 0 Values 0: .*|` +
	`ssm GetConnectionStatus Target: .*|` + // nothing is connected at what is not there
	`ssm (GetParameters|DeleteParameters) Names 0: .*|` + // told in an answer that is right itself
	`sts AssumeRole (RoleSessionName|SourceIdentity): minus|` +
	`sts AssumeRole (ExternalId|(Tags 0 |)(Key|Value)|TransitiveTagKeys 0): .*|` + // words of the caller's own
	`ec2 \S+ (UserData|UserData Value): long|` + // it is base64
	`logs \S+ (startTime|endTime|logEvents 0 timestamp): .*` +
	`)$`)

// tolerable tells whether an attack on a member may succeed.
func tolerable(o *operation, m member, what string) bool {
	return m.kind.Kind() == reflect.Bool || free.MatchString(o.String()+" "+what)
}

// unmoved are the right ids whose place may be taken by others: what is not there is listed as nothing, or is deleted
// already.
var unmoved = regexp.MustCompile(`^(` +
	`ec2 \S+ Filter 0 Value 0: .*|` +
	`ec2 (CreateFlowLogs ResourceId 0|DeleteVpcEndpoints VpcEndpointId 0|(Accept|Reject)VpcEndpointConnections VpcEndpointId 0|DeleteVpcEndpointServiceConfigurations ServiceId 0|ModifyInstanceCreditSpecification InstanceCreditSpecification 0 InstanceId): .*|` +
	`ec2 CreateVpcPeeringConnection PeerVpcId: of (nothing|another account: \w+)|` + // the connection is made, and fails
	`vpc-lattice (Register|Deregister|List)Targets targets 0 id: .*|` +
	`vpc-lattice List\w+ \w+: of (nothing|another account: \w+|another region|another number)|` +
	`elasticloadbalancing Delete(LoadBalancer|TargetGroup) \w+: of .*|` + // which AWS calls done
	`ssm DescribeInstanceInformation Filters 0 Values 0: .*|` +
	`ssm GetConnectionStatus Target: .*|` +
	`ssm (GetParameters|DeleteParameters) Names 0: .*|` +
	`ec2 DeleteKeyPair (KeyPairId|KeyName): of (nothing|another account: \w+)` +
	`)$`)

// harmless tells whether a call with an id that is not the caller's may succeed, because it finds nothing.
func harmless(o *operation, what string) bool { return unmoved.MatchString(o.String() + " " + what) }
