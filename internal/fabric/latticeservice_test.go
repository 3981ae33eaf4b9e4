package fabric

import (
	"net/netip"
	"strings"
	"testing"

	"kumiko/internal/world"
)

// TestChooseRule asks rules as the VPC Lattice User Guide, "Listener rules", has them.
func TestChooseRule(t *testing.T) {
	path := func(exact, prefix string, sensitive bool) world.LatticeMatch {
		return world.LatticeMatch{Path: &world.LatticePathMatch{Exact: exact, Prefix: prefix, CaseSensitive: sensitive}}
	}
	header := func(all ...world.LatticeHeaderMatch) world.LatticeMatch { return world.LatticeMatch{Headers: all} }
	for name, c := range map[string]struct {
		match world.LatticeMatch
		in    Request
		want  bool
	}{
		"exact path":            {path("/a", "", false), Request{Path: "/A"}, true},
		"exact is not prefix":   {path("/a", "", false), Request{Path: "/a/b"}, false},
		"case sensitive":        {path("/a", "", true), Request{Path: "/A"}, false},
		"prefix":                {path("", "/a", false), Request{Path: "/ab"}, true},
		"other prefix":          {path("", "/a/", false), Request{Path: "/a"}, false},
		"method":                {world.LatticeMatch{Method: "GET"}, Request{Method: "GET"}, true},
		"method in small":       {world.LatticeMatch{Method: "GET"}, Request{Method: "get"}, false},
		"header contains":       {header(world.LatticeHeaderMatch{Name: "X-A", Contains: "b"}), Request{Header: map[string][]string{"x-a": {"ABC"}}}, true},
		"header is sensitive":   {header(world.LatticeHeaderMatch{Name: "X-A", Contains: "b", CaseSensitive: true}), Request{Header: map[string][]string{"x-a": {"ABC"}}}, false},
		"second value":          {header(world.LatticeHeaderMatch{Name: "x-a", Prefix: "z"}), Request{Header: map[string][]string{"x-a": {"a", "zz"}}}, true},
		"no header":             {header(world.LatticeHeaderMatch{Name: "x-a", Prefix: "z"}), Request{}, false},
		"all headers must":      {header(world.LatticeHeaderMatch{Name: "a", Exact: "1"}, world.LatticeHeaderMatch{Name: "b", Exact: "2"}), Request{Header: map[string][]string{"a": {"1"}}}, false},
		"the default takes all": {world.LatticeMatch{}, Request{Method: "X", Path: "*"}, true},
	} {
		l := ServiceListener{Rules: []ServiceRule{{ID: "rule-1", Match: c.match}, {}}}
		if got := l.Choose(c.in).ID == "rule-1"; got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// TestPickKeepsWeights lets each target group have its share of any row of requests as long as the sum of weights, and none
// at all without weight.
func TestPickKeepsWeights(t *testing.T) {
	for _, weights := range [][]int{{1}, {1, 1}, {30, 10}, {999, 1}, {0, 7}, {100, 100, 100}} {
		var a world.LatticeAction
		sum := 0
		for i, w := range weights {
			a.Groups = append(a.Groups, world.LatticeWeight{Group: world.LatticeTargetGroupID(rune('a' + i)), Weight: w})
			sum += w
		}
		got := map[world.LatticeTargetGroupID]int{}
		for n := range sum {
			g, _ := Pick(a, uint64(n+17))
			got[g]++
		}
		for _, w := range a.Groups {
			if got[w.Group] != w.Weight {
				t.Errorf("%v: %v", weights, got)
			}
		}
	}
	if _, ok := Pick(world.LatticeAction{Groups: []world.LatticeWeight{{Group: "a"}}}, 0); ok {
		t.Error("a group without weight was picked")
	}
	a := world.LatticeAction{Groups: []world.LatticeWeight{{Group: "a", Weight: 90}, {Group: "b", Weight: 30}}}
	row := ""
	for n := range uint64(8) {
		g, _ := Pick(a, n)
		row += string(g)
	}
	if strings.Count(row[:4], "b") != 1 || strings.Count(row[4:], "b") != 1 {
		t.Errorf("eight requests went to %s", row)
	}
}

// TestAmongHealthy sends to the healthy targets, and to all when none is.
func TestAmongHealthy(t *testing.T) {
	g := &TargetGroup{Check: world.LatticeCheck{Enabled: true}, Targets: []ServiceTarget{{Key: "a"}, {Key: "b"}}}
	if got := g.Among(func(k string) bool { return k == "b" }); len(got) != 1 || got[0].Key != "b" {
		t.Errorf("one is healthy: %v", got)
	}
	if got := g.Among(func(string) bool { return false }); len(got) != 2 {
		t.Errorf("none is healthy: %v", got)
	}
	g.Check.Enabled = false
	if got := g.Among(func(string) bool { return false }); len(got) != 2 {
		t.Errorf("nobody asks: %v", got)
	}
}

// TestDecideKnowsNetworks finds a service only in a network that it and the VPC are in.
func TestDecideKnowsNetworks(t *testing.T) {
	at := netip.MustParseAddrPort("169.254.171.1:80")
	f := &Fabric{
		Services: []*Service{{ID: "svc-1", Name: "a.example", Addr: at.Addr(), Networks: []world.ServiceNetworkID{"sn-1"}, Listeners: []ServiceListener{
			{ID: "listener-1", Port: 80, Rules: []ServiceRule{{Action: world.LatticeAction{Groups: []world.LatticeWeight{{Group: "tg-1", Weight: 1}}}}}},
		}}},
		TargetGroups: []*TargetGroup{{ID: "tg-1", VPC: "vpc-2", Targets: []ServiceTarget{{Key: "t:1", To: at}}}},
	}
	for name, c := range map[string]struct {
		v    *VPC
		at   string
		host string
		want int
	}{
		"served":          {&VPC{Network: "sn-1"}, "169.254.171.1:80", "A.example.", 0},
		"other network":   {&VPC{Network: "sn-2"}, "169.254.171.1:80", "a.example", 404},
		"no network":      {&VPC{}, "169.254.171.1:80", "a.example", 404},
		"another name":    {&VPC{Network: "sn-1"}, "169.254.171.1:80", "b.example", 404},
		"another address": {&VPC{Network: "sn-1"}, "169.254.171.2:80", "a.example", 404},
		"another port":    {&VPC{Network: "sn-1"}, "169.254.171.1:81", "a.example", 404},
		"signed":          {&VPC{Network: "sn-1", Signed: true}, "169.254.171.1:80", "a.example", 403},
	} {
		d := f.Decide(c.v, netip.MustParseAddrPort(c.at), c.host, Request{Method: "GET", Path: "/"})
		if d.Status != c.want || (d.Status == 0) != (len(d.Targets) == 1) {
			t.Errorf("%s: %+v, want status %d", name, d, c.want)
		}
	}
	f.TargetGroups[0].Targets = nil
	if d := f.Decide(&VPC{Network: "sn-1"}, at, "a.example", Request{}); d.Status != 503 {
		t.Errorf("without targets: %+v", d)
	}
}

// FuzzChoose throws requests at rules: exactly one is always chosen, and a prefix that matches is one.
func FuzzChoose(f *testing.F) {
	f.Add("GET", "/a/b", "x", "/a", "b")
	f.Fuzz(func(t *testing.T, method, path, value, prefix, contains string) {
		l := ServiceListener{Rules: []ServiceRule{
			{ID: "rule-1", Match: world.LatticeMatch{Path: &world.LatticePathMatch{Prefix: prefix, CaseSensitive: true}, Headers: []world.LatticeHeaderMatch{{Name: "H", Contains: contains, CaseSensitive: true}}}},
			{ID: "rule-2"},
		}}
		got := l.Choose(Request{Method: method, Path: path, Header: map[string][]string{"h": {value}}}).ID
		want := world.LatticeRuleID("rule-2")
		if prefix != "" && contains != "" && strings.HasPrefix(path, prefix) && strings.Contains(value, contains) {
			want = "rule-1"
		}
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
}
