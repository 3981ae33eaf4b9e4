package nft

import (
	"strconv"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
	"kumiko/internal/kernel/nft"
)

// A forwarder is a port that may forward packets of others. What it forwards passes the router twice, as one connection of the kernel's.
// So labels of the connection say what the groups of each port know: one a forwarder, that its groups let the connection pass; one, that the
// connection went to a forwarder; and one, that it has arrived at its end all the same.
const (
	labelAstray  = 0
	labelArrived = 1
	labelFirst   = 2 // of forwarders
	mostLabels   = 128
)

// Names of the sets and chains about forwarders.
const (
	setForwarders = "forwarders"
	setOwn        = "forwarder" // with _addrs and _prefixes: what is a forwarder's own
	mapLabels     = "labels"
	mapZones      = "forwarder_zones"

	chainBorrowed  = "borrowed"
	chainOneWay    = "one_way"
	chainArrive    = "arrive"
	chainAstrayOut = "astray_out"
	chainAstrayIn  = "astray_in"
	chainThirdOut  = "third_out"
	chainThirdIn   = "third_in"
	chainJudgeOut  = "judge_out"
	chainJudgeIn   = "judge_in"
	chainCount     = "count"
)

// label is the number of a forwarder's label. In a VPC of more interfaces two may have the same one; then neither is used.
func label(p fabric.Port) uint8 { return uint8(labelFirst + p.Index%(mostLabels-labelFirst)) }

// forwarders prints the sets and chains about the VPC's forwarders, if it has any.
func (r *router) forwarders() {
	devices := nft.Set{Name: setForwarders, Key: []nft.Type{nft.Interface}}
	zones := nft.Set{Name: mapZones, Key: []nft.Type{nft.Interface}, Value: nft.Zone}
	used := map[uint8][]fabric.Port{}
	for _, p := range r.vpc.Ports {
		if !p.Forwards() {
			continue
		}
		dev := nft.Concat(nft.FieldInterface(kernel.PortDevice(p.ENI)))
		devices.Elements = append(devices.Elements, nft.Element{Key: dev})
		zones.Elements = append(zones.Elements, nft.Element{Key: dev, Value: nft.Concat(nft.FieldU16(uint16(p.Index)))})
		used[label(p)] = append(used[label(p)], p)
	}
	r.labels(used)
	if !r.forwards {
		return
	}
	devices.Elements, zones.Elements = tidy(devices.Elements), tidy(zones.Elements)
	r.table.Sets = append(r.table.Sets, devices, zones)
	for _, f := range r.families {
		r.ownSets(setOwn, f, fabric.Port.Forwards)
	}
	r.third(used)
	r.borrowed()
	r.astray()
	r.counts()
}

// borrowed prints the chain for what forwarders send. What leaves by the uplink from an address of somebody else is a connection by itself,
// that can be translated: the one that led to the forwarder began without.
func (r *router) borrowed() {
	r.add(chainBorrowed, append(r.own(nft.InInterface(), nft.Family.Source, returns()), nft.NewRule(
		byUplink(nft.RoutedInterface()), nft.SetTo(nft.SetOriginalZone(), mapZones, nft.InInterface())))...)
}

// oneWay prints the chain for packets to a forwarder of which connection tracking can make nothing, because the answers come straight to who
// sends them: all stations judge each of them.
func (r *router) oneWay() {
	rules := append(r.own(nft.OutInterface(), nft.Family.Destination, drop()), nft.NewRule(noMark(), drop()), nft.NewRule(nft.Dispatch("out", nft.InInterface())))
	rules = append(append(rules, r.leaving(false)...), r.entering()...)
	r.add(chainOneWay, append(rules, nft.NewRule(nft.Dispatch("in", nft.OutInterface())), nft.NewRule(accept()))...)
}

// add prints a chain that is jumped to.
func (r *router) add(name string, rules ...nft.Rule) {
	r.table.Chains = append(r.table.Chains, nft.Chain{Name: name, Rules: rules})
}

