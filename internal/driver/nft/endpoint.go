package nft

import (
	"net/netip"

	"golang.org/x/sys/unix"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel/nft"
	"kumiko/internal/world"
)

// RenderEndpoint prints the table of a VPC endpoint's namespace, by its type.
func RenderEndpoint(e *fabric.Endpoint) *nft.Table {
	switch {
	case e.Onward:
		return renderTransit(e)
	case e.Type == world.EndpointInterface:
		return renderInterface(e)
	case e.Type == world.EndpointGateway:
		return renderService(e.Range, closedInput())
	case e.Type == fabric.EndpointServices:
		return renderPoint(e)
	}
	return &nft.Table{Name: TableName, Chains: []nft.Chain{nothingThrough(), closedInput()}}
}

// renderInterface lets connections to the service in, and nothing else: no echo request is answered.
func renderInterface(e *fabric.Endpoint) *nft.Table {
	own := nft.Set{Name: "own_addrs4", Key: []nft.Type{nft.Interface, nft.Addr4}}
	for _, p := range e.Ports {
		for _, a := range p.Addrs {
			if a.Is4() {
				own.Elements = append(own.Elements, nft.Element{Key: nft.Concat(nft.FieldInterface(p.Device), nft.FieldAddr(a))})
			}
		}
	}
	own.Elements = tidy(own.Elements)
	input := closedInput()
	input.Rules = append(input.Rules,
		nft.NewRule(nft.State(nft.Invalid), drop()),
		nft.NewRule(nft.In("own_addrs4", nft.InInterface(), nft.IPv4.Destination()),
			nft.Is(nft.DestinationPort(unix.IPPROTO_TCP), nft.FieldPort(fabric.ServicePort)), accept()),
		refuse(fabric.Listen))
	return &nft.Table{Name: TableName, Sets: []nft.Set{own}, Chains: []nft.Chain{nothingThrough(), input}}
}

// renderPoint lets clients in where services listen, and the answers of targets.
func renderPoint(e *fabric.Endpoint) *nft.Table {
	takers := nft.Set{Name: "takers4", Key: []nft.Type{nft.Addr4, nft.Port}}
	for _, t := range e.Takers {
		takers.Elements = append(takers.Elements, nft.Element{Key: nft.Concat(nft.FieldAddr(t.Addr()), nft.FieldPort(t.Port()))})
	}
	takers.Elements = tidy(takers.Elements)
	input := closedInput()
	input.Rules = append(input.Rules,
		nft.NewRule(nft.State(nft.Invalid), drop()),
		nft.NewRule(nft.In("takers4", nft.IPv4.Destination(), nft.DestinationPort(unix.IPPROTO_TCP)), accept()),
		refuse(fabric.Listen))
	return &nft.Table{Name: TableName, Sets: []nft.Set{takers}, Chains: []nft.Chain{nothingThrough(), input}}
}

// nothingThrough forwards nothing.
func nothingThrough() nft.Chain {
	return nft.Chain{Name: chainForward, Base: filter(nft.Forward, nft.PriorityFilter, nft.Drop)}
}

// RenderPublic prints the table of the public side: services answer at their addresses, at one port, and health checkers
// get their answers. It forwards between uplinks by its routes alone, and tracks no connections.
func RenderPublic() *nft.Table {
	t := renderService(world.ServiceAddresses, nft.Chain{Name: chainInput, Base: filter(nft.Input, nft.PriorityFilter, nft.Drop), Rules: []nft.Rule{
		nft.NewRule(nft.Is(nft.InInterface(), nft.FieldInterface("lo")), accept()),
		nft.NewRule(nft.Is(nft.ICMPTypeOf(nft.IPv4), nft.FieldByte(unreachable)), accept()),
	}})
	t.Chains = t.Chains[1:]
	regions := world.CheckerRegions()
	from, to := world.CheckerAddress(regions[0]), world.CheckerAddress(regions[len(regions)-1])
	own := &t.Sets[0]
	own.Elements = append([]nft.Element{{Key: nft.Concat(nft.FieldAddr(from), nft.FieldPort(unprivileged)), End: nft.Concat(nft.FieldAddr(to), nft.FieldPort(65535))}}, own.Elements...)
	return t
}

// unprivileged is the first port that connections are made from: answers to health checkers come to one from it on.
const unprivileged = 1024

// unreachable is the type of the ICMP messages that say that a packet did not get on, or was too long. (RFC 792.)
const unreachable = 3

// renderService lets connections to services at a range of addresses in, after what the input chain has.
func renderService(at netip.Prefix, input nft.Chain) *nft.Table {
	first, last := nft.PrefixRange(at.Masked())
	port := nft.FieldPort(fabric.ServicePort)
	own := nft.Set{Name: "services4", Key: []nft.Type{nft.Addr4, nft.Port}, Interval: true, Elements: []nft.Element{
		{Key: nft.Concat(first, port), End: nft.Concat(last, port)},
	}}
	input.Rules = append(input.Rules,
		nft.NewRule(nft.In("services4", nft.IPv4.Destination(), nft.DestinationPort(unix.IPPROTO_TCP)), accept()),
		refuse(fabric.Listen))
	return &nft.Table{Name: TableName, Sets: []nft.Set{own}, Chains: []nft.Chain{nothingThrough(), input}}
}
