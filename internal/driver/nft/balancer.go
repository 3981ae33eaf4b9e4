package nft

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
	"kumiko/internal/kernel/nft"
)

// renderBalancer prints the table of a load balancer's namespace: connections to its listeners go on to receivers in
// turn, from the address of the node they came to. Others are answered as by a machine where nothing listens. What asks
// the targets whether they are well sits in the namespace, at addresses of its own (kernel.ProbeAddr).
func renderBalancer(g *fabric.Gateway) *nft.Table {
	fronts, lists := frontSets(g)
	consumers := consumerSets(g)
	t := &nft.Table{Name: TableName, Sets: slices.Concat(fronts, portSets(g.Ports), consumers[:2], []nft.Set{nodeMarks(g)})}
	input := closedInput()
	input.Rules = append(input.Rules, nft.NewRule(nft.In("uplinks", nft.InInterface()), nft.In("probes", nft.IPv4.Destination()), accept()))
	t.Chains = []nft.Chain{
		zoneChain(), nodeChain(), admitNode(), admitConsumer(), spreadChain(), forwardNode(), clampChain(g), sourceChain(g.Ports), input,
	}
	for _, l := range lists {
		t.Chains = append(t.Chains, l.chain())
		t.Sets = append(t.Sets, l.set())
		for _, to := range l {
			t.Chains = append(t.Chains, receiverChain(to))
		}
	}
	t.Chains = distinct(t.Chains)
	return t
}

// receivers is a list of receivers that some listeners share.
type receivers []netip.AddrPort

// name tells lists apart.
func (l receivers) name() string {
	sum := sha256.Sum256(fmt.Append(nil, []netip.AddrPort(l)))
	return "to_" + hex.EncodeToString(sum[:8])
}

// set says who the receivers are, by number.
func (l receivers) set() nft.Set {
	s := nft.Set{Name: l.name() + "_map", Key: []nft.Type{nft.Number}, Value: nft.ToVerdict}
	for i, to := range l {
		s.Elements = append(s.Elements, nft.Element{
			Key: nft.Concat(nft.FieldU32(uint32(i))), Verdict: nft.Verdict{Kind: nft.Goto, Chain: receiverName(to)},
		})
	}
	s.Elements = tidy(s.Elements)
	return s
}

// chain takes one after the other.
func (l receivers) chain() nft.Chain {
	return nft.Chain{Name: l.name(), Rules: []nft.Rule{nft.NewRule(nft.Dispatch(l.name()+"_map", nft.Counter(len(l))))}}
}

func receiverName(to netip.AddrPort) string {
	return fmt.Sprintf("at_%s_%d", to.Addr(), to.Port())
}

func receiverChain(to netip.AddrPort) nft.Chain {
	return nft.Chain{Name: receiverName(to), Rules: []nft.Rule{nft.NewRule(nft.DestinationNATTo(to))}}
}

// distinct drops chains that are there twice: lists of receivers overlap.
func distinct(chains []nft.Chain) []nft.Chain {
	seen := map[string]bool{}
	var out []nft.Chain
	for _, c := range chains {
		if !seen[c.Name] {
			seen[c.Name] = true
			out = append(out, c)
		}
	}
	return out
}

// frontSets are the listeners that have receivers, with the chains that choose among these; and, for what nothing listens
// to, the address in the namespace that refuses it.
func frontSets(g *fabric.Gateway) ([]nft.Set, []receivers) {
	key := []nft.Type{nft.Interface, nft.Addr4, nft.Port}
	listeners, fronts := nft.Set{Name: setListeners, Key: key}, nft.Set{Name: "fronts", Key: key, Value: nft.ToVerdict}
	var lists []receivers
	known := map[string]bool{}
	for _, f := range g.Balancer.Fronts {
		var l receivers
		for _, to := range f.Receivers {
			if to.Addr().Is4() {
				l = append(l, to)
			}
		}
		if len(l) == 0 {
			continue
		}
		device, ok := frontDevice(g, f)
		if !ok {
			continue
		}
		at := nft.Concat(nft.FieldInterface(device), nft.FieldAddr(f.Addr), nft.FieldPort(f.Port))
		listeners.Elements = append(listeners.Elements, nft.Element{Key: at})
		fronts.Elements = append(fronts.Elements, nft.Element{Key: at, Verdict: nft.Verdict{Kind: nft.Goto, Chain: l.name()}})
		if !known[l.name()] {
			known[l.name()] = true
			lists = append(lists, l)
		}
	}
	refused, probes := nft.Set{Name: "refused", Key: []nft.Type{nft.Interface}, Value: nft.Addr4}, nft.Set{Name: "probes", Key: []nft.Type{nft.Addr4}}
	for n, p := range g.Ports {
		a := nft.Concat(nft.FieldAddr(kernel.ProbeAddr(n)))
		refused.Elements = append(refused.Elements, nft.Element{Key: nft.Concat(nft.FieldInterface(p.Device)), Value: a})
		probes.Elements = append(probes.Elements, nft.Element{Key: a})
	}
	sets := []nft.Set{listeners, fronts, refused, probes}
	for i := range sets {
		sets[i].Elements = tidy(sets[i].Elements)
	}
	return sets, lists
}

// frontDevice is the interface that what is for a listener comes by.
func frontDevice(g *fabric.Gateway, f fabric.Front) (string, bool) {
	if f.Endpoint == "" {
		return g.Ports[f.Node].Device, true
	}
	i := slices.IndexFunc(g.Consumers, func(c fabric.Consumer) bool { return c.Endpoint == f.Endpoint })
	if i < 0 {
		return "", false
	}
	return kernel.ConsumerDevice(g.Consumers[i].Index), true
}

