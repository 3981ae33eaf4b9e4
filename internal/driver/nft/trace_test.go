package nft

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
	"kumiko/internal/world"
)

// printed is a table read back from its text: what nft would be told is what is traced.
type printed struct {
	sets   map[string][][2]string // name → elements: key and value
	chains map[string][]string    // name → rules
}

func read(text string) printed {
	p := printed{map[string][][2]string{}, map[string][]string{}}
	var set, chain string
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		switch {
		case len(words) == 3 && (words[0] == "set" || words[0] == "map"):
			set, chain = words[1], ""
		case len(words) == 3 && words[0] == "chain":
			set, chain = "", words[1]
		case words[0] == "}" || words[0] == "table" || words[0] == "type" || words[0] == "flags":
		case set != "":
			k, v, _ := strings.Cut(strings.TrimSpace(line), " : ")
			p.sets[set] = append(p.sets[set], [2]string{k, v})
		default:
			p.chains[chain] = append(p.chains[chain], strings.TrimSpace(line))
		}
	}
	return p
}

// fields are a packet's properties by their nft names.
type fields map[string]string

func (f fields) key(selectors string) []string {
	var out []string
	for s := range strings.SplitSeq(selectors, " . ") {
		out = append(out, f[s])
	}
	return out
}

// within tells whether a value is a pattern's: equal, in a range of numbers or addresses, or in a prefix.
func within(value, pattern string) bool {
	if value == pattern {
		return true
	}
	if p, err := netip.ParsePrefix(pattern); err == nil {
		a, err := netip.ParseAddr(value)
		return err == nil && p.Contains(a)
	}
	from, to, ok := strings.Cut(pattern, "-")
	if !ok {
		return false
	}
	if a, err := netip.ParseAddr(value); err == nil {
		first, err1 := netip.ParseAddr(from)
		last, err2 := netip.ParseAddr(to)
		return err1 == nil && err2 == nil && first.Compare(a) <= 0 && a.Compare(last) <= 0
	}
	number := func(s string) int {
		n, err := strconv.Atoi(s)
		if i := slices.Index([]string{"icmp", "tcp", "udp", "ipv6-icmp"}, s); i >= 0 {
			return []int{1, 6, 17, 58}[i]
		}
		if err != nil {
			return -1
		}
		return n
	}
	n := number(value)
	return n >= 0 && number(from) <= n && n <= number(to)
}

func (p printed) find(set string, key []string) (string, bool) {
	for _, e := range p.sets[set] {
		patterns := strings.Split(e[0], " . ")
		if len(patterns) == len(key) {
			hit := true
			for i := range key {
				hit = hit && within(key[i], patterns[i])
			}
			if hit {
				return e[1], true
			}
		}
	}
	return "", false
}

var (
	comment = regexp.MustCompile(` ?comment "[^"]*"$`)
	logged  = regexp.MustCompile(`^log prefix "([^"]*)" group 18 snaplen 96 ?`)
	setMark = regexp.MustCompile(`^meta mark set (.+?) map @(\S+) ?`)
	vmap    = regexp.MustCompile(`^((?:\w+ )?\w+(?: \. (?:\w+ )?\w+)*) vmap @(\S+) ?`)
	member  = regexp.MustCompile(`^((?:\w+ )?\w+(?: \. (?:\w+ )?\w+)*) @(\S+) ?`)
	state   = regexp.MustCompile(`^ct state (\S+) ?`)
	differs = regexp.MustCompile(`^((?:meta )?\w+) != (\S+) ?`)
	equals  = regexp.MustCompile(`^(ct direction|iifname|oifname|meta mark|meta l4proto|tcp dport|udp dport|icmp type|icmp code|ip saddr|ip daddr) (\S+) ?`)
	mapped  = regexp.MustCompile(`^ct label set (\w+) map @(\S+) ?`)
	adds    = regexp.MustCompile(`^ct label set (\d+) ?`)
	has     = regexp.MustCompile(`^ct label & (\d+) (!=|==) 0 ?`)
	verdict = regexp.MustCompile(`^(accept|drop|return|jump \S+|goto \S+)$`)
)

