package ec2

import (
	"testing"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/store"
)

// An instance takes its kind of name from its subnet or the call, and keeps it while it runs.
func TestNamesOfIDs(t *testing.T) {
	b := start(t)
	ctx := t.Context()
	subnet := b.subnet(b.vpc("10.0.0.0/16"), "10.0.0.0/24")
	old := b.instance(subnet)
	must(b.ModifySubnetAttribute(ctx, b.c, &ec2api.ModifySubnetAttributeInput{SubnetId: subnet, PrivateDnsHostnameTypeOnLaunch: new("resource-name")}))
	must(b.ModifySubnetAttribute(ctx, b.c, &ec2api.ModifySubnetAttributeInput{SubnetId: subnet, EnableResourceNameDnsARecordOnLaunch: &ec2api.AttributeBooleanValue{Value: new(true)}}))
	_, err := b.ModifySubnetAttribute(ctx, b.c, &ec2api.ModifySubnetAttributeInput{SubnetId: subnet, PrivateDnsHostnameTypeOnLaunch: new("nick-name")})
	b.refused(err, "InvalidParameterValue", "")
	id := b.instance(subnet)
	in := launchIn(subnet)
	in.PrivateDnsNameOptions = &ec2api.PrivateDnsNameOptionsRequest{HostnameType: new("ip-name")}
	own := must(b.RunInstances(ctx, b.c, in)).Instances[0].InstanceId
	is := func(id *string, name string, record bool) {
		t.Helper()
		i := b.instanceRow(id)
		if *i.PrivateDnsName != name || *i.PrivateDnsNameOptions.EnableResourceNameDnsARecord != record {
			t.Errorf("%s is %s %v, want %s %v", *id, *i.PrivateDnsName, *i.PrivateDnsNameOptions.EnableResourceNameDnsARecord, name, record)
		}
	}
	is(old, "ip-10-0-0-4.ec2.internal", false)
	is(id, *id+".ec2.internal", true)
	is(own, "ip-10-0-0-6.ec2.internal", true)
	b.seen()
	change := func(kind *string, record *bool) error {
		_, err := b.ModifyPrivateDnsNameOptions(ctx, b.c, &ec2api.ModifyPrivateDnsNameOptionsInput{InstanceId: id, PrivateDnsHostnameType: kind, EnableResourceNameDnsARecord: record})
		return err
	}
	b.refused(change(new("ip-name"), new(false)), "IncorrectInstanceState", "")
	is(id, *id+".ec2.internal", true)
	b.refused(change(new("nick-name"), nil), "InvalidParameterValue", "")
	if err := change(new("resource-name"), new(false)); err != nil {
		t.Error(err)
	}
	is(id, *id+".ec2.internal", false)
	must(b.StopInstances(ctx, b.c, &ec2api.StopInstancesInput{InstanceIds: []string{*id}}))
	b.see(store.Seen{Rev: b.st.World().Rev})
	if err := change(new("ip-name"), nil); err != nil {
		t.Error(err)
	}
	is(id, "ip-10-0-0-5.ec2.internal", false)
	_, err = b.ModifyPrivateDnsNameOptions(ctx, b.c, &ec2api.ModifyPrivateDnsNameOptionsInput{InstanceId: id, EnableResourceNameDnsAAAARecord: new(true)})
	b.refused(err, "UnsupportedOperation", "")
}
