package world

import (
	"encoding/binary"
	"net/netip"
)

// Subnet is a range of a VPC's addresses in one availability zone.
type Subnet struct {
	ID SubnetID
	Meta
	VPC                 VPCID
	CIDR                netip.Prefix
	Zone                string // availability zone name, e.g. us-east-1a
	Default             bool   // the zone's subnet of the default VPC
	MapPublicIPOnLaunch bool
	HostnameType        string // ip-name or resource-name
	ResourceNameA       bool   // enableResourceNameDnsARecord
	NetworkACL          NetworkACLID
	ACLAssociation      string // aclassoc-
}

// RowID is the subnet id.
func (s Subnet) RowID() string { return string(s.ID) }

// Owner is the id of its VPC.
func (s Subnet) Owner() string { return string(s.VPC) }

// Reserved tells whether AWS keeps a for itself: the first four addresses of a subnet and the last.
// (Amazon VPC User Guide, "Subnet CIDR blocks".)
func (s Subnet) Reserved(a netip.Addr) bool {
	first := s.CIDR.Masked().Addr()
	for range 4 {
		if a == first {
			return true
		}
		first = first.Next()
	}
	return a == LastAddr(s.CIDR)
}

// LastAddr is the highest address of p.
func LastAddr(p netip.Prefix) netip.Addr {
	a := p.Masked().Addr()
	if a.Is4() {
		b := a.As4()
		n := binary.BigEndian.Uint32(b[:]) | uint32(1<<(32-p.Bits())-1)
		binary.BigEndian.PutUint32(b[:], n)
		return netip.AddrFrom4(b)
	}
	b := a.As16()
	for i := p.Bits(); i < 128; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	return netip.AddrFrom16(b)
}

// Offset is the address n after the first one of p. It may lie outside of p.
func Offset(p netip.Prefix, n int) netip.Addr {
	a := p.Masked().Addr()
	for range n {
		a = a.Next()
	}
	return a
}

// UsedAddresses are the addresses of the subnet that ENIs hold: one for each private address and sixteen for each /28 prefix.
func (w *World) UsedAddresses(s SubnetID) map[netip.Addr]bool {
	used := map[netip.Addr]bool{}
	for e := range w.ENIs.In(string(s)) {
		for _, a := range e.Addrs {
			used[a] = true
		}
		for _, p := range e.Prefixes {
			for a := p.Masked().Addr(); p.Contains(a); a = a.Next() {
				used[a] = true
			}
		}
	}
	return used
}

// FreeAddresses is the number of addresses of the subnet that can still be given out.
func (w *World) FreeAddresses(s Subnet) int {
	return 1<<(s.CIDR.Addr().BitLen()-s.CIDR.Bits()) - 5 - len(w.UsedAddresses(s.ID))
}

// AllocateAddresses picks the n lowest free addresses of the subnet.
// It returns an Exhausted error, and none, when there are fewer.
func (w *World) AllocateAddresses(s Subnet, n int) ([]netip.Addr, error) {
	used := w.UsedAddresses(s.ID)
	var out []netip.Addr
	for a := s.CIDR.Masked().Addr(); len(out) < n && s.CIDR.Contains(a); a = a.Next() {
		if !used[a] && !s.Reserved(a) && w.Unreserved(s.ID, a) {
			out = append(out, a)
		}
	}
	if len(out) < n {
		return nil, &Error{Kind: Exhausted, Noun: "subnet", ID: string(s.ID)}
	}
	return out, nil
}
