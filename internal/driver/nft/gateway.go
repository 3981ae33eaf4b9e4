package nft

import (
	"slices"

	"golang.org/x/sys/unix"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
	"kumiko/internal/kernel/nft"
	"kumiko/internal/world"
)

// eventAssured is the bit of the event that a connection has seen traffic both ways, for TCP the end of its handshake.
// (linux/netfilter/nf_conntrack_common.h IPCT_ASSURED)
const eventAssured = 1 << 4

// RenderGateway prints the table of the namespace of a resource gateway, or of a load balancer.
func RenderGateway(g *fabric.Gateway) *nft.Table {
	if g.Balancer != nil {
		return renderBalancer(g)
	}
	t := &nft.Table{Name: TableName}
	t.Sets = append(t.Sets, consumerSets(g)...)
	t.Sets = append(append(t.Sets, listenerSets(g.Listeners)...), endpointListenerSets(g)...)
	t.Sets = append(append(t.Sets, portSets(g.Ports)...), sideSet(g))
	t.Chains = []nft.Chain{
		zoneChain(), enterChain(g), admitChain("admit", ""), admitChain("admit_endpoint", endpointSets, nft.InInterface()),
		consumerChain("from_consumer", "admit"), consumerChain("from_endpoint", "admit_endpoint"), providerChain(), markChain(), targetChain(),
		forwardGateway(), clampChain(g), sourceChain(g.Ports), closedInput(),
	}
	return t
}

// consumerSets say which link is which consumer: its zone, and the marks of its connections, one for each port they
// may leave by.
func consumerSets(g *fabric.Gateway) []nft.Set {
	links := nft.Set{Name: "consumers", Key: []nft.Type{nft.Interface}}
	zones := nft.Set{Name: "zones", Key: []nft.Type{nft.Interface}, Value: nft.Zone}
	marks := nft.Set{Name: "marks", Key: []nft.Type{nft.Interface, nft.Number}, Value: nft.Mark}
	for _, c := range g.Consumers {
		dev := nft.FieldInterface(kernel.ConsumerDevice(c.Index))
		links.Elements = append(links.Elements, nft.Element{Key: nft.Concat(dev)})
		zones.Elements = append(zones.Elements, nft.Element{Key: nft.Concat(dev), Value: nft.Concat(nft.FieldU16(c.Index))})
		for i := range g.Ports {
			mark := uint32(c.Index) | uint32(i+1)<<kernel.MarkEgressShift
			marks.Elements = append(marks.Elements, nft.Element{
				Key: nft.Concat(dev, nft.FieldU32(uint32(i))), Value: nft.Concat(nft.FieldU32(mark)),
			})
		}
	}
	links.Elements, zones.Elements, marks.Elements = tidy(links.Elements), tidy(zones.Elements), tidy(marks.Elements)
	return []nft.Set{links, zones, marks}
}

// listeners is the sets that say what connections are accepted to, and where they go. Single ports, the usual case, are
// looked up by hash; a listener without a target accepts nothing.
type listeners struct{ single, ranges, targets nft.Set }

// Names of those sets, after a prefix.
const (
	setListeners = "listeners"
	setRanges    = "listener_ranges"
	mapTargets   = "targets"
	endpointSets = "endpoint_" // the prefix of those for links of endpoints
)

// newListeners makes empty sets. The key of an element begins with the given fields, and the address.
func newListeners(prefix string, fields ...nft.Type) *listeners {
	addr := append(fields, nft.Addr4)
	port := append(slices.Clone(addr), nft.Port)
	return &listeners{
		single:  nft.Set{Name: prefix + setListeners, Key: port},
		ranges:  nft.Set{Name: prefix + setRanges, Key: port, Interval: true},
		targets: nft.Set{Name: prefix + mapTargets, Key: addr, Value: nft.Addr4},
	}
}

func (s *listeners) add(l fabric.Listener, fields ...nft.Field) {
	if !l.Addr.Is4() || !l.Target.Is4() {
		return
	}
	addr := append(fields, nft.FieldAddr(l.Addr))
	at := func(port uint16) string { return nft.Concat(append(slices.Clone(addr), nft.FieldPort(port))...) }
	s.targets.Elements = append(s.targets.Elements, nft.Element{Key: nft.Concat(addr...), Value: nft.Concat(nft.FieldAddr(l.Target))})
	for _, p := range spansOf(l.Ports) {
		if p.from == p.to {
			s.single.Elements = append(s.single.Elements, nft.Element{Key: at(p.from)})
			continue
		}
		s.ranges.Elements = append(s.ranges.Elements, nft.Element{Key: at(p.from), End: at(p.to)})
	}
}

func (s *listeners) sets() []nft.Set {
	out := []nft.Set{s.single, s.ranges, s.targets}
	for i := range out {
		out[i].Elements = tidy(out[i].Elements)
	}
	return out
}

