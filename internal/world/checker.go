package world

import (
	"net/netip"
	"slices"
)

// CheckerRegions are the regions that health checks are made from, if a check does not name others. (Amazon Route 53 API
// Reference, HealthCheckConfig.)
func CheckerRegions() []string {
	return []string{"us-east-1", "us-west-1", "us-west-2", "eu-west-1", "ap-southeast-1", "ap-southeast-2", "ap-northeast-1", "sa-east-1"}
}

// checkers is where the addresses of checkers begin: in the part of PublicAddresses that no ENI is given any of.
var checkers = netip.MustParseAddr("198.18.0.16")

// CheckerAddress is the address on the public side that health checks are made from in a region; invalid where none are.
func CheckerAddress(region string) netip.Addr {
	i := slices.Index(CheckerRegions(), region)
	a := checkers
	for range i {
		a = a.Next()
	}
	if i < 0 {
		return netip.Addr{}
	}
	return a
}