// nodeMarks are the marks of connections by the links of endpoints: the consumer, and the node that stands for the zone of
// the endpoint's address.
func nodeMarks(g *fabric.Gateway) nft.Set {
	marks := nft.Set{Name: "marks", Key: []nft.Type{nft.Interface, nft.Addr4}, Value: nft.Mark}
	for _, f := range g.Balancer.Fronts {
		i := slices.IndexFunc(g.Consumers, func(c fabric.Consumer) bool { return f.Endpoint != "" && c.Endpoint == f.Endpoint })
		if i < 0 {
			continue
		}
		index := g.Consumers[i].Index
		marks.Elements = append(marks.Elements, nft.Element{
			Key:   nft.Concat(nft.FieldInterface(kernel.ConsumerDevice(index)), nft.FieldAddr(f.Addr)),
			Value: nft.Concat(nft.FieldU32(uint32(index) | uint32(f.Node+1)<<kernel.MarkEgressShift)),
		})
	}
	marks.Elements = tidy(marks.Elements)
	return marks
}

// nodeChain looks at connections that begin, and leads packets of those by the links of endpoints by their mark: to the
// node, and back.
func nodeChain() nft.Chain {
	begins := func(from, chain string) nft.Rule {
		return nft.NewRule(nft.In(from, nft.InInterface()), nft.State(nft.New), nft.End(nft.Verdict{Kind: nft.Jump, Chain: chain}))
	}
	lead := func(from string, mask uint32) nft.Rule {
		return nft.NewRule(nft.In(from, nft.InInterface()), nft.SetMasked(nft.SetPacketMark(), nft.ConnectionMark(), mask))
	}
	return nft.Chain{Name: "mangle", Base: filter(nft.Prerouting, nft.PriorityMangle, nft.Accept), Rules: []nft.Rule{
		nft.NewRule(nft.State(nft.Invalid), drop()),
		begins("uplinks", "admit"), begins("consumers", "admit_endpoint"),
		lead("uplinks", kernel.MarkConsumerMask), lead("consumers", kernel.MarkEgressMask),
	}}
}

// admitConsumer lets connections of endpoints to listeners in. The first packet of a connection may come again: what was
// decided stays.
func admitConsumer() nft.Chain {
	return nft.Chain{Name: "admit_endpoint", Rules: []nft.Rule{
		nft.NewRule(nft.IsNot(nft.ConnectionMark(), nft.FieldU32(0)), nft.End(nft.Verdict{Kind: nft.Return})),
		nft.NewRule(nft.Is(nft.IPv4.Source(), nft.FieldAddr(kernel.LinkGateway)), drop()),
		nft.NewRule(nft.In(setListeners, nft.InInterface(), nft.IPv4.Destination(), nft.DestinationPort(unix.IPPROTO_TCP)),
			nft.SetTo(nft.SetConnectionMark(), "marks", nft.InInterface(), nft.IPv4.Destination()), nft.End(nft.Verdict{Kind: nft.Return})),
		refuse(fabric.Listen),
	}}
}

// admitNode returns for connections to listeners, and for those that a reset answers. That nothing listens is told all
// the same.
func admitNode() nft.Chain {
	ret := nft.End(nft.Verdict{Kind: nft.Return})
	return nft.Chain{Name: "admit", Rules: []nft.Rule{
		nft.NewRule(nft.In(setListeners, nft.InInterface(), nft.IPv4.Destination(), nft.DestinationPort(unix.IPPROTO_TCP)), ret),
		nft.NewRule(nft.Log(string(fabric.Listen), kernel.LogGroup, logBytes)),
		nft.NewRule(nft.Is(nft.TransportProtocol(), nft.FieldByte(unix.IPPROTO_TCP)), ret),
		nft.NewRule(drop()),
	}}
}

// spreadChain sends connections to receivers, and those that nothing listens to to the namespace itself.
func spreadChain() nft.Chain {
	return nft.Chain{Name: "dstnat", Base: nft.Base{Type: "nat", Hook: nft.Prerouting, Priority: nft.PriorityDstNAT, Policy: nft.Accept}, Rules: []nft.Rule{
		nft.NewRule(nft.Dispatch("fronts", nft.InInterface(), nft.IPv4.Destination(), nft.DestinationPort(unix.IPPROTO_TCP))),
		nft.NewRule(nft.In("uplinks", nft.InInterface()), nft.DestinationNAT("refused", nft.InInterface())),
	}}
}

// forwardNode lets packets pass that came by a node and leave by it again, and those between endpoints and nodes;
// connections begin at endpoints, and never lead from one to another.
func forwardNode() nft.Chain {
	return nft.Chain{Name: chainForward, Base: filter(nft.Forward, nft.PriorityFilter, nft.Drop), Rules: []nft.Rule{
		nft.NewRule(nft.In("uplinks", nft.InInterface()), nft.In("uplinks", nft.OutInterface()), accept()),
		nft.NewRule(nft.In("consumers", nft.InInterface()), nft.In("uplinks", nft.OutInterface()), accept()),
		nft.NewRule(nft.In("uplinks", nft.InInterface()), nft.In("consumers", nft.OutInterface()), nft.State(nft.Established|nft.Related), accept()),
	}}
}
