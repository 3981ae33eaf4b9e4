package nft

import (
	"context"
	"fmt"
	"net/netip"
	"testing"

	"kumiko/internal/fabric"
	"kumiko/internal/world"
)

// sized is a VPC with a number of ports, and a group with a number of rules.
func sized(id string, ports, rules int) *fabric.VPC {
	v := &fabric.VPC{ID: world.VPCID(id), Groups: []fabric.Group{{ID: "sg-00000000000000001"}}}
	for i := range ports {
		a := netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})
		v.Ports = append(v.Ports, fabric.Port{
			ENI: world.ENIID(fmt.Sprintf("eni-%017x", i)), Index: uint32(i + 1), Table: 1, Addrs: []netip.Addr{a}, SourceDestCheck: true,
			Groups: []world.SecurityGroupID{"sg-00000000000000001"},
		})
		v.Groups[0].Members = append(v.Groups[0].Members, a)
	}
	for i := range rules {
		v.Groups[0].Ingress = append(v.Groups[0].Ingress, sizedRule(i))
	}
	return v
}

func sizedRule(i int) fabric.Rule {
	p := netip.PrefixFrom(netip.AddrFrom4([4]byte{172, 16 + byte(i>>13), byte(i >> 5), byte(i << 3)}), 29)
	return fabric.Rule{Protocol: world.TCP, Ports: world.PortRange{From: 1000, To: 1000 + uint16(i%500)}, CIDRs: []netip.Prefix{p}}
}

// BenchmarkOneRule adds and removes one rule of a group that has many, on ten ports: two changes a round.
func BenchmarkOneRule(b *testing.B) {
	for _, rules := range []int{10, 1000, 10000} {
		b.Run(fmt.Sprint(rules), func(b *testing.B) {
			d, ctx := New(namespaces(b, "v")), context.Background()
			with, without := sized("v", 10, rules), sized("v", 10, rules-1)
			defer d.Close()
			for b.Loop() {
				for _, v := range []*fabric.VPC{with, without} {
					if err := d.ApplyVPC(ctx, v); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(2*b.N), "µs/change")
		})
	}
}

// BenchmarkOnePort adds and removes one port of a VPC that has many: two changes a round.
func BenchmarkOnePort(b *testing.B) {
	for _, ports := range []int{10, 1000, 10000} {
		b.Run(fmt.Sprint(ports), func(b *testing.B) {
			d, ctx := New(namespaces(b, "v")), context.Background()
			with, without := sized("v", ports, 10), sized("v", ports-1, 10)
			defer d.Close()
			for b.Loop() {
				for _, v := range []*fabric.VPC{with, without} {
					if err := d.ApplyVPC(ctx, v); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(2*b.N), "µs/change")
		})
	}
}

// BenchmarkLoad loads a whole table with 10,000 rules into an empty namespace.
func BenchmarkLoad(b *testing.B) {
	path, ctx := namespaces(b, "v"), context.Background()
	for b.Loop() {
		d := New(path)
		if err := d.ApplyVPC(ctx, sized("v", 10, 10000)); err != nil {
			b.Fatal(err)
		}
		d.Close()
	}
}

// BenchmarkRender prints a table with 10,000 rules.
func BenchmarkRender(b *testing.B) {
	v := sized("v", 10, 10000)
	for b.Loop() {
		RenderVPC(v)
	}
}