// run gives a chain's verdict, and the station that logged.
func (p printed) run(t *testing.T, chain string, f fields) (string, string) {
	for _, rule := range p.chains[chain] {
		v, station := p.rule(t, comment.ReplaceAllString(rule, ""), f)
		if to, ok := strings.CutPrefix(v, "jump "); ok {
			if v, station = p.run(t, to, f); v == "return" {
				v = ""
			}
		}
		if to, ok := strings.CutPrefix(v, "goto "); ok {
			return p.run(t, to, f)
		}
		if v != "" {
			return v, station
		}
	}
	return "return", ""
}

func (p printed) rule(t *testing.T, rule string, f fields) (string, string) {
	station := ""
	for rule != "" {
		var m []string
		is := func(re *regexp.Regexp) bool { m = re.FindStringSubmatch(rule); return m != nil }
		hit := true
		switch {
		case is(verdict):
			return m[1], station
		case is(logged):
			station = m[1]
		case is(setMark):
			if f["meta mark"], hit = p.find(m[2], f.key(m[1])); !hit {
				f["meta mark"] = "0x00000000"
			}
		case is(mapped):
			var label string
			if label, hit = p.find(m[2], f.key(m[1])); hit {
				f["ct label "+label] = "set"
			}
		case is(adds):
			f["ct label "+m[1]] = "set"
		case is(has):
			hit = (f["ct label "+m[1]] == "set") == (m[2] == "!=")
		case is(vmap):
			v, _ := p.find(m[2], f.key(m[1]))
			return v, station
		case is(member):
			_, hit = p.find(m[2], f.key(m[1]))
		case is(state):
			hit = slices.Contains(strings.Split(m[1], ","), f["ct state"])
		case is(differs):
			hit = f[m[1]] != m[2]
		case is(equals):
			hit = within(f[m[1]], m[2])
		default:
			t.Fatalf("the tracer cannot read %q", rule)
		}
		if !hit {
			return "", ""
		}
		rule = rule[len(m[0]):]
	}
	return "", station
}

// TestTableAgreesWithFabric traces random flows through the text of random tables, and asks the fabric's own rules.
func TestTableAgreesWithFabric(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 2))
	count := map[fabric.Station]int{}
	for range 300 {
		v := randomVPC(r)
		v.Links = nil // ways out are tried with real packets, in test/net
		v.Peerings, v.Uplink = nil, nil
		if len(v.Ports) == 0 {
			continue
		}
		p := read(RenderVPC(v).String())
		for range 60 {
			f := randomFlow(r)
			from, to := v.Ports[r.IntN(len(v.Ports))], destination(v, r, &f)
			if r.IntN(4) > 0 {
				f.Src = from.Addrs[0]
			}
			want := expected(v, from, to, f)
			got := walk(t, p, from, to, f)
			count[want]++
			if got != want {
				t.Fatalf("%v from %s to %v: refused by %q, want %q\n%s", f, from.ENI, to, got, want, RenderVPC(v))
			}
		}
	}
	for _, s := range []fabric.Station{"", fabric.Spoof, fabric.SGOut, fabric.ACLOut, fabric.NoRoute, fabric.ACLIn, fabric.SGIn, fabric.DestCheck} {
		if count[s] == 0 {
			t.Errorf("no flow ended at station %q", s)
		}
	}
	t.Logf("flows by station: %v", count)
}

