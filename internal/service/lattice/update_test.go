package lattice

import (
	"reflect"
	"testing"

	"kumiko/internal/api/latticeapi"
	"kumiko/internal/world"
)

// TestUpdatesAreInProgressUntilSeen changes what can be changed and reads it back before and after the kernel has it.
func TestUpdatesAreInProgressUntilSeen(t *testing.T) {
	b, ctx := start(t), t.Context()
	gw, sn := b.gateway("b"), b.network("net")
	cfg := *must(b.CreateResourceConfiguration(ctx, b.c, single("cfg-b1", gw, "10.10.10.53"))).Id
	b.associate(sn, cfg)
	snva := *must(b.associateVPC(sn, "a")).Id
	b.seen()
	states := func() (out [3]string) {
		out[0] = *must(b.GetResourceGateway(ctx, b.c, &latticeapi.GetResourceGatewayInput{ResourceGatewayIdentifier: &gw})).Status
		out[1] = *must(b.GetResourceConfiguration(ctx, b.c, &latticeapi.GetResourceConfigurationInput{ResourceConfigurationIdentifier: &cfg})).Status
		out[2] = *must(b.GetServiceNetworkVpcAssociation(ctx, b.c, &latticeapi.GetServiceNetworkVpcAssociationInput{ServiceNetworkVpcAssociationIdentifier: &snva})).Status
		return out
	}
	must(b.UpdateResourceGateway(ctx, b.c, &latticeapi.UpdateResourceGatewayInput{ResourceGatewayIdentifier: &gw, SecurityGroupIds: []string{}}))
	must(b.UpdateResourceConfiguration(ctx, b.c, &latticeapi.UpdateResourceConfigurationInput{
		ResourceConfigurationIdentifier: &cfg, PortRanges: []string{"80", "8000-8080"},
		ResourceConfigurationDefinition: &latticeapi.ResourceConfigurationDefinition{DnsResource: &latticeapi.DnsResource{DomainName: new("DB.example.com")}},
	}))
	must(b.UpdateServiceNetworkVpcAssociation(ctx, b.c, &latticeapi.UpdateServiceNetworkVpcAssociationInput{ServiceNetworkVpcAssociationIdentifier: &snva, SecurityGroupIds: []string{id("sg", "a2")}}))
	if got := states(); got != [3]string{"UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"} {
		t.Fatal(got)
	}
	b.seen()
	if got := states(); got != [3]string{"ACTIVE", "ACTIVE", "ACTIVE"} {
		t.Fatal(got)
	}
	w := b.st.World()
	for _, e := range w.ENIsOfGateway(world.ResourceGatewayID(gw)) {
		if !reflect.DeepEqual(plain(e.Groups), []string{id("sg", "b0")}) || !e.RequesterManaged || len(e.Addrs) != 16 {
			t.Fatalf("%+v", e)
		}
	}
	c := must(b.GetResourceConfiguration(ctx, b.c, &latticeapi.GetResourceConfigurationInput{ResourceConfigurationIdentifier: &cfg}))
	if d := c.ResourceConfigurationDefinition; d.IpResource != nil || *d.DnsResource.DomainName != "db.example.com" || *d.DnsResource.IpAddressType != "IPV4" ||
		!reflect.DeepEqual(c.PortRanges, []string{"80", "8000-8080"}) {
		t.Fatalf("%+v %v", d, c.PortRanges)
	}
	_, err := b.UpdateServiceNetworkVpcAssociation(ctx, b.c, &latticeapi.UpdateServiceNetworkVpcAssociationInput{ServiceNetworkVpcAssociationIdentifier: &snva})
	b.refused(err, "ValidationException", "")
	of := func(gateway string) int {
		return len(must(b.ListResourceConfigurations(ctx, b.c, &latticeapi.ListResourceConfigurationsInput{ResourceGatewayIdentifier: &gateway})).Items)
	}
	if of(gw) != 1 || of(id("rgw", "1")) != 0 {
		t.Fatal("the list is not filtered by gateway")
	}
}

// TestAddressesDiffer gives many associations of two regions addresses of their own.
func TestAddressesDiffer(t *testing.T) {
	b, ctx := start(t), t.Context()
	seen := map[string]bool{}
	_, err := b.st.Update(ctx, func(tx *world.Tx) error {
		for i := range 600 {
			region := []string{"us-east-1", "eu-west-1"}[i%2]
			a, err := tx.AllocateResourceAddress(region)
			if err != nil {
				return err
			}
			if seen[a.String()] || !world.LatticeResources.Contains(a) {
				t.Fatalf("%s is no good address", a)
			}
			seen[a.String()] = true
			tx.ResourceAssociations.Put(world.ResourceAssociation{ID: world.ResourceAssociationID(tx.NewID("snra")), Meta: world.Meta{Region: region}, Addr: a})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
