package world

import "net/netip"

// VPC is a virtual private cloud: a routing domain with address ranges of its own. Two VPCs may use the same ranges.
type VPC struct {
	ID VPCID
	Meta
	CIDRs       []CIDRAssociation // the first is the primary one
	DHCPOptions DHCPOptionsID     // "default": none, AWS's word for options switched off
	Default     bool              // the account's default VPC

	DNSSupport   bool // enableDnsSupport
	DNSHostnames bool // enableDnsHostnames
	UsageMetrics bool // enableNetworkAddressUsageMetrics

	ReverseOff bool   // its resolver has no names of private addresses
	ReverseRev uint64 // revision in which that was changed last

	NextPort  uint32 // index the next ENI of this VPC gets; see ENI.Index
	NextTable uint32 // index the next route table of this VPC gets; see RouteTable.Index
}

// CIDRAssociation ties an address range to a VPC.
type CIDRAssociation struct {
	ID   string // vpc-cidr-assoc-
	CIDR netip.Prefix
	Rev  uint64 // revision in which the range was added
}

// RowID is the VPC id.
func (v VPC) RowID() string { return string(v.ID) }

// CIDR is the primary address range.
func (v VPC) CIDR() netip.Prefix { return v.CIDRs[0].CIDR }

// Overlaps tells whether some range of v overlaps one of o.
func (v VPC) Overlaps(o VPC) bool {
	for _, a := range v.CIDRs {
		for _, b := range o.CIDRs {
			if a.CIDR.Overlaps(b.CIDR) {
				return true
			}
		}
	}
	return false
}

// Contains tells whether a lies in one of the VPC's ranges.
func (v VPC) Contains(a netip.Addr) bool {
	for _, c := range v.CIDRs {
		if c.CIDR.Contains(a) {
			return true
		}
	}
	return false
}

// DHCPOptions is a set of options instances learn at start.
type DHCPOptions struct {
	ID DHCPOptionsID
	Meta
	Options []DHCPOption
	Default bool // the set every VPC of the account and region starts with
}

// DHCPOption is one key with its values.
type DHCPOption struct {
	Key    string
	Values []string
}

// RowID is the id of the set.
func (d DHCPOptions) RowID() string { return string(d.ID) }