// own is the rules that take a verdict on what has an address of the forwarder's own.
func (r *router) own(dev nft.Selector, addr func(nft.Family) nft.Selector, verdict nft.Clause) []nft.Rule {
	var out []nft.Rule
	for _, f := range r.families {
		for _, set := range []string{"_addrs", "_prefixes"} {
			out = append(out, nft.NewRule(nft.In(setOwn+set+familySuffix(f), dev, addr(f)), verdict))
		}
	}
	return out
}

// labels prints the map of the forwarders' labels. It is there without any too: connections have room for labels only when they begin
// while some rule gives them.
func (r *router) labels(used map[uint8][]fabric.Port) {
	s := nft.Set{Name: mapLabels, Key: []nft.Type{nft.Interface}, Value: nft.Labels}
	for n, ports := range used {
		if len(ports) == 1 {
			dev := nft.FieldInterface(kernel.PortDevice(ports[0].ENI))
			s.Elements = append(s.Elements, nft.Element{Key: nft.Concat(dev), Value: nft.Concat(nft.FieldLabels(n))})
		}
	}
	s.Elements = tidy(s.Elements)
	r.table.Sets = append(r.table.Sets, s)
}

// third prints the chains by which the groups of a forwarder judge what they do not know, of what is known to the router and not for or
// from the forwarder itself.
func (r *router) third(used map[uint8][]fabric.Port) {
	seen := [...]nft.Set{
		{Name: "seen_out", Key: []nft.Type{nft.Interface}, Value: nft.ToVerdict}, {Name: "seen_in", Key: []nft.Type{nft.Interface}, Value: nft.ToVerdict},
	}
	judge := [...]string{chainJudgeOut, chainJudgeIn}
	for n := range uint8(mostLabels) {
		if len(used[n]) != 1 {
			continue
		}
		dev := nft.Concat(nft.FieldInterface(kernel.PortDevice(used[n][0].ENI)))
		for i := range seen {
			name := seen[i].Name + "_" + strconv.Itoa(int(n))
			seen[i].Elements = append(seen[i].Elements, nft.Element{Key: dev, Verdict: nft.Verdict{Kind: nft.Goto, Chain: name}})
			r.add(name, nft.NewRule(nft.HasAny(nft.FieldLabels(n)), returns()), nft.NewRule(leadTo(judge[i])))
		}
	}
	for _, s := range seen {
		s.Elements = tidy(s.Elements)
		r.table.Sets = append(r.table.Sets, s)
	}
	r.add(chainJudgeOut, nft.NewRule(nft.Dispatch("out", nft.InInterface())), noted(nft.InInterface()))
	r.add(chainJudgeIn, nft.NewRule(nft.Dispatch("in", nft.OutInterface())), noted(nft.OutInterface()))
	r.add(chainThirdOut, append(r.own(nft.InInterface(), nft.Family.Source, returns()),
		nft.NewRule(nft.Dispatch(seen[0].Name, nft.InInterface())), nft.NewRule(leadTo(chainJudgeOut)))...)
	r.add(chainThirdIn, append(r.own(nft.OutInterface(), nft.Family.Destination, returns()),
		nft.NewRule(nft.Dispatch(seen[1].Name, nft.OutInterface())), nft.NewRule(leadTo(chainJudgeIn)))...)
}

// noted notes that the groups of a forwarder know the connection.
func noted(dev nft.Selector) nft.Rule {
	return nft.NewRule(nft.SetTo(nft.AddLabels(), mapLabels, dev))
}

