package world

import "net/netip"

// RouteTable is an ordered meaning of destinations for the subnets associated with it.
type RouteTable struct {
	ID RouteTableID
	Meta
	VPC          VPCID
	Index        uint32 // unique in the VPC for its life, from 1; names the kernel's table
	Main         bool
	Associations []RouteTableAssociation
	Routes       []Route // without the local routes, which follow from the VPC's ranges, and the Lattice routes
}

// RouteTableAssociation ties a subnet to a table; the main association has no subnet.
type RouteTableAssociation struct {
	ID     string // rtbassoc-
	Subnet SubnetID
}

// Route sends a destination, a range or a prefix list, to a target. Exactly one target member is set.
type Route struct {
	Destination netip.Prefix
	List        PrefixListID // instead of Destination
	ENI         ENIID        // network interface target
	Instance    InstanceID   // set beside ENI when the route was made for an instance
	Internet    InternetGatewayID
	NAT         NATGatewayID
	Peering     PeeringID
}

// RowID is the table's id.
func (r RouteTable) RowID() string { return string(r.ID) }

// Owner is the id of its VPC.
func (r RouteTable) Owner() string { return string(r.VPC) }

// RouteTableOf is the table that routes for the subnet: the one it is associated with, else the VPC's main one.
func (w *World) RouteTableOf(s Subnet) (RouteTable, bool) {
	var main RouteTable
	found := false
	for t := range w.RouteTables.In(string(s.VPC)) {
		for _, a := range t.Associations {
			if a.Subnet == s.ID {
				return t, true
			}
		}
		if t.Main {
			main, found = t, true
		}
	}
	return main, found
}

// NetworkACL is a stateless, numbered filter at the border of subnets.
type NetworkACL struct {
	ID NetworkACLID
	Meta
	VPC     VPCID
	Default bool
	Entries []NetworkACLEntry // without the final deny-all entries, which every ACL has
}

// NetworkACLEntry is one numbered rule.
type NetworkACLEntry struct {
	Number   int
	Egress   bool
	Allow    bool
	Protocol Protocol
	Ports    PortRange // of tcp and udp
	ICMP     ICMPMatch // of icmp
	CIDR     netip.Prefix
}

// RowID is the ACL's id.
func (a NetworkACL) RowID() string { return string(a.ID) }

// Owner is the id of its VPC.
func (a NetworkACL) Owner() string { return string(a.VPC) }
