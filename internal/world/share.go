package world

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// ResourceShare is a share of AWS Resource Access Manager: resources of its account, and the accounts that may use them.
type ResourceShare struct {
	ID ResourceShareID
	Meta
	Name     string
	External bool      // accounts outside of the owner's organization may be among its principals
	Ended    time.Time // when it was deleted; it is told of for a while after that

	Permissions []string // types of resource whose permission was asked for; those of its resources are there in any case
}

// RowID is the share's id.
func (s ResourceShare) RowID() string { return string(s.ID) }

// ARN is the share's ARN.
func (s ResourceShare) ARN() string {
	return ARN("ram", s.Region, s.Account, "resource-share/"+string(s.ID))
}

// The states of what is associated with a share. (AWS RAM API Reference, ResourceShareAssociation.)
const (
	ShareAssociating    = "ASSOCIATING" // an account that has not answered its invitation
	ShareAssociated     = "ASSOCIATED"
	ShareFailed         = "FAILED" // an account that has rejected its invitation, or let it expire
	ShareDisassociated  = "DISASSOCIATED"
	ShareDisassociating = "DISASSOCIATING" // what calls that end an association answer
)

// ShareAssociation is a resource or an account in a share, or one that was.
type ShareAssociation struct {
	Share     ResourceShareID
	Entity    string // the ARN of a resource, or the id of an account
	Principal bool   // it is an account
	Status    string
	Why       string `json:",omitempty"` // it failed
	Created   time.Time
	Updated   time.Time
}

// ShareAssociationKey is the key of the association of a resource or an account with a share.
func ShareAssociationKey(s ResourceShareID, entity string) string { return string(s) + " " + entity }

// RowID is the share and the entity.
func (a ShareAssociation) RowID() string { return ShareAssociationKey(a.Share, a.Entity) }

// Owner is the id of its share.
func (a ShareAssociation) Owner() string { return string(a.Share) }

// Keys are the ARN and the id of a resource that is shared.
func (a ShareAssociation) Keys() []string {
	if a.Principal || !a.Live() {
		return nil
	}
	return []string{keyShared + a.Entity, a.Entity[strings.LastIndexByte(a.Entity, '/')+1:]}
}

// Live tells whether the association stands, or may yet.
func (a ShareAssociation) Live() bool {
	return a.Status == ShareAssociated || a.Status == ShareAssociating
}

// ShareInvitation asks an account outside of the owner's organization whether it wants what is shared with it. The account of
// its Meta is the owner's.
type ShareInvitation struct {
	ID ShareInvitationID
	Meta
	Share    ResourceShareID
	Receiver AccountID
	Answer   string // ACCEPTED or REJECTED
}

// The states of invitations. (AWS RAM API Reference, ResourceShareInvitation.)
const (
	InvitationPending  = "PENDING"
	InvitationAccepted = "ACCEPTED"
	InvitationRejected = "REJECTED"
	InvitationExpired  = "EXPIRED"
)

// RowID is the invitation's id.
func (i ShareInvitation) RowID() string { return string(i.ID) }

// Owner is the id of its share.
func (i ShareInvitation) Owner() string { return string(i.Share) }

// ARN is the invitation's ARN.
func (i ShareInvitation) ARN() string {
	return ARN("ram", i.Region, i.Account, "resource-share-invitation/"+string(i.ID))
}

// invitationLife is how long invitations to resources of VPC Lattice can be answered. (AWS RAM User Guide, "Accepting and
// rejecting resource share invitations".)
const invitationLife = 12 * time.Hour

// Status is the state of the invitation at a time.
func (i ShareInvitation) Status(now time.Time) string {
	switch {
	case i.Answer != "":
		return i.Answer
	case now.Sub(i.Created) > invitationLife:
		return InvitationExpired
	}
	return InvitationPending
}

// Invitation is the last invitation of an account to a share.
func (w *World) Invitation(s ResourceShareID, to AccountID) (last ShareInvitation, ok bool) {
	for i := range w.ShareInvitations.In(string(s)) {
		if i.Receiver == to && (!ok || i.Created.After(last.Created)) {
			last, ok = i, true
		}
	}
	return last, ok
}

// Settled is an association as it is at a time: an account that has let its invitation expire has failed.
func (w *World) Settled(a ShareAssociation, now time.Time) ShareAssociation {
	if a.Principal && a.Status == ShareAssociating {
		if i, ok := w.Invitation(a.Share, AccountID(a.Entity)); !ok || i.Status(now) == InvitationExpired {
			a.Status, a.Why = ShareFailed, "The invitation has expired."
		}
	}
	return a
}

// SharedType is a type of resource that can be shared. Its permission, which AWS manages, says what those it is shared with
// may do with it; its owner may do everything.
type SharedType struct {
	Name       string // in RAM
	Permission string
	Version    string // of the permission
	Actions    []string
}

// SharedTypes are the types of resource that can be shared, by their names. (AWS RAM User Guide, "Shareable AWS resources"; VPC
// Lattice User Guide, "Sharing VPC Lattice entities".)
func SharedTypes() []SharedType {
	return []SharedType{sharedConfiguration(), sharedNetwork()}
}

func sharedConfiguration() SharedType {
	return SharedType{"vpc-lattice:ResourceConfiguration", "AWSRAMPermissionVpcLatticeResourceConfiguration", "2", []string{
		"vpc-lattice:CreateServiceNetworkResourceAssociation", "vpc-lattice:GetResourceConfiguration",
	}}
}

