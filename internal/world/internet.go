package world

import (
	"net/netip"
	"time"
)

// InternetGateway leads from a VPC to the public side: public addresses are translated one to one.
type InternetGateway struct {
	ID InternetGatewayID
	Meta
	VPC VPCID // attached to; empty: detached
}

// RowID is the gateway's id.
func (g InternetGateway) RowID() string { return string(g.ID) }

// Owner is the id of the VPC it is attached to.
func (g InternetGateway) Owner() string { return string(g.VPC) }

// EgressOnlyGateway is an egress-only internet gateway of a VPC. It is for IPv6, which no VPC here has, so it carries
// nothing.
type EgressOnlyGateway struct {
	ID EgressOnlyGatewayID
	Meta
	VPC VPCID
}

// RowID is the gateway's id.
func (g EgressOnlyGateway) RowID() string { return string(g.ID) }

// Owner is the id of its VPC.
func (g EgressOnlyGateway) Owner() string { return string(g.VPC) }

// Address is an elastic IP address: a public address of an account, for as long as it keeps it.
type Address struct {
	ID AllocationID
	Meta
	Public      netip.Addr // in PublicAddresses, unique in the world
	Association string     // eipassoc-; empty: not associated
	ENI         ENIID
	Private     netip.Addr // of the ENI that the public address stands for
	VPC         VPCID      // of the ENI
	Reverse     Reverse    `json:",omitzero"`
	Transfer    AddressTransfer
}

// AddressTransfer is the offer of an elastic address to another account, and whether it was taken.
type AddressTransfer struct {
	From     AccountID // empty: none
	To       AccountID
	Offered  time.Time
	Accepted time.Time // zero: not yet
}

// RowID is the allocation id.
func (a Address) RowID() string { return string(a.ID) }

// Owner is the id of the VPC it is associated in.
func (a Address) Owner() string { return string(a.VPC) }

// PublicAddresses is the range public addresses of ENIs are given from. It is reserved for benchmarking (RFC 2544), so
// it is nobody's on the Internet, and it is not one of the private ranges that VPCs use.
var PublicAddresses = netip.MustParsePrefix("198.18.0.0/15")

// AllocatePublicAddress picks a public address nobody has, neither elastic nor given at launch.
func (w *World) AllocatePublicAddress() (netip.Addr, error) {
	out, err := w.AllocatePublicAddresses(1)
	if err != nil {
		return netip.Addr{}, err
	}
	return out[0], nil
}

// AllocatePublicAddresses picks n public addresses nobody has: those above the highest that somebody has, and the lowest
// free ones when there are not enough. It returns an Exhausted error, and none, when there are fewer.
func (w *World) AllocatePublicAddresses(n int) ([]netip.Addr, error) {
	first := Offset(PublicAddresses, 256)
	last := first
	for _, key := range []string{w.Addresses.LastKey(keyPublic), w.ENIs.LastKey(keyPublic)} {
		if a := publicOfKey(key); a.IsValid() && a.Next().Compare(last) > 0 {
			last = a.Next()
		}
	}
	out := w.freePublic(nil, n, last)
	if len(out) < n { // up to the end they are given out: again from the beginning
		out = w.freePublic(nil, n, first)
	}
	if len(out) < n {
		return nil, &Error{Kind: Exhausted, Noun: "address", ID: PublicAddresses.String()}
	}
	return out, nil
}

// freePublic adds to out the lowest public addresses from a on that nobody has, until they are n.
func (w *World) freePublic(out []netip.Addr, n int, a netip.Addr) []netip.Addr {
	for ; len(out) < n && PublicAddresses.Contains(a) && !ServiceAddresses.Contains(a); a = a.Next() {
		last, key := a.As4()[3], publicKey(a)
		if last != 0 && last != 255 && !w.Addresses.Some(key) && !w.ENIs.Some(key) {
			out = append(out, a)
		}
	}
	return out
}

// AddressOf is the elastic address associated with a private address of an interface.
func (w *World) AddressOf(e ENI, private netip.Addr) (Address, bool) {
	for a := range w.Addresses.In(string(e.ID)) {
		if a.Private == private {
			return a, true
		}
	}
	return Address{}, false
}

// PublicAddress is the public address that stands for the primary address of an interface: an elastic one, or the one
// given at launch. It is invalid when there is none.
func (w *World) PublicAddress(e ENI) netip.Addr {
	if a, ok := w.AddressOf(e, e.Addr()); ok {
		return a.Public
	}
	return e.Public
}

// GatewayOfVPC is the internet gateway attached to a VPC.
func (w *World) GatewayOfVPC(v VPCID) (InternetGateway, bool) {
	for g := range w.InternetGateways.In(string(v)) {
		return g, true
	}
	return InternetGateway{}, false
}

// Works tells whether the gateway was made and is not being deleted.
func (g NATGateway) Works() bool { return !g.Deleting && g.Failure == "" && g.DeletedAt.IsZero() }

// NATGateway lets a subnet's instances begin conversations under its own address.
type NATGateway struct {
	ID NATGatewayID
	Meta
	VPC        VPCID
	Subnet     SubnetID
	Private    bool         // connectivity type private: no public address
	ENI        ENIID        // managed, without security groups
	Allocation AllocationID // of a public gateway
	Failure    string       // code, when it could not be made
	Message    string
	DeletedAt  time.Time // when it had gone; shown for an hour
}

// RowID is the gateway's id.
func (g NATGateway) RowID() string { return string(g.ID) }

// Owner is the id of its VPC.
func (g NATGateway) Owner() string { return string(g.VPC) }
