package ec2

import (
	"slices"
	"testing"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

func asAWS(err error) *awserr.Error { return awserr.From(err, awserr.EC2) }

func TestVPC(t *testing.T) {
	b := start(t)
	ctx := t.Context()
	vpc := b.vpc("100.68.0.18/18")
	describe := func() ec2api.Vpc {
		return must(b.DescribeVpcs(ctx, b.c, &ec2api.DescribeVpcsInput{VpcIds: []string{*vpc}})).Vpcs[0]
	}
	if v := describe(); *v.CidrBlock != "100.68.0.0/18" || *v.State != "pending" {
		t.Errorf("a new VPC is %s, %s", *v.CidrBlock, *v.State)
	}
	b.seen()
	if v := describe(); *v.State != "available" || *v.CidrBlockAssociationSet[0].CidrBlockState.State != "associated" {
		t.Errorf("a VPC in the kernel is %s", *v.State)
	}
	w := b.st.World()
	tables, acls := mine(&w.RouteTables, b.c), mine(&w.NetworkACLs, b.c)
	g, _ := w.DefaultGroup(world.VPCID(*vpc))
	if len(tables) != 1 || !tables[0].Main || len(acls) != 1 || !acls[0].Default || g.Name != "default" || len(w.RulesOf(g.ID)) != 2 {
		t.Error("a VPC lacks what is made with it")
	}
	for _, in := range []struct{ cidr, code, text string }{
		{"10.0.0.0/8", "InvalidVpc.Range", "The CIDR '10.0.0.0/8' is invalid."},
		{"10.0.0.0/29", "InvalidVpc.Range", "The CIDR '10.0.0.0/29' is invalid."},
		{"x", "InvalidParameterValue", "Value (x) for parameter cidrBlock is invalid. This is not a valid CIDR block."},
	} {
		_, err := b.CreateVpc(ctx, b.c, &ec2api.CreateVpcInput{CidrBlock: &in.cidr})
		b.refused(err, in.code, in.text)
	}
	_, err := b.ModifyVpcAttribute(ctx, b.c, &ec2api.ModifyVpcAttributeInput{
		VpcId: vpc, EnableDnsSupport: &ec2api.AttributeBooleanValue{}, EnableDnsHostnames: &ec2api.AttributeBooleanValue{},
	})
	b.refused(err, "InvalidParameterCombination", "")
	_, err = b.CreateVpc(ctx, b.c, &ec2api.CreateVpcInput{CidrBlock: new("10.0.0.0/16"), DryRun: new(true)})
	b.refused(err, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
	if n := b.st.World(); n.VPCs.Len() != 1 {
		t.Error("a dry run made a VPC")
	}
}

func TestSecondaryRanges(t *testing.T) {
	b := start(t)
	ctx := t.Context()
	vpc := b.vpc("10.0.0.0/16")
	add := func(cidr string) (*string, error) {
		out, err := b.AssociateVpcCidrBlock(ctx, b.c, &ec2api.AssociateVpcCidrBlockInput{VpcId: vpc, CidrBlock: &cidr})
		if err != nil {
			return nil, err
		}
		return out.CidrBlockAssociation.AssociationId, nil
	}
	for _, cidr := range []string{"10.0.128.0/17", "172.16.0.0/16", "192.168.0.0/16", "169.254.0.0/16"} {
		_, err := add(cidr)
		b.refused(err, "InvalidVpc.Range", "")
	}
	id := must(add("10.1.0.0/16"))
	subnet := b.subnet(vpc, "10.1.0.0/24")
	remove := func(id *string) error {
		_, err := b.DisassociateVpcCidrBlock(ctx, b.c, &ec2api.DisassociateVpcCidrBlockInput{AssociationId: id})
		return err
	}
	b.refused(remove(id), "InvalidCidrBlock.InUse", "")
	w := b.st.World()
	v, _ := w.VPCs.Get(world.VPCID(*vpc))
	b.refused(remove(&v.CIDRs[0].ID), "OperationNotPermitted", "The vpc CIDR block with association ID "+v.CIDRs[0].ID+
		" may not be disassociated. It is the primary IPv4 CIDR block of the VPC")
	must(b.DeleteSubnet(ctx, b.c, &ec2api.DeleteSubnetInput{SubnetId: subnet}))
	if err := remove(id); err != nil {
		t.Error(err)
	}
}

// What depends on what, from the outside in: nothing goes while something needs it.
func TestDeleteOrder(t *testing.T) {
	b := start(t)
	ctx := t.Context()
	vpc := b.vpc("10.0.0.0/16")
	subnet := b.subnet(vpc, "10.0.0.0/24")
	g, h := b.group(vpc, "g"), b.group(vpc, "h")
	in := launchIn(subnet)
	in.SecurityGroupIds = []string{*g}
	instance := must(b.RunInstances(ctx, b.c, in)).Instances[0].InstanceId
	must(b.AuthorizeSecurityGroupIngress(ctx, b.c, &ec2api.AuthorizeSecurityGroupIngressInput{GroupId: g, IpPermissions: []ec2api.IpPermission{
		{IpProtocol: new("-1"), UserIdGroupPairs: []ec2api.UserIdGroupPair{{GroupId: h}}},
	}}))
	table := must(b.CreateRouteTable(ctx, b.c, &ec2api.CreateRouteTableInput{VpcId: vpc})).RouteTable.RouteTableId
	association := must(b.AssociateRouteTable(ctx, b.c, &ec2api.AssociateRouteTableInput{RouteTableId: table, SubnetId: subnet})).AssociationId
	deleteVPC := func() error {
		_, err := b.DeleteVpc(ctx, b.c, &ec2api.DeleteVpcInput{VpcId: vpc})
		return err
	}
	deleteSubnet := func() error {
		_, err := b.DeleteSubnet(ctx, b.c, &ec2api.DeleteSubnetInput{SubnetId: subnet})
		return err
	}
	deleteGroup := func(id *string) error {
		_, err := b.DeleteSecurityGroup(ctx, b.c, &ec2api.DeleteSecurityGroupInput{GroupId: id})
		return err
	}
	b.refused(deleteVPC(), "DependencyViolation", "The vpc '"+*vpc+"' has dependencies and cannot be deleted.")
	b.refused(deleteSubnet(), "DependencyViolation", "The subnet '"+*subnet+"' has dependencies and cannot be deleted.")
	b.refused(deleteGroup(g), "DependencyViolation", "resource "+*g+" has a dependent object")
	b.refused(deleteGroup(h), "DependencyViolation", "resource "+*h+" has a dependent object")
	_, err := b.DeleteRouteTable(ctx, b.c, &ec2api.DeleteRouteTableInput{RouteTableId: table})
	b.refused(err, "DependencyViolation", "The routeTable '"+*table+"' has dependencies and cannot be deleted.")
	w := b.st.World()
	def, _ := w.DefaultGroup(world.VPCID(*vpc))
	b.refused(deleteGroup(new(string(def.ID))), "CannotDelete", `the specified group: "`+string(def.ID)+`" name: "default" cannot be deleted by a user`)

	must(b.TerminateInstances(ctx, b.c, &ec2api.TerminateInstancesInput{InstanceIds: []string{*instance}}))
	b.refused(deleteSubnet(), "DependencyViolation", "")
	b.seen()
	must(b.DisassociateRouteTable(ctx, b.c, &ec2api.DisassociateRouteTableInput{AssociationId: association}))
	must(b.DeleteRouteTable(ctx, b.c, &ec2api.DeleteRouteTableInput{RouteTableId: table}))
	for _, err := range []error{deleteSubnet(), deleteGroup(g), deleteGroup(h), deleteVPC()} {
		if err != nil {
			t.Error(err)
		}
	}
	b.refused(deleteVPC(), "InvalidVpcID.NotFound", "The vpc ID '"+*vpc+"' does not exist")
	w = b.st.World()
	if w.SecurityGroupRules.Len()+w.RouteTables.Len()+w.NetworkACLs.Len()+w.ENIs.Len() != 0 {
		t.Error("something of the VPC is left")
	}
}

func TestSubnet(t *testing.T) {
	b := start(t)
	ctx := t.Context()
	vpc := b.vpc("10.0.0.0/16")
	b.subnet(vpc, "10.0.1.0/24")
	for _, in := range []struct{ cidr, zone, code, text string }{
		{"10.0.1.128/25", "", "InvalidSubnet.Conflict", "The CIDR '10.0.1.128/25' conflicts with another subnet"},
		{"10.1.0.0/24", "", "InvalidSubnet.Range", "The CIDR '10.1.0.0/24' is invalid."},
		{"10.0.0.0/29", "", "InvalidSubnet.Range", "The CIDR '10.0.0.0/29' is invalid."},
		{"10.0.2.0/24", "us-east-1z", "InvalidParameterValue", "Value (us-east-1z) for parameter availabilityZone is invalid. Subnets can " +
			"currently only be created in the following availability zones: us-east-1a, us-east-1b, us-east-1c, us-east-1d, us-east-1e, us-east-1f."},
	} {
		req := &ec2api.CreateSubnetInput{VpcId: vpc, CidrBlock: &in.cidr}
		if in.zone != "" {
			req.AvailabilityZone = &in.zone
		}
		_, err := b.CreateSubnet(ctx, b.c, req)
		b.refused(err, in.code, in.text)
	}
}

// The route tables of a VPC: local routes, routes to interfaces, and who uses which table.
func TestRoutes(t *testing.T) {
	b := start(t)
	ctx := t.Context()
	vpc, other := b.vpc("10.0.0.0/16"), b.vpc("10.0.0.0/16")
	subnet := b.subnet(vpc, "10.0.0.0/24")
	i, far := b.instance(subnet), b.instance(b.subnet(other, "10.0.0.0/24"))
	b.seen()
	w := b.st.World()
	main := new(string(mine(&w.RouteTables, b.c)[slices.IndexFunc(mine(&w.RouteTables, b.c), func(r world.RouteTable) bool { return string(r.VPC) == *vpc })].ID))
	create := func(cidr string, in ec2api.CreateRouteInput) error {
		in.RouteTableId, in.DestinationCidrBlock = main, &cidr
		_, err := b.CreateRoute(ctx, b.c, &in)
		return err
	}
	b.refused(create("0.0.0.0/0", ec2api.CreateRouteInput{GatewayId: new("igw-0123456789abcdef0")}), "InvalidGatewayID.NotFound",
		"The gateway ID 'igw-0123456789abcdef0' does not exist")
	b.refused(create("0.0.0.0/0", ec2api.CreateRouteInput{VpcPeeringConnectionId: new("pcx-0123456789abcdef0")}), "InvalidVpcPeeringConnectionID.NotFound",
		"The vpcPeeringConnection ID 'pcx-0123456789abcdef0' does not exist")
	b.refused(create("0.0.0.0/0", ec2api.CreateRouteInput{InstanceId: far}), "InvalidParameterValue", "")
	if err := create("192.168.0.5/16", ec2api.CreateRouteInput{InstanceId: i}); err != nil {
		t.Fatal(err)
	}
	b.refused(create("192.168.0.0/16", ec2api.CreateRouteInput{InstanceId: i}), "RouteAlreadyExists", "The route identified by 192.168.0.0/16 already exists.")
	route := func() ec2api.Route {
		rs := must(b.DescribeRouteTables(ctx, b.c, &ec2api.DescribeRouteTablesInput{RouteTableIds: []string{*main}})).RouteTables[0].Routes
		if len(rs) != 2 || *rs[0].GatewayId != "local" {
			t.Fatalf("routes are %v", rs)
		}
		return rs[1]
	}
	if r := route(); *r.State != "active" || *r.InstanceId != *i || *r.DestinationCidrBlock != "192.168.0.0/16" {
		t.Errorf("route is %s to %s", *r.State, *r.InstanceId)
	}
	remove := func(cidr string) error {
		_, err := b.DeleteRoute(ctx, b.c, &ec2api.DeleteRouteInput{RouteTableId: main, DestinationCidrBlock: &cidr})
		return err
	}
	b.refused(remove("10.0.0.0/16"), "InvalidParameterValue", "cannot remove local route 10.0.0.0/16 in route table "+*main)
	b.refused(remove("1.0.0.0/8"), "InvalidRoute.NotFound", "no route with destination-cidr-block 1.0.0.0/8 in route table "+*main)
	must(b.TerminateInstances(ctx, b.c, &ec2api.TerminateInstancesInput{InstanceIds: []string{*i}}))
	b.seen()
	if r := route(); *r.State != "blackhole" {
		t.Errorf("the route of a terminated instance is %s", *r.State)
	}
	if err := remove("192.168.0.0/16"); err != nil {
		t.Error(err)
	}
	b.mainTable(vpc, subnet, main)
}

// mainTable makes another table main, and associates the subnet.
func (b *bench) mainTable(vpc, subnet, old *string) {
	ctx := b.Context()
	fresh := must(b.CreateRouteTable(ctx, b.c, &ec2api.CreateRouteTableInput{VpcId: vpc})).RouteTable.RouteTableId
	w := b.st.World()
	t, _ := w.RouteTables.Get(world.RouteTableID(*old))
	_, err := b.DisassociateRouteTable(ctx, b.c, &ec2api.DisassociateRouteTableInput{AssociationId: &t.Associations[0].ID})
	b.refused(err, "InvalidParameterValue", "cannot disassociate the main route table association "+t.Associations[0].ID)
	must(b.ReplaceRouteTableAssociation(ctx, b.c, &ec2api.ReplaceRouteTableAssociationInput{AssociationId: &t.Associations[0].ID, RouteTableId: fresh}))
	w = b.st.World()
	n, _ := w.Subnets.Get(world.SubnetID(*subnet))
	if used, _ := w.RouteTableOf(n); string(used.ID) != *fresh {
		b.Error("the main route table was not replaced")
	}
	must(b.AssociateRouteTable(ctx, b.c, &ec2api.AssociateRouteTableInput{SubnetId: subnet, RouteTableId: old}))
	_, err = b.AssociateRouteTable(ctx, b.c, &ec2api.AssociateRouteTableInput{SubnetId: subnet, RouteTableId: fresh})
	b.refused(err, "Resource.AlreadyAssociated", "the specified association for route table "+*fresh+" conflicts with an existing association")
}

func TestPagesAndFilters(t *testing.T) {
	b := start(t)
	ctx := t.Context()
	for range 7 {
		b.vpc("10.0.0.0/16")
	}
	last := b.vpc("10.9.0.0/16")
	must(b.CreateTags(ctx, b.c, &ec2api.CreateTagsInput{Resources: []string{*last}, Tags: []ec2api.Tag{{Key: new("Name"), Value: new("a*b")}}}))
	seen := map[string]bool{}
	var token *string
	for pages := 0; ; pages++ {
		out := must(b.DescribeVpcs(ctx, b.c, &ec2api.DescribeVpcsInput{MaxResults: new(int32(5)), NextToken: token}))
		for _, v := range out.Vpcs {
			seen[*v.VpcId] = true
		}
		if token = out.NextToken; token == nil {
			break
		}
		if pages > 2 {
			t.Fatal("the pages do not end")
		}
	}
	if len(seen) != 8 {
		t.Errorf("the pages have %d VPCs", len(seen))
	}
	for _, f := range []struct {
		name, value string
		want        int
	}{
		{"cidr", "10.9.*", 1}, {"cidr", "10.?.0.0/16", 8}, {"tag:Name", `a\*b`, 1}, {"tag:Name", "a*", 1}, {"tag-key", "Name", 1}, {"is-default", "true", 0},
	} {
		out := must(b.DescribeVpcs(ctx, b.c, &ec2api.DescribeVpcsInput{Filters: filter(f.name, f.value)}))
		if len(out.Vpcs) != f.want || out.Vpcs == nil {
			t.Errorf("%s=%s finds %d, want %d", f.name, f.value, len(out.Vpcs), f.want)
		}
	}
	_, err := b.DescribeVpcs(ctx, b.c, &ec2api.DescribeVpcsInput{Filters: filter("x", "y")})
	b.refused(err, "InvalidParameterValue", "The filter 'x' is invalid")
	_, err = b.DescribeVpcs(ctx, b.c, &ec2api.DescribeVpcsInput{VpcIds: []string{*last, "vpc-00000000000000000"}})
	b.refused(err, "InvalidVpcID.NotFound", "The vpc ID 'vpc-00000000000000000' does not exist")
}
