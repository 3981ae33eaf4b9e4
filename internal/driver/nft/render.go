package nft

import (
	"slices"

	"golang.org/x/sys/unix"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
	"kumiko/internal/kernel/nft"
	"kumiko/internal/world"
)

// TableName is the name of the table in each namespace.
const TableName = kernel.FilterTable

// logBytes is how much of a refused packet is copied: the longest IP header and the ports.
const logBytes = 96

// Chain names that are used in more than one place.
const (
	chainRaw     = "raw"
	chainForward = "forward"
	chainInput   = "input"
	chainKnown   = "known"
)

// RenderVPC prints the table of a VPC's router.
func RenderVPC(v *fabric.VPC) *nft.Table { return new(memory).print(v) }

func (r *router) vpcTable() {
	v := r.vpc
	r.ports()
	r.services()
	r.verdicts()
	r.members()
	r.step("beyond", r.beyond, same(v.Peerings), v.Uplink, v.Point)
	r.step("forwarders", r.forwarders, same(v.Ports))
	r.step("takes own", r.takesOwn, same(v.Ports), same(v.Tables))
	r.filters = len(r.step("acls", r.acls, same(v.Ports), same(v.Subnets), same(v.ACLs)).sets) > 0
	r.table.Chains = append(r.table.Chains, r.knownChain()...)
	r.table.Chains = append(r.table.Chains, r.rawChain(), r.forwardChain(), r.inputChain())
	r.table.Chains = append(r.table.Chains, r.translation()...)
}

// familiesOf are the IP versions in use; packets of the other are dropped.
func familiesOf(v *fabric.VPC) []nft.Family {
	for _, p := range v.Ports {
		for _, a := range p.Addrs {
			if family(a) == nft.IPv6 {
				return []nft.Family{nft.IPv4, nft.IPv6}
			}
		}
	}
	return []nft.Family{nft.IPv4}
}

// tidy sorts elements and drops doubles.
func tidy(e []nft.Element) []nft.Element {
	nft.SortElements(e)
	return slices.CompactFunc(e, func(a, b nft.Element) bool { return a.Key == b.Key && a.End == b.End })
}

// ports prints the sets that say which port an interface is, and which addresses are its own.
func (r *router) ports() {
	var beyond, unchecked []nft.Element
	for _, dev := range r.beyondDevices() {
		beyond = append(beyond, nft.Element{Key: nft.Concat(nft.FieldInterface(dev)), Value: nft.Concat(nft.FieldU32(kernel.MarkBeyond))})
	}
	for _, l := range r.vpc.Links {
		unchecked = append(unchecked, nft.Element{Key: nft.Concat(nft.FieldInterface(kernel.LinkDevice(l.Gateway)))})
	}
	for _, g := range r.vpc.Gates {
		unchecked = append(unchecked, nft.Element{Key: nft.Concat(nft.FieldInterface(kernel.EndpointDevice(g.Endpoint)))})
	}
	if p := r.vpc.Point; p != nil {
		unchecked = append(unchecked, nft.Element{Key: nft.Concat(nft.FieldInterface(kernel.EndpointDevice(p.Endpoint)))})
	}
	r.ofPorts(nft.Set{Name: "marks", Key: []nft.Type{nft.Interface}, Value: nft.Mark}, func(p *fabric.Port) []nft.Element {
		return []nft.Element{{Key: deviceOf(p), Value: nft.Concat(nft.FieldU32(kernel.PortMark(p.Table, p.Index)))}}
	}, beyond...)
	r.ofPorts(nft.Set{Name: "unchecked", Key: []nft.Type{nft.Interface}}, func(p *fabric.Port) []nft.Element {
		if p.SourceDestCheck {
			return nil
		}
		return []nft.Element{{Key: deviceOf(p)}}
	}, unchecked...)
	for _, f := range r.families {
		r.ownSets("own", f, fabric.Port.TakesOwn)
	}
}

// deviceOf is a port's interface as a key.
func deviceOf(p *fabric.Port) string { return nft.Concat(nft.FieldInterface(kernel.PortDevice(p.ENI))) }

