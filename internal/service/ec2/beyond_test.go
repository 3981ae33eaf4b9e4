package ec2

import (
	"testing"
	"time"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/world"
)

// waysOut makes what leads out of a VPC, and gives the ids by the members of requests that take them.
func (b *bench) waysOut(c world.Caller, vpc, subnet *string) map[string]string {
	ctx := b.Context()
	igw := must(b.CreateInternetGateway(ctx, c, &ec2api.CreateInternetGatewayInput{})).InternetGateway.InternetGatewayId
	must(b.AttachInternetGateway(ctx, c, &ec2api.AttachInternetGatewayInput{InternetGatewayId: igw, VpcId: vpc}))
	address := must(b.AllocateAddress(ctx, c, &ec2api.AllocateAddressInput{})).AllocationId
	nat := must(b.CreateNatGateway(ctx, c, &ec2api.CreateNatGatewayInput{SubnetId: subnet, AllocationId: address})).NatGateway.NatGatewayId
	other := must(b.CreateVpc(ctx, c, &ec2api.CreateVpcInput{CidrBlock: new("10.9.0.0/16")})).Vpc.VpcId
	pcx := must(b.CreateVpcPeeringConnection(ctx, c, &ec2api.CreateVpcPeeringConnectionInput{VpcId: vpc, PeerVpcId: other})).VpcPeeringConnection
	return map[string]string{
		"InternetGatewayId": *igw, "AllocationId": *address, "NatGatewayId": *nat, "VpcPeeringConnectionId": *pcx.VpcPeeringConnectionId,
	}
}

func (b *bench) gateway(vpc *string) *string {
	igw := must(b.CreateInternetGateway(b.Context(), b.c, &ec2api.CreateInternetGatewayInput{})).InternetGateway.InternetGatewayId
	must(b.AttachInternetGateway(b.Context(), b.c, &ec2api.AttachInternetGatewayInput{InternetGatewayId: igw, VpcId: vpc}))
	return igw
}

// instanceRow is an instance as it is described.
func (b *bench) instanceRow(id *string) ec2api.Instance {
	return must(b.DescribeInstances(b.Context(), b.c, &ec2api.DescribeInstancesInput{InstanceIds: []string{*id}})).Reservations[0].Instances[0]
}

func (b *bench) table(vpc *string) *string {
	return must(b.CreateRouteTable(b.Context(), b.c, &ec2api.CreateRouteTableInput{VpcId: vpc})).RouteTable.RouteTableId
}

// routeState is the state of the route to a destination.
func (b *bench) routeState(table *string, cidr string) string {
	out := must(b.DescribeRouteTables(b.Context(), b.c, &ec2api.DescribeRouteTablesInput{RouteTableIds: []string{*table}}))
	for _, r := range out.RouteTables[0].Routes {
		if *r.DestinationCidrBlock == cidr {
			return *r.State
		}
	}
	return "none"
}

