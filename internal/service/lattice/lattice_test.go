package lattice

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"kumiko/internal/api/latticeapi"
	"kumiko/internal/awserr"
	"kumiko/internal/store"
	"kumiko/internal/world"
)

// bench is a service over a world with VPCs a, b and c, all with the range 10.10.10.0/24.
type bench struct {
	*testing.T
	*Service
	st *store.Store
	c  world.Caller
}

func start(t *testing.T) *bench {
	st := store.OpenMemory()
	t.Cleanup(func() { st.Close() })
	b := &bench{t, New(Config{Store: st}), st, world.Caller{Account: "000000000000", Region: "us-east-1"}}
	_, err := st.Update(t.Context(), func(tx *world.Tx) error {
		for _, v := range "abc" {
			b.addVPC(tx, b.c, string(v))
		}
		b.addVPC(tx, world.Caller{Account: "111111111111", Region: "us-east-1"}, "d")
		tx.LogGroups.Put(world.LogGroup{Meta: tx.NewMeta(b.c, nil), Name: "/aws/resource-configuration/", Class: "STANDARD"})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// id makes the id of a noun of VPC v: vpc-00…0a and so on.
func id(prefix, v string) string { return prefix + "-" + strings.Repeat("0", 17-len(v)) + v }

func (b *bench) addVPC(tx *world.Tx, c world.Caller, v string) {
	vpc := world.VPCID(id("vpc", v))
	acl := world.NetworkACLID(id("acl", v))
	tx.VPCs.Put(world.VPC{ID: vpc, Meta: tx.NewMeta(c, nil), CIDRs: []world.CIDRAssociation{{ID: id("vpc-cidr-assoc", v), CIDR: netip.MustParsePrefix("10.10.10.0/24")}}})
	tx.NetworkACLs.Put(world.NetworkACL{ID: acl, Meta: tx.NewMeta(c, nil), VPC: vpc, Default: true})
	tx.RouteTables.Put(world.RouteTable{ID: world.RouteTableID(id("rtb", v)), Meta: tx.NewMeta(c, nil), VPC: vpc, Index: 1, Main: true, Associations: []world.RouteTableAssociation{{ID: id("rtbassoc", v)}}})
	for i, cidr := range []string{"10.10.10.0/26", "10.10.10.64/26", "10.10.10.128/28", "10.10.10.192/27"} {
		n := fmt.Sprint(v, i)
		tx.Subnets.Put(world.Subnet{ID: world.SubnetID(id("subnet", n)), Meta: tx.NewMeta(c, nil), VPC: vpc, CIDR: netip.MustParsePrefix(cidr),
			Zone: "us-east-1" + "abcb"[i:i+1], NetworkACL: acl, ACLAssociation: id("aclassoc", n)})
	}
	for i := range 6 {
		n := fmt.Sprint(v, i)
		tx.SecurityGroups.Put(world.SecurityGroup{ID: world.SecurityGroupID(id("sg", n)), Meta: tx.NewMeta(c, nil), VPC: vpc, Name: "g" + n, Default: i == 0})
	}
}

// seen tells the service that the kernel is where the world is.
func (b *bench) seen() {
	b.st.SetSeen(store.Seen{Rev: b.st.World().Rev})
	if _, err := b.st.Update(b.Context(), func(tx *world.Tx) error { Finish(tx, b.st.Seen()); return nil }); err != nil {
		b.Fatal(err)
	}
}

func must[T any](out T, err error) T {
	if err != nil {
		panic(err)
	}
	return out
}

// refused demands that err is the given AWS error: code and text.
func (b *bench) refused(err error, code, text string) *awserr.Error {
	b.Helper()
	e := awserr.From(err, awserr.Lattice)
	if e == nil || e.Code != code || text != "" && e.Message != text {
		b.Fatalf("got %v\nwant %s: %s", err, code, text)
	}
	return e
}

func (b *bench) gateway(v string) string {
	b.Helper()
	out := must(b.CreateResourceGateway(b.Context(), b.c, &latticeapi.CreateResourceGatewayInput{
		Name: new("gw-" + v), VpcIdentifier: new(id("vpc", v)), SubnetIds: []string{id("subnet", v+"0"), id("subnet", v+"1")},
		SecurityGroupIds: []string{id("sg", v+"1")}, IpAddressType: new("IPV4"),
	}))
	return *out.Id
}

func single(name, gateway, addr string) *latticeapi.CreateResourceConfigurationInput {
	return &latticeapi.CreateResourceConfigurationInput{
		Name: &name, Type: new("SINGLE"), PortRanges: []string{"22"}, Protocol: new("TCP"), ResourceGatewayIdentifier: &gateway,
		AllowAssociationToShareableServiceNetwork: new(true), ResourceConfigurationDefinition: ipDefinition(addr),
	}
}

func ipDefinition(addr string) *latticeapi.ResourceConfigurationDefinition {
	return &latticeapi.ResourceConfigurationDefinition{IpResource: &latticeapi.IpResource{IpAddress: &addr}}
}

func (b *bench) network(name string) string {
	return *must(b.CreateServiceNetwork(b.Context(), b.c, &latticeapi.CreateServiceNetworkInput{
		Name: &name, AuthType: new("NONE"), SharingConfig: &latticeapi.SharingConfig{Enabled: new(true)},
	})).Id
}

func (b *bench) associate(network, configuration string) *latticeapi.CreateServiceNetworkResourceAssociationOutput {
	b.Helper()
	return must(b.CreateServiceNetworkResourceAssociation(b.Context(), b.c, &latticeapi.CreateServiceNetworkResourceAssociationInput{
		ServiceNetworkIdentifier: &network, ResourceConfigurationIdentifier: &configuration,
	}))
}

func (b *bench) associateVPC(network, v string) (*latticeapi.CreateServiceNetworkVpcAssociationOutput, error) {
	return b.CreateServiceNetworkVpcAssociation(b.Context(), b.c, &latticeapi.CreateServiceNetworkVpcAssociationInput{
		ServiceNetworkIdentifier: &network, VpcIdentifier: new(id("vpc", v)), SecurityGroupIds: []string{id("sg", v+"1")},
	})
}

// TestLife makes everything of journey J0, watches the states and takes it down in the wrong and the right order.
func TestLife(t *testing.T) {
	b, ctx := start(t), t.Context()
	gw := b.gateway("b")
	first := b.st.World()
	sub, _ := first.Subnets.Get(world.SubnetID(id("subnet", "b0")))
	if w := b.st.World(); w.FreeAddresses(sub) != 59-16 || len(w.ENIsOfGateway(world.ResourceGatewayID(gw))) != 2 {
		t.Fatalf("free %d, interfaces %d", w.FreeAddresses(sub), len(w.ENIsOfGateway(world.ResourceGatewayID(gw))))
	}
	if got := must(b.GetResourceGateway(ctx, b.c, &latticeapi.GetResourceGatewayInput{ResourceGatewayIdentifier: &gw})); *got.Status != "CREATE_IN_PROGRESS" {
		t.Fatalf("gateway is %s before the kernel has it", *got.Status)
	}
	b.seen()
	if got := must(b.GetResourceGateway(ctx, b.c, &latticeapi.GetResourceGatewayInput{ResourceGatewayIdentifier: &gw})); *got.Status != "ACTIVE" || *got.Ipv4AddressesPerEni != 16 {
		t.Fatalf("gateway is %s", *got.Status)
	}
	cfg := *must(b.CreateResourceConfiguration(ctx, b.c, single("cfg-b1", gw, "10.10.10.53"))).Id
	sn := b.network("net")
	snra := b.associate(sn, cfg)
	snva := must(b.associateVPC(sn, "a"))
	if *snra.Status != "CREATE_IN_PROGRESS" || *snva.Status != "CREATE_IN_PROGRESS" {
		t.Fatalf("%s %s", *snra.Status, *snva.Status)
	}
	deleteVPC := &latticeapi.DeleteServiceNetworkVpcAssociationInput{ServiceNetworkVpcAssociationIdentifier: snva.Arn}
	deleteResource := &latticeapi.DeleteServiceNetworkResourceAssociationInput{ServiceNetworkResourceAssociationIdentifier: snra.Id}
	_, err := b.DeleteServiceNetworkVpcAssociation(ctx, b.c, deleteVPC)
	b.refused(err, "ConflictException", "")
	b.seen()
	list := must(b.ListServiceNetworkResourceAssociations(ctx, b.c, &latticeapi.ListServiceNetworkResourceAssociationsInput{})).Items
	want := *snra.Id + "." + cfg + ".4232ccc.vpc-lattice-rsc.us-east-1.on.aws"
	if len(list) != 1 || *list[0].Status != "ACTIVE" || *list[0].DnsEntry.DomainName != want || *list[0].DnsEntry.HostedZoneId != "Z08285483B41F6ASEM5U1" || *list[0].IsManagedAssociation {
		t.Fatalf("%+v", list)
	}
	b.st.SetSeen(store.Seen{Rev: b.st.World().Rev, Failing: map[string]string{id("vpc", "a"): "no"}})
	got := must(b.GetServiceNetworkVpcAssociation(ctx, b.c, &latticeapi.GetServiceNetworkVpcAssociationInput{ServiceNetworkVpcAssociationIdentifier: snva.Id}))
	if *got.Status != "CREATE_IN_PROGRESS" || *got.FailureMessage == "" {
		t.Fatalf("%s while the VPC fails", *got.Status)
	}
	b.seen()
	_, err = b.associateVPC(b.network("other"), "a")
	b.refused(err, "ConflictException", "VPC has already been associated to a service network.")
	_, err = b.DeleteServiceNetwork(ctx, b.c, &latticeapi.DeleteServiceNetworkInput{ServiceNetworkIdentifier: &sn})
	b.refused(err, "ConflictException", "ServiceNetwork "+sn+" has VPC(s) associated")
	_, err = b.DeleteResourceGateway(ctx, b.c, &latticeapi.DeleteResourceGatewayInput{ResourceGatewayIdentifier: &gw})
	b.refused(err, "ConflictException", "")
	_, err = b.DeleteResourceConfiguration(ctx, b.c, &latticeapi.DeleteResourceConfigurationInput{ResourceConfigurationIdentifier: &cfg})
	b.refused(err, "ConflictException", "")

	for range 2 { // the second time changes nothing
		if d := must(b.DeleteServiceNetworkVpcAssociation(ctx, b.c, deleteVPC)); *d.Status != "DELETE_IN_PROGRESS" {
			t.Fatal(*d.Status)
		}
	}
	got = must(b.GetServiceNetworkVpcAssociation(ctx, b.c, &latticeapi.GetServiceNetworkVpcAssociationInput{ServiceNetworkVpcAssociationIdentifier: snva.Id}))
	if *got.Status != "DELETE_IN_PROGRESS" {
		t.Fatal(*got.Status)
	}
	_, err = b.associateVPC(sn, "a")
	b.refused(err, "ConflictException", "VPC has already been associated to a service network.")
	b.seen()
	_, err = b.GetServiceNetworkVpcAssociation(ctx, b.c, &latticeapi.GetServiceNetworkVpcAssociationInput{ServiceNetworkVpcAssociationIdentifier: snva.Id})
	b.refused(err, "ResourceNotFoundException", "")
	_, err = b.DeleteServiceNetwork(ctx, b.c, &latticeapi.DeleteServiceNetworkInput{ServiceNetworkIdentifier: &sn})
	b.refused(err, "ConflictException", "ServiceNetwork "+sn+" has resource(s) associated.")
	must(b.DeleteServiceNetworkResourceAssociation(ctx, b.c, deleteResource))
	b.seen()
	must(b.DeleteServiceNetwork(ctx, b.c, &latticeapi.DeleteServiceNetworkInput{ServiceNetworkIdentifier: &sn}))
	must(b.DeleteResourceConfiguration(ctx, b.c, &latticeapi.DeleteResourceConfigurationInput{ResourceConfigurationIdentifier: &cfg}))
	if d := must(b.DeleteResourceGateway(ctx, b.c, &latticeapi.DeleteResourceGatewayInput{ResourceGatewayIdentifier: &gw})); *d.Status != "DELETE_IN_PROGRESS" {
		t.Fatal(*d.Status)
	}
	if w := b.st.World(); !Unfinished(w) || w.ENIs.Len() != 2 {
		t.Fatal("the gateway went before the kernel let it go")
	}
	b.seen()
	if w := b.st.World(); Unfinished(w) || w.ENIs.Len() != 0 || w.ResourceGateways.Len() != 0 || w.FreeAddresses(sub) != 59 {
		t.Fatal("something is left of the gateway")
	}
}

func TestExactRefusals(t *testing.T) {
	b, ctx := start(t), t.Context()
	gw := b.gateway("b")
	gateway := func(change func(*latticeapi.CreateResourceGatewayInput)) error {
		in := &latticeapi.CreateResourceGatewayInput{Name: new("gw-x"), VpcIdentifier: new(id("vpc", "c")), SubnetIds: []string{id("subnet", "c0")}}
		change(in)
		_, err := b.CreateResourceGateway(ctx, b.c, in)
		return err
	}
	configuration := func(change func(*latticeapi.CreateResourceConfigurationInput)) error {
		in := single("cfg-x", gw, "10.10.10.7")
		change(in)
		_, err := b.CreateResourceConfiguration(ctx, b.c, in)
		return err
	}
	arn := "arn:aws:ec2:us-east-1:000000000000:instance/i-0902bb7c744b89712"
	byARN := &latticeapi.ResourceConfigurationDefinition{ArnResource: &latticeapi.ArnResource{Arn: &arn}}
	type gwIn = latticeapi.CreateResourceGatewayInput
	type cfgIn = latticeapi.CreateResourceConfigurationInput
	for _, c := range []struct {
		name string
		err  error
		text string
	}{
		{"small subnet", gateway(func(in *gwIn) { in.SubnetIds = []string{id("subnet", "c2")} }),
			"Subnet " + id("subnet", "c2") + " is not valid because it doesn't have the minimum number of IPv4 addresses. Specify a subnet with at least 16 IPv4 addresses."},
		{"too many addresses", gateway(func(in *gwIn) { in.Ipv4AddressesPerEni = new(int32(62)) }),
			"Subnet " + id("subnet", "c0") + " is not valid because it doesn't have the minimum number of IPv4 addresses. Specify a subnet with at least 62 IPv4 addresses."},
		{"same zone", gateway(func(in *gwIn) { in.SubnetIds = []string{id("subnet", "c1"), id("subnet", "c3")} }), ""},
		{"other VPC's subnet", gateway(func(in *gwIn) { in.SubnetIds = []string{id("subnet", "b0")} }), ""},
		{"other VPC's group", gateway(func(in *gwIn) { in.SecurityGroupIds = []string{id("sg", "b1")} }), ""},
		{"IPv6", gateway(func(in *gwIn) { in.IpAddressType = new("DUALSTACK") }), ""},
		{"bad name", gateway(func(in *gwIn) { in.Name = new("rgw-x") }), ""},
		{"EC2 ARN", configuration(func(in *cfgIn) { in.ResourceConfigurationDefinition = byARN }), "ARN-based integration is only supported for RDS and not " + arn},
		{"EC2 ARN of type ARN", configuration(func(in *cfgIn) { in.Type, in.ResourceConfigurationDefinition = new("ARN"), byARN }), "ARN-based integration is only supported for RDS and not " + arn},
		{"group with domain", configuration(func(in *cfgIn) {
			in.Type, in.ResourceConfigurationDefinition, in.PortRanges, in.CustomDomainName = new("GROUP"), nil, nil, new("a.b")
		}), "Unexpected attribute customDomainName for type GROUP"},
		{"public address", configuration(func(in *cfgIn) { in.ResourceConfigurationDefinition = ipDefinition("8.8.8.8") }), ""},
		{"port 0", configuration(func(in *cfgIn) { in.PortRanges = []string{"0-5"} }), ""},
		{"port 65536", configuration(func(in *cfgIn) { in.PortRanges = []string{"65536"} }), ""},
		{"overlapping ports", configuration(func(in *cfgIn) { in.PortRanges = []string{"1-5", "5"} }), ""},
		{"child without group", configuration(func(in *cfgIn) { in.Type, in.ResourceGatewayIdentifier = new("CHILD"), nil }), ""},
	} {
		t.Run(c.name, func(t *testing.T) { (&bench{T: t}).refused(c.err, "ValidationException", c.text) })
	}
	b.refused(gateway(func(in *gwIn) { in.Name = new("gw-b") }), "ConflictException", "")
	sn := b.network("shared")
	closed := single("closed", gw, "10.10.10.8")
	closed.AllowAssociationToShareableServiceNetwork = nil
	cfg := must(b.CreateResourceConfiguration(ctx, b.c, closed)).Id
	_, err := b.CreateServiceNetworkResourceAssociation(ctx, b.c, &latticeapi.CreateServiceNetworkResourceAssociationInput{ServiceNetworkIdentifier: &sn, ResourceConfigurationIdentifier: cfg})
	b.refused(err, "ValidationException", "")
}

func TestGroupsAndChildren(t *testing.T) {
	b, ctx := start(t), t.Context()
	gw, sn := b.gateway("b"), b.network("net")
	group := *must(b.CreateResourceConfiguration(ctx, b.c, &latticeapi.CreateResourceConfigurationInput{
		Name: new("group"), Type: new("GROUP"), ResourceGatewayIdentifier: &gw, GroupDomain: new("example.com"), AllowAssociationToShareableServiceNetwork: new(true),
	})).Id
	child := func(name string) string {
		in := single(name, gw, "10.10.10.9")
		in.Type, in.ResourceGatewayIdentifier, in.ResourceConfigurationGroupIdentifier, in.PortRanges = new("CHILD"), nil, &group, nil
		in.CustomDomainName = new(name + ".example.com")
		out := must(b.CreateResourceConfiguration(ctx, b.c, in))
		if *out.ResourceGatewayId != gw || !reflect.DeepEqual(out.PortRanges, []string{"1-65535"}) {
			t.Fatalf("%+v", out)
		}
		return *out.Id
	}
	one := child("one")
	parent := b.associate(sn, group)
	child("two")
	all := func(children bool) []latticeapi.ServiceNetworkResourceAssociationSummary {
		return must(b.ListServiceNetworkResourceAssociations(ctx, b.c, &latticeapi.ListServiceNetworkResourceAssociationsInput{ServiceNetworkIdentifier: &sn, IncludeChildren: &children})).Items
	}
	if len(all(false)) != 1 || len(all(true)) != 3 || all(false)[0].DnsEntry != nil {
		t.Fatalf("%d and %d associations", len(all(false)), len(all(true)))
	}
	b.seen()
	for _, a := range all(true) {
		if *a.IsManagedAssociation {
			_, err := b.DeleteServiceNetworkResourceAssociation(ctx, b.c, &latticeapi.DeleteServiceNetworkResourceAssociationInput{ServiceNetworkResourceAssociationIdentifier: a.Id})
			b.refused(err, "ConflictException", "")
		}
	}
	_, err := b.DeleteResourceConfiguration(ctx, b.c, &latticeapi.DeleteResourceConfigurationInput{ResourceConfigurationIdentifier: &group})
	b.refused(err, "ConflictException", "")
	must(b.DeleteResourceConfiguration(ctx, b.c, &latticeapi.DeleteResourceConfigurationInput{ResourceConfigurationIdentifier: &one}))
	if got := must(b.GetResourceConfiguration(ctx, b.c, &latticeapi.GetResourceConfigurationInput{ResourceConfigurationIdentifier: &one})); *got.Status != "DELETE_IN_PROGRESS" {
		t.Fatal(*got.Status)
	}
	b.seen()
	if len(all(true)) != 2 || b.count(func(w world.World) int { return w.ResourceConfigurations.Len() }) != 2 {
		t.Fatal("the child is still there")
	}
	must(b.DeleteServiceNetworkResourceAssociation(ctx, b.c, &latticeapi.DeleteServiceNetworkResourceAssociationInput{ServiceNetworkResourceAssociationIdentifier: parent.Arn}))
	b.seen()
	if len(all(true)) != 0 {
		t.Fatal("associations of the group are left")
	}
}

func TestTokensPagesAndTags(t *testing.T) {
	b, ctx := start(t), t.Context()
	in := &latticeapi.CreateServiceNetworkInput{Name: new("net-1"), ClientToken: new("token-1")}
	first := must(b.CreateServiceNetwork(ctx, b.c, in))
	if again := must(b.CreateServiceNetwork(ctx, b.c, in)); *again.Id != *first.Id {
		t.Fatal("the same token made two networks")
	}
	_, err := b.CreateServiceNetwork(ctx, b.c, &latticeapi.CreateServiceNetworkInput{Name: new("net-2"), ClientToken: new("token-1")})
	b.refused(err, "ConflictException", "")
	for i := range 4 {
		b.network(fmt.Sprint("more-", i))
	}
	seen, token := map[string]bool{}, (*string)(nil)
	for pages := 1; ; pages++ {
		out := must(b.ListServiceNetworks(ctx, b.c, &latticeapi.ListServiceNetworksInput{MaxResults: new(int32(2)), NextToken: token}))
		for _, n := range out.Items {
			seen[*n.Id] = true
		}
		if token = out.NextToken; token == nil {
			if pages != 3 || len(seen) != 5 {
				t.Fatalf("%d networks on %d pages", len(seen), pages)
			}
			break
		}
	}
	must(b.TagResource(ctx, b.c, &latticeapi.TagResourceInput{ResourceArn: first.Arn, Tags: map[string]string{"a": "1", "b": ""}}))
	must(b.UntagResource(ctx, b.c, &latticeapi.UntagResourceInput{ResourceArn: first.Arn, TagKeys: []string{"a"}}))
	if got := must(b.ListTagsForResource(ctx, b.c, &latticeapi.ListTagsForResourceInput{ResourceArn: first.Arn})).Tags; !reflect.DeepEqual(got, map[string]string{"b": ""}) {
		t.Fatal(got)
	}
	_, err = b.TagResource(ctx, b.c, &latticeapi.TagResourceInput{ResourceArn: first.Arn, Tags: map[string]string{"aws:x": ""}})
	b.refused(err, "ValidationException", "")
	must(b.PutResourcePolicy(ctx, b.c, &latticeapi.PutResourcePolicyInput{ResourceArn: first.Arn, Policy: new(`{"Version":"2012-10-17","Statement":[]}`)}))
	if p := must(b.GetResourcePolicy(ctx, b.c, &latticeapi.GetResourcePolicyInput{ResourceArn: first.Arn})); !json.Valid([]byte(*p.Policy)) {
		t.Fatal(*p.Policy)
	}
}

func TestAccessLogSubscriptions(t *testing.T) {
	b, ctx := start(t), t.Context()
	sn := b.network("net")
	arn := "arn:aws:logs:us-east-1:000000000000:log-group:/aws/resource-configuration/"
	in := &latticeapi.CreateAccessLogSubscriptionInput{ResourceIdentifier: &sn, DestinationArn: &arn, ServiceNetworkLogType: new("RESOURCE")}
	als := must(b.CreateAccessLogSubscription(ctx, b.c, in))
	if *als.DestinationArn != arn+":*" || *als.ResourceId != sn || *als.ServiceNetworkLogType != "RESOURCE" {
		t.Fatalf("%+v", als)
	}
	_, err := b.CreateAccessLogSubscription(ctx, b.c, in)
	if e := b.refused(err, "ConflictException", ""); e.Fields["resourceType"] != "ACCESS_LOG_SUBSCRIPTION" {
		t.Fatal(e.Fields)
	}
	in.ServiceNetworkLogType = nil // SERVICE is another log
	must(b.CreateAccessLogSubscription(ctx, b.c, in))
	for _, bad := range []string{"arn:aws:s3:::bucket", "arn:aws:logs:eu-west-1:000000000000:log-group:x", "arn:aws:logs:us-east-1:000000000000:log-group:missing:*", "nonsense"} {
		_, err := b.UpdateAccessLogSubscription(ctx, b.c, &latticeapi.UpdateAccessLogSubscriptionInput{AccessLogSubscriptionIdentifier: als.Id, DestinationArn: &bad})
		if err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
	if n := len(must(b.ListAccessLogSubscriptions(ctx, b.c, &latticeapi.ListAccessLogSubscriptionsInput{ResourceIdentifier: als.ResourceArn})).Items); n != 2 {
		t.Fatal(n)
	}
	must(b.DeleteServiceNetwork(ctx, b.c, &latticeapi.DeleteServiceNetworkInput{ServiceNetworkIdentifier: &sn}))
	if b.count(func(w world.World) int { return w.AccessLogSubscriptions.Len() }) != 0 {
		t.Fatal("the subscriptions outlived their network")
	}
}

// TestStrangersChangeNothing calls every operation with no, with malformed, with unknown and with foreign identifiers.
func TestStrangersChangeNothing(t *testing.T) {
	b := start(t)
	gw, sn := b.gateway("b"), b.network("net")
	cfg := *must(b.CreateResourceConfiguration(t.Context(), b.c, single("cfg-b1", gw, "10.10.10.53"))).Id
	b.associate(sn, cfg)
	must(b.associateVPC(sn, "a"))
	b.seen()
	before := b.st.World().Rev
	stranger := world.Caller{Account: "222222222222", Region: "us-east-1"}
	elsewhere := world.Caller{Account: "000000000000", Region: "eu-west-1"}
	ids := map[string]string{"sn": sn, "rgw": gw, "rcfg": cfg, "vpc": id("vpc", "a"), "sg": id("sg", "a1"), "subnet": id("subnet", "a0")}
	service := reflect.ValueOf(b.Service)
	for i := range service.NumMethod() {
		name := service.Type().Method(i).Name
		for _, c := range []struct {
			who  world.Caller
			fill func(field string) string
		}{
			{b.c, func(string) string { return "" }},
			{b.c, func(string) string { return "x-1" }},
			{b.c, func(f string) string { return unknown(f) }},
			{stranger, func(f string) string { return ids[prefixOf(f)] }},
			{elsewhere, func(f string) string { return ids[prefixOf(f)] }},
		} {
			in := reflect.New(service.Method(i).Type().In(2).Elem())
			fillIn(in.Elem(), c.fill)
			out := service.Method(i).Call([]reflect.Value{reflect.ValueOf(t.Context()), reflect.ValueOf(c.who), in})
			err, _ := out[1].Interface().(error)
			if err == nil && !strings.HasPrefix(name, "List") && name != "CreateServiceNetwork" {
				t.Errorf("%s by %s accepted %+v", name, c.who.Account, in.Elem().Interface())
			}
			if e := new(awserr.Error); err != nil && !errors.As(err, &e) {
				t.Errorf("%s: %v", name, err)
			}
			if rev := b.st.World().Rev; rev != before {
				t.Fatalf("%s by %s changed the world: %v", name, c.who.Account, err)
			}
		}
	}
}

func prefixOf(field string) string {
	for name, p := range map[string]string{
		"ServiceNetworkIdentifier": "sn", "ResourceGatewayIdentifier": "rgw", "ResourceConfigurationIdentifier": "rcfg", "VpcIdentifier": "vpc",
		"SecurityGroupIds": "sg", "SubnetIds": "subnet", "ServiceNetworkVpcAssociationIdentifier": "snva", "ServiceNetworkResourceAssociationIdentifier": "snra",
		"AccessLogSubscriptionIdentifier": "als", "ResourceIdentifier": "sn", "ResourceEndpointAssociationIdentifier": "rea", "ResourceConfigurationGroupIdentifier": "rcfg",
	} {
		if name == field {
			return p
		}
	}
	return ""
}

func unknown(field string) string {
	if p := prefixOf(field); p != "" {
		return id(p, "9999")
	}
	return ""
}

func fillIn(v reflect.Value, fill func(string) string) {
	for i := range v.NumField() {
		f, name := v.Field(i), v.Type().Field(i).Name
		text := fill(name)
		switch {
		case name == "ResourceArn":
			f.Set(reflect.ValueOf(new("arn:aws:vpc-lattice:us-east-1:000000000000:servicenetwork/" + id("sn", "9999"))))
		case strings.HasPrefix(name, "Name") && f.Kind() == reflect.Pointer && text == "" && fill("VpcIdentifier") != "":
			f.Set(reflect.ValueOf(new("-bad-")))
		case f.Type() == reflect.TypeFor[*string]() && text != "":
			f.Set(reflect.ValueOf(&text))
		case f.Type() == reflect.TypeFor[[]string]() && text != "":
			f.Set(reflect.ValueOf([]string{text}))
		}
	}
}

func (b *bench) count(of func(world.World) int) int { return of(b.st.World()) }
