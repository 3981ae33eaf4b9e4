package world

import "time"

// Role is a role of IAM: an identity that others take on for a while.
type Role struct {
	Identity
	Description string
	Trust       string // policy document that says who may
	MaxSession  int    // seconds
	Pins        []Pin  `json:",omitempty"` // users and roles that Trust names
	Service     string // of service-linked roles: whom it belongs to, e.g. vpc-lattice.amazonaws.com
}

// ARN is the role's ARN.
func (r Role) ARN() string { return IAMARN(r.Account, "role", r.Path, r.Name) }

// Pin is a user or role, as it was when a document named it.
type Pin struct{ ARN, ID string }

// Trusts tells whether the role may trust whom an ARN names now: it was named with another id if there was another one.
func (r Role) Trusts(arn, id string) bool {
	for _, p := range r.Pins {
		if p.ARN == arn && p.ID != id {
			return false
		}
	}
	return true
}

// InstanceProfile hands a role to instances.
type InstanceProfile struct {
	Account AccountID
	ID      string // AIPA…
	Name    string
	Path    string
	Created time.Time
	Tags    []Tag  `json:",omitempty"`
	Role    string // name of the role, empty if it has none
}

// RowID is the account and the name, whose case does not count.
func (p InstanceProfile) RowID() string { return IAMKey(p.Account, p.Name) }

// ARN is the profile's ARN.
func (p InstanceProfile) ARN() string {
	return IAMARN(p.Account, "instance-profile", p.Path, p.Name)
}

// ProfileOf is the instance profile of an instance, if it has one that is still there, and its role, if that has one.
func (w *World) ProfileOf(i Instance) (InstanceProfile, Role, bool) {
	p, ok := w.InstanceProfiles.Get(IAMKey(i.Account, i.InstanceProfile))
	if !ok || p.ID != i.ProfileID || i.InstanceProfile == "" {
		return InstanceProfile{}, Role{}, false
	}
	r, _ := w.Roles.Get(IAMKey(p.Account, p.Role))
	return p, r, true
}
