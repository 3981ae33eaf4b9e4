package reach

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"kumiko/internal/fabric"
	"kumiko/internal/world"
)

// Scope asks which paths of an account exist that match one of Match and none of Exclude.
type Scope struct {
	Account        world.AccountID
	Region         string
	Match, Exclude []world.AccessScopePath
}

// Findings is what was found of a Scope.
type Findings struct {
	Paths      [][]world.PathComponent
	Interfaces int  // that were looked at
	Cut        bool // there were more pairs of ends than are looked at
}

// maxPairs bounds how many pairs of ends a scope looks at.
const maxPairs = 10000

// Find looks for the paths of a scope between the account's interfaces and internet gateways.
func Find(w world.World, f *fabric.Fabric, s Scope) Findings {
	x := &scoped{w: &w, f: f, s: s}
	ends := x.ends()
	var out Findings
	for _, e := range ends {
		if strings.HasPrefix(e.ids[0], "eni-") {
			out.Interfaces++
		}
	}
	pairs := 0
	for _, m := range s.Match {
		for _, from := range ends {
			for _, to := range ends {
				if from.ids[0] == to.ids[0] || !from.matches(m.Source) || !to.matches(m.Destination) {
					continue
				}
				if pairs++; pairs > maxPairs {
					out.Cut = true
					return out
				}
				out.Paths = append(out.Paths, x.between(m, from, to)...)
			}
		}
	}
	return out
}

type scoped struct {
	w *world.World
	f *fabric.Fabric
	s Scope
}

// scopeEnd is an interface or an internet gateway, with the resources it is one of.
type scopeEnd struct{ ids []string }

func (x *scoped) ends() []scopeEnd {
	var out []scopeEnd
	for _, v := range x.f.VPCs {
		if v.Account != x.s.Account || v.Region != x.s.Region {
			continue
		}
		for _, p := range v.Ports {
			if p.Peer.Host == "" {
				continue
			}
			e := scopeEnd{[]string{string(p.ENI), string(p.Peer.Host), string(p.Subnet), string(v.ID)}}
			for _, g := range p.Groups {
				e.ids = append(e.ids, string(g))
			}
			out = append(out, e)
		}
		if v.Uplink != nil {
			out = append(out, scopeEnd{[]string{string(v.Uplink.Gateway), string(v.ID)}})
		}
	}
	return out
}

func (e scopeEnd) matches(s *world.PathStatement) bool {
	return s == nil || s.Resources == nil || slices.ContainsFunc(e.ids, func(id string) bool { return named(*s.Resources, id) })
}

// named tells whether a statement names a resource, by id, ARN or type.
func named(s world.ResourceStatement, id string) bool {
	prefix, _, _ := strings.Cut(id, "-")
	kind := map[string]string{
		"i": "Instance", "eni": "NetworkInterface", "igw": "InternetGateway", "vpc": "VPC", "subnet": "Subnet", "sg": "SecurityGroup",
		"nat": "NatGateway", "pcx": "VPCPeeringConnection", "acl": "NetworkAcl", "rtb": "RouteTable",
	}[prefix]
	return slices.Contains(s.Types, "AWS::EC2::"+kind) ||
		slices.ContainsFunc(s.Resources, func(r string) bool { return r == id || strings.HasSuffix(r, "/"+id) })
}

// between are the paths from one end to another that m matches and nothing excludes: at most one a protocol and range of ports.
func (x *scoped) between(m world.AccessScopePath, from, to scopeEnd) [][]world.PathComponent {
	var out [][]world.PathComponent
	for _, protocol := range protocols(m) {
		for _, ports := range portRanges(m) {
			q := Query{Source: from.ids[0], Destination: to.ids[0], Protocol: protocol, Ports: ports, SourceIP: x.sender(m, from)}
			got := Analyze(*x.w, x.f, q)
			if !got.Found || !x.is(m, from, to, got.Forward) {
				continue
			}
			excluded := slices.ContainsFunc(x.s.Exclude, func(e world.AccessScopePath) bool { return x.is(e, from, to, got.Forward) })
			if !excluded {
				out = append(out, got.Forward)
			}
		}
	}
	return out
}

