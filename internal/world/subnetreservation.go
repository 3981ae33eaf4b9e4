package world

import (
	"net/netip"
	"slices"
)

// SubnetReservation keeps a range of a subnet from being given out by choice. (Amazon VPC User Guide, "Subnet CIDR
// reservations".)
type SubnetReservation struct {
	ID SubnetReservationID
	Meta
	VPC         VPCID
	Subnet      SubnetID
	CIDR        netip.Prefix
	Explicit    bool // addresses in it are given out only when asked for; else /28 prefixes are chosen from it
	Description string
}

// RowID is the reservation's id.
func (r SubnetReservation) RowID() string { return string(r.ID) }

// Owner is the id of the subnet.
func (r SubnetReservation) Owner() string { return string(r.Subnet) }

// Unreserved tells whether an address of the subnet can be chosen for an interface nobody asked an address for.
func (w *World) Unreserved(s SubnetID, a netip.Addr) bool {
	for r := range w.SubnetReservations.In(string(s)) {
		if r.CIDR.Contains(a) {
			return false
		}
	}
	return true
}

// subnetReservation checks that the range lies in its subnet, and is reserved once.
func (c *checker) subnetReservation(id SubnetReservationID) error {
	r, _ := c.w.SubnetReservations.Get(id)
	s, ok := c.w.Subnets.Get(r.Subnet)
	if !ok || s.VPC != r.VPC {
		return missing("subnet", string(r.Subnet))
	}
	if !inside(s.CIDR, r.CIDR) {
		return broken("subnet-cidr-reservation", string(id), "its range is not one of the subnet's")
	}
	for o := range c.w.SubnetReservations.In(string(r.Subnet)) {
		if o.ID != id && o.CIDR.Overlaps(r.CIDR) {
			return clash("subnet-cidr-reservation", string(id), string(o.ID), "the ranges overlap")
		}
	}
	return nil
}

// networkACL checks that the numbers of an ACL's entries differ in each direction.
func (c *checker) networkACL(id NetworkACLID) error {
	a, _ := c.w.NetworkACLs.Get(id)
	if !c.w.VPCs.Has(a.VPC) {
		return missing("vpc", string(a.VPC))
	}
	for i, e := range a.Entries {
		if slices.ContainsFunc(a.Entries[:i], func(o NetworkACLEntry) bool { return o.Number == e.Number && o.Egress == e.Egress }) {
			return broken("network-acl", string(id), "two entries of one direction have the same number")
		}
	}
	return nil
}