func TestInternetGateway(t *testing.T) {
	b := start(t)
	ctx := t.Context()
	vpc := b.vpc("10.0.0.0/16")
	igw := b.gateway(vpc)
	describe := func() ec2api.InternetGateway {
		in := &ec2api.DescribeInternetGatewaysInput{Filters: filter("attachment.vpc-id", *vpc)}
		return must(b.DescribeInternetGateways(ctx, b.c, in)).InternetGateways[0]
	}
	if s := *describe().Attachments[0].State; s != "attaching" {
		t.Errorf("not in the kernel, the gateway is %s", s)
	}
	b.seen()
	if s := *describe().Attachments[0].State; s != "available" {
		t.Errorf("in the kernel, the gateway is %s", s)
	}
	_, err := b.AttachInternetGateway(ctx, b.c, &ec2api.AttachInternetGatewayInput{InternetGatewayId: igw, VpcId: vpc})
	b.refused(err, "Resource.AlreadyAssociated", "resource "+*igw+" is already attached to network "+*vpc)
	second := must(b.CreateInternetGateway(ctx, b.c, &ec2api.CreateInternetGatewayInput{})).InternetGateway.InternetGatewayId
	_, err = b.AttachInternetGateway(ctx, b.c, &ec2api.AttachInternetGatewayInput{InternetGatewayId: second, VpcId: vpc})
	b.refused(err, "InvalidParameterValue", "Network "+*vpc+" already has an internet gateway attached")
	_, err = b.DeleteInternetGateway(ctx, b.c, &ec2api.DeleteInternetGatewayInput{InternetGatewayId: igw})
	b.refused(err, "DependencyViolation", "The internetGateway '"+*igw+"' has dependencies and cannot be deleted.")
	_, err = b.DeleteVpc(ctx, b.c, &ec2api.DeleteVpcInput{VpcId: vpc})
	b.refused(err, "DependencyViolation", "")

	table := b.table(vpc)
	must(b.CreateRoute(ctx, b.c, &ec2api.CreateRouteInput{RouteTableId: table, DestinationCidrBlock: new("0.0.0.0/0"), GatewayId: igw}))
	elsewhere := b.table(b.vpc("10.0.0.0/16"))
	_, err = b.CreateRoute(ctx, b.c, &ec2api.CreateRouteInput{RouteTableId: elsewhere, DestinationCidrBlock: new("0.0.0.0/0"), GatewayId: igw})
	b.refused(err, "InvalidParameterValue", "route table "+*elsewhere+" and network gateway "+*igw+" belong to different networks")
	if s := b.routeState(table, "0.0.0.0/0"); s != "active" {
		t.Errorf("the route to the gateway is %s", s)
	}
	must(b.DetachInternetGateway(ctx, b.c, &ec2api.DetachInternetGatewayInput{InternetGatewayId: igw, VpcId: vpc}))
	if s := b.routeState(table, "0.0.0.0/0"); s != "blackhole" {
		t.Errorf("the route to the detached gateway is %s", s)
	}
	_, err = b.DetachInternetGateway(ctx, b.c, &ec2api.DetachInternetGatewayInput{InternetGatewayId: igw, VpcId: vpc})
	b.refused(err, "Gateway.NotAttached", "")
	must(b.DeleteInternetGateway(ctx, b.c, &ec2api.DeleteInternetGatewayInput{InternetGatewayId: igw}))
	_, err = b.DescribeInternetGateways(ctx, b.c, &ec2api.DescribeInternetGatewaysInput{InternetGatewayIds: []string{*igw}})
	b.refused(err, "InvalidInternetGatewayID.NotFound", "The internetGateway ID '"+*igw+"' does not exist")
}

