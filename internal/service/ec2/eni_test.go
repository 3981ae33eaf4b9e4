package ec2

import (
	"testing"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/world"
)

func (b *bench) describeENI(id *string) ec2api.NetworkInterface {
	b.Helper()
	return must(b.DescribeNetworkInterfaces(b.Context(), b.c, &ec2api.DescribeNetworkInterfacesInput{NetworkInterfaceIds: []string{*id}})).NetworkInterfaces[0]
}

// An interface comes, is plugged in and out, and goes; each step is said when it was seen.
func TestInterfaceLife(t *testing.T) {
	b := start(t)
	ctx := t.Context()
	vpc := b.vpc("10.0.0.0/16")
	subnet := b.subnet(vpc, "10.0.0.0/24")
	i := b.instance(subnet)
	in := &ec2api.CreateNetworkInterfaceInput{SubnetId: subnet, Description: new("x"), ClientToken: new("once"), SecondaryPrivateIpAddressCount: new(int32(1))}
	e := must(b.CreateNetworkInterface(ctx, b.c, in)).NetworkInterface
	id := e.NetworkInterfaceId
	if again := must(b.CreateNetworkInterface(ctx, b.c, in)).NetworkInterface; *again.NetworkInterfaceId != *id {
		t.Error("the same token made another interface")
	}
	if *e.Status != "pending" || len(e.PrivateIpAddresses) != 2 || len(e.Groups) != 1 || *e.Groups[0].GroupName != "default" {
		t.Errorf("a new interface is %s with %d addresses", *e.Status, len(e.PrivateIpAddresses))
	}
	attach := func(device int32) (*ec2api.AttachNetworkInterfaceOutput, error) {
		return b.AttachNetworkInterface(ctx, b.c, &ec2api.AttachNetworkInterfaceInput{NetworkInterfaceId: id, InstanceId: i, DeviceIndex: &device})
	}
	_, err := attach(1)
	b.refused(err, "IncorrectState", "")
	b.seen()
	if s := *b.describeENI(id).Status; s != "available" {
		t.Errorf("an interface in the kernel is %s", s)
	}
	_, err = attach(0)
	b.refused(err, "InvalidParameterValue", "Instance '"+*i+"' already has an interface attached at device index '0'.")
	attachment := must(attach(1)).AttachmentId
	_, err = attach(2)
	b.refused(err, "InvalidNetworkInterface.InUse", "Interface: ["+*id+"] in use.")
	if e := b.describeENI(id); *e.Status != "in-use" || *e.Attachment.Status != "attaching" || *e.Attachment.DeleteOnTermination {
		t.Errorf("an interface that is plugged in is %s, %s", *e.Status, *e.Attachment.Status)
	}
	b.seen()
	if e := b.describeENI(id); *e.Attachment.Status != "attached" || *e.Attachment.InstanceId != *i {
		t.Errorf("an interface in its instance is %s", *e.Attachment.Status)
	}
	third := must(b.CreateNetworkInterface(ctx, b.c, &ec2api.CreateNetworkInterfaceInput{SubnetId: subnet})).NetworkInterface.NetworkInterfaceId
	_, err = b.AttachNetworkInterface(ctx, b.c, &ec2api.AttachNetworkInterfaceInput{NetworkInterfaceId: third, InstanceId: i, DeviceIndex: new(int32(2))})
	b.refused(err, "AttachmentLimitExceeded", "Interface count 3 exceeds the limit for t3.micro")
	_, err = b.DeleteNetworkInterface(ctx, b.c, &ec2api.DeleteNetworkInterfaceInput{NetworkInterfaceId: id})
	b.refused(err, "InvalidParameterValue", "Network interface '"+*id+"' is currently in use.")
	b.unplug(i, id, attachment)
}