func sharedNetwork() SharedType {
	return SharedType{"vpc-lattice:ServiceNetwork", "AWSRAMPermissionVpcLatticeServiceNetworkReadWrite", "1", []string{
		"vpc-lattice:CreateServiceNetworkResourceAssociation", "vpc-lattice:CreateServiceNetworkServiceAssociation",
		"vpc-lattice:CreateServiceNetworkVpcAssociation", "vpc-lattice:CreateServiceNetworkVpcEndpointAssociation",
		"vpc-lattice:GetServiceNetwork", "vpc-lattice:ListServiceNetworkResourceAssociations",
		"vpc-lattice:ListServiceNetworkServiceAssociations", "vpc-lattice:ListServiceNetworkVpcAssociations",
	}}
}

// PermissionARN is the ARN of the type's permission.
func (t SharedType) PermissionARN(region string) string {
	return "arn:" + Partition(region) + ":ram::aws:permission/" + t.Permission
}

// Shareable finds the resource with an ARN, if it is of a type that can be shared. A child of a group goes with the group.
func (w *World) Shareable(arn string) (t SharedType, m Meta, ok bool) {
	id := arn[strings.LastIndexByte(arn, '/')+1:]
	if n, is := w.ServiceNetworks.Get(ServiceNetworkID(id)); is && n.ARN() == arn {
		return sharedNetwork(), n.Meta, true
	}
	if c, is := w.ResourceConfigurations.Get(ResourceConfigurationID(id)); is && c.OwnARN() == arn && c.Type != ConfigurationChild {
		return sharedConfiguration(), c.Meta, true
	}
	return SharedType{}, Meta{}, false
}

// SharesOf are the associations of a resource with shares.
func (w *World) SharesOf(arn string) []ShareAssociation {
	return collect(w.ShareAssociations.In(keyShared + arn))
}

// sharedAs is the ARN under which a resource is shared: its own, or that of its group.
func (w *World) sharedAs(arn string) string {
	c, ok := w.ResourceConfigurations.Get(ResourceConfigurationID(arn[strings.LastIndexByte(arn, '/')+1:]))
	if ok && c.Type == ConfigurationChild && c.OwnARN() == arn {
		g, _ := w.ResourceConfigurations.Get(c.Group)
		return g.OwnARN()
	}
	return arn
}

// SharedWith tells whether a resource is shared with an account, which has accepted it.
func (w *World) SharedWith(a AccountID, arn string) bool {
	return slices.ContainsFunc(w.SharesOf(w.sharedAs(arn)), func(s ShareAssociation) bool {
		p, _ := w.ShareAssociations.Get(ShareAssociationKey(s.Share, string(a)))
		return p.Status == ShareAssociated
	})
}

// Grants tells whether the caller, who does not own the resource, may do an action with it because it is shared. It is the one
// rule of sharing: every service asks it.
func (w *World) Grants(c Caller, arn, action string) bool {
	t, m, ok := w.Shareable(w.sharedAs(arn))
	return ok && m.Region == c.Region && slices.Contains(t.Actions, action) && w.SharedWith(c.Account, arn)
}

// Unshare takes a resource that is to be deleted out of all shares.
func (tx *Tx) Unshare(arn string) {
	for _, a := range tx.SharesOf(arn) {
		a.Status, a.Updated = ShareDisassociated, tx.Now
		tx.ShareAssociations.Put(a)
	}
}

// SharingPolicy is the policy of a resource that says with whom it is shared; empty when it is with nobody.
func (w *World) SharingPolicy(arn string) string {
	t, _, ok := w.Shareable(arn)
	var who []string
	for _, a := range w.SharesOf(arn) {
		for p := range w.ShareAssociations.In(string(a.Share)) {
			if p.Principal && p.Status == ShareAssociated && !slices.Contains(who, p.Entity) {
				who = append(who, p.Entity)
			}
		}
	}
	if !ok || len(who) == 0 {
		return ""
	}
	slices.Sort(who)
	type statement struct {
		Effect    string
		Principal map[string][]string
		Action    []string
		Resource  string
	}
	raw, err := json.Marshal(struct {
		Version   string
		Statement []statement
	}{"2012-10-17", []statement{{"Allow", map[string][]string{"AWS": who}, t.Actions, arn}}})
	if err != nil {
		panic("world: " + err.Error()) // texts always can
	}
	return string(raw)
}

// Joining is an association of a service network with a VPC or a resource configuration. Both sides of it know it.
type Joining interface {
	Stamp() Meta
	Joins() (ServiceNetworkID, ResourceConfigurationID)
}

// Joins is the network that the association joins the VPC to.
func (a VPCAssociation) Joins() (ServiceNetworkID, ResourceConfigurationID) { return a.Network, "" }

// Joins is the network that the association joins the service to.
func (a ServiceAssociation) Joins() (ServiceNetworkID, ResourceConfigurationID) { return a.Network, "" }

// Joins is what the association joins.
func (a ResourceAssociation) Joins() (ServiceNetworkID, ResourceConfigurationID) {
	return a.Network, a.Configuration
}

// Ends tells whether the caller may end an association: who made it may, and the owner of either side. (VPC Lattice User Guide,
// "Sharing VPC Lattice entities", as for what follows.)
func (w *World) Ends(c Caller, a Joining) bool {
	network, configuration := a.Joins()
	n, _ := w.ServiceNetworks.Get(network)
	r, _ := w.ResourceConfigurations.Get(configuration)
	return a.Stamp().OwnedBy(c) || n.OwnedBy(c) || r.OwnedBy(c)
}

// Sees tells whether the caller may know of an association: who may end it, and those the network is shared with.
func (w *World) Sees(c Caller, a Joining) bool {
	network, _ := a.Joins()
	n, _ := w.ServiceNetworks.Get(network)
	return w.Ends(c, a) || w.Grants(c, n.ARN(), "vpc-lattice:GetServiceNetwork")
}
