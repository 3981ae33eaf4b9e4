package ec2

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/store"
	"kumiko/internal/world"
)

// The life of an instance: each state is said when it has been seen, in AWS's order.
func TestStates(t *testing.T) {
	b := start(t)
	ctx := t.Context()
	subnet := b.subnet(b.vpc("10.0.0.0/16"), "10.0.0.0/24")
	id := b.instance(subnet)
	is := func(want string) {
		t.Helper()
		if got := b.state(id); got != want {
			t.Errorf("the instance is %s, want %s", got, want)
		}
	}
	ids := []string{*id}
	is("pending")
	_, err := b.StopInstances(ctx, b.c, &ec2api.StopInstancesInput{InstanceIds: ids})
	b.refused(err, "IncorrectInstanceState", "This instance '"+*id+"' is not in a state from which it can be stopped.")
	b.seen()
	is("running")
	must(b.RebootInstances(ctx, b.c, &ec2api.RebootInstancesInput{InstanceIds: ids}))
	is("running")
	status := must(b.DescribeInstanceStatus(ctx, b.c, &ec2api.DescribeInstanceStatusInput{})).InstanceStatuses[0]
	if *status.InstanceStatus.Status != "initializing" {
		t.Errorf("the checks of a rebooting instance are %s", *status.InstanceStatus.Status)
	}
	b.seen()
	change := must(b.StopInstances(ctx, b.c, &ec2api.StopInstancesInput{InstanceIds: ids})).StoppingInstances[0]
	if *change.PreviousState.Name != "running" || *change.CurrentState.Name != "stopping" {
		t.Errorf("stopping goes from %s to %s", *change.PreviousState.Name, *change.CurrentState.Name)
	}
	_, err = b.StartInstances(ctx, b.c, &ec2api.StartInstancesInput{InstanceIds: ids})
	b.refused(err, "IncorrectInstanceState", "The instance '"+*id+"' is not in a state from which it can be started.")
	b.seen()
	is("stopped")
	must(b.StartInstances(ctx, b.c, &ec2api.StartInstancesInput{InstanceIds: ids}))
	is("pending")
	b.seen()
	is("running")
	b.endsItself(id)
	is("stopped")
	must(b.ModifyInstanceAttribute(ctx, b.c, &ec2api.ModifyInstanceAttributeInput{InstanceId: id, Attribute: new("disableApiTermination"), Value: new("true")}))
	_, err = b.TerminateInstances(ctx, b.c, &ec2api.TerminateInstancesInput{InstanceIds: ids})
	b.refused(err, "OperationNotPermitted", "The instance '"+*id+"' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.")
	must(b.ModifyInstanceAttribute(ctx, b.c, &ec2api.ModifyInstanceAttributeInput{InstanceId: id, DisableApiTermination: &ec2api.AttributeBooleanValue{Value: new(false)}}))
	_, err = b.TerminateInstances(ctx, b.c, &ec2api.TerminateInstancesInput{InstanceIds: []string{*id, "i-00000000000000000"}})
	b.refused(err, "InvalidInstanceID.NotFound", "The instance ID 'i-00000000000000000' does not exist")
	is("stopped")
	must(b.TerminateInstances(ctx, b.c, &ec2api.TerminateInstancesInput{InstanceIds: ids}))
	is("shutting-down")
	b.seen()
	is("terminated")
	must(b.TerminateInstances(ctx, b.c, &ec2api.TerminateInstancesInput{InstanceIds: ids}))
	if w := b.st.World(); w.ENIs.Len() != 0 {
		t.Error("the interface of a terminated instance is left")
	}
	b.now = b.now.Add(time.Hour + time.Minute)
	is("InvalidInstanceID.NotFound")
}

// endsItself lets the instance's host end and waits for what follows.
func (b *bench) endsItself(id *string) {
	w := b.st.World()
	i, _ := w.Instances.Get(world.InstanceID(*id))
	ended := store.Seen{Rev: w.Rev, Hosts: map[world.InstanceID]store.Host{i.ID: {Phase: store.Exited, Boot: i.Boot}}}
	b.see(ended)
	ended.Rev = b.st.World().Rev
	b.see(ended)
}

