package nft

import (
	"cmp"
	"slices"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
	"kumiko/internal/kernel/nft"
)

// knownChain is the chain for packets of known connections: what they were for may be gone, ACLs know no connections, and ways out of
// the VPC may end, or be no way back.
func (r *router) knownChain() []nft.Chain {
	c := nft.Chain{Name: chainKnown}
	if r.forwards {
		c.Rules = append(c.Rules, ifAstray(answers, chainAstrayOut), third(nft.InInterface(), chainThirdOut))
	}
	c.Rules = append(append(c.Rules, r.leaving(true)...), r.entering()...)
	if r.forwards {
		c.Rules = append(c.Rules, ifAstray(questions, chainAstrayIn), third(nft.OutInterface(), chainThirdIn))
	}
	var out []nft.Chain
	if r.hasBeyond() {
		out = append(out, r.backChain())
	}
	if r.hasWithin() {
		out = append(out, r.answerChain())
		c.Rules = append(c.Rules, nft.NewRule(
			nft.Is(nft.ConnectionDirection(), nft.FieldByte(answers)), nft.In(setTakesOwn, nft.OutInterface()),
			nft.End(nft.Verdict{Kind: nft.Jump, Chain: chainAnswer}),
		))
	}
	c.Rules = append(c.Rules, nft.NewRule(accept()))
	return append(out, c)
}

// Directions of packets: from the side that began the connection, and from the other. (linux/netfilter/nf_conntrack_tuple_common.h)
const (
	questions = 0
	answers   = 1
)

// Names of the set of ports that take nothing but their own answers, of those that are routed back to, and of the chain that looks at answers.
const (
	setTakesOwn = "takes_own"
	setBackward = "routed_back"
	chainAnswer = "answer"
)

// hasWithin tells whether some table has routes within the VPC: elsewhere answers go where the question came from.
func (r *router) hasWithin() bool {
	return slices.ContainsFunc(r.vpc.Tables, func(t fabric.Table) bool { return len(t.Within) > 0 })
}

// takesOwn prints the set of ports that take nothing but answers to what they sent.
func (r *router) takesOwn() {
	if !r.hasWithin() {
		return
	}
	s := nft.Set{Name: setTakesOwn, Key: []nft.Type{nft.Interface}}
	for _, p := range r.vpc.Ports {
		if p.TakesOwn() {
			s.Elements = append(s.Elements, nft.Element{Key: nft.Concat(nft.FieldInterface(kernel.PortDevice(p.ENI)))})
		}
	}
	s.Elements = tidy(s.Elements)
	r.table.Sets = append(r.table.Sets, s)
	if back := r.routedBack(); len(back) > 0 {
		r.table.Sets = append(r.table.Sets, nft.Set{Name: setBackward, Key: []nft.Type{nft.Interface, nft.Interface}, Elements: back})
	}
}

// answerChain returns for answers to a port's own addresses; others are for its groups, which do not know them, before it cannot take them.
func (r *router) answerChain() nft.Chain {
	c := nft.Chain{Name: chainAnswer}
	for _, f := range r.families {
		for _, set := range []string{"own_addrs", "own_prefixes"} {
			c.Rules = append(c.Rules, nft.NewRule(nft.In(set+familySuffix(f), nft.OutInterface(), f.Destination()), nft.End(nft.Verdict{Kind: nft.Return})))
		}
	}
	if len(r.routedBack()) > 0 {
		c.Rules = append(c.Rules, nft.NewRule(append([]nft.Clause{nft.In(setBackward, nft.InInterface(), nft.OutInterface())}, refuse(fabric.DestCheck).Clauses...)...))
	}
	c.Rules = append(c.Rules, nft.NewRule(nft.Dispatch("in", nft.OutInterface())), refuse(fabric.DestCheck))
	return c
}