// An instance has the public address it got at launch until it stops or has an elastic one; an elastic one moves.
func TestPublicAddresses(t *testing.T) {
	b := start(t)
	ctx := t.Context()
	vpc := b.vpc("10.0.0.0/16")
	must(b.ModifyVpcAttribute(ctx, b.c, &ec2api.ModifyVpcAttributeInput{VpcId: vpc, EnableDnsHostnames: &ec2api.AttributeBooleanValue{Value: new(true)}}))
	subnet := b.subnet(vpc, "10.0.0.0/24")
	must(b.ModifySubnetAttribute(ctx, b.c, &ec2api.ModifySubnetAttributeInput{SubnetId: subnet, MapPublicIpOnLaunch: &ec2api.AttributeBooleanValue{Value: new(true)}}))
	first := b.instance(subnet)
	no := launchIn(nil)
	no.NetworkInterfaces = []ec2api.InstanceNetworkInterfaceSpecification{{DeviceIndex: new(int32(0)), SubnetId: subnet, AssociatePublicIpAddress: new(false)}}
	second := must(b.RunInstances(ctx, b.c, no)).Instances[0].InstanceId
	b.seen()
	i := b.instanceRow(first)
	if val(i.PublicIpAddress) != "198.18.1.1" || val(i.PublicDnsName) != "ec2-198-18-1-1.compute-1.amazonaws.com" ||
		val(i.NetworkInterfaces[0].Association.IpOwnerId) != "amazon" {
		t.Errorf("the instance has %q, %q", val(i.PublicIpAddress), val(i.PublicDnsName))
	}
	if a := b.instanceRow(second).PublicIpAddress; a != nil {
		t.Errorf("an instance that was to have no public address has %s", *a)
	}
	if out := must(b.DescribeInstances(ctx, b.c, &ec2api.DescribeInstancesInput{Filters: filter("ip-address", "198.18.1.1")})); len(out.Reservations) != 1 {
		t.Error("the instance is not found by its public address")
	}

	elastic := must(b.AllocateAddress(ctx, b.c, &ec2api.AllocateAddressInput{}))
	_, err := b.AssociateAddress(ctx, b.c, &ec2api.AssociateAddressInput{AllocationId: elastic.AllocationId, InstanceId: first})
	b.refused(err, "Gateway.NotAttached", "Network "+*vpc+" is not attached to any internet gateway")
	igw := b.gateway(vpc)
	_, err = b.DetachInternetGateway(ctx, b.c, &ec2api.DetachInternetGatewayInput{InternetGatewayId: igw, VpcId: vpc})
	b.refused(err, "DependencyViolation", "Network "+*vpc+" has some mapped public address(es). Please unmap those public address(es) before detaching the gateway.")
	assoc := must(b.AssociateAddress(ctx, b.c, &ec2api.AssociateAddressInput{AllocationId: elastic.AllocationId, InstanceId: first})).AssociationId
	if i := b.instanceRow(first); val(i.PublicIpAddress) != *elastic.PublicIp || *i.NetworkInterfaces[0].Association.IpOwnerId != string(b.c.Account) {
		t.Errorf("with an elastic address the instance has %q", val(i.PublicIpAddress))
	}
	if again := must(b.AssociateAddress(ctx, b.c, &ec2api.AssociateAddressInput{AllocationId: elastic.AllocationId, InstanceId: first})); *again.AssociationId != *assoc {
		t.Error("the same association is another one")
	}
	_, err = b.AssociateAddress(ctx, b.c, &ec2api.AssociateAddressInput{AllocationId: elastic.AllocationId, InstanceId: second})
	b.refused(err, "Resource.AlreadyAssociated", "resource "+*elastic.AllocationId+" is already associated with associate-id "+*assoc)
	_, err = b.ReleaseAddress(ctx, b.c, &ec2api.ReleaseAddressInput{AllocationId: elastic.AllocationId})
	b.refused(err, "InvalidIPAddress.InUse", "")
	must(b.AssociateAddress(ctx, b.c, &ec2api.AssociateAddressInput{PublicIp: elastic.PublicIp, InstanceId: second, AllowReassociation: new(true)}))
	if a := b.instanceRow(first).PublicIpAddress; a != nil {
		t.Errorf("without its elastic address the instance has %s", *a)
	}
	must(b.StopInstances(ctx, b.c, &ec2api.StopInstancesInput{InstanceIds: []string{*first}}))
	b.see(seenStopped(b))
	must(b.StartInstances(ctx, b.c, &ec2api.StartInstancesInput{InstanceIds: []string{*first}}))
	if a := b.instanceRow(first).PublicIpAddress; val(a) != "198.18.1.3" {
		t.Errorf("started again, the instance has %q", val(a))
	}
	must(b.TerminateInstances(ctx, b.c, &ec2api.TerminateInstancesInput{InstanceIds: []string{*first, *second}}))
	b.see(seenStopped(b))
	row := must(b.DescribeAddresses(ctx, b.c, &ec2api.DescribeAddressesInput{PublicIps: []string{*elastic.PublicIp}})).Addresses[0]
	if row.AssociationId != nil {
		t.Error("the address is still associated with a terminated instance")
	}
	must(b.ReleaseAddress(ctx, b.c, &ec2api.ReleaseAddressInput{AllocationId: elastic.AllocationId}))
	must(b.DetachInternetGateway(ctx, b.c, &ec2api.DetachInternetGatewayInput{InternetGatewayId: igw, VpcId: vpc}))
	_, err = b.DescribeAddresses(ctx, b.c, &ec2api.DescribeAddressesInput{PublicIps: []string{"198.18.1.9"}})
	b.refused(err, "InvalidAddress.NotFound", "Address '198.18.1.9' not found.")
}

