package world

import (
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
)

// AWSPrefixLists are the lists AWS owns in a region, sorted by name. Their ids are made of their names, so they are
// the same in every state folder. Only the Lattice lists carry entries: the public ranges of the other services are
// data nobody routes by here.
func AWSPrefixLists(region string) []ManagedPrefixList {
	p := "com.amazonaws." + region + "."
	return []ManagedPrefixList{
		awsPrefixList(p+"dynamodb", "IPv4", "3.218.182.0/24"),
		awsPrefixList(p+"ec2-instance-connect", "IPv4", "18.206.107.24/29"),
		awsPrefixList(p+"ipv6.vpc-lattice", "IPv6", "fd00:ec2:80::/64"),
		awsPrefixList(p+"s3", "IPv4", "52.216.0.0/15"),
		awsPrefixList(p+"vpc-lattice", "IPv4", LatticeResources.String(), LatticeServices.String()),
	}
}

func awsPrefixList(name, family string, cidrs ...string) ManagedPrefixList {
	sum := sha256.Sum256([]byte(name))
	l := ManagedPrefixList{ID: PrefixListID("pl-" + hex.EncodeToString(sum[:])[:17]), Name: name, Family: family}
	for _, c := range cidrs {
		l.Entries = append(l.Entries, PrefixListEntry{CIDR: netip.MustParsePrefix(c)})
	}
	return l
}

// PrefixList finds a list by id: a customer's row, or one AWS owns in the region.
func (w *World) PrefixList(region string, id PrefixListID) (ManagedPrefixList, bool) {
	if l, ok := w.ManagedPrefixLists.Get(id); ok {
		return l, true
	}
	for _, l := range AWSPrefixLists(region) {
		if l.ID == id {
			return l, true
		}
	}
	return ManagedPrefixList{}, false
}