func (b *bench) unplug(i, id, attachment *string) {
	ctx := b.Context()
	w := b.st.World()
	first := w.ENIsOf(world.InstanceID(*i))[0]
	_, err := b.DetachNetworkInterface(ctx, b.c, &ec2api.DetachNetworkInterfaceInput{AttachmentId: new(first.Attachment.ID)})
	b.refused(err, "OperationNotPermitted", "The network interface at device index 0 and networkCard index 0 cannot be detached.")
	_, err = b.DetachNetworkInterface(ctx, b.c, &ec2api.DetachNetworkInterfaceInput{AttachmentId: new("eni-attach-00000000000000000")})
	b.refused(err, "InvalidAttachmentID.NotFound", "")
	must(b.DetachNetworkInterface(ctx, b.c, &ec2api.DetachNetworkInterfaceInput{AttachmentId: attachment}))
	if e := b.describeENI(id); *e.Status != "in-use" || *e.Attachment.Status != "detaching" {
		b.Errorf("an interface that is plugged out is %s, %s", *e.Status, *e.Attachment.Status)
	}
	b.seen()
	if e := b.describeENI(id); *e.Status != "available" || e.Attachment != nil {
		b.Errorf("an interface without a cable is %s", *e.Status)
	}
	must(b.DeleteNetworkInterface(ctx, b.c, &ec2api.DeleteNetworkInterfaceInput{NetworkInterfaceId: id}))
	_, err = b.DescribeNetworkInterfaces(ctx, b.c, &ec2api.DescribeNetworkInterfacesInput{NetworkInterfaceIds: []string{*id}})
	b.refused(err, "InvalidNetworkInterfaceID.NotFound", "The networkInterface ID '"+*id+"' does not exist")
}

func TestSecondaryAddresses(t *testing.T) {
	b := start(t)
	ctx := t.Context()
	subnet := b.subnet(b.vpc("10.0.0.0/16"), "10.0.0.0/24")
	make := func() *string {
		return must(b.CreateNetworkInterface(ctx, b.c, &ec2api.CreateNetworkInterfaceInput{SubnetId: subnet})).NetworkInterface.NetworkInterfaceId
	}
	first, second := make(), make()
	out := must(b.AssignPrivateIpAddresses(ctx, b.c, &ec2api.AssignPrivateIpAddressesInput{NetworkInterfaceId: first, PrivateIpAddresses: []string{"10.0.0.50", "10.0.0.51"}}))
	if len(out.AssignedPrivateIpAddresses) != 2 || *out.AssignedPrivateIpAddresses[1].PrivateIpAddress != "10.0.0.51" {
		t.Errorf("assigned %v", out.AssignedPrivateIpAddresses)
	}
	must(b.AssignPrivateIpAddresses(ctx, b.c, &ec2api.AssignPrivateIpAddressesInput{NetworkInterfaceId: first, SecondaryPrivateIpAddressCount: new(int32(2))}))
	prefix := must(b.AssignPrivateIpAddresses(ctx, b.c, &ec2api.AssignPrivateIpAddressesInput{NetworkInterfaceId: first, Ipv4PrefixCount: new(int32(1))}))
	if len(prefix.AssignedIpv4Prefixes) != 1 || b.free(subnet) != 251-2-4-16 {
		t.Errorf("%d prefixes, %d free addresses", len(prefix.AssignedIpv4Prefixes), b.free(subnet))
	}
	take := &ec2api.AssignPrivateIpAddressesInput{NetworkInterfaceId: second, PrivateIpAddresses: []string{"10.0.0.50"}}
	_, err := b.AssignPrivateIpAddresses(ctx, b.c, take)
	b.refused(err, "InvalidParameterValue", "[10.0.0.50] assigned, but move is not allowed.")
	take.AllowReassignment = new(true)
	must(b.AssignPrivateIpAddresses(ctx, b.c, take))
	if n := len(b.describeENI(first).PrivateIpAddresses); n != 4 {
		t.Errorf("%d addresses are left", n)
	}
	release := func(id *string, addr string) error {
		_, err := b.UnassignPrivateIpAddresses(ctx, b.c, &ec2api.UnassignPrivateIpAddressesInput{NetworkInterfaceId: id, PrivateIpAddresses: []string{addr}})
		return err
	}
	b.refused(release(first, "10.0.0.50"), "InvalidParameterValue", "Some of [10.0.0.50] are not assigned to interface "+*first)
	b.refused(release(second, *b.describeENI(second).PrivateIpAddress), "InvalidParameterValue", "")
	if err := release(second, "10.0.0.50"); err != nil {
		t.Error(err)
	}
	_, err = b.UnassignPrivateIpAddresses(ctx, b.c, &ec2api.UnassignPrivateIpAddressesInput{
		NetworkInterfaceId: first, Ipv4Prefixes: []string{*prefix.AssignedIpv4Prefixes[0].Ipv4Prefix},
	})
	if err != nil || len(b.describeENI(first).Ipv4Prefixes) != 0 {
		t.Errorf("the prefix stays: %v", err)
	}
}

