package lattice

import (
	"slices"
	"strings"
	"testing"

	"kumiko/internal/api/latticeapi"
	"kumiko/internal/world"
)

// share puts what is named by the ARNs into a share with an account, whose association is in a state.
func (b *bench) share(with world.AccountID, status string, arns ...string) {
	b.Helper()
	_, err := b.st.Update(b.Context(), func(tx *world.Tx) error {
		s := world.ResourceShare{ID: "s", Meta: tx.NewMeta(b.c, nil), Name: "s", External: true}
		tx.ResourceShares.Put(s)
		tx.ShareAssociations.Put(world.ShareAssociation{Share: s.ID, Entity: string(with), Principal: true, Status: status})
		for _, arn := range arns {
			tx.ShareAssociations.Put(world.ShareAssociation{Share: s.ID, Entity: arn, Status: world.ShareAssociated})
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

// as is the bench of another account.
func (b *bench) as(account world.AccountID) *bench {
	o := *b
	o.c = world.Caller{Account: account, Region: b.c.Region, ARN: "arn:aws:iam::" + string(account) + ":root"}
	return &o
}

// networks are the ARNs of the service networks an account is shown.
func (b *bench) networks() (out []string) {
	b.Helper()
	for _, n := range must(b.ListServiceNetworks(b.Context(), b.c, &latticeapi.ListServiceNetworksInput{})).Items {
		out = append(out, *n.Arn)
	}
	return out
}

// A network is shared with those who have accepted that, by its ARN: they see it and associate their VPCs, and no more.
func TestSharedNetwork(t *testing.T) {
	b := start(t)
	net := b.network("shared")
	arn := "arn:aws:vpc-lattice:us-east-1:000000000000:servicenetwork/" + net
	other, third := b.as("111111111111"), b.as("222222222222")
	associate := func(who *bench, network string) (*latticeapi.CreateServiceNetworkVpcAssociationOutput, error) {
		return who.CreateServiceNetworkVpcAssociation(t.Context(), who.c, &latticeapi.CreateServiceNetworkVpcAssociationInput{
			ServiceNetworkIdentifier: &network, VpcIdentifier: new(id("vpc", "d")),
		})
	}
	for _, status := range []string{"", world.ShareAssociating, world.ShareFailed, world.ShareDisassociated} {
		if status != "" {
			b.share(other.c.Account, status, arn)
		}
		_, err := associate(other, arn)
		b.refused(err, "ResourceNotFoundException", "SERVICE_NETWORK "+arn+" not found")
		if got := other.networks(); len(got) != 0 {
			t.Errorf("%s: shown %q", status, got)
		}
	}
	b.share(other.c.Account, world.ShareAssociated, arn)
	if got := other.networks(); !slices.Equal(got, []string{arn}) {
		t.Errorf("shown %q", got)
	}
	if got := third.networks(); len(got) != 0 {
		t.Errorf("a third account is shown %q", got)
	}
	get := func(who *bench, network string) error {
		_, err := who.GetServiceNetwork(t.Context(), who.c, &latticeapi.GetServiceNetworkInput{ServiceNetworkIdentifier: &network})
		return err
	}
	if err := get(other, arn); err != nil {
		t.Error(err)
	}
	b.refused(get(other, net), "ResourceNotFoundException", "") // it has to be named by its ARN
	b.refused(get(other, strings.Replace(arn, "000000000000", "111111111111", 1)), "ResourceNotFoundException", "")
	far := *other
	far.c.Region = "eu-west-1"
	b.refused(get(&far, arn), "ResourceNotFoundException", "")
	if got := far.networks(); len(got) != 0 {
		t.Errorf("another region is shown %q", got)
	}
	_, err := other.DeleteServiceNetwork(t.Context(), other.c, &latticeapi.DeleteServiceNetworkInput{ServiceNetworkIdentifier: &arn})
	b.refused(err, "AccessDeniedException", "User: arn:aws:iam::111111111111:root is not authorized to perform: vpc-lattice:DeleteServiceNetwork on resource: "+arn+
		" because no resource-based policy allows the vpc-lattice:DeleteServiceNetwork action")
	_, err = other.UpdateServiceNetwork(t.Context(), other.c, &latticeapi.UpdateServiceNetworkInput{ServiceNetworkIdentifier: &arn, AuthType: new("AWS_IAM")})
	b.refused(err, "AccessDeniedException", "")
	_, err = other.TagResource(t.Context(), other.c, &latticeapi.TagResourceInput{ResourceArn: &arn, Tags: map[string]string{"k": "v"}})
	b.refused(err, "AccessDeniedException", "")

	b.join(other, third, arn, associate)
}

// join associates the other account's VPC, which both sides know and may end; when nothing is shared any more, it stays.
func (b *bench) join(other, third *bench, arn string, associate func(*bench, string) (*latticeapi.CreateServiceNetworkVpcAssociationOutput, error)) {
	b.Helper()
	a := must(associate(other, arn))
	if want := "arn:aws:vpc-lattice:us-east-1:111111111111:servicenetworkvpcassociation/" + *a.Id; *a.Arn != want || *a.CreatedBy != "111111111111" {
		b.Errorf("made %s by %s", *a.Arn, *a.CreatedBy)
	}
	lists := func(who *bench) int {
		return len(must(who.ListServiceNetworkVpcAssociations(b.Context(), who.c, &latticeapi.ListServiceNetworkVpcAssociationsInput{ServiceNetworkIdentifier: &arn})).Items)
	}
	if mine, theirs, no := lists(b), lists(other), lists(third); mine != 1 || theirs != 1 || no != 0 {
		b.Errorf("the owner is shown %d, its maker %d, a third %d", mine, theirs, no)
	}
	seen := must(b.GetServiceNetworkVpcAssociation(b.Context(), b.c, &latticeapi.GetServiceNetworkVpcAssociationInput{ServiceNetworkVpcAssociationIdentifier: a.Id}))
	if want := "arn:aws:vpc-lattice:us-east-1:000000000000:servicenetworkvpcassociation/" + *a.Id; *seen.Arn != want {
		b.Errorf("the owner is shown %s", *seen.Arn)
	}
	_, err := b.UpdateServiceNetworkVpcAssociation(b.Context(), b.c, &latticeapi.UpdateServiceNetworkVpcAssociationInput{
		ServiceNetworkVpcAssociationIdentifier: a.Id, SecurityGroupIds: []string{id("sg", "a0")},
	})
	b.refused(err, "AccessDeniedException", "")
	b.seen()
	own := must(b.CreateServiceNetworkVpcAssociation(b.Context(), b.c, &latticeapi.CreateServiceNetworkVpcAssociationInput{
		ServiceNetworkIdentifier: &arn, VpcIdentifier: new(id("vpc", "a")),
	}))
	b.seen()
	if n := lists(other); n != 2 {
		b.Errorf("who shares the network sees %d of its associations", n)
	}
	remove := func(who *bench, id *string) error {
		_, err := who.DeleteServiceNetworkVpcAssociation(b.Context(), who.c, &latticeapi.DeleteServiceNetworkVpcAssociationInput{ServiceNetworkVpcAssociationIdentifier: id})
		return err
	}
	b.refused(remove(other, own.Id), "AccessDeniedException", "")
	b.refused(remove(third, a.Id), "ResourceNotFoundException", "")
	b.share(other.c.Account, world.ShareDisassociated, arn)
	if n := lists(other); n != 1 {
		b.Errorf("without the share %d are shown", n)
	}
	_, err = other.GetServiceNetwork(b.Context(), other.c, &latticeapi.GetServiceNetworkInput{ServiceNetworkIdentifier: &arn})
	b.refused(err, "ResourceNotFoundException", "")
	if err := remove(b, a.Id); err != nil { // the owner of the network may
		b.Error(err)
	}
}

// A configuration is shared with those who associate it with their own networks; it is not shared on.
func TestSharedConfiguration(t *testing.T) {
	b := start(t)
	other := b.as("111111111111")
	group := must(b.CreateResourceConfiguration(t.Context(), b.c, &latticeapi.CreateResourceConfigurationInput{
		Name: new("group"), Type: new("GROUP"), ResourceGatewayIdentifier: new(b.gateway("b")), AllowAssociationToShareableServiceNetwork: new(true),
	}))
	child := must(b.CreateResourceConfiguration(t.Context(), b.c, &latticeapi.CreateResourceConfigurationInput{
		Name: new("child"), Type: new("CHILD"), PortRanges: []string{"22"}, ResourceConfigurationGroupIdentifier: group.Id, ResourceConfigurationDefinition: ipDefinition("10.10.10.5"),
	}))
	net, mine := b.network("ours"), other.network("theirs")
	arn := "arn:aws:vpc-lattice:us-east-1:000000000000:servicenetwork/" + net
	join := func(who *bench, network, configuration string) error {
		_, err := who.CreateServiceNetworkResourceAssociation(t.Context(), who.c, &latticeapi.CreateServiceNetworkResourceAssociationInput{
			ServiceNetworkIdentifier: &network, ResourceConfigurationIdentifier: &configuration,
		})
		return err
	}
	b.refused(join(other, mine, *group.Arn), "ResourceNotFoundException", "")
	b.share(other.c.Account, world.ShareAssociated, *group.Arn, arn)
	got := must(other.GetResourceConfiguration(t.Context(), other.c, &latticeapi.GetResourceConfigurationInput{ResourceConfigurationIdentifier: child.Arn}))
	if got.ResourceGatewayId != nil || *got.Name != "child" {
		t.Errorf("a shared group's child is shown as %+v", got)
	}
	if n := len(must(other.ListResourceConfigurations(t.Context(), other.c, &latticeapi.ListResourceConfigurationsInput{})).Items); n != 2 {
		t.Errorf("%d configurations are shown", n)
	}
	b.refused(join(other, arn, *group.Arn), "AccessDeniedException", "") // both are others'
	_, err := other.UpdateResourceConfiguration(t.Context(), other.c, &latticeapi.UpdateResourceConfigurationInput{ResourceConfigurationIdentifier: group.Arn, AllowAssociationToShareableServiceNetwork: new(false)})
	b.refused(err, "AccessDeniedException", "")
	if err := join(other, mine, *group.Arn); err != nil {
		t.Fatal(err)
	}
	_, err = b.DeleteResourceConfiguration(t.Context(), b.c, &latticeapi.DeleteResourceConfigurationInput{ResourceConfigurationIdentifier: child.Id})
	if err != nil {
		t.Error(err)
	}
	b.seen()
	_, err = b.DeleteResourceConfiguration(t.Context(), b.c, &latticeapi.DeleteResourceConfigurationInput{ResourceConfigurationIdentifier: group.Id})
	b.refused(err, "ConflictException", "") // it is in a network, be it another's
	list := must(b.ListServiceNetworkResourceAssociations(t.Context(), b.c, &latticeapi.ListServiceNetworkResourceAssociationsInput{ResourceConfigurationIdentifier: group.Id}))
	if len(list.Items) != 1 {
		t.Fatalf("its owner is shown %d associations", len(list.Items))
	}
	if _, err := b.DeleteServiceNetworkResourceAssociation(t.Context(), b.c, &latticeapi.DeleteServiceNetworkResourceAssociationInput{ServiceNetworkResourceAssociationIdentifier: list.Items[0].Id}); err != nil {
		t.Error(err)
	}
	b.seen()
	if _, err = b.DeleteResourceConfiguration(t.Context(), b.c, &latticeapi.DeleteResourceConfigurationInput{ResourceConfigurationIdentifier: group.Id}); err != nil {
		t.Error(err)
	}
	if w := b.st.World(); len(w.SharesOf(*group.Arn)) != 0 {
		t.Error("what is deleted is shared still")
	}
}

// The owner of a service puts it into a network that is shared with it; the owner of the network sees that, and may end it. What is
// not shared has no such way.
func TestServiceInSharedNetwork(t *testing.T) {
	b, ctx := start(t), t.Context()
	net := b.network("shared")
	arn := "arn:aws:vpc-lattice:us-east-1:000000000000:servicenetwork/" + net
	other, third := b.as("111111111111"), b.as("222222222222")
	svc := *must(other.CreateService(ctx, other.c, &latticeapi.CreateServiceInput{Name: new("web")})).Id
	associate := func() (*latticeapi.CreateServiceNetworkServiceAssociationOutput, error) {
		return other.CreateServiceNetworkServiceAssociation(ctx, other.c, &latticeapi.CreateServiceNetworkServiceAssociationInput{
			ServiceIdentifier: &svc, ServiceNetworkIdentifier: &arn,
		})
	}
	_, err := associate()
	other.refused(err, "ResourceNotFoundException", "")
	b.share(other.c.Account, world.ShareAssociated, arn)
	a := must(associate())
	if *a.CreatedBy != "111111111111" {
		t.Errorf("made by %s", *a.CreatedBy)
	}
	count := func(who *bench) int {
		return len(must(who.ListServiceNetworkServiceAssociations(ctx, who.c, &latticeapi.ListServiceNetworkServiceAssociationsInput{ServiceIdentifier: &svc})).Items)
	}
	if count(b) != 1 || count(other) != 1 || count(third) != 0 {
		t.Errorf("the association is seen by %d, %d and %d", count(b), count(other), count(third))
	}
	b.seen()
	_, err = third.DeleteServiceNetworkServiceAssociation(ctx, third.c, &latticeapi.DeleteServiceNetworkServiceAssociationInput{ServiceNetworkServiceAssociationIdentifier: a.Id})
	third.refused(err, "ResourceNotFoundException", "")
	_, err = b.GetService(ctx, b.c, &latticeapi.GetServiceInput{ServiceIdentifier: &svc})
	b.refused(err, "ResourceNotFoundException", "")
	must(b.DeleteServiceNetworkServiceAssociation(ctx, b.c, &latticeapi.DeleteServiceNetworkServiceAssociationInput{ServiceNetworkServiceAssociationIdentifier: a.Id}))
}