// A prefix takes sixteen addresses, an interface at least one; the figures are those of a known transcript.
func TestAddressAccounting(t *testing.T) {
	b := start(t)
	ctx := t.Context()
	vpc := b.vpc("10.10.10.0/24")
	big, small := b.subnet(vpc, "10.10.10.128/25"), b.subnet(vpc, "10.10.10.0/28")
	if n := b.free(big); n != 123 {
		t.Fatalf("a /25 has %d free addresses", n)
	}
	run := func(subnet *string, n ec2api.InstanceNetworkInterfaceSpecification) (*ec2api.RunInstancesOutput, error) {
		in := launchIn(nil)
		n.DeviceIndex, n.SubnetId = new(int32(0)), subnet
		in.NetworkInterfaces = []ec2api.InstanceNetworkInterfaceSpecification{n}
		return b.RunInstances(ctx, b.c, in)
	}
	for range 2 {
		must(run(big, ec2api.InstanceNetworkInterfaceSpecification{Ipv4PrefixCount: new(int32(1))}))
	}
	if n := b.free(big); n != 89 {
		t.Errorf("after two prefixes and two addresses %d are free", n)
	}
	w := b.st.World()
	for e := range w.ENIs.All() {
		if p := e.Prefixes[0]; p.Contains(e.Addr()) || p.Bits() != 28 || p.Contains(netip.MustParseAddr("10.10.10.255")) {
			t.Errorf("prefix %s for %s", p, e.Addr())
		}
	}
	_, err := run(small, ec2api.InstanceNetworkInterfaceSpecification{Ipv4PrefixCount: new(int32(1))})
	b.refused(err, "InsufficientFreeAddressesInSubnet", "There are not enough free addresses in subnet '"+*small+"' to satisfy the requested number of instances.")
	for _, x := range []struct{ addr, code, text string }{
		{"10.10.11.1", "InvalidParameterValue", "Address does not fall within the subnet's address range"},
		{"10.10.10.2", "InvalidParameterValue", "Address 10.10.10.2 is in subnet's reserved address range"},
		{"10.10.10.4", "", ""},
		{"10.10.10.4", "InvalidIPAddress.InUse", "Address 10.10.10.4 is in use."},
	} {
		if _, err := run(small, ec2api.InstanceNetworkInterfaceSpecification{PrivateIpAddress: &x.addr}); x.code != "" {
			b.refused(err, x.code, x.text)
		} else if err != nil {
			t.Error(err)
		}
	}
	many := launchIn(small)
	many.MaxCount = new(int32(50))
	if out := must(b.RunInstances(ctx, b.c, many)); len(out.Instances) != 10 {
		t.Errorf("%d instances fit in a /28", len(out.Instances))
	}
	_, err = b.RunInstances(ctx, b.c, launchIn(small))
	b.refused(err, "InsufficientFreeAddressesInSubnet", "")
}

func TestClientToken(t *testing.T) {
	b := start(t)
	ctx := t.Context()
	in := launchIn(b.subnet(b.vpc("10.0.0.0/16"), "10.0.0.0/24"))
	in.ClientToken = new("once")
	first, second := must(b.RunInstances(ctx, b.c, in)), must(b.RunInstances(ctx, b.c, in))
	if *first.Instances[0].InstanceId != *second.Instances[0].InstanceId {
		t.Error("the same token started another instance")
	}
	in.InstanceType = new("t3.small")
	_, err := b.RunInstances(ctx, b.c, in)
	b.refused(err, "IdempotentParameterMismatch", "")
	if w := b.st.World(); w.Instances.Len() != 1 {
		t.Errorf("%d instances", w.Instances.Len())
	}
}

func TestRunRefusals(t *testing.T) {
	b := start(t)
	ctx := t.Context()
	subnet := b.subnet(b.vpc("10.0.0.0/16"), "10.0.0.0/24")
	far := b.group(b.vpc("10.0.0.0/16"), "far")
	for _, x := range []struct {
		name       string
		change     func(*ec2api.RunInstancesInput)
		code, text string
	}{
		{"no subnet", func(in *ec2api.RunInstancesInput) { in.SubnetId = nil }, "VPCIdNotSpecified",
			"No default VPC for this user. GroupName is only supported for EC2-Classic and default VPC."},
		{"type", func(in *ec2api.RunInstancesInput) { in.InstanceType = new("x9.y") }, "InvalidParameterValue", "Invalid value 'x9.y' for InstanceType."},
		{"key", func(in *ec2api.RunInstancesInput) { in.KeyName = new("nokey") }, "InvalidKeyPair.NotFound", "The key pair 'nokey' does not exist"},
		{"group", func(in *ec2api.RunInstancesInput) { in.SecurityGroupIds = []string{*far} }, "InvalidParameter",
			"Security group " + *far + " and subnet " + *subnet + " belong to different networks."},
		{"image", func(in *ec2api.RunInstancesInput) { in.ImageId = new("ami-x") }, "InvalidAMIID.Malformed", ""},
		{"user data", func(in *ec2api.RunInstancesInput) { in.UserData = new("%") }, "InvalidUserData.Malformed", "Invalid BASE64 encoding of user data."},
		{"profile", func(in *ec2api.RunInstancesInput) {
			in.IamInstanceProfile = &ec2api.IamInstanceProfileSpecification{Name: new("p")}
		}, "InvalidParameterValue", "Value (p) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name"},
		{"interfaces and subnet", func(in *ec2api.RunInstancesInput) {
			in.NetworkInterfaces = []ec2api.InstanceNetworkInterfaceSpecification{{DeviceIndex: new(int32(0)), SubnetId: subnet}}
		}, "InvalidParameterCombination", "Network interfaces and an instance-level subnet ID may not be specified on the same request"},
		{"tags of a VPC", func(in *ec2api.RunInstancesInput) {
			in.TagSpecifications = []ec2api.TagSpecification{{ResourceType: new("vpc"), Tags: []ec2api.Tag{{Key: new("k")}}}}
		}, "InvalidParameterValue", "'vpc' is not a valid taggable resource type for this operation."},
		{"public address", func(in *ec2api.RunInstancesInput) {
			in.SubnetId = nil
			in.NetworkInterfaces = []ec2api.InstanceNetworkInterfaceSpecification{
				{DeviceIndex: new(int32(0)), SubnetId: subnet, AssociatePublicIpAddress: new(true)}, {DeviceIndex: new(int32(1)), SubnetId: subnet},
			}
		}, "InvalidParameterCombination", "The associatePublicIPAddress parameter cannot be specified when launching with multiple network interfaces."},
		{"counts", func(in *ec2api.RunInstancesInput) { in.MinCount = new(int32(2)) }, "InvalidParameterValue", ""},
	} {
		in := launchIn(subnet)
		x.change(in)
		_, err := b.RunInstances(ctx, b.c, in)
		t.Log(x.name)
		b.refused(err, x.code, x.text)
	}
	if w := b.st.World(); w.Instances.Len()+w.ENIs.Len() != 0 {
		t.Error("a refused request left something")
	}
	strict := New(Config{Store: b.st, StrictAMI: true})
	_, err := strict.RunInstances(ctx, b.c, launchIn(subnet))
	b.refused(err, "InvalidAMIID.NotFound", "The image id '[ami-0123456789abcdef0]' does not exist")
}