// astray prints the chains for connections that went to a forwarder, and so may be known to the router before the groups at their end have
// seen anything of them: those judge them when they come, or are answered, by another way.
func (r *router) astray() {
	arrived := addLabel(labelArrived)
	r.add(chainArrive, nft.NewRule(nft.HasAny(nft.FieldLabels(labelAstray)), arrived), nft.NewRule(accept()))
	r.add(chainAstrayOut,
		nft.NewRule(nft.In(setForwarders, nft.InInterface()), returns()), nft.NewRule(nft.Dispatch("out", nft.InInterface())), nft.NewRule(arrived))
	r.add(chainAstrayIn,
		nft.NewRule(nft.In(setForwarders, nft.OutInterface()), returns()), nft.NewRule(nft.Dispatch("in", nft.OutInterface())), nft.NewRule(arrived))
}

func addLabel(n uint8) nft.Clause {
	return nft.SetValue(nft.AddLabels(), strconv.Itoa(int(n)), nft.FieldLabels(n))
}

// ifAstray leads packets of connections that have not arrived, in one direction, to a chain.
func ifAstray(direction byte, chain string) nft.Rule {
	return nft.NewRule(
		nft.HasAny(nft.FieldLabels(labelAstray)), nft.HasNone(nft.FieldLabels(labelArrived)), nft.Is(nft.ConnectionDirection(), nft.FieldByte(direction)),
		nft.End(nft.Verdict{Kind: nft.Jump, Chain: chain}))
}

// third leads what passes a forwarder to the chain of those that may be third.
func third(dev nft.Selector, chain string) nft.Rule {
	return nft.NewRule(nft.In(setForwarders, dev), nft.End(nft.Verdict{Kind: nft.Jump, Chain: chain}))
}

// toForwarder is the rules for the first packets to a forwarder: its own, and those it may forward.
func (r *router) toForwarder() []nft.Rule {
	return append(r.own(nft.OutInterface(), nft.Family.Destination, accept()), nft.NewRule(
		nft.In(setForwarders, nft.OutInterface()), addLabel(labelAstray), accept()))
}

// counts prints the meters of what goes to forwarders and comes from them in the name of others, by interfaces and addresses, and the chain
// that keeps them: the kernel's connections count both ways together.
func (r *router) counts() {
	ends := []nft.Type{nft.InterfaceIndex, nft.InterfaceIndex, nft.Addr4, nft.Addr4, nft.Protocol}
	r.table.Sets = append(r.table.Sets, nft.Set{Name: kernel.MeterForwarded, Key: append(ends, nft.Port, nft.Port), Meter: true}, nft.Set{Name: kernel.MeterForwardedPortless, Key: ends, Meter: true})
	by := []nft.Selector{nft.InIndex(), nft.OutIndex(), nft.IPv4.Source(), nft.IPv4.Destination(), nft.TransportProtocol()}
	ported := nft.Count(kernel.MeterForwarded, append(by, nft.AnySourcePort(), nft.AnyDestinationPort())...)
	r.add(chainCount,
		nft.NewRule(nft.Is(nft.TransportProtocol(), nft.FieldByte(6)), ported, accept()), nft.NewRule(nft.Is(nft.TransportProtocol(), nft.FieldByte(17)), ported, accept()),
		nft.NewRule(nft.Count(kernel.MeterForwardedPortless, by...), accept()))
	lead := leadTo(chainCount)
	r.add("sent_on", append(r.own(nft.InInterface(), nft.Family.Source, returns()), nft.NewRule(lead))...)
	r.add("to_send_on", append(r.own(nft.OutInterface(), nft.Family.Destination, returns()), nft.NewRule(lead))...)
	r.table.Chains = append(r.table.Chains, nft.Chain{Name: "passed", Base: filter(nft.Forward, nft.PriorityFilter+1, nft.Accept), Rules: []nft.Rule{
		third(nft.InInterface(), "sent_on"), third(nft.OutInterface(), "to_send_on"),
	}})
}

func returns() nft.Clause { return nft.End(nft.Verdict{Kind: nft.Return}) }

func leadTo(chain string) nft.Clause { return nft.End(nft.Verdict{Kind: nft.Goto, Chain: chain}) }
