package reach

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"kumiko/internal/fabric"
	"kumiko/internal/world"
)

// A change and its opposite show the same conversations, once as lost and once as gained.
func TestDiff(t *testing.T) {
	for _, x := range []struct {
		name   string
		change func(*site)
		want   string // FROM>TO SERVICE, of the conversations lost
	}{
		{"nothing", func(*site) {}, ""},
		{"one port of a group", func(s *site) { s.deny("a2", false, *port(5432)) }, "i-a1>i-a2 tcp 5432-5432, i-b1>i-a2 tcp 5432-5432"},
		{"a rule", func(s *site) {
			s.rule("b1", "in", world.SecurityGroupRule{Protocol: world.TCP, Ports: world.AllPorts, CIDR: prefix("0.0.0.0/0")})
		},
			"i-a1>i-b1 icmp, i-a1>i-b1 udp 1-65535, i-a2>i-b1 icmp, i-a2>i-b1 udp 1-65535"},
		{"a public address", func(s *site) {
			e, _ := s.ENIs.Get("eni-a1")
			e.Public = netip.Addr{}
			s.ENIs.Put(e)
		}, "i-a1>internet icmp, i-a1>internet tcp 1-65535, i-a1>internet udp 1-65535, internet>i-a1 icmp, internet>i-a1 tcp 1-65535, internet>i-a1 udp 1-65535"},
		{"an instance", func(s *site) { s.stop("b1") }, "i-a1>i-b1 icmp, i-a1>i-b1 tcp 1-65535, i-a1>i-b1 udp 1-65535, i-a2>i-b1 icmp, i-a2>i-b1 tcp 1-65535, " +
			"i-a2>i-b1 udp 1-65535, i-b1>i-a1 icmp, i-b1>i-a1 tcp 1-65535, i-b1>i-a1 udp 1-65535, i-b1>i-a2 icmp, i-b1>i-a2 tcp 1-65535, i-b1>i-a2 udp 1-65535"},
	} {
		t.Run(x.name, func(t *testing.T) {
			before, after := newSite(t), newSite(t)
			x.change(after)
			lost, gained := Diff(before.fabric(), after.fabric()), Diff(after.fabric(), before.fabric())
			if got := shifts(t, lost, false); got != x.want {
				t.Errorf("lost %s\nwant %s", got, x.want)
			}
			if got := shifts(t, gained, true); got != x.want {
				t.Errorf("gained %s\nwant %s", got, x.want)
			}
			if lost.Cut || x.want == "" && lost.Compared != 0 {
				t.Errorf("%d conversations were compared", lost.Compared)
			}
		})
	}
}

func shifts(t *testing.T, i Impact, opens bool) string {
	var out []string
	for _, s := range i.Shifts {
		if s.Opens != opens || s.Cause == "" {
			t.Errorf("shift %+v", s)
		}
		text := s.From.ID + ">" + s.To.ID + " " + strings.Fields(proto(flowOf(s)))[0]
		if s.Protocol.HasPorts() {
			text = fmt.Sprintf("%s>%s %s %d-%d", s.From.ID, s.To.ID, map[world.Protocol]string{world.TCP: "tcp", world.UDP: "udp"}[s.Protocol], s.Ports.From, s.Ports.To)
		}
		out = append(out, text)
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

func flowOf(s Shift) fabric.Flow { return fabric.Flow{Protocol: s.Protocol} }