// Every image can be found by name and started; its instances answer its architecture and metadata defaults.
func TestImages(t *testing.T) {
	b := start(t)
	ctx := t.Context()
	subnet := b.subnet(b.vpc("10.0.0.0/16"), "10.0.0.0/24")
	all := must(b.DescribeImages(ctx, b.c, &ec2api.DescribeImagesInput{Owners: []string{"amazon", "099720109477", "136693071363"}})).Images
	if len(all) != 10 {
		t.Fatalf("%d images", len(all))
	}
	for _, img := range all {
		in := launchIn(subnet)
		in.ImageId = img.ImageId
		if *img.Architecture == "arm64" {
			_, err := b.RunInstances(ctx, b.c, in)
			b.refused(err, "InvalidParameterValue", "")
			in.InstanceType = new("t4g.micro")
		}
		i := must(b.RunInstances(ctx, b.c, in)).Instances[0]
		want := "optional"
		if strings.HasPrefix(*img.Name, "al2023") {
			want = "required"
		}
		if *i.Architecture != *img.Architecture || *i.MetadataOptions.HttpTokens != want || *i.RootDeviceName != *img.RootDeviceName {
			t.Errorf("%s: %s, tokens %s", *img.Name, *i.Architecture, *i.MetadataOptions.HttpTokens)
		}
	}
	tokyo := world.Caller{Account: b.c.Account, Region: "ap-northeast-1"}
	seed := must(b.DescribeImages(ctx, tokyo, &ec2api.DescribeImagesInput{ImageIds: []string{"ami-0f9816f78187c68fb"}})).Images
	if len(seed) != 1 || !strings.HasPrefix(*seed[0].Name, "al2023") {
		t.Error("the well-known image is not there")
	}
}

func TestTags(t *testing.T) {
	b := start(t)
	ctx := t.Context()
	subnet := b.subnet(b.vpc("10.0.0.0/16"), "10.0.0.0/24")
	id := b.instance(subnet)
	w := b.st.World()
	i, _ := w.Instances.Get(world.InstanceID(*id))
	resources := []string{*id, i.Volume.ID, string(w.ENIsOf(i.ID)[0].ID), *subnet}
	must(b.CreateTags(ctx, b.c, &ec2api.CreateTagsInput{Resources: resources, Tags: []ec2api.Tag{{Key: new("a"), Value: new("1")}, {Key: new("b"), Value: new("")}}}))
	if n := len(must(b.DescribeTags(ctx, b.c, &ec2api.DescribeTagsInput{Filters: filter("key", "a")})).Tags); n != 4 {
		t.Errorf("%d tags", n)
	}
	must(b.DeleteTags(ctx, b.c, &ec2api.DeleteTagsInput{Resources: resources, Tags: []ec2api.Tag{{Key: new("a"), Value: new("2")}, {Key: new("b"), Value: new("")}}}))
	if n := len(must(b.DescribeTags(ctx, b.c, &ec2api.DescribeTagsInput{})).Tags); n != 4 {
		t.Errorf("%d tags are left", n)
	}
	_, err := b.CreateTags(ctx, b.c, &ec2api.CreateTagsInput{Resources: resources, Tags: []ec2api.Tag{{Key: new("aws:x"), Value: new("1")}}})
	b.refused(err, "InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use")
	if got := must(b.DescribeVolumes(ctx, b.c, &ec2api.DescribeVolumesInput{Filters: filter("tag:a", "1")})).Volumes; len(got) != 1 {
		t.Errorf("%d volumes", len(got))
	}
}
