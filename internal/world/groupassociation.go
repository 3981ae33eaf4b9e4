package world

import "strings"

// GroupAssociation lets interfaces of another VPC of the region carry a security group. (Amazon VPC User Guide, "Associate
// security groups with multiple VPCs".)
type GroupAssociation struct {
	Meta
	Group SecurityGroupID
	VPC   VPCID
}

// GroupAssociationKey is the key of the association of a group with a VPC.
func GroupAssociationKey(g SecurityGroupID, v VPCID) string { return string(g) + "/" + string(v) }

// RowID is the ids of its group and its VPC.
func (a GroupAssociation) RowID() string { return GroupAssociationKey(a.Group, a.VPC) }

// Owner is the id of its VPC.
func (a GroupAssociation) Owner() string { return string(a.VPC) }

// Keys are the id of its group and, of one that was asked to end, a word.
func (a GroupAssociation) Keys() []string { return deleting([]string{string(a.Group)}, a.Meta) }

// Disassociating are the associations of groups that were asked to end.
func (w *World) Disassociating() []GroupAssociation {
	return collect(w.GroupAssociations.In(keyDeleting))
}

// Carries tells whether interfaces of the VPC can carry the group: it is the VPC's own, or associated with it.
func (w *World) Carries(v VPCID, g SecurityGroup) bool {
	a, ok := w.GroupAssociations.Get(GroupAssociationKey(g.ID, v))
	return g.VPC == v || ok && !a.Deleting
}

// Carried tells whether an interface of the VPC carries the group, or those that a VPC endpoint there will get.
func (w *World) Carried(g SecurityGroupID, v VPCID) bool {
	for e := range w.ENIs.In(string(g)) {
		if e.VPC == v {
			return true
		}
	}
	for e := range w.Endpoints.In(string(g)) {
		if e.VPC == v {
			return true
		}
	}
	return false
}

// groupAssociation checks that a group that is no default one is associated with another VPC of its region, which is no
// default one either.
func (c *checker) groupAssociation(id string) error {
	a, _ := c.w.GroupAssociations.Get(id)
	g, ok := c.w.SecurityGroups.Get(a.Group)
	if !ok {
		return missing("security-group", string(a.Group))
	}
	v, ok := c.w.VPCs.Get(a.VPC)
	switch {
	case !ok:
		return missing("vpc", string(a.VPC))
	case g.VPC == v.ID || g.Region != v.Region || g.Default || v.Default:
		return broken("security-group-association", id, "such a group and such a VPC are never associated")
	}
	return nil
}

// carriedStill tells whether an interface needs an association that is gone.
func (c *checker) carriedStill(id string) bool {
	g, v, _ := strings.Cut(id, "/")
	return c.w.Carried(SecurityGroupID(g), VPCID(v))
}
