package guard

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"kumiko/internal/world"
)

// ec2Kinds are the types of EC2's ARNs by the prefix of ids. (Service Authorization Reference, "Amazon EC2".)
func ec2Kinds() map[string]string {
	return map[string]string{
		"vpc": "vpc", "subnet": "subnet", "rtb": "route-table", "acl": "network-acl", "sg": "security-group", "sgr": "security-group-rule",
		"eni": "network-interface", "i": "instance", "vol": "volume", "key": "key-pair", "dopt": "dhcp-options", "pl": "prefix-list",
		"igw": "internet-gateway", "eigw": "egress-only-internet-gateway", "nat": "natgateway", "eipalloc": "elastic-ip",
		"pcx": "vpc-peering-connection", "fl": "vpc-flow-log", "scr": "subnet-cidr-reservation", "vpce": "vpc-endpoint",
		"vpce-svc": "vpc-endpoint-service", "nip": "network-insights-path", "nia": "network-insights-analysis",
		"nis": "network-insights-access-scope", "nisa": "network-insights-access-scope-analysis", "ami": "image", "tgw": "transit-gateway",
		"tgw-attach": "transit-gateway-attachment", "tgw-rtb": "transit-gateway-route-table", "lt": "launch-template", "snap": "snapshot",
	}
}

// made are the types of what operations make, which no input can name yet.
func made(op string) []string {
	switch op {
	case "RunInstances":
		return []string{"instance", "network-interface", "volume"}
	case "AllocateAddress":
		return []string{"elastic-ip"}
	case "CreateNatGateway":
		return []string{"natgateway"}
	case "CreateFlowLogs":
		return []string{"vpc-flow-log"}
	case "ImportKeyPair":
		return []string{"key-pair"}
	case "CreateManagedPrefixList":
		return []string{"prefix-list"}
	case "CreateVpcEndpointServiceConfiguration":
		return []string{"vpc-endpoint-service"}
	case "StartNetworkInsightsAnalysis":
		return []string{"network-insights-analysis"}
	case "StartNetworkInsightsAccessScopeAnalysis":
		return []string{"network-insights-access-scope-analysis"}
	case "CreateSubnetCidrReservation", "CreateTags", "CreateRoute", "CreateNetworkAclEntry", "CreateDefaultVpc", "CreateDefaultSubnet":
		return nil
	}
	noun, ok := strings.CutPrefix(op, "Create")
	if !ok {
		return nil
	}
	kind := strings.ToLower(upper.ReplaceAllString(noun, "-$0"))[1:]
	for _, k := range ec2Kinds() {
		if k == kind {
			return []string{kind}
		}
	}
	return nil
}

var (
	upper = regexp.MustCompile(`[A-Z]`)
	ec2ID = regexp.MustCompile(`^([a-z]+(?:-[a-z]+)?)-(?:[0-9a-f]{8}|[0-9a-f]{17})$`)
)

// only are the operations whose permission is about some of the resources they name.
func only(op string) []string {
	switch op {
	case "CreateRoute", "ReplaceRoute", "DeleteRoute":
		return []string{"route-table"}
	case "AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress", "RevokeSecurityGroupIngress", "RevokeSecurityGroupEgress",
		"UpdateSecurityGroupRuleDescriptionsIngress", "UpdateSecurityGroupRuleDescriptionsEgress":
		return []string{"security-group", "security-group-rule"}
	case "ModifyManagedPrefixList":
		return []string{"prefix-list"}
	case "ReplaceNetworkAclAssociation":
		return []string{"network-acl", "subnet"}
	}
	return nil
}

// foreign are members that name what belongs to others, or nothing the permission is about.
var foreign = []string{"PeerVpcId", "PeerOwnerId", "GatewayId", "ReferencedGroupId", "AvailabilityZoneId", "ClientToken", "Values", "UserData"}

// ec2Targets are the resources of an operation of EC2. Operations that list are on none.
func ec2Targets(w *world.World, c call, m members, k keys) ([]target, []ask) {
	k.set("ec2:Region", c.c.Region)
	k.set("ec2:InstanceType", m.first("InstanceType"))
	k.set("ec2:VpceServiceName", m.first("ServiceName"))
	if strings.HasPrefix(c.op, "Describe") || strings.HasPrefix(c.op, "Search") {
		return nil, nil
	}
	var out []target
	add := func(t target) {
		if !slices.ContainsFunc(out, func(o target) bool { return o.arn == t.arn }) {
			out = append(out, t)
		}
	}
	for _, kind := range made(c.op) {
		add(target{arn: world.ARN("ec2", c.c.Region, c.c.Account, kind+"/*"), prefix: "ec2"})
	}
	kinds, wanted := ec2Kinds(), only(c.op)
	for _, x := range m.texts {
		id := ec2ID.FindStringSubmatch(x.value)
		switch {
		case id == nil, kinds[id[1]] == "", slices.Contains(foreign, x.name):
		case wanted != nil && !slices.Contains(wanted, kinds[id[1]]):
		case wanted != nil && x.deep: // the other end of a rule
		default:
			add(ec2Target(w, c, kinds[id[1]], x.value))
		}
	}
	if name := m.first("KeyName"); name != "" {
		add(target{arn: world.ARN("ec2", c.c.Region, c.c.Account, "key-pair/"+name), prefix: "ec2"})
	}
	return out, append(ec2Tagging(c, m, k), ec2Passing(w, c, m)...)
}

