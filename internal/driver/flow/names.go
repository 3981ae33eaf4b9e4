package flow

import (
	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
	"kumiko/internal/world"
)

// names tells which noun of the fabric an interface of a namespace belongs to. It is not changed once it was made.
type names struct {
	vpc      world.VPCID             // the router's, or the gateway's provider
	gateway  world.ResourceGatewayID // of a gateway's namespace
	ports    map[string]world.ENIID
	byIndex  map[uint32]world.ENIID // by the index in the packet mark
	gateways map[string]world.ResourceGatewayID
}

func namesOfVPC(v *fabric.VPC) *names {
	n := &names{
		vpc: v.ID, ports: make(map[string]world.ENIID, len(v.Ports)), byIndex: make(map[uint32]world.ENIID, len(v.Ports)),
		gateways: make(map[string]world.ResourceGatewayID, len(v.Links)),
	}
	for _, p := range v.Ports {
		n.ports[kernel.PortDevice(p.ENI)] = p.ENI
		n.byIndex[p.Index] = p.ENI
	}
	for _, l := range v.Links {
		n.gateways[kernel.LinkDevice(l.Gateway)] = l.Gateway
	}
	return n
}

func namesOfGateway(g *fabric.Gateway) *names { return &names{vpc: g.VPC, gateway: g.ID} }

// sender is the port a packet with the mark came by.
func (n *names) sender(mark uint32) world.ENIID { return n.byIndex[mark&kernel.MarkPortMask] }

// origin is what refused a packet at the station, where the packet had the mark and was to leave by the interface.
func (n *names) origin(s fabric.Station, mark uint32, out string) fabric.Origin {
	o := fabric.Origin{Station: s, VPC: n.vpc, Gateway: n.gateway}
	switch s {
	case fabric.Spoof, fabric.SGOut:
		o.ENI = n.sender(mark)
	case fabric.SGIn, fabric.DestCheck:
		o.ENI = n.ports[out]
	case fabric.LinkIn:
		o.Gateway = n.gateways[out]
	}
	return o
}
