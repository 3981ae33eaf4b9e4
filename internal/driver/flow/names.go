package flow

import (
	"net/netip"
	"sync"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
	"kumiko/internal/world"
)

// names tells which noun of the fabric an interface of a namespace belongs to. It is not changed once it was made.
type names struct {
	vpc      world.VPCID             // the router's, or the gateway's provider; none of the public side
	gateway  world.ResourceGatewayID // of a gateway's namespace
	spreads  bool                    // it is a load balancer's
	nat      world.ENIID             // of a NAT gateway's namespace
	endpoint world.EndpointID        // of a VPC endpoint's namespace
	subnets  map[world.ENIID]world.SubnetID
	ports    map[string]world.ENIID
	byIndex  map[uint32]world.ENIID // by the index in the packet mark
	gateways map[string]world.ResourceGatewayID
	parties  map[world.ENIID]*fabric.Port
	where    func() *places // whose an address is; found out when it is first asked for
}

// namesOf are the names of a VPC, gateway, NAT gateway or endpoint of a fabric.
func namesOf(scope any) *names {
	switch s := scope.(type) {
	case *fabric.VPC:
		return namesOfVPC(s)
	case *fabric.Gateway:
		return namesOfGateway(s)
	case *fabric.NAT:
		return namesOfNAT(s)
	case *fabric.Endpoint:
		return namesOfEndpoint(s)
	}
	return &names{}
}

func namesOfVPC(v *fabric.VPC) *names {
	n := &names{
		vpc: v.ID, ports: make(map[string]world.ENIID, len(v.Ports)), byIndex: make(map[uint32]world.ENIID, len(v.Ports)),
		gateways: make(map[string]world.ResourceGatewayID, len(v.Links)),
		subnets:  make(map[world.ENIID]world.SubnetID, len(v.Ports)), parties: make(map[world.ENIID]*fabric.Port, len(v.Ports)),
		where: sync.OnceValue(func() *places { return newPlaces(v) }),
	}
	for i, p := range v.Ports {
		n.ports[kernel.PortDevice(p.ENI)] = p.ENI
		n.byIndex[p.Index] = p.ENI
		n.subnets[p.ENI] = p.Subnet
		n.parties[p.ENI] = &v.Ports[i]
	}
	for _, l := range v.Links {
		n.gateways[kernel.LinkDevice(l.Gateway)] = l.Gateway
	}
	return n
}

func namesOfGateway(g *fabric.Gateway) *names {
	return &names{vpc: g.VPC, gateway: g.ID, spreads: g.Balancer != nil, where: func() *places { return nil }}
}

func namesOfNAT(n *fabric.NAT) *names { return &names{vpc: n.VPC, nat: n.Port.ENI} }

func namesOfEndpoint(e *fabric.Endpoint) *names { return &names{vpc: e.VPC, endpoint: e.ID} }

// knowsMore tells whether the names know an interface with a cable that others do not, or one that forwards for others: what it did can be
// told of now alone, for its cable, or the meters, are to go.
func (n *names) knowsMore(others *names) bool {
	for eni, p := range n.parties {
		is := others.parties[eni]
		if p.Peer.Attached() && (is == nil || !is.Peer.Attached() || p.Forwards() && !is.Forwards()) {
			return true
		}
	}
	return false
}

// sender is the port a packet with the mark came by; empty when it came from beyond the VPC.
func (n *names) sender(mark uint32) world.ENIID { return n.byIndex[mark&kernel.MarkPortMask] }

// third tells whether the interface is a third party to what is from or for the address, which is not its own.
func (n *names) third(eni world.ENIID, a netip.Addr) bool {
	p := n.parties[eni]
	return p != nil && !p.Holds(a)
}

// origin is what refused a packet at the station, where the packet had the mark and was to leave by the interface.
func (n *names) origin(s fabric.Station, mark uint32, out string) fabric.Origin {
	o := fabric.Origin{Station: s, VPC: n.vpc, Gateway: n.gateway}
	switch s {
	case fabric.Spoof, fabric.SGOut:
		o.ENI = n.sender(mark)
	case fabric.SGIn, fabric.DestCheck:
		o.ENI = n.ports[out]
	case fabric.ACLOut:
		o.Subnet = n.subnets[n.sender(mark)]
	case fabric.ACLIn:
		o.Subnet = n.subnets[n.ports[out]]
	case fabric.Listen:
		o.ENI, o.Endpoint = n.nat, n.endpoint
	case fabric.LinkIn:
		o.Gateway = n.gateways[out]
	}
	return o
}