// ownSets prints the sets of the own addresses and prefixes of some ports. Those of checked ports are what they may send from and be sent to,
// that of a NAT gateway is what it may be answered.
func (r *router) ownSets(name string, f nft.Family, of func(fabric.Port) bool) {
	r.ofPorts(nft.Set{Name: name + "_addrs" + familySuffix(f), Key: []nft.Type{nft.Interface, f.Addr()}}, func(p *fabric.Port) (out []nft.Element) {
		dev := nft.FieldInterface(kernel.PortDevice(p.ENI))
		for _, a := range p.Addrs {
			if family(a) == f && of(*p) {
				out = append(out, nft.Element{Key: nft.Concat(dev, nft.FieldAddr(a))})
			}
		}
		return out
	})
	r.ofPorts(nft.Set{Name: name + "_prefixes" + familySuffix(f), Key: []nft.Type{nft.Interface, f.Addr()}, Interval: true}, func(p *fabric.Port) (out []nft.Element) {
		dev := nft.FieldInterface(kernel.PortDevice(p.ENI))
		for _, n := range p.Prefixes {
			if family(n.Addr()) == f && of(*p) {
				first, last := nft.PrefixRange(n)
				out = append(out, nft.Element{Key: nft.Concat(dev, first), End: nft.Concat(dev, last)})
			}
		}
		return out
	})
}

// services prints the set of what the router itself answers.
func (r *router) services() {
	s := nft.Set{Name: "services4", Key: []nft.Type{nft.Addr4, nft.Protocol, nft.Port}}
	add := func(a nft.Field, protocol world.Protocol, port uint16) {
		s.Elements = append(s.Elements, nft.Element{Key: nft.Concat(a, nft.FieldByte(uint8(protocol)), nft.FieldPort(port))})
	}
	if r.vpc.Resolver.Enabled {
		for _, a := range r.vpc.Resolver.Addrs {
			if a.Is4() {
				add(nft.FieldAddr(a), world.UDP, 53)
				add(nft.FieldAddr(a), world.TCP, 53)
			}
		}
	}
	add(nft.FieldAddr(fabric.MetadataAddr), world.TCP, 80)
	s.Elements = tidy(s.Elements)
	r.table.Sets = append(r.table.Sets, s, nft.Set{Name: "asks", Key: []nft.Type{nft.Interface}, Meter: true})
}

// asksPerSecond is how many packets an interface may send to the link-local services in a second; the rest is dropped. (VPC User Guide,
// "DNS quotas".)
const asksPerSecond = 1024

// verdicts prints the maps that lead interfaces to the chains of their lists of groups, and these.
func (r *router) verdicts() {
	lead := func(dev string, v nft.Verdict) nft.Element {
		return nft.Element{Key: nft.Concat(nft.FieldInterface(dev)), Verdict: v}
	}
	of := func(d direction) func(p *fabric.Port) []nft.Element {
		return func(p *fabric.Port) []nft.Element {
			if p.Unfiltered {
				return nil
			}
			return []nft.Element{lead(kernel.PortDevice(p.ENI), nft.Verdict{Kind: nft.Jump, Chain: d.chain(p.Groups)})}
		}
	}
	var others []nft.Element
	for _, l := range r.vpc.Links {
		others = append(others, lead(kernel.LinkDevice(l.Gateway), association(l.Groups)))
	}
	if p := r.vpc.Point; p != nil {
		others = append(others, lead(kernel.EndpointDevice(p.Endpoint), association(p.Groups)))
	}
	for _, g := range r.vpc.Gates {
		others = append(others, lead(kernel.EndpointDevice(g.Endpoint), nft.Verdict{Kind: nft.Accept}))
	}
	for _, dev := range r.waysOut() {
		others = append(others, lead(dev, nft.Verdict{Kind: nft.Accept}))
	}
	r.chainsOf()
	r.ofPorts(nft.Set{Name: "out", Key: []nft.Type{nft.Interface}, Value: nft.ToVerdict}, of(outward()))
	r.ofPorts(nft.Set{Name: "in", Key: []nft.Type{nft.Interface}, Value: nft.ToVerdict}, of(inward()), others...)
}