// listenerSets are for what comes by the links of VPC associations: the addresses are Lattice's own, and mean the same
// to all.
func listenerSets(all []fabric.Listener) []nft.Set {
	s := newListeners("")
	for _, l := range all {
		if l.Endpoint == "" {
			s.add(l)
		}
	}
	return s.sets()
}

// endpointListenerSets are for what comes by the links of endpoints: the addresses are each endpoint's own, and may be
// another's, too.
func endpointListenerSets(g *fabric.Gateway) []nft.Set {
	links := map[world.EndpointID]nft.Field{}
	for _, c := range g.Consumers {
		if c.Endpoint != "" {
			links[c.Endpoint] = nft.FieldInterface(kernel.ConsumerDevice(c.Index))
		}
	}
	s := newListeners(endpointSets, nft.Interface)
	for _, l := range g.Listeners {
		if link, ok := links[l.Endpoint]; ok {
			s.add(l, link)
		}
	}
	return s.sets()
}

func spansOf(ports []world.PortRange) []span {
	var out []span
	for _, p := range ports {
		out = append(out, span{p.From, p.To})
	}
	return merge(out)
}

// portSets say which interfaces lead to the provider, and for each the addresses connections come from.
func portSets(ports []fabric.GatewayPort) []nft.Set {
	uplinks := nft.Set{Name: "uplinks", Key: []nft.Type{nft.Interface}}
	sets := []nft.Set{}
	for _, p := range ports {
		uplinks.Elements = append(uplinks.Elements, nft.Element{Key: nft.Concat(nft.FieldInterface(p.Device))})
		s := nft.Set{Name: sourceSet(p), Key: []nft.Type{nft.Number}, Value: nft.Addr4}
		for i, a := range ipv4(p) {
			s.Elements = append(s.Elements, nft.Element{Key: nft.Concat(nft.FieldU32(uint32(i))), Value: a})
		}
		s.Elements = tidy(s.Elements)
		sets = append(sets, s)
	}
	uplinks.Elements = tidy(uplinks.Elements)
	return append(sets, uplinks)
}

func sourceSet(p fabric.GatewayPort) string { return "sources_" + p.Device }

// ipv4 are the addresses of a port that connections over IPv4 can come from, as values of a map.
func ipv4(p fabric.GatewayPort) []string {
	var out []string
	for _, a := range p.Addrs {
		if a.Is4() {
			out = append(out, nft.Concat(nft.FieldAddr(a)))
		}
	}
	return out
}

// zoneChain keeps the connections of each consumer in a zone of their own before they are looked up.
func zoneChain() nft.Chain {
	return nft.Chain{Name: chainRaw, Base: filter(nft.Prerouting, nft.PriorityRaw, nft.Accept), Rules: []nft.Rule{
		nft.NewRule(nft.Is(nft.InInterface(), nft.FieldInterface("lo")), accept()),
		nft.NewRule(nft.IsNot(nft.NetworkProtocol(), nft.FieldByte(unix.NFPROTO_IPV4)), drop()),
		nft.NewRule(nft.IsNot(nft.PacketType(), nft.FieldByte(unix.PACKET_HOST)), drop()),
		nft.NewRule(nft.SetTo(nft.SetOriginalZone(), "zones", nft.InInterface())),
	}}
}

// markChain leads packets by their connection's mark: from a consumer to the port chosen for the connection, from the
// provider back to the consumer.
func markChain() nft.Chain {
	return nft.Chain{Name: "mangle", Base: filter(nft.Prerouting, nft.PriorityMangle, nft.Accept), Rules: []nft.Rule{
		nft.NewRule(nft.State(nft.Invalid), drop()),
		nft.NewRule(nft.Dispatch("sides", nft.InInterface())),
	}}
}

// sideSet says on which side of the gateway an interface is.
func sideSet(g *fabric.Gateway) nft.Set {
	s := nft.Set{Name: "sides", Key: []nft.Type{nft.Interface}, Value: nft.ToVerdict}
	lead := func(device, chain string) {
		s.Elements = append(s.Elements, nft.Element{
			Key: nft.Concat(nft.FieldInterface(device)), Verdict: nft.Verdict{Kind: nft.Jump, Chain: chain},
		})
	}
	for _, c := range g.Consumers {
		from := "from_consumer"
		if c.Endpoint != "" {
			from = "from_endpoint"
		}
		lead(kernel.ConsumerDevice(c.Index), from)
	}
	for _, p := range g.Ports {
		lead(p.Device, "from_provider")
	}
	s.Elements = tidy(s.Elements)
	return s
}

// consumerChain admits new connections first.
func consumerChain(name, admit string) nft.Chain {
	return nft.Chain{Name: name, Rules: []nft.Rule{
		nft.NewRule(nft.State(nft.New), nft.End(nft.Verdict{Kind: nft.Jump, Chain: admit})),
		nft.NewRule(nft.SetMasked(nft.SetPacketMark(), nft.ConnectionMark(), kernel.MarkEgressMask)),
	}}
}