func TestNATGateway(t *testing.T) {
	b := start(t)
	ctx := t.Context()
	vpc := b.vpc("10.0.0.0/16")
	subnet := b.subnet(vpc, "10.0.0.0/24")
	address := must(b.AllocateAddress(ctx, b.c, &ec2api.AllocateAddressInput{})).AllocationId
	create := func(in ec2api.CreateNatGatewayInput) *string {
		in.SubnetId = subnet
		out := must(b.CreateNatGateway(ctx, b.c, &in)).NatGateway
		if *out.State != "pending" {
			t.Errorf("a new gateway is %s", *out.State)
		}
		return out.NatGatewayId
	}
	describe := func(id *string) ec2api.NatGateway {
		return must(b.DescribeNatGateways(ctx, b.c, &ec2api.DescribeNatGatewaysInput{NatGatewayIds: []string{*id}})).NatGateways[0]
	}
	_, err := b.CreateNatGateway(ctx, b.c, &ec2api.CreateNatGatewayInput{SubnetId: subnet})
	b.refused(err, "MissingParameter", "The request must contain the parameter AllocationId")
	failed := create(ec2api.CreateNatGatewayInput{AllocationId: address})
	if g := describe(failed); *g.State != "failed" || *g.FailureCode != "Gateway.NotAttached" || *g.FailureMessage != "Network "+*vpc+" has no Internet gateway attached" {
		t.Errorf("without an internet gateway it is %s, %v", *g.State, val(g.FailureCode))
	}
	igw := b.gateway(vpc)
	id := create(ec2api.CreateNatGatewayInput{AllocationId: address, PrivateIpAddress: new("10.0.0.77")})
	if g := describe(create(ec2api.CreateNatGatewayInput{AllocationId: address})); val(g.FailureCode) != "Resource.AlreadyAssociated" {
		t.Errorf("with an address in use it is %s", *g.State)
	}
	if s := *describe(id).State; s != "pending" {
		t.Errorf("not in the kernel, the gateway is %s", s)
	}
	b.seen()
	g := describe(id)
	if a := g.NatGatewayAddresses[0]; *g.State != "available" || *a.PrivateIp != "10.0.0.77" || val(a.PublicIp) != "198.18.1.1" || a.AssociationId == nil {
		t.Errorf("in the kernel, the gateway is %s with %+v", *g.State, a)
	}
	e := must(b.DescribeNetworkInterfaces(ctx, b.c, &ec2api.DescribeNetworkInterfacesInput{Filters: filter("interface-type", "nat_gateway")})).NetworkInterfaces[0]
	if !*e.RequesterManaged || *e.SourceDestCheck || len(e.Groups) != 0 || *e.Status != "in-use" || *e.Description != "Interface for NAT Gateway "+*id {
		t.Errorf("the interface is %+v", e)
	}
	_, err = b.ReleaseAddress(ctx, b.c, &ec2api.ReleaseAddressInput{AllocationId: address})
	b.refused(err, "AuthFailure", "")
	_, err = b.DeleteSubnet(ctx, b.c, &ec2api.DeleteSubnetInput{SubnetId: subnet})
	b.refused(err, "DependencyViolation", "")
	table := b.table(vpc)
	must(b.CreateRoute(ctx, b.c, &ec2api.CreateRouteInput{RouteTableId: table, DestinationCidrBlock: new("0.0.0.0/0"), NatGatewayId: id}))
	if s := b.routeState(table, "0.0.0.0/0"); s != "active" {
		t.Errorf("the route to the gateway is %s", s)
	}
	must(b.DeleteNatGateway(ctx, b.c, &ec2api.DeleteNatGatewayInput{NatGatewayId: id}))
	if s := *describe(id).State; s != "deleting" || b.routeState(table, "0.0.0.0/0") != "blackhole" {
		t.Errorf("a gateway that is to go is %s", s)
	}
	b.now = time.Now()
	b.seen()
	if s := *describe(id).State; s != "deleted" || b.free(subnet) != 251 {
		t.Errorf("a gateway that has gone is %s", s)
	}
	must(b.ReleaseAddress(ctx, b.c, &ec2api.ReleaseAddressInput{AllocationId: address}))
	must(b.DetachInternetGateway(ctx, b.c, &ec2api.DetachInternetGatewayInput{InternetGatewayId: igw, VpcId: vpc}))
	must(b.DeleteSubnet(ctx, b.c, &ec2api.DeleteSubnetInput{SubnetId: subnet}))
	b.now = b.now.Add(2 * time.Hour)
	_, err = b.DescribeNatGateways(ctx, b.c, &ec2api.DescribeNatGatewaysInput{NatGatewayIds: []string{*id}})
	b.refused(err, "NatGatewayNotFound", "NatGateway "+*id+" was not found")
}