// routedBack are the ports that their own subnet's routes send back what they send: their groups know that, for they let it out.
func (r *router) routedBack() []nft.Element {
	var out []nft.Element
	for _, t := range r.vpc.Tables {
		for _, x := range t.Within {
			i, ok := slices.BinarySearchFunc(r.vpc.Ports, x.Port, func(p fabric.Port, n uint32) int { return cmp.Compare(p.Index, n) })
			if ok && r.vpc.Ports[i].Table == t.Index {
				dev := nft.FieldInterface(kernel.PortDevice(r.vpc.Ports[i].ENI))
				out = append(out, nft.Element{Key: nft.Concat(dev, dev)})
			}
		}
	}
	return tidy(out)
}

// leaving is the stations of every packet on its way out of a subnet: the ACL, a route (for an answer, one by the way the
// question came), and at the uplink an address, and one that the Internet has.
func (r *router) leaving(known bool) []nft.Rule {
	var out []nft.Rule
	if r.filters {
		out = append(out, nft.NewRule(nft.Dispatch(mapACLOut, nft.InInterface())))
	}
	log := func(s fabric.Station) nft.Clause { return nft.Log(string(s), kernel.LogGroup, logBytes) }
	out = append(out, nft.NewRule(nft.Is(nft.OutInterface(), nft.FieldInterface(kernel.HoleDevice)), log(fabric.NoRoute), drop()))
	if known && r.hasBeyond() {
		out = append(out, r.wayBack())
	}
	if r.vpc.Uplink != nil {
		leaves := byUplink(nft.OutInterface())
		out = append(out,
			nft.NewRule(nft.In(setNoPublic, nft.OutInterface(), nft.IPv4.Destination()), log(fabric.Internet), drop()),
			nft.NewRule(leaves, nft.In(setPrivate, nft.IPv4.Source()), accept()),
			nft.NewRule(leaves, log(fabric.Internet), drop()))
	}
	return out
}

// entering is the station of every packet on its way into a subnet.
func (r *router) entering() []nft.Rule {
	if !r.filters {
		return nil
	}
	return []nft.Rule{nft.NewRule(nft.Dispatch(mapACLIn, nft.OutInterface()))}
}

// forwardChain leads packets through the stations between two ports, or a port and a way out of the VPC. Connections
// do not begin at links.
func (r *router) forwardChain() nft.Chain {
	c := nft.Chain{Name: chainForward, Base: filter(nft.Forward, nft.PriorityFilter, nft.Drop)}
	add := func(clauses ...nft.Clause) { c.Rules = append(c.Rules, nft.NewRule(clauses...)) }
	add(nft.State(nft.Established|nft.Related), nft.End(nft.Verdict{Kind: nft.Goto, Chain: chainKnown}))
	if r.forwards && r.vpc.Uplink != nil {
		r.oneWay()
		add(nft.State(nft.Invalid), nft.In(setForwarders, nft.OutInterface()), leadTo(chainOneWay))
	}
	add(nft.State(nft.Invalid), drop())
	add(noMark(), drop())
	add(nft.Dispatch("out", nft.InInterface()))
	c.Rules = append(c.Rules, noted(nft.InInterface()))
	arrive := accept()
	if r.hasBeyond() {
		add(fromBeyond(), nft.SetTo(nft.SetConnectionMark(), mapWays, nft.InInterface()))
	}
	c.Rules = append(append(c.Rules, r.leaving(false)...), r.entering()...)
	add(nft.Dispatch("in", nft.OutInterface()))
	if r.forwards {
		c.Rules, arrive = append(append(c.Rules, noted(nft.OutInterface())), r.toForwarder()...), leadTo(chainArrive)
	}
	add(nft.In("unchecked", nft.OutInterface()), accept())
	for _, f := range r.families {
		add(nft.In("own_addrs"+familySuffix(f), nft.OutInterface(), f.Destination()), arrive)
		add(nft.In("own_prefixes"+familySuffix(f), nft.OutInterface(), f.Destination()), arrive)
	}
	c.Rules = append(c.Rules, refuse(fabric.DestCheck))
	return c
}
