package ec2

import (
	"net/netip"

	"kumiko/internal/awserr"
)

// Sizes of the ranges of VPCs and subnets. (Amazon VPC User Guide, "VPC CIDR blocks", "Subnet sizing".)
const (
	largestRange  = 16
	smallestRange = 28
)

// parseCIDR reads an IPv4 range, in canonical form: host bits become zero.
func parseCIDR(parameter, s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil || !p.Addr().Is4() {
		return netip.Prefix{}, awserr.EC2InvalidParameter(parameter, s, "This is not a valid CIDR block.")
	}
	return p.Masked(), nil
}

// sizedCIDR reads the range of a VPC or subnet; code is that of the error for a wrong size.
func sizedCIDR(s, code string) (netip.Prefix, error) {
	p, err := parseCIDR("cidrBlock", s)
	if err != nil {
		return p, err
	}
	if p.Bits() < largestRange || p.Bits() > smallestRange || nobodys(p) {
		return p, rangeError(code, p.String())
	}
	return p, nil
}

func rangeError(code, cidr string) error {
	return awserr.EC2Code(code, "The CIDR '%s' is invalid.", cidr)
}

// nobodys tells whether a range has addresses that no interface can have: this host, link-local, multicast and reserved ones.
// (RFC 6890.)
func nobodys(p netip.Prefix) bool {
	for _, s := range [...]string{"0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3"} {
		if netip.MustParsePrefix(s).Overlaps(p) {
			return true
		}
	}
	return false
}

// covers tells whether every address of inner lies in outer.
func covers(outer, inner netip.Prefix) bool {
	return outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())
}

// restricted tells whether a VPC whose first range is primary may not get the range added: ranges of two private
// families do not mix, and some ranges are AWS's own. (Amazon VPC User Guide, "IPv4 CIDR block association restrictions".)
func restricted(primary, added netip.Prefix) bool {
	in := func(s string, p netip.Prefix) bool { return netip.MustParsePrefix(s).Overlaps(p) }
	ten, twelve, sixteen, benchmark, shared := "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "198.19.0.0/16", "100.64.0.0/10"
	switch {
	case in(ten, primary):
		return in(twelve, added) || in(sixteen, added) || in(benchmark, added)
	case in(twelve, primary):
		return in(ten, added) || in(sixteen, added) || in(benchmark, added) || in("172.31.0.0/16", added)
	case in(sixteen, primary):
		return in(ten, added) || in(twelve, added) || in(benchmark, added)
	case in(benchmark, primary):
		return in(ten, added) || in(twelve, added) || in(sixteen, added)
	}
	return !in(shared, primary) && (in(ten, added) || in(twelve, added) || in(sixteen, added) || in(benchmark, added))
}
