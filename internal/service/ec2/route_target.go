package ec2

import (
	"strings"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// route describes a user's route of a table. It is a blackhole when its target is gone or cannot be used, as it is in
// the fabric: an interface that is not attached to a running instance, a gateway that is not attached or does not work,
// a peering that is not active.
func (v *view) route(t world.RouteTable, r world.Route) ec2api.Route {
	out := ec2api.Route{Origin: new("CreateRoute")}
	if r.List != "" {
		out.DestinationPrefixListId = new(string(r.List))
	} else {
		out.DestinationCidrBlock = new(r.Destination.String())
	}
	works := false
	switch {
	case r.Internet != "":
		out.GatewayId = new(string(r.Internet))
		g, ok := v.w.InternetGateways.Get(r.Internet)
		works = ok && g.VPC == t.VPC
	case r.NAT != "":
		out.NatGatewayId = new(string(r.NAT))
		g, ok := v.w.NATGateways.Get(r.NAT)
		works = ok && g.Works()
	case r.Peering != "":
		out.VpcPeeringConnectionId = new(string(r.Peering))
		p, ok := v.w.Peerings.Get(r.Peering)
		works = ok && p.Active()
	default:
		out.NetworkInterfaceId = new(string(r.ENI))
		e, _ := v.w.ENIs.Get(r.ENI)
		if i, ok := v.w.Instances.Get(e.Attachment.Instance); ok {
			out.InstanceId, out.InstanceOwnerId = new(string(i.ID)), new(string(i.Account))
			works = i.Power == world.Running && !e.Attachment.Detaching
		}
	}
	if out.State = new("blackhole"); works {
		out.State = new("active")
	}
	return out
}

// given is how many targets a request names.
func (q routeRequest) given() int {
	n := 0
	for _, id := range q.others {
		if set(id) {
			n++
		}
	}
	for _, id := range []*string{q.gateway, q.instance, q.eni, q.nat, q.peering} {
		if set(id) {
			n++
		}
	}
	return n
}

// target finds what a request routes to; it must be in the table's VPC.
func (q routeRequest) target(tx *world.Tx, c world.Caller, t world.RouteTable) (world.Route, error) {
	switch n := q.given(); {
	case n == 0:
		return world.Route{}, awserr.EC2Code("MissingParameter", "The request must contain exactly one of gatewayId, natGatewayId, networkInterfaceId, "+
			"vpcPeeringConnectionId, vpcEndpointId, egressOnlyInternetGatewayId, transitGatewayId, localGatewayId, carrierGatewayId or instanceId")
	case n > 1:
		return world.Route{}, awserr.EC2Combination("The request must contain exactly one target")
	case set(q.gateway):
		return q.internetTarget(tx, c, t)
	case set(q.nat):
		return q.natTarget(tx, c, t)
	case set(q.peering):
		return q.peeringTarget(tx, c, t)
	}
	for noun, id := range q.others {
		if set(id) && noun == egressOnly {
			return world.Route{}, egressOnlyTarget(tx, c, t, id)
		}
		if set(id) {
			return world.Route{}, noTarget(noun, *id)
		}
	}
	e, r, err := q.eniTarget(tx, c)
	if err == nil && e.VPC != t.VPC {
		err = differentNetworks(string(t.ID), "interface "+string(e.ID))
	}
	return r, err
}

func (q routeRequest) internetTarget(tx *world.Tx, c world.Caller, t world.RouteTable) (world.Route, error) {
	id := *q.gateway
	switch {
	case id == "local":
		return world.Route{}, unsupported("The local routes are there already; others cannot lead to local.")
	case strings.HasPrefix(id, "vpce-"):
		return world.Route{}, noTarget("vpc-endpoint", id)
	case !strings.HasPrefix(id, "igw-") && !strings.HasPrefix(id, "vgw-"):
		return world.Route{}, awserr.EC2Malformed("gateway", id)
	}
	g, ok := tx.InternetGateways.Get(world.InternetGatewayID(id))
	switch {
	case !ok || !g.OwnedBy(c):
		return world.Route{}, awserr.EC2NotFound("gateway", id)
	case g.VPC != t.VPC:
		return world.Route{}, differentNetworks(string(t.ID), "network gateway "+id)
	}
	return world.Route{Internet: g.ID}, nil
}

func (q routeRequest) natTarget(tx *world.Tx, c world.Caller, t world.RouteTable) (world.Route, error) {
	if err := awserr.EC2CheckID("nat-gateway", *q.nat); err != nil {
		return world.Route{}, awserr.EC2Code("InvalidNatGatewayID.Malformed", "Invalid id: %q (expecting \"nat-...\")", *q.nat)
	}
	g, ok := tx.NATGateways.Get(world.NATGatewayID(*q.nat))
	switch {
	case !ok || !g.OwnedBy(c) || !g.Works():
		return world.Route{}, awserr.EC2Code("InvalidNatGatewayID.NotFound", "The natGateway ID '%s' does not exist", *q.nat)
	case g.VPC != t.VPC:
		return world.Route{}, differentNetworks(string(t.ID), "NAT gateway "+string(g.ID))
	}
	return world.Route{NAT: g.ID}, nil
}

// peeringTarget takes a request for a peering too: the route is a blackhole until it is accepted.
func (q routeRequest) peeringTarget(tx *world.Tx, c world.Caller, t world.RouteTable) (world.Route, error) {
	p, err := findPeering(tx, c, q.peering)
	switch {
	case err != nil:
		return world.Route{}, err
	case !p.Active() && p.Status != peeringPending:
		return world.Route{}, awserr.EC2NotFound("vpc-peering-connection", string(p.ID))
	case !p.Joins(t.VPC):
		return world.Route{}, differentNetworks(string(t.ID), "VPC peering connection "+string(p.ID))
	}
	return world.Route{Peering: p.ID}, nil
}

func (q routeRequest) eniTarget(tx *world.Tx, c world.Caller) (world.ENI, world.Route, error) {
	if set(q.eni) {
		e, err := find(&tx.ENIs, c, "network-interface", q.eni)
		return e, world.Route{ENI: e.ID, Instance: e.Attachment.Instance}, err
	}
	i, err := find(&tx.Instances, c, "instance", q.instance)
	if err != nil {
		return world.ENI{}, world.Route{}, err
	}
	enis := tx.ENIsOf(i.ID)
	switch len(enis) {
	case 0:
		return world.ENI{}, world.Route{}, awserr.EC2NotFound("instance", string(i.ID))
	case 1:
		return enis[0], world.Route{ENI: enis[0].ID, Instance: i.ID}, nil
	}
	return world.ENI{}, world.Route{}, awserr.EC2Code("InvalidInstanceID", "There are multiple interfaces attached to instance '%s'. Please specify an "+
		"interface ID for the operation instead.", i.ID)
}

// egressOnly is what errors call egress-only internet gateways.
const egressOnly = "egress only internet gateway"

// egressOnlyTarget refuses a route to an egress-only internet gateway: what it is for has no IPv6.
func egressOnlyTarget(tx *world.Tx, c world.Caller, t world.RouteTable, id *string) error {
	g, err := find(&tx.EgressOnlyGateways, c, "egress-only-internet-gateway", id)
	switch {
	case err != nil:
		return err
	case g.VPC != t.VPC:
		return differentNetworks(string(t.ID), "network gateway "+string(g.ID))
	}
	return awserr.EC2InvalidValue("The gateway " + string(g.ID) + " carries IPv6 only, and the network " + string(g.VPC) + " has no IPv6 CIDR block.")
}

// noTarget says that a target of a kind that is not built does not exist.
func noTarget(noun, id string) error {
	if noun == "vpc-endpoint" {
		if err := awserr.EC2CheckID(noun, id); err != nil {
			return err
		}
		return awserr.EC2NotFound(noun, id)
	}
	code := map[string]string{
		"transit gateway": "InvalidTransitGatewayID", "local gateway": "InvalidLocalGatewayID",
		"carrier gateway": "InvalidCarrierGatewayID", "core network ARN": "InvalidCoreNetworkArn", "ODB network ARN": "InvalidOdbNetworkArn",
	}[noun]
	return awserr.EC2Code(code+".NotFound", "The %s ID '%s' does not exist", noun, id)
}
