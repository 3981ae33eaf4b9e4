package reach

import (
	"net/netip"
	"strings"
	"testing"

	"kumiko/internal/fabric"
	"kumiko/internal/world"
)

// twins are two VPCs with one range and the same address in use in both; in a, one more.
func twins() *fabric.Fabric {
	vpc := func(id world.VPCID, enis ...string) *fabric.VPC {
		v := &fabric.VPC{
			ID: id, Region: "us-east-1", CIDRs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24")},
			Subnets:  []fabric.Subnet{{ID: "subnet-" + world.SubnetID(id), CIDR: netip.MustParsePrefix("10.0.0.0/24"), Gateway: netip.MustParseAddr("10.0.0.1"), ACL: "acl-1"}},
			Resolver: fabric.Resolver{Enabled: true, Addrs: []netip.Addr{netip.MustParseAddr("10.0.0.2"), fabric.ResolverLinkLocal}},
			ACLs:     []fabric.ACL{{ID: "acl-1", Ingress: []fabric.ACLRule{{Number: 100, Allow: true, Protocol: world.AnyProtocol, CIDR: netip.MustParsePrefix("0.0.0.0/0")}}}},
			Groups: []fabric.Group{{ID: "sg-1", Egress: []fabric.Rule{{ID: "sgr-1", Protocol: world.AnyProtocol, CIDRs: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}}},
				Ingress: []fabric.Rule{{ID: "sgr-2", Protocol: world.TCP, Ports: world.PortRange{From: 22, To: 22}, CIDRs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24")}}}}},
		}
		v.ACLs[0].Egress = v.ACLs[0].Ingress
		for i, e := range enis {
			v.Ports = append(v.Ports, fabric.Port{
				ENI: world.ENIID(e), Index: uint32(i + 1), Subnet: v.Subnets[0].ID, SourceDestCheck: true, Groups: []world.SecurityGroupID{"sg-1"},
				Addrs: []netip.Addr{netip.AddrFrom4([4]byte{10, 0, 0, byte(9 + i)})}, Peer: fabric.Peer{Host: "i-" + world.InstanceID(e), Device: "eth0"},
			})
		}
		return v
	}
	return &fabric.Fabric{VPCs: []*fabric.VPC{vpc("vpc-a", "eni-a1", "eni-a2"), vpc("vpc-b", "eni-b1", "eni-b2")}}
}

func TestAsk(t *testing.T) {
	tests := []struct {
		name, from, to string
		protocol       world.Protocol
		port           uint16
		want           string // of the summary, or of the error
	}{
		{"neighbour", "i-eni-a1", "10.0.0.10", world.TCP, 22, "yes: tcp/22 to 10.0.0.10 reaches eni-a2"},
		{"closed port", "eni-a1", "i-eni-a2", world.TCP, 23, "no: sg-1 has no ingress rule for tcp/23 from 10.0.0.9"},
		{"twin", "i-eni-a1", "i-eni-b2", world.TCP, 22, "no: in this VPC 10.0.0.10 is eni-a2, not eni-b2"},
		{"itself", "i-eni-a1", "i-eni-a1", world.TCP, 22, "yes:"},
		{"resolver", "i-eni-a1", "10.0.0.2", world.UDP, 53, "yes: the VPC itself answers udp/53"},
		{"metadata", "i-eni-a1", "169.254.169.254", world.TCP, 80, "yes: the VPC itself answers tcp/80"},
		{"router", "i-eni-a1", "10.0.0.1", world.TCP, 22, "no: 10.0.0.1 is the VPC's own, and does not answer tcp/22"},
		{"nobody", "i-eni-a1", "10.0.0.77", world.TCP, 22, "no: no running instance or ENI of vpc-a has the address 10.0.0.77"},
		{"everybody", "i-eni-a1", "224.0.0.1", world.UDP, 5353, "no: 224.0.0.1 is for everybody, and nothing here carries multicast and broadcast"},
		{"IPv6", "i-eni-a1", "2001:db8::1", world.TCP, 22, "2001:db8::1 is an IPv6 address, and there is no IPv6 here"},
		{"two have it", "10.0.0.9", "10.0.0.10", world.TCP, 22, "is an address of eni-a1 in vpc-a and of eni-b1 in vpc-b"},
		{"unknown", "i-none", "10.0.0.10", world.TCP, 22, "nothing that runs is called i-none"},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			a, err := Ask(twins(), Question{From: c.from, To: c.to, Protocol: c.protocol, Port: c.port})
			got := a.Summary
			if err != nil {
				got = err.Error
			}
			if s := got(); !strings.Contains(s, c.want) {
				t.Errorf("got %q, want %q", s, c.want)
			}
		})
	}
}
