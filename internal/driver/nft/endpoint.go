package nft

import (
	"golang.org/x/sys/unix"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel/nft"
	"kumiko/internal/world"
)

// RenderEndpoint prints the table of a VPC endpoint's namespace, by its type.
func RenderEndpoint(e *fabric.Endpoint) *nft.Table {
	switch e.Type {
	case world.EndpointInterface:
		return renderInterface(e)
	case world.EndpointResource, world.EndpointServiceNetwork:
		return renderTransit(e)
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

// nothingThrough forwards nothing.
func nothingThrough() nft.Chain {
	return nft.Chain{Name: chainForward, Base: filter(nft.Forward, nft.PriorityFilter, nft.Drop)}
}
