package nft

import (
	"golang.org/x/sys/unix"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
	"kumiko/internal/kernel/nft"
)

// renderTransit passes what is for the endpoint's resources on to their gateways, and what comes from there back. It
// keeps no connections: the gateway does.
func renderTransit(e *fabric.Endpoint) *nft.Table {
	ports := nft.Set{Name: "ports", Key: []nft.Type{nft.Interface}}
	for _, p := range e.Ports {
		ports.Elements = append(ports.Elements, nft.Element{Key: nft.Concat(nft.FieldInterface(p.Device))})
	}
	links := nft.Set{Name: "links", Key: []nft.Type{nft.Interface}}
	served := nft.Set{Name: "served", Key: []nft.Type{nft.Addr4}}
	from := nft.Set{Name: "from", Key: []nft.Type{nft.Interface, nft.Addr4}}
	for _, l := range e.Links {
		dev := nft.FieldInterface(kernel.LinkDevice(l.Gateway))
		links.Elements = append(links.Elements, nft.Element{Key: nft.Concat(dev)})
		for _, a := range l.Addrs {
			if a.Is4() {
				served.Elements = append(served.Elements, nft.Element{Key: nft.Concat(nft.FieldAddr(a))})
				from.Elements = append(from.Elements, nft.Element{Key: nft.Concat(dev, nft.FieldAddr(a))})
			}
		}
	}
	t := &nft.Table{Name: TableName, Sets: []nft.Set{ports, links, served, from}}
	for i := range t.Sets {
		t.Sets[i].Elements = tidy(t.Sets[i].Elements)
	}
	between := func(in, out string) nft.Rule {
		return nft.NewRule(nft.In(in, nft.InInterface()), nft.In(out, nft.OutInterface()), accept())
	}
	t.Chains = []nft.Chain{
		{Name: chainRaw, Base: filter(nft.Prerouting, nft.PriorityRaw, nft.Accept), Rules: []nft.Rule{
			nft.NewRule(nft.Is(nft.InInterface(), nft.FieldInterface("lo")), accept()),
			nft.NewRule(nft.IsNot(nft.NetworkProtocol(), nft.FieldByte(unix.NFPROTO_IPV4)), drop()),
			nft.NewRule(nft.IsNot(nft.PacketType(), nft.FieldByte(unix.PACKET_HOST)), drop()),
			nft.NewRule(nft.In("from", nft.InInterface(), nft.IPv4.Source()), accept()),
			nft.NewRule(nft.In("links", nft.InInterface()), drop()),
			nft.NewRule(nft.In("served", nft.IPv4.Destination()), accept()),
			refuse(fabric.Listen),
		}},
		{Name: chainForward, Base: filter(nft.Forward, nft.PriorityFilter, nft.Drop), Rules: []nft.Rule{between("ports", "links"), between("links", "ports")}},
		{Name: chainInput, Base: filter(nft.Input, nft.PriorityFilter, nft.Drop), Rules: []nft.Rule{
			nft.NewRule(nft.Is(nft.InInterface(), nft.FieldInterface("lo")), accept()),
		}},
	}
	return t
}