// sender is the address packets from the Internet come from; invalid for other ends, which use their own.
func (x *scoped) sender(m world.AccessScopePath, from scopeEnd) netip.Addr {
	if !strings.HasPrefix(from.ids[0], "igw-") || m.Source == nil || m.Source.Header == nil {
		return netip.Addr{}
	}
	ranges := x.ranges(m.Source.Header.Sources, m.Source.Header.SourceLists)
	if len(ranges) == 0 || slices.ContainsFunc(ranges, func(p netip.Prefix) bool { return p.Contains(somewhere) }) {
		return netip.Addr{}
	}
	return ranges[0].Addr()
}

// is tells whether a path with its ends is one that p describes.
func (x *scoped) is(p world.AccessScopePath, from, to scopeEnd, path []world.PathComponent) bool {
	if !from.matches(p.Source) || !to.matches(p.Destination) || len(path) == 0 {
		return false
	}
	for _, through := range p.Through {
		if !slices.ContainsFunc(path, func(c world.PathComponent) bool { return named(through, c.Component.ID) }) {
			return false
		}
	}
	first, last := path[0].Outbound, path[len(path)-1].Inbound
	return x.fits(p.Source, first) && x.fits(p.Destination, last)
}

func (x *scoped) fits(s *world.PathStatement, h *world.PacketHeader) bool {
	if s == nil || s.Header == nil || h == nil {
		return true
	}
	of := s.Header
	return x.contains(of.Sources, of.SourceLists, h.Source) && x.contains(of.Destinations, of.DestinationLists, h.Destination) &&
		(len(of.Protocols) == 0 || slices.Contains(protocolsOf(of), h.Protocol)) &&
		overlap(of.DestinationPorts, h.DestinationPorts) && overlap(of.SourcePorts, h.SourcePorts)
}

func (x *scoped) contains(texts, lists []string, a netip.Addr) bool {
	if len(texts)+len(lists) == 0 {
		return true
	}
	return slices.ContainsFunc(x.ranges(texts, lists), func(p netip.Prefix) bool { return p.Contains(a) })
}

func (x *scoped) ranges(texts, lists []string) []netip.Prefix {
	var out []netip.Prefix
	for _, t := range texts {
		if p, err := netip.ParsePrefix(t); err == nil {
			out = append(out, p)
		} else if a, err := netip.ParseAddr(t); err == nil {
			out = append(out, netip.PrefixFrom(a, a.BitLen()))
		}
	}
	for _, id := range lists {
		l, _ := x.w.PrefixList(x.s.Region, world.PrefixListID(id))
		for _, e := range l.Entries {
			out = append(out, e.CIDR)
		}
	}
	return out
}

func protocols(m world.AccessScopePath) []world.Protocol {
	for _, s := range []*world.PathStatement{m.Source, m.Destination} {
		if s != nil && s.Header != nil && len(s.Header.Protocols) > 0 {
			return protocolsOf(s.Header)
		}
	}
	return []world.Protocol{world.TCP, world.UDP}
}

func protocolsOf(h *world.HeaderStatement) []world.Protocol {
	var out []world.Protocol
	for _, p := range h.Protocols {
		switch p {
		case "tcp":
			out = append(out, world.TCP)
		case "udp":
			out = append(out, world.UDP)
		}
	}
	return out
}

// portRanges are the ranges of destination ports that m asks for; one nil for all ports.
func portRanges(m world.AccessScopePath) []*world.PortRange {
	var out []*world.PortRange
	for _, s := range []*world.PathStatement{m.Source, m.Destination} {
		if s == nil || s.Header == nil || len(out) > 0 {
			continue
		}
		for _, t := range s.Header.DestinationPorts {
			if r, ok := ParsePorts(t); ok {
				out = append(out, &r)
			}
		}
	}
	if len(out) == 0 {
		return []*world.PortRange{nil}
	}
	return out
}

// overlap tells whether one of the ranges has a port in common with r; no ranges are all ports.
func overlap(texts []string, r world.PortRange) bool {
	return len(texts) == 0 || slices.ContainsFunc(texts, func(t string) bool {
		o, ok := ParsePorts(t)
		return ok && o.From <= r.To && r.From <= o.To
	})
}

// ParsePorts reads a port or a range of ports, N or N-M.
func ParsePorts(text string) (world.PortRange, bool) {
	first, last, ok := strings.Cut(text, "-")
	if !ok {
		last = first
	}
	from, err := strconv.ParseUint(first, 10, 16)
	if err != nil {
		return world.PortRange{}, false
	}
	to, err := strconv.ParseUint(last, 10, 16)
	return world.PortRange{From: uint16(from), To: uint16(to)}, err == nil && from <= to
}
