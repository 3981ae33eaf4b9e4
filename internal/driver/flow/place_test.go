package flow

import (
	"net/netip"
	"testing"

	"kumiko/internal/fabric"
)

// Traffic for who is beyond the VPC leaves it by the way its route table has.
func TestWays(t *testing.T) {
	s3 := netip.MustParsePrefix("198.19.1.0/24")
	v := &fabric.VPC{
		ID: "vpc-1", CIDRs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/16")}, Uplink: &fabric.Uplink{}, Gates: []fabric.Gate{{Endpoint: "vpce-1", Range: s3}},
		Ports:  []fabric.Port{{ENI: "eni-1", Index: 1, Table: 1, Addrs: []netip.Addr{netip.MustParseAddr("10.0.0.5")}, Peer: fabric.Peer{Host: "i-1"}}},
		Tables: []fabric.Table{{ID: "rtb-1", Index: 1, Routes: []fabric.Route{{Prefix: s3, Endpoint: "vpce-1"}, {Prefix: netip.MustParsePrefix("198.0.0.0/8"), Internet: true}}}},
	}
	for dst, want := range map[string]Way{"198.19.1.9:443": WayEndpoint, "198.19.2.9:443": WayInternet, "10.0.0.5:443": WayInside, "203.0.113.1:443": WayNowhere} {
		out := Traffic{Src: netip.MustParseAddrPort("10.0.0.5:40000"), Dst: netip.MustParseAddrPort(dst), Target: netip.MustParseAddrPort(dst)}
		if newPlaces(v).complete(&out); out.Way != want || out.Sender != "eni-1" {
			t.Errorf("to %s: %+v, want %q", dst, out, want)
		}
	}
}