// ec2Target is the resource with that id.
func ec2Target(w *world.World, c call, kind, id string) target {
	account := c.c.Account
	if kind == "image" {
		account = ""
	}
	t := target{arn: world.ARN("ec2", c.c.Region, account, kind+"/"+id), prefix: "ec2", special: keys{}}
	row := ec2Row(w, id)
	t.tags = row.Tags
	if row.vpc != "" {
		t.special.set("ec2:Vpc", world.ARN("ec2", c.c.Region, cmp.Or(row.Account, c.c.Account), "vpc/"+string(row.vpc)))
		t.special.set("ec2:VpcID", string(row.vpc))
	}
	return t
}

// found is what is known of a resource.
type found struct {
	world.Meta
	vpc world.VPCID
}

// stamped is a row with a Meta.
type stamped interface {
	world.Row
	Stamp() world.Meta
}

func row[K ~string, V stamped](t *world.Table[K, V], id string, vpc func(V) world.VPCID) found {
	v, ok := t.Get(K(id))
	if !ok {
		return found{}
	}
	f := found{Meta: v.Stamp()}
	if vpc != nil {
		f.vpc = vpc(v)
	}
	return f
}

// ec2Row is the row of an id.
func ec2Row(w *world.World, id string) found {
	prefix := id[:strings.LastIndex(id, "-")]
	switch prefix {
	case "vpc":
		return row(&w.VPCs, id, func(v world.VPC) world.VPCID { return v.ID })
	case "subnet":
		return row(&w.Subnets, id, func(v world.Subnet) world.VPCID { return v.VPC })
	case "rtb":
		return row(&w.RouteTables, id, func(v world.RouteTable) world.VPCID { return v.VPC })
	case "acl":
		return row(&w.NetworkACLs, id, func(v world.NetworkACL) world.VPCID { return v.VPC })
	case "sg":
		return row(&w.SecurityGroups, id, func(v world.SecurityGroup) world.VPCID { return v.VPC })
	case "sgr":
		return row(&w.SecurityGroupRules, id, nil)
	case "eni":
		return row(&w.ENIs, id, func(v world.ENI) world.VPCID { return v.VPC })
	case "i":
		return row(&w.Instances, id, func(v world.Instance) world.VPCID { return v.VPC })
	case "key":
		return row(&w.KeyPairs, id, nil)
	}
	return ec2Gateway(w, prefix, id)
}

// ec2Gateway is the row of an id of the nouns at the edges of VPCs.
func ec2Gateway(w *world.World, prefix, id string) found {
	switch prefix {
	case "dopt":
		return row(&w.DHCPOptions, id, nil)
	case "pl":
		return row(&w.ManagedPrefixLists, id, nil)
	case "igw":
		return row(&w.InternetGateways, id, nil)
	case "nat":
		return row(&w.NATGateways, id, nil)
	case "eipalloc":
		return row(&w.Addresses, id, nil)
	case "pcx":
		return row(&w.Peerings, id, nil)
	case "fl":
		return row(&w.FlowLogs, id, nil)
	case "vpce":
		return row(&w.Endpoints, id, func(v world.Endpoint) world.VPCID { return v.VPC })
	}
	return found{}
}

// ec2Tagging is the question whether what is made may be tagged. (Amazon EC2 User Guide, "Grant permission to tag
// resources during creation".)
func ec2Tagging(c call, m members, k keys) []ask {
	if len(m.tags) == 0 || c.op == "CreateTags" || c.op == "DeleteTags" {
		return nil
	}
	a := ask{action: "ec2:CreateTags", keys: k.with(keys{"ec2:createaction": {c.op}})}
	kinds := m.all("ResourceType")
	if len(kinds) == 0 {
		kinds = made(c.op)
	}
	for _, kind := range kinds {
		a.targets = append(a.targets, target{arn: world.ARN("ec2", c.c.Region, c.c.Account, kind+"/*"), prefix: "ec2"})
	}
	return []ask{a}
}

// ec2Passing is the question whether the roles an operation hands on may be passed.
func ec2Passing(w *world.World, c call, m members) (out []ask) {
	switch c.op {
	case "RunInstances", "AssociateIamInstanceProfile", "ReplaceIamInstanceProfileAssociation":
		name := ""
		for _, x := range m.texts {
			if x.name == "Arn" && strings.Contains(x.value, ":instance-profile/") {
				name = x.value[strings.LastIndex(x.value, "/")+1:]
			}
		}
		name = cmp.Or(name, profileName(c.in))
		p, ok := w.InstanceProfiles.Get(world.IAMKey(c.c.Account, name))
		if r, found := w.Roles.Get(world.IAMKey(c.c.Account, p.Role)); ok && found {
			out = append(out, pass(r, "ec2.amazonaws.com"))
		}
	case "CreateFlowLogs":
		if r, ok := RoleByARN(w, m.first("DeliverLogsPermissionArn")); ok {
			out = append(out, pass(r, "vpc-flow-logs.amazonaws.com"))
		}
	}
	return out
}