// chainsOf prints the chains of all lists of groups there are.
func (r *router) chainsOf() {
	done := map[string]bool{}
	for i := range r.vpc.Ports {
		p := &r.vpc.Ports[i]
		if key := listKey(p.Groups); !p.Unfiltered && !done[key] {
			done[key] = true
			r.chain(outward(), p.Groups)
			r.chain(inward(), p.Groups)
		}
	}
	for _, l := range r.vpc.Links {
		if len(l.Groups) > 0 {
			r.chain(linkward(), l.Groups)
		}
	}
	if p := r.vpc.Point; p != nil && len(p.Groups) > 0 {
		r.chain(linkward(), p.Groups)
	}
}

// association is what the groups of a VPC's association with a service network say.
func association(groups []world.SecurityGroupID) nft.Verdict {
	if len(groups) == 0 {
		return nft.Verdict{Kind: nft.Accept}
	}
	return nft.Verdict{Kind: nft.Jump, Chain: linkward().chain(groups)}
}

// refuse logs with the station's name and drops.
func refuse(s fabric.Station) nft.Rule {
	return nft.NewRule(nft.Log(string(s), kernel.LogGroup, logBytes), drop())
}

func accept() nft.Clause { return nft.End(nft.Verdict{Kind: nft.Accept}) }
func drop() nft.Clause   { return nft.End(nft.Verdict{Kind: nft.Drop}) }

func filter(h nft.Hook, priority int32, policy nft.VerdictKind) nft.Base {
	return nft.Base{Type: "filter", Hook: h, Priority: priority, Policy: policy}
}

// noMark is the mark of packets that came by no port.
func noMark() nft.Clause { return nft.Is(nft.PacketMark(), nft.FieldU32(0)) }

// rawChain marks packets with the port they came by and checks their source.
func (r *router) rawChain() nft.Chain {
	c := nft.Chain{Name: chainRaw, Base: filter(nft.Prerouting, nft.PriorityRaw, nft.Accept)}
	add := func(clauses ...nft.Clause) { c.Rules = append(c.Rules, nft.NewRule(clauses...)) }
	add(nft.Is(nft.InInterface(), nft.FieldInterface("lo")), accept())
	if len(r.families) == 1 {
		add(nft.IsNot(nft.NetworkProtocol(), nft.FieldByte(unix.NFPROTO_IPV4)), drop())
	}
	add(nft.IsNot(nft.PacketType(), nft.FieldByte(unix.PACKET_HOST)), drop())
	add(nft.SetTo(nft.SetPacketMark(), "marks", nft.InInterface()))
	add(noMark(), accept())
	if r.forwards && r.vpc.Uplink != nil {
		c.Rules = append(c.Rules, third(nft.InInterface(), chainBorrowed))
	}
	add(nft.In("unchecked", nft.InInterface()), accept())
	for _, f := range r.families {
		add(nft.In("own_addrs"+familySuffix(f), nft.InInterface(), f.Source()), accept())
		add(nft.In("own_prefixes"+familySuffix(f), nft.InInterface(), f.Source()), accept())
	}
	c.Rules = append(c.Rules, r.rawBeyond()...)
	c.Rules = append(c.Rules, refuse(fabric.Spoof))
	return c
}

// inputChain lets ports ask what the router itself answers: names and metadata.
func (r *router) inputChain() nft.Chain {
	c := nft.Chain{Name: chainInput, Base: filter(nft.Input, nft.PriorityFilter, nft.Drop)}
	add := func(clauses ...nft.Clause) { c.Rules = append(c.Rules, nft.NewRule(clauses...)) }
	service := nft.In("services4", nft.IPv4.Destination(), nft.TransportProtocol(), nft.AnyDestinationPort())
	add(nft.Is(nft.InInterface(), nft.FieldInterface("lo")), accept())
	add(service, nft.Over("asks", asksPerSecond, nft.InInterface()), drop())
	add(nft.State(nft.Established|nft.Related), accept())
	add(noMark(), drop())
	if r.hasBeyond() {
		add(fromBeyond(), nft.Log(string(fabric.NoRoute), kernel.LogGroup, logBytes), drop())
	}
	add(service, accept())
	c.Rules = append(c.Rules, refuse(fabric.Router))
	return c
}
