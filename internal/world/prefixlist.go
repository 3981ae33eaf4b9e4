package world

import (
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
)

// AWSPrefixLists are the lists AWS owns in a region, sorted by name. Their ids are made of their names, so they are
// the same in every state folder; those that are known are AWS's. The lists of services with gateway endpoints hold the
// public ranges these have here.
func AWSPrefixLists(region string) []ManagedPrefixList {
	p := "com.amazonaws." + region + "."
	return []ManagedPrefixList{
		gatewayList(region, "dynamodb"),
		awsPrefixList(p+"ec2-instance-connect", "IPv4", "18.206.107.24/29"),
		awsPrefixList(p+"ipv6.vpc-lattice", "IPv6", "fd00:ec2:80::/64"),
		gatewayList(region, "s3"),
		awsPrefixList(p+"vpc-lattice", "IPv4", LatticeResources.String(), LatticeServices.String()),
	}
}

// gatewayList is the list of a service with gateway endpoints. (As answers of DescribePrefixLists show them.)
func gatewayList(region, service string) ManagedPrefixList {
	s, _, _ := FindAWSService("com.amazonaws." + region + "." + service)
	l := awsPrefixList("com.amazonaws."+region+"."+service, "IPv4")
	if r := s.Range(region); r.IsValid() {
		l.Entries = []PrefixListEntry{{CIDR: r}}
	}
	known := map[string]PrefixListID{
		"us-east-1 s3": "pl-63a5400a", "us-east-1 dynamodb": "pl-02cd2c6b", "ap-northeast-1 s3": "pl-61a54008",
	}
	if id, ok := known[region+" "+service]; ok {
		l.ID = id
	}
	return l
}

// GatewayList is the prefix list of the service of a gateway endpoint.
func (e Endpoint) GatewayList() (ManagedPrefixList, bool) {
	if e.Type != EndpointGateway {
		return ManagedPrefixList{}, false
	}
	for _, service := range []string{"dynamodb", "s3"} {
		if e.Service == "com.amazonaws."+e.Region+"."+service {
			return gatewayList(e.Region, service), true
		}
	}
	return ManagedPrefixList{}, false
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
