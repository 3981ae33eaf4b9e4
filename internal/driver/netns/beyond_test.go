package netns_test

import (
	"net/netip"
	"testing"

	"kumiko/internal/driver/netns"
	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
	"kumiko/internal/world"
)

// joined is two peered VPCs of which the first has an uplink and a NAT gateway.
func joined() *fabric.Fabric {
	a, b := &fabric.VPC{ID: "vpc-a"}, &fabric.VPC{ID: "vpc-b"}
	a.Peerings = []fabric.PeerLink{{ID: "pcx-1", VPC: b.ID, MTU: fabric.MTU}}
	b.Peerings = []fabric.PeerLink{{ID: "pcx-1", VPC: a.ID, MTU: fabric.MTU}}
	a.Uplink = &fabric.Uplink{}
	at := netip.MustParseAddr("10.0.0.9")
	p := fabric.GatewayPort{ENI: "eni-nat", Device: "eth0", Addrs: []netip.Addr{at}, MAC: "0a:00:00:00:00:09", Router: at.Prev(), MTU: fabric.MTU}
	a.Ports = []fabric.Port{{
		ENI: p.ENI, Index: 1, Addrs: p.Addrs, MAC: p.MAC, Router: p.Router, MTU: p.MTU, Peer: fabric.Peer{NAT: "nat-1", Device: p.Device},
	}}
	return &fabric.Fabric{
		VPCs: []*fabric.VPC{a, b}, NATs: []*fabric.NAT{{ID: "nat-1", VPC: a.ID, Port: p}},
		Public: fabric.Public{Uplinks: []fabric.PublicUplink{{VPC: a.ID}}},
	}
}

// TestWaysOut: the cables of peerings, uplinks and NAT gateways are made once, whoever comes first; the next process
// takes them over as they are, and they go with what they are for.
func TestWaysOut(t *testing.T) {
	run := t.TempDir()
	first := open(t, run)
	ends := map[string]string{
		"vpc-a": kernel.PeeringDevice("pcx-1"), "vpc-b": kernel.PeeringDevice("pcx-1"),
		kernel.PublicNamespace: kernel.PublicDevice("vpc-a"), "nat-1": "eth0",
	}
	index := map[string]int{}
	for n, reverse := range []bool{true, false, true} {
		d := first
		if n > 0 {
			var err error
			if d, err = netns.New(run); err != nil {
				t.Fatal(err)
			}
			defer d.Close()
		}
		f := joined()
		if reverse {
			f.VPCs[0], f.VPCs[1] = f.VPCs[1], f.VPCs[0]
		}
		applyAll(t, d, f)
		for ns, device := range ends {
			l := link(t, run, ns, device)
			if index[ns] != 0 && index[ns] != l.Index {
				t.Errorf("process %d: %s of %s was made again", n, device, ns)
			}
			if got, ok := d.Index(ns, device); !ok || got != l.Index {
				t.Errorf("process %d: %s of %s has number %d, is known as %d", n, device, ns, l.Index, got)
			}
			index[ns] = l.Index
		}
	}
	d, err := netns.New(run)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	applyAll(t, d, &fabric.Fabric{VPCs: []*fabric.VPC{{ID: "vpc-a"}, {ID: "vpc-b"}}})
	if kernel.Exists(kernel.Path(run, kernel.PublicNamespace)) || kernel.Exists(kernel.Path(run, world.NATGatewayID("nat-1"))) {
		t.Error("the public side or the NAT gateway is still there")
	}
	if _, ok := d.Index("vpc-b", kernel.PeeringDevice("pcx-1")); ok {
		t.Error("the peering's cable is still known")
	}
}

func applyAll(t *testing.T, d *netns.Driver, f *fabric.Fabric) {
	t.Helper()
	if err := d.Ensure(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	for _, n := range f.NATs {
		if err := d.ApplyNAT(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.ApplyPublic(t.Context(), &f.Public); err != nil {
		t.Fatal(err)
	}
	apply(t, d, f)
}