// providerChain refuses new connections.
func providerChain() nft.Chain {
	return nft.Chain{Name: "from_provider", Rules: []nft.Rule{
		nft.NewRule(nft.State(nft.New), nft.Log(string(fabric.Listen), kernel.LogGroup, logBytes), drop()),
		nft.NewRule(nft.SetMasked(nft.SetPacketMark(), nft.ConnectionMark(), kernel.MarkConsumerMask)),
	}}
}

// admitChain lets connections to listeners in. The first packet of a connection may come again: what was decided stays.
// Nobody beyond the gateway has its own address; the kernel does not look at that here (accept_local).
func admitChain(name, sets string, fields ...nft.Selector) nft.Chain {
	ret := nft.End(nft.Verdict{Kind: nft.Return})
	enter := nft.End(nft.Verdict{Kind: nft.Goto, Chain: "enter"})
	to := append(fields, nft.IPv4.Destination(), nft.DestinationPort(unix.IPPROTO_TCP))
	return nft.Chain{Name: name, Rules: []nft.Rule{
		nft.NewRule(nft.IsNot(nft.ConnectionMark(), nft.FieldU32(0)), ret),
		nft.NewRule(nft.Is(nft.IPv4.Source(), nft.FieldAddr(kernel.LinkGateway)), drop()),
		nft.NewRule(nft.In(sets+setListeners, to...), enter),
		nft.NewRule(nft.In(sets+setRanges, to...), enter),
		refuse(fabric.Listen),
	}}
}

// enterChain chooses the port in turn, and has the connection report that it is there.
func enterChain(g *fabric.Gateway) nft.Chain {
	c := nft.Chain{Name: "enter"}
	if len(g.Ports) == 0 {
		c.Rules = append(c.Rules, refuse(fabric.Listen))
		return c
	}
	c.Rules = append(c.Rules,
		nft.NewRule(nft.SetTo(nft.SetConnectionMark(), "marks", nft.InInterface(), nft.Counter(len(g.Ports)))),
		nft.NewRule(nft.SetValue(nft.SetEvents(), "assured", nft.FieldU32(eventAssured))),
	)
	return c
}

// targetChain sends connections to what the listener stands for. What was not admitted does not come here.
func targetChain() nft.Chain {
	return nft.Chain{Name: "dstnat", Base: nft.Base{Type: "nat", Hook: nft.Prerouting, Priority: nft.PriorityDstNAT, Policy: nft.Accept}, Rules: []nft.Rule{
		nft.NewRule(nft.DestinationNAT(endpointSets+mapTargets, nft.InInterface(), nft.IPv4.Destination())),
		nft.NewRule(nft.In("consumers", nft.InInterface()), nft.DestinationNAT(mapTargets, nft.IPv4.Destination())),
	}}
}

// sourceChain gives connections the addresses of the port they leave by, in turn.
func sourceChain(ports []fabric.GatewayPort) nft.Chain {
	c := nft.Chain{Name: "srcnat", Base: nft.Base{Type: "nat", Hook: nft.Postrouting, Priority: nft.PrioritySrcNAT, Policy: nft.Accept}}
	for _, p := range ports {
		if n := len(ipv4(p)); n > 0 {
			c.Rules = append(c.Rules, nft.Rule{Comment: string(p.ENI), Clauses: []nft.Clause{
				nft.Is(nft.OutInterface(), nft.FieldInterface(p.Device)), nft.SourceNAT(sourceSet(p), nft.Counter(n)),
			}})
		}
	}
	return c
}

// forwardGateway lets packets pass between consumers and provider; connections begin at consumers only, and never lead
// from one consumer to another.
func forwardGateway() nft.Chain {
	between := func(in, out string) []nft.Clause {
		return []nft.Clause{nft.In(in, nft.InInterface()), nft.In(out, nft.OutInterface())}
	}
	known := nft.State(nft.Established | nft.Related)
	return nft.Chain{Name: chainForward, Base: filter(nft.Forward, nft.PriorityFilter, nft.Drop), Rules: []nft.Rule{
		nft.NewRule(append(between("consumers", "uplinks"), accept())...),
		nft.NewRule(append(between("uplinks", "consumers"), known, accept())...),
	}}
}

// clampChain makes both ends of a connection agree on segments that pass every cable of the way. The narrowest cable
// decides for all: routes here depend on marks, so the kernel cannot tell the way back from the first packet.
func clampChain(g *fabric.Gateway) nft.Chain {
	const headers = 20 + 20 // of IPv4 (RFC 791) and TCP (RFC 9293) without options
	c := nft.Chain{Name: "clamp", Base: filter(nft.Forward, nft.PriorityMangle, nft.Accept)}
	narrowest := fabric.MTU
	for _, p := range g.Ports {
		narrowest = min(narrowest, p.MTU)
	}
	for _, l := range g.Consumers {
		narrowest = min(narrowest, l.MTU)
	}
	if narrowest > headers {
		c.Rules = append(c.Rules, nft.NewRule(nft.ClampMSS(uint16(narrowest-headers))))
	}
	return c
}
