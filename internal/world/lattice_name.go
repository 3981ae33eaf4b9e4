package world

import (
	"crypto/sha256"
	"encoding/base32"
	"hash/crc32"
	"net/netip"
	"strings"
)

// ResourceZone is the DNS zone of the generated names of resource associations in a region. The label before
// vpc-lattice-rsc is the same for all accounts and regions. (Names shown by AWS, e.g. in the AWS CLI's examples.)
func ResourceZone(region string) string {
	return "4232ccc.vpc-lattice-rsc." + region + ".on.aws"
}

// Name is the generated DNS name of the association: what clients of the service network connect to.
func (a ResourceAssociation) Name() string {
	return string(a.ID) + "." + string(a.Configuration) + "." + ResourceZone(a.Region)
}

// EndpointName is the generated DNS name of a resource at a VPC endpoint of a service network.
func (a ResourceAssociation) EndpointName(e EndpointID) string { return string(e) + "-" + a.Name() }

// EndpointName is the generated DNS name of the resource at a VPC endpoint of its own.
func (c ResourceConfiguration) EndpointName(e EndpointID) string {
	return string(e) + "." + string(c.ID) + "." + ResourceZone(c.Region)
}

// ResourceHostedZone is the id of the hosted zone that AWS keeps a region's ResourceZone in. It is known for two
// regions; for the others it is made up, always the same way.
func ResourceHostedZone(region string) string {
	switch region {
	case "us-east-1":
		return "Z08285483B41F6ASEM5U1"
	case "us-east-2":
		return "Z03265862FOUNWMZOKUF4"
	}
	return madeUpZone("vpc-lattice-rsc " + region)
}

func madeUpZone(of string) string {
	sum := sha256.Sum256([]byte(of))
	text := base32.StdEncoding.EncodeToString(sum[:])
	return "Z0" + strings.Map(dropPadding, text)[:19]
}

func dropPadding(r rune) rune {
	if r == '=' {
		return -1
	}
	return r
}

// AllocateResourceAddress picks the address of a new resource association: the lowest free one of LatticeResources,
// counted from a /24 that depends on the region. It returns an Exhausted error when all are taken.
func (w *World) AllocateResourceAddress(region string) (netip.Addr, error) {
	blocks := 1 << (24 - LatticeResources.Bits())
	first := Offset(LatticeResources, int(crc32.ChecksumIEEE([]byte(region)))%blocks<<8)
	a := first
	for {
		if !w.ResourceAssociations.Some(keyAddress + a.String()) {
			return a, nil
		}
		if a = a.Next(); !LatticeResources.Contains(a) {
			a = LatticeResources.Addr()
		}
		if a == first {
			return netip.Addr{}, &Error{Kind: Exhausted, Noun: "resource-association", Message: "no address is left in " + LatticeResources.String()}
		}
	}
}
