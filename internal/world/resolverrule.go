package world

import "net/netip"

// ResolverRule says where the names of a domain are asked for, in the VPCs it is associated with.
type ResolverRule struct {
	ID ResolverRuleID
	Meta
	Name      string
	Domain    string // lower case, no trailing dot; empty: the root
	System    bool   // they are not asked for elsewhere, although a rule for a domain above says so
	Endpoint  ResolverEndpointID
	Targets   []netip.AddrPort
	CreatorID string // CreatorRequestId
}

// RowID is the rule's id.
func (r ResolverRule) RowID() string { return string(r.ID) }

// ResolverRuleAssociation makes a rule hold in a VPC.
type ResolverRuleAssociation struct {
	ID ResolverRuleAssociationID
	Meta
	Name string
	Rule ResolverRuleID
	VPC  VPCID
}

// RowID is the association's id.
func (a ResolverRuleAssociation) RowID() string { return string(a.ID) }

// Owner is the id of the VPC.
func (a ResolverRuleAssociation) Owner() string { return string(a.VPC) }