func randomFlow(r *rand.Rand) fabric.Flow {
	f := fabric.Flow{Protocol: []world.Protocol{world.TCP, world.TCP, world.UDP, world.ICMP, 47, 50}[r.IntN(6)], ICMP: world.ICMPMatch{Type: -1, Code: -1}}
	f.Src = netip.AddrFrom4([4]byte{10, byte(r.IntN(2)), byte(r.IntN(2)), byte(r.IntN(20))})
	switch f.Protocol {
	case world.TCP, world.UDP:
		f.DstPort = uint16(r.IntN(9) * 100)
	case world.ICMP:
		f.ICMP = world.ICMPMatch{Type: r.IntN(2) * 8, Code: r.IntN(2)}
	}
	return f
}

// destination chooses where the flow goes: to a port's own address, to another address by way of a port, or nowhere.
func destination(v *fabric.VPC, r *rand.Rand, f *fabric.Flow) *fabric.Port {
	to := &v.Ports[r.IntN(len(v.Ports))]
	f.Dst = to.Addrs[0]
	switch r.IntN(8) {
	case 0:
		f.Dst = netip.MustParseAddr("192.0.2.7")
		return nil
	case 1:
		f.Dst = netip.MustParseAddr("192.0.2.8")
	}
	return to
}

// expected is the station that refuses the flow by the fabric's own rules, or none.
func expected(v *fabric.VPC, from fabric.Port, to *fabric.Port, f fabric.Flow) fabric.Station {
	owns := func(p fabric.Port, a netip.Addr) bool {
		return !p.SourceDestCheck || slices.Contains(p.Addrs, a) || slices.ContainsFunc(p.Prefixes, func(n netip.Prefix) bool { return n.Contains(a) })
	}
	allowed := func(p fabric.Port, egress bool) bool {
		_, _, ok := v.Allows(p.Groups, egress, f)
		return ok || p.Unfiltered
	}
	passes := func(p fabric.Port, egress bool) bool {
		ok, _ := v.ACLOf(p.Subnet).Decide(egress, f)
		return ok || to != nil && to.Subnet == from.Subnet
	}
	switch {
	case !owns(from, f.Src):
		return fabric.Spoof
	case !allowed(from, true):
		return fabric.SGOut
	case !passes(from, true):
		return fabric.ACLOut
	case to == nil:
		return fabric.NoRoute
	case !passes(*to, false):
		return fabric.ACLIn
	case !allowed(*to, false):
		return fabric.SGIn
	case !owns(*to, f.Dst):
		return fabric.DestCheck
	}
	return ""
}

// walk is the station that refuses the flow by the table.
func walk(t *testing.T, p printed, from fabric.Port, to *fabric.Port, f fabric.Flow) fabric.Station {
	names := map[world.Protocol]string{world.TCP: "tcp", world.UDP: "udp", world.ICMP: "icmp"}
	protocol := names[f.Protocol]
	if protocol == "" {
		protocol = strconv.Itoa(int(f.Protocol))
	}
	packet := fields{
		"iifname": strconv.Quote(kernel.PortDevice(from.ENI)), "meta nfproto": "ipv4", "meta pkttype": "host", "ct state": "new",
		"ip saddr": f.Src.String(), "ip daddr": f.Dst.String(), "meta l4proto": protocol,
	}
	switch {
	case f.Protocol.HasPorts():
		packet["th dport"] = strconv.Itoa(int(f.DstPort))
		packet[protocol+" dport"] = packet["th dport"]
	case f.Protocol == world.ICMP:
		packet["icmp type"], packet["icmp code"] = fmt.Sprint(f.ICMP.Type), fmt.Sprint(f.ICMP.Code)
	}
	v, station := p.run(t, chainRaw, packet)
	if v == "accept" {
		packet["oifname"] = strconv.Quote(kernel.HoleDevice)
		if to != nil {
			packet["oifname"] = strconv.Quote(kernel.PortDevice(to.ENI))
		}
		v, station = p.run(t, chainForward, packet)
	}
	if v != "accept" && station == "" {
		t.Fatalf("%v ended with %q and no record", f, v)
	}
	return fabric.Station(station)
}