// What is reserved is not chosen; prefixes come from what is reserved for them.
func TestSubnetReservations(t *testing.T) {
	b := start(t)
	ctx := t.Context()
	subnet := b.subnet(b.vpc("10.0.0.0/16"), "10.0.0.0/26")
	reserve := func(cidr, kind string) (*string, error) {
		out, err := b.CreateSubnetCidrReservation(ctx, b.c, &ec2api.CreateSubnetCidrReservationInput{SubnetId: subnet, Cidr: &cidr, ReservationType: &kind})
		if err != nil {
			return nil, err
		}
		return out.SubnetCidrReservation.SubnetCidrReservationId, nil
	}
	id := must(reserve("10.0.0.0/28", "explicit"))
	must(reserve("10.0.0.16/28", "prefix"))
	_, err := reserve("10.0.0.0/27", "explicit")
	b.refused(err, "InvalidParameterValue", "")
	_, err = reserve("10.0.1.0/28", "explicit")
	b.refused(err, "InvalidParameterValue", "")
	e := must(b.CreateNetworkInterface(ctx, b.c, &ec2api.CreateNetworkInterfaceInput{SubnetId: subnet, Ipv4PrefixCount: new(int32(1))})).NetworkInterface
	if *e.PrivateIpAddress != "10.0.0.32" || *e.Ipv4Prefixes[0].Ipv4Prefix != "10.0.0.16/28" {
		t.Errorf("an interface got %s and %s", *e.PrivateIpAddress, *e.Ipv4Prefixes[0].Ipv4Prefix)
	}
	must(b.CreateNetworkInterface(ctx, b.c, &ec2api.CreateNetworkInterfaceInput{SubnetId: subnet, PrivateIpAddress: new("10.0.0.5")}))
	if n := len(must(b.GetSubnetCidrReservations(ctx, b.c, &ec2api.GetSubnetCidrReservationsInput{SubnetId: subnet})).SubnetIpv4CidrReservations); n != 2 {
		t.Errorf("%d reservations", n)
	}
	must(b.DeleteSubnetCidrReservation(ctx, b.c, &ec2api.DeleteSubnetCidrReservationInput{SubnetCidrReservationId: id}))
	_, err = b.DeleteSubnetCidrReservation(ctx, b.c, &ec2api.DeleteSubnetCidrReservationInput{SubnetCidrReservationId: id})
	b.refused(err, "InvalidSubnetCidrReservationID.NotFound", "")
}

func TestDefaultVPC(t *testing.T) {
	b := start(t)
	ctx := t.Context()
	_, err := b.CreateDefaultSubnet(ctx, b.c, &ec2api.CreateDefaultSubnetInput{AvailabilityZone: new("us-east-1a")})
	b.refused(err, "DefaultVpcDoesNotExist", "")
	vpc := must(b.CreateDefaultVpc(ctx, b.c, &ec2api.CreateDefaultVpcInput{})).Vpc
	_, err = b.CreateDefaultVpc(ctx, b.c, &ec2api.CreateDefaultVpcInput{})
	b.refused(err, "DefaultVpcAlreadyExists", "")
	subnets := must(b.DescribeSubnets(ctx, b.c, &ec2api.DescribeSubnetsInput{Filters: filter("default-for-az", "true")})).Subnets
	if !*vpc.IsDefault || *vpc.CidrBlock != "172.31.0.0/16" || len(subnets) != 6 {
		t.Fatalf("the default VPC is %s with %d subnets", *vpc.CidrBlock, len(subnets))
	}
	_, err = b.CreateDefaultSubnet(ctx, b.c, &ec2api.CreateDefaultSubnetInput{AvailabilityZone: new("us-east-1b")})
	b.refused(err, "DefaultSubnetAlreadyExistsInAvailabilityZone", "")
	in := launchIn(nil)
	in.Placement = &ec2api.Placement{AvailabilityZone: new("us-east-1b")}
	if i := must(b.RunInstances(ctx, b.c, in)).Instances[0]; *i.VpcId != *vpc.VpcId || *i.Placement.AvailabilityZone != "us-east-1b" {
		t.Errorf("the instance is in %s, %s", *i.VpcId, *i.Placement.AvailabilityZone)
	}
	g := must(b.CreateSecurityGroup(ctx, b.c, &ec2api.CreateSecurityGroupInput{GroupName: new("g"), Description: new("x")})).GroupId
	must(b.AuthorizeSecurityGroupIngress(ctx, b.c, &ec2api.AuthorizeSecurityGroupIngressInput{GroupName: new("g"), IpPermissions: tcp("10.0.0.0/8", 1, 1)}))
	if out := must(b.DeleteSecurityGroup(ctx, b.c, &ec2api.DeleteSecurityGroupInput{GroupName: new("g")})); *out.GroupId != *g {
		t.Error("another group was deleted")
	}
}
