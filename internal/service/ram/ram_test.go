package ram

import (
	"strings"
	"testing"
	"time"

	"kumiko/internal/api/ramapi"
	"kumiko/internal/awserr"
	"kumiko/internal/store"
	"kumiko/internal/world"
)

const (
	sn   = "sn-00000000000000001"
	rcfg = "rcfg-00000000000000001"
)

// bench is a service over a world in which the owner has a network and a configuration.
type bench struct {
	*testing.T
	*Service
	owner, guest world.Caller
	network      string // ARNs
	config       string
	later        time.Duration // how much later it is than it is
}

func start(t *testing.T) *bench {
	st := store.OpenMemory()
	t.Cleanup(func() { st.Close() })
	b := &bench{T: t, owner: world.Caller{Account: "111111111111", Region: "us-east-1"}, guest: world.Caller{Account: "222222222222", Region: "us-east-1"}}
	b.Service = New(Config{Store: st, Now: func() time.Time { return time.Now().Add(b.later) }})
	_, err := st.Update(t.Context(), func(tx *world.Tx) error {
		n := world.ServiceNetwork{ID: sn, Meta: tx.NewMeta(b.owner, nil), Name: "net"}
		c := world.ResourceConfiguration{ID: rcfg, Meta: tx.NewMeta(b.owner, nil), Name: "group", Type: world.ConfigurationGroup}
		tx.ServiceNetworks.Put(n)
		tx.ServiceNetworks.Put(world.ServiceNetwork{ID: "sn-00000000000000002", Meta: tx.NewMeta(b.owner, nil), Name: "closed", Sharing: new(false)})
		tx.ResourceConfigurations.Put(c)
		b.network, b.config = n.ARN(), c.OwnARN()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func must[T any](out T, err error) T {
	if err != nil {
		panic(err)
	}
	return out
}

// refused demands that err is an AWS error with the code and, if one is given, the text.
func (b *bench) refused(err error, code, text string) {
	b.Helper()
	e := awserr.From(err, awserr.RAM)
	if e == nil || e.Code != code || text != "" && e.Message != text {
		b.Errorf("got %v\nwant %s: %s", err, code, text)
	}
}

// create makes a share of the network with the guest.
func (b *bench) create() string {
	b.Helper()
	out := must(b.CreateResourceShare(b.Context(), b.owner, &ramapi.CreateResourceShareInput{
		Name: new("s"), ResourceArns: []string{b.network}, Principals: []string{string(b.guest.Account)}, ClientToken: new("once"), Tags: []ramapi.Tag{{Key: new("k"), Value: new("v")}},
	}))
	return *out.ResourceShare.ResourceShareArn
}

// invitations are those the guest has received.
func (b *bench) invitations() []ramapi.ResourceShareInvitation {
	b.Helper()
	return must(b.GetResourceShareInvitations(b.Context(), b.guest, &ramapi.GetResourceShareInvitationsInput{})).ResourceShareInvitations
}

func (b *bench) accept(arn *string) error {
	_, err := b.AcceptResourceShareInvitation(b.Context(), b.guest, &ramapi.AcceptResourceShareInvitationInput{ResourceShareInvitationArn: arn})
	return err
}

// principal is the state of the guest's association with the share.
func (b *bench) principal(share string) string {
	b.Helper()
	out := must(b.GetResourceShareAssociations(b.Context(), b.owner, &ramapi.GetResourceShareAssociationsInput{AssociationType: new("PRINCIPAL"), ResourceShareArns: []string{share}}))
	if len(out.ResourceShareAssociations) != 1 {
		b.Fatalf("%d principals", len(out.ResourceShareAssociations))
	}
	return *out.ResourceShareAssociations[0].Status
}

func (b *bench) shared() bool {
	w := b.store.World()
	return w.SharedWith(b.guest.Account, b.network)
}

// What is shared is used once the invitation is accepted, and until the owner ends it.
func TestInvitation(t *testing.T) {
	b := start(t)
	share := b.create()
	if again := b.create(); again != share {
		t.Errorf("the same client token makes %s and %s", share, again)
	}
	if got := b.principal(share); got != world.ShareAssociating || b.shared() {
		t.Errorf("before it is accepted: %s", got)
	}
	i := b.invitations()
	if len(i) != 1 || *i[0].Status != "PENDING" || *i[0].SenderAccountId != "111111111111" || *i[0].ReceiverArn != "arn:aws:iam::222222222222:root" || *i[0].ResourceShareName != "s" {
		t.Fatalf("%+v", i)
	}
	pending := must(b.ListPendingInvitationResources(t.Context(), b.guest, &ramapi.ListPendingInvitationResourcesInput{ResourceShareInvitationArn: i[0].ResourceShareInvitationArn}))
	if len(pending.Resources) != 1 || *pending.Resources[0].Arn != b.network {
		t.Errorf("%+v", pending)
	}
	list := &ramapi.ListResourcesInput{ResourceOwner: new("OTHER-ACCOUNTS"), ResourceType: new("vpc-lattice:servicenetwork")}
	shares := &ramapi.GetResourceSharesInput{ResourceOwner: new("OTHER-ACCOUNTS")}
	if r, s := must(b.ListResources(t.Context(), b.guest, list)), must(b.GetResourceShares(t.Context(), b.guest, shares)); len(r.Resources)+len(s.ResourceShares) != 0 {
		t.Errorf("before it is accepted there are %+v %+v", r, s)
	}
	third := world.Caller{Account: "333333333333", Region: "us-east-1"}
	_, err := b.AcceptResourceShareInvitation(t.Context(), third, &ramapi.AcceptResourceShareInvitationInput{ResourceShareInvitationArn: i[0].ResourceShareInvitationArn})
	b.refused(err, "ResourceShareInvitationArnNotFoundException", "")
	if err := b.accept(i[0].ResourceShareInvitationArn); err != nil {
		t.Fatal(err)
	}
	b.refused(b.accept(i[0].ResourceShareInvitationArn), "ResourceShareInvitationAlreadyAcceptedException", "")
	if got := b.principal(share); got != world.ShareAssociated || !b.shared() {
		t.Errorf("when it is accepted: %s", got)
	}
	r, s := must(b.ListResources(t.Context(), b.guest, list)), must(b.GetResourceShares(t.Context(), b.guest, shares))
	if len(r.Resources) != 1 || *r.Resources[0].Type != "vpc-lattice:ServiceNetwork" || len(s.ResourceShares) != 1 || len(s.ResourceShares[0].Tags) != 0 {
		t.Errorf("the guest is shown %+v %+v", r, s)
	}
	_, err = b.DisassociateResourceShare(t.Context(), b.guest, &ramapi.DisassociateResourceShareInput{ResourceShareArn: &share, Principals: []string{"222222222222"}})
	b.refused(err, "OperationNotPermittedException", "")
	policies := must(b.GetResourcePolicies(t.Context(), b.owner, &ramapi.GetResourcePoliciesInput{ResourceArns: []string{b.network, b.config}}))
	if len(policies.Policies) != 1 || !strings.Contains(policies.Policies[0], `"Principal":{"AWS":["222222222222"]}`) {
		t.Errorf("%q", policies.Policies)
	}
	must(b.DeleteResourceShare(t.Context(), b.owner, &ramapi.DeleteResourceShareInput{ResourceShareArn: &share}))
	if got := b.principal(share); got != world.ShareDisassociated || b.shared() {
		t.Errorf("when the share is deleted: %s", got)
	}
	own := &ramapi.GetResourceSharesInput{ResourceOwner: new("SELF")}
	if s := must(b.GetResourceShares(t.Context(), b.owner, own)).ResourceShares; len(s) != 1 || *s[0].Status != "DELETED" {
		t.Errorf("%+v", s)
	}
	b.later = 3 * time.Hour
	if s := must(b.GetResourceShares(t.Context(), b.owner, own)).ResourceShares; len(s) != 0 {
		t.Errorf("after three hours there is %+v", s)
	}
}

// An invitation that is rejected, or not answered for twelve hours, gives nothing; the owner invites again.
func TestInvitationsThatFail(t *testing.T) {
	b := start(t)
	share := b.create()
	again := func() {
		b.Helper()
		must(b.AssociateResourceShare(t.Context(), b.owner, &ramapi.AssociateResourceShareInput{ResourceShareArn: &share, Principals: []string{"222222222222"}}))
	}
	first := b.invitations()[0]
	again()
	if n := len(b.invitations()); n != 1 {
		t.Errorf("an account that is invited is invited again: %d", n)
	}
	if _, err := b.RejectResourceShareInvitation(t.Context(), b.guest, &ramapi.RejectResourceShareInvitationInput{ResourceShareInvitationArn: first.ResourceShareInvitationArn}); err != nil {
		t.Fatal(err)
	}
	if got := b.principal(share); got != world.ShareFailed || b.shared() {
		t.Errorf("when it is rejected: %s", got)
	}
	b.refused(b.accept(first.ResourceShareInvitationArn), "ResourceShareInvitationAlreadyRejectedException", "")
	again()
	if got := b.principal(share); got != world.ShareAssociating || len(b.invitations()) != 2 {
		t.Errorf("when it is invited again: %s", got)
	}
	b.later = 12*time.Hour + time.Minute
	if got := b.principal(share); got != world.ShareFailed {
		t.Errorf("when it has not answered: %s", got)
	}
	for _, i := range b.invitations() {
		if *i.Status == "EXPIRED" {
			_, err := b.ListPendingInvitationResources(t.Context(), b.guest, &ramapi.ListPendingInvitationResourcesInput{ResourceShareInvitationArn: i.ResourceShareInvitationArn})
			b.refused(err, "ResourceShareInvitationExpiredException", "")
			return
		}
	}
	t.Error("no invitation has expired")
}

// What cannot be shared, or not with whom, is refused, and then nothing is changed.
func TestRefusals(t *testing.T) {
	b := start(t)
	share := b.create()
	rev := b.store.World().Rev
	for _, x := range []struct{ entity, code, text string }{
		{"o-example", "InvalidParameterException", "Principal ID o-example is malformed. Verify the ID and try again."},
		{"arn:aws:organizations::111111111111:organization/o-example", "UnknownResourceException", "Organization o-example could not be found."},
		{"arn:aws:organizations::111111111111:ou/o-example/ou-1", "UnknownResourceException", "OrganizationalUnit ou-1 could not be found."},
		{"arn:aws:iam::222222222222:role/r", "OperationNotPermittedException", ""},
		{"111111111111", "InvalidParameterException", ""},
	} {
		_, err := b.AssociateResourceShare(t.Context(), b.owner, &ramapi.AssociateResourceShareInput{ResourceShareArn: &share, Principals: []string{x.entity}, ResourceArns: []string{b.config}})
		b.refused(err, x.code, x.text)
	}
	for _, x := range []struct{ entity, code string }{
		{"not-an-arn", "MalformedArnException"},
		{"arn:aws:vpc-lattice:us-east-1:111111111111:servicenetwork/sn-00000000000000009", "UnknownResourceException"},
		{"arn:aws:vpc-lattice:us-east-1:111111111111:servicenetwork/sn-00000000000000002", "OperationNotPermittedException"}, // made with sharing disabled
		{"arn:aws:vpc-lattice:us-east-1:222222222222:servicenetwork/" + sn, "OperationNotPermittedException"},
		{"arn:aws:vpc-lattice:us-east-1:111111111111:resourcegateway/rgw-00000000000000001", "InvalidParameterException"},
		{"arn:aws:ec2:us-east-1:111111111111:subnet/subnet-00000000000000001", "OperationNotPermittedException"},
	} {
		_, err := b.AssociateResourceShare(t.Context(), b.owner, &ramapi.AssociateResourceShareInput{ResourceShareArn: &share, ResourceArns: []string{b.config, x.entity}})
		b.refused(err, x.code, "")
	}
	_, err := b.CreateResourceShare(t.Context(), b.owner, &ramapi.CreateResourceShareInput{Name: new("s"), AllowExternalPrincipals: new(false), Principals: []string{"222222222222"}})
	b.refused(err, "OperationNotPermittedException", "")
	_, err = b.UpdateResourceShare(t.Context(), b.owner, &ramapi.UpdateResourceShareInput{ResourceShareArn: &share, AllowExternalPrincipals: new(false)})
	b.refused(err, "OperationNotPermittedException", "")
	_, err = b.DeleteResourceShare(t.Context(), b.guest, &ramapi.DeleteResourceShareInput{ResourceShareArn: &share})
	b.refused(err, "UnknownResourceException", "ResourceShare "+share+" could not be found.")
	_, err = b.CreateResourceShare(t.Context(), b.owner, &ramapi.CreateResourceShareInput{Name: new("other"), ClientToken: new("once")})
	b.refused(err, "IdempotentParameterMismatchException", "")
	_, err = b.ListResources(t.Context(), b.owner, &ramapi.ListResourcesInput{ResourceOwner: new("SELF"), ResourceType: new("ec2:Nothing")})
	b.refused(err, "InvalidResourceTypeException", "")
	if now := b.store.World().Rev; now != rev {
		t.Errorf("refused calls made revisions %d to %d", rev+1, now)
	}
}

// Permissions are those of the types of the share's resources, and those that were attached.
func TestPermissions(t *testing.T) {
	b := start(t)
	share := b.create()
	names := func() (out []string) {
		b.Helper()
		for _, p := range must(b.ListResourceSharePermissions(t.Context(), b.owner, &ramapi.ListResourceSharePermissionsInput{ResourceShareArn: &share})).Permissions {
			out = append(out, *p.Name)
		}
		return out
	}
	if got := strings.Join(names(), " "); got != "AWSRAMPermissionVpcLatticeServiceNetworkReadWrite" {
		t.Errorf("the share has %s", got)
	}
	config := new("arn:aws:ram::aws:permission/AWSRAMPermissionVpcLatticeResourceConfiguration")
	p := must(b.GetPermission(t.Context(), b.owner, &ramapi.GetPermissionInput{PermissionArn: config})).Permission
	if !strings.Contains(*p.Permission, `"vpc-lattice:GetResourceConfiguration"`) || *p.Version != "2" {
		t.Errorf("%s %s", *p.Version, *p.Permission)
	}
	if _, err := b.AssociateResourceSharePermission(t.Context(), b.owner, &ramapi.AssociateResourceSharePermissionInput{ResourceShareArn: &share, PermissionArn: config}); err != nil || len(names()) != 2 {
		t.Errorf("%v, %q", err, names())
	}
	if _, err := b.DisassociateResourceSharePermission(t.Context(), b.owner, &ramapi.DisassociateResourceSharePermissionInput{ResourceShareArn: &share, PermissionArn: config}); err != nil || len(names()) != 1 {
		t.Errorf("%v, %q", err, names())
	}
	_, err := b.DisassociateResourceSharePermission(t.Context(), b.owner, &ramapi.DisassociateResourceSharePermissionInput{ResourceShareArn: &share, PermissionArn: new("arn:aws:ram::aws:permission/AWSRAMPermissionVpcLatticeServiceNetworkReadWrite")})
	b.refused(err, "OperationNotPermittedException", "")
	_, err = b.GetPermission(t.Context(), b.owner, &ramapi.GetPermissionInput{PermissionArn: new("arn:aws:ram::aws:permission/Nothing")})
	b.refused(err, "UnknownResourceException", "")
}
