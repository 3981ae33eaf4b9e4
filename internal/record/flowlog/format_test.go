package flowlog

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestFormat(t *testing.T) {
	at := place{account: "123456789012", region: "us-east-1", zoneID: "use1-az1", vpc: "vpc-1", subnet: "subnet-1", primary: netip.MustParseAddr("10.0.0.5")}
	k := key{eni: "eni-1", egress: true, protocol: 6, src: netip.MustParseAddrPort("10.0.0.6:41234"), dst: netip.MustParseAddrPort("10.0.1.9:443")}
	s := sum{packets: 12, bytes: 3400, start: time.Unix(1700000000, 0), end: time.Unix(1700000058, 0), flags: 0x1b, way: Internet}
	refused := k
	refused.refused, refused.egress = true, false
	for _, c := range []struct {
		name, format string
		e            entry
		want         string
	}{
		{"default", "", entry{status: statusOK, key: k, sum: s, at: at}, "2 123456789012 eni-1 10.0.0.5 10.0.1.9 41234 443 6 12 3400 1700000000 1700000058 ACCEPT OK"},
		{"refused", "", entry{status: statusOK, key: refused, sum: s, at: at}, "2 123456789012 eni-1 10.0.0.6 10.0.0.5 41234 443 6 12 3400 1700000000 1700000058 REJECT OK"},
		{"no traffic", "", entry{status: statusNone, key: key{eni: "eni-1"}, sum: s, at: at}, "2 123456789012 eni-1 - - - - - - - 1700000000 1700000058 - NODATA"},
		{"lost", "${log-status} ${vpc-id}", entry{status: statusSkip, key: key{eni: "eni-1"}, sum: s, at: at}, "SKIPDATA vpc-1"},
		{"version 3", "${version} ${subnet-id} ${instance-id} ${tcp-flags} ${type} ${pkt-srcaddr} ${pkt-dstaddr}", entry{status: statusOK, key: k, sum: s, at: at}, "3 subnet-1 - 19 IPv4 10.0.0.6 10.0.1.9"},
		{"version 5", "${version}  ${region} ${az-id} ${sublocation-id} ${pkt-src-aws-service} ${flow-direction} ${traffic-path}", entry{status: statusOK, key: k, sum: s, at: at}, "5 us-east-1 use1-az1 - - egress 8"},
		{"path to a gateway endpoint", "${flow-direction} ${traffic-path}", entry{status: statusOK, key: k, sum: sum{way: Endpoint}, at: at}, "egress 7"},
		{"path of what entered", "${flow-direction} ${traffic-path}", entry{status: statusOK, key: refused, sum: s, at: at}, "ingress -"},
	} {
		f, err := ParseFormat(c.format)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := f.line(c.e); got != c.want {
			t.Errorf("%s:\n%s, want\n%s", c.name, got, c.want)
		}
	}
	for _, bad := range []string{" ", "version", "${version", "version}", "${version},${bytes}", "${tgw-id}", "${Version}", "${}", strings.Repeat("${bytes} ", 1000)} {
		if _, err := ParseFormat(bad); err == nil {
			t.Errorf("%.20q is taken for a format", bad)
		}
	}
}

func FuzzParseFormat(f *testing.F) {
	for _, s := range []string{"", DefaultFormat, "${version}", "${", "}", "${a} ${b}", "$ { }", "${version}\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParseFormat(s)
		if err != nil {
			return
		}
		line := p.line(entry{status: statusNone, key: key{eni: "eni-1"}, sum: sum{start: time.Unix(0, 0), end: time.Unix(1, 0)}})
		if s != "" && len(strings.Fields(line)) != len(strings.Fields(s)) {
			t.Errorf("%q prints %q", s, line)
		}
	})
}

// TestRefusedOfAConnection: what a stateless rule refused of a known connection is counted as passed by the kernel, and
// must not be in the records as such.
func TestRefusedOfAConnection(t *testing.T) {
	now := time.Unix(1700000000, 0)
	a, b := netip.MustParseAddrPort("10.0.0.10:40000"), netip.MustParseAddrPort("10.0.1.11:80")
	for _, c := range []struct {
		name    string
		refusal Refusal
		passed  []Traffic
		want    map[key]uint64
	}{
		{"an answer that the network ACL keeps in its subnet", Refusal{Time: now, VPC: "vpc-1", Station: "acl-out", Sender: "eni-b", Protocol: 6, Src: b, Dst: a, Bytes: 60},
			[]Traffic{{VPC: "vpc-1", Protocol: 6, Sender: "eni-a", Receiver: "eni-b", Src: a, Dst: b, Target: b, Sent: Passed{Packets: 1, Bytes: 60}, Answered: Passed{Packets: 1, Bytes: 60}, Start: now, End: now}},
			map[key]uint64{
				{eni: "eni-a", egress: true, protocol: 6, src: a, dst: b}:                1,
				{eni: "eni-b", protocol: 6, src: a, dst: b}:                              1,
				{eni: "eni-b", egress: true, refused: true, protocol: 6, src: b, dst: a}: 1,
			}},
		{"a new packet that the network ACL keeps out", Refusal{Time: now, VPC: "vpc-1", Station: "acl-in", Sender: "eni-a", Receiver: "eni-b", Protocol: 6, Src: a, Dst: b, Bytes: 60}, nil,
			map[key]uint64{
				{eni: "eni-a", egress: true, protocol: 6, src: a, dst: b}:  1,
				{eni: "eni-b", refused: true, protocol: 6, src: a, dst: b}: 1,
			}},
		{"a packet that never leaves", Refusal{Time: now, VPC: "vpc-1", Station: "sg-out", Sender: "eni-a", Receiver: "eni-b", Protocol: 6, Src: a, Dst: b, Bytes: 60}, nil,
			map[key]uint64{{eni: "eni-a", egress: true, refused: true, protocol: 6, src: a, dst: b}: 1}},
	} {
		m := newMinute(now)
		m.refuse(c.refusal)
		for _, p := range c.passed {
			m.pass(p)
		}
		got := m.end().sums
		for k, n := range c.want {
			if got[k].packets != n {
				t.Errorf("%s: %d packets of %+v, want %d", c.name, got[k].packets, k, n)
			}
		}
		if len(got) != len(c.want) {
			t.Errorf("%s: %d records, want %d: %+v", c.name, len(got), len(c.want), got)
		}
	}
}
