package nft

import (
	"golang.org/x/sys/unix"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
	"kumiko/internal/kernel/nft"
)

// RenderNAT prints the table of a NAT gateway's namespace: what its VPC sends through it goes on from its addresses in
// turn; nothing is for the gateway itself, and nothing but answers comes back.
func RenderNAT(n *fabric.NAT) *nft.Table {
	ports := []fabric.GatewayPort{n.Port}
	own := nft.Set{Name: "own_addrs4", Key: []nft.Type{nft.Addr4}}
	for _, a := range n.Port.Addrs {
		if a.Is4() {
			own.Elements = append(own.Elements, nft.Element{Key: nft.Concat(nft.FieldAddr(a))})
		}
	}
	own.Elements = tidy(own.Elements)
	carried := nft.Set{Name: "carried", Key: []nft.Type{nft.Protocol}}
	for _, p := range []uint8{unix.IPPROTO_TCP, unix.IPPROTO_UDP, unix.IPPROTO_ICMP} {
		carried.Elements = append(carried.Elements, nft.Element{Key: nft.Concat(nft.FieldByte(p))})
	}
	carried.Elements = tidy(carried.Elements)
	raw := zoneChain()
	raw.Rules = raw.Rules[:len(raw.Rules)-1] // a NAT gateway serves one VPC: no zones
	t := &nft.Table{Name: TableName, Sets: append([]nft.Set{own, carried}, portSets(ports)...)}
	t.Chains = []nft.Chain{raw, natAdmission(), natAdmit(), natForward(), sourceChain(ports), closedInput()}
	return t
}

// natAdmission looks at connections that begin.
func natAdmission() nft.Chain {
	return nft.Chain{Name: "mangle", Base: filter(nft.Prerouting, nft.PriorityMangle, nft.Accept), Rules: []nft.Rule{
		nft.NewRule(nft.State(nft.Invalid), drop()),
		nft.NewRule(nft.In("uplinks", nft.InInterface()), nft.State(nft.New), nft.End(nft.Verdict{Kind: nft.Jump, Chain: "admit"})),
	}}
}

// natAdmit returns for what is translated.
func natAdmit() nft.Chain {
	refused := func(c nft.Clause) nft.Rule {
		return nft.NewRule(c, nft.Log(string(fabric.Listen), kernel.LogGroup, logBytes), drop())
	}
	return nft.Chain{Name: "admit", Rules: []nft.Rule{
		refused(nft.In("own_addrs4", nft.IPv4.Destination())),
		refused(nft.In("own_addrs4", nft.IPv4.Source())), // it would go round for ever
		nft.NewRule(nft.In("carried", nft.TransportProtocol()), nft.End(nft.Verdict{Kind: nft.Return})),
		refuse(fabric.Listen),
	}}
}

func natForward() nft.Chain {
	return nft.Chain{Name: chainForward, Base: filter(nft.Forward, nft.PriorityFilter, nft.Drop), Rules: []nft.Rule{
		nft.NewRule(nft.In("uplinks", nft.InInterface()), nft.In("uplinks", nft.OutInterface()), accept()),
	}}
}

// closedInput keeps everybody from a namespace that has nothing to say.
func closedInput() nft.Chain {
	return nft.Chain{Name: chainInput, Base: filter(nft.Input, nft.PriorityFilter, nft.Drop), Rules: []nft.Rule{
		nft.NewRule(nft.State(nft.Established|nft.Related), accept()),
		nft.NewRule(nft.Is(nft.InInterface(), nft.FieldInterface("lo")), accept()),
	}}
}
