package ec2

import (
	"context"
	"net/netip"
	"slices"
	"strings"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// latticeTarget is the gateway id of the routes that a service network's VPC association brings; clients know these
// routes by it.
const latticeTarget = "VpcLattice"

// routes describes the routes of a table: the local ones, the user's, and those to VPC Lattice.
func (v *view) routes(t world.RouteTable) []ec2api.Route {
	p, _ := v.w.VPCs.Get(t.VPC)
	out := each(p.CIDRs, func(a world.CIDRAssociation) ec2api.Route {
		return ec2api.Route{
			DestinationCidrBlock: new(a.CIDR.String()), GatewayId: new("local"), Origin: new("CreateRouteTable"), State: new("active"),
		}
	})
	for _, r := range t.Routes {
		out = append(out, v.route(r))
	}
	if v.w.VPCAssociations.Any(func(a world.VPCAssociation) bool {
		return a.VPC == t.VPC && !a.Deleting && v.seen.Ready(a.Rev, string(t.VPC))
	}) {
		for _, d := range []netip.Prefix{world.LatticeServices, world.LatticeResources} {
			out = append(out, ec2api.Route{
				DestinationCidrBlock: new(d.String()), GatewayId: new(latticeTarget), Origin: new("CreateRoute"), State: new("active"),
			})
		}
	}
	return out
}

// route describes a user's route. It is a blackhole when its interface is gone or not attached to a running instance.
func (v *view) route(r world.Route) ec2api.Route {
	out := ec2api.Route{DestinationCidrBlock: new(r.Destination.String()), NetworkInterfaceId: new(string(r.ENI)), Origin: new("CreateRoute"), State: new("blackhole")}
	e, ok := v.w.ENIs.Get(r.ENI)
	if !ok {
		return out
	}
	if i, ok := v.w.Instances.Get(e.Attachment.Instance); ok {
		out.InstanceId, out.InstanceOwnerId = new(string(i.ID)), new(string(i.Account))
		if i.Power == world.Running {
			out.State = new("active")
		}
	}
	return out
}

// routeRequest is what the operations on routes have in common.
type routeRequest struct {
	table, cidr, cidr6, list *string
	gateway, instance, eni   *string
	others                   map[string]*string // targets that are not built, by noun
}

// destination is the range a request is about.
func (q routeRequest) destination() (netip.Prefix, error) {
	switch {
	case val(q.cidr6) != "":
		return netip.Prefix{}, unsupported("IPv6 is not built: give a destinationCidrBlock.")
	case val(q.list) != "":
		return netip.Prefix{}, unsupported("Routes to prefix lists are not built: give a destinationCidrBlock.")
	case val(q.cidr) == "":
		return netip.Prefix{}, awserr.EC2MissingParameter("destinationCidrBlock")
	}
	return parseCIDR("destinationCidrBlock", *q.cidr)
}

// target finds what a request routes to: an interface in the table's VPC.
func (q routeRequest) target(tx *world.Tx, c world.Caller, t world.RouteTable) (world.Route, error) {
	given := 0
	for _, id := range q.others {
		if val(id) != "" {
			given++
		}
	}
	for _, id := range []*string{q.gateway, q.instance, q.eni} {
		if val(id) != "" {
			given++
		}
	}
	switch {
	case given == 0:
		return world.Route{}, awserr.EC2Code("MissingParameter", "The request must contain exactly one of gatewayId, natGatewayId, networkInterfaceId, "+
			"vpcPeeringConnectionId, vpcEndpointId, egressOnlyInternetGatewayId, transitGatewayId, localGatewayId, carrierGatewayId or instanceId")
	case given > 1:
		return world.Route{}, awserr.EC2Combination("The request must contain exactly one target")
	case val(q.gateway) != "":
		return world.Route{}, noGateway(*q.gateway)
	}
	for noun, id := range q.others {
		if val(id) != "" {
			return world.Route{}, noTarget(noun, *id)
		}
	}
	e, r, err := q.eniTarget(tx, c)
	if err == nil && e.VPC != t.VPC {
		err = differentNetworks(string(t.ID), "interface "+string(e.ID))
	}
	return r, err
}

func (q routeRequest) eniTarget(tx *world.Tx, c world.Caller) (world.ENI, world.Route, error) {
	if val(q.eni) != "" {
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

// noGateway says that a gateway does not exist; only VPCs' own routes lead to "local".
func noGateway(id string) error {
	if id == "local" {
		return unsupported("The local routes are there already; others cannot lead to local.")
	}
	if strings.HasPrefix(id, "vpce-") {
		return awserr.EC2NotFound("vpc-endpoint", id)
	}
	if !strings.HasPrefix(id, "igw-") && !strings.HasPrefix(id, "vgw-") {
		return awserr.EC2Malformed("gateway", id)
	}
	return awserr.EC2NotFound("gateway", id)
}

// noTarget says that a target of a kind that is not built does not exist.
func noTarget(noun, id string) error {
	switch noun {
	case "nat-gateway", "vpc-peering-connection", "vpc-endpoint":
		if err := awserr.EC2CheckID(noun, id); err != nil {
			return err
		}
		return awserr.EC2NotFound(noun, id)
	}
	code := map[string]string{
		"transit gateway": "InvalidTransitGatewayID", "egress only internet gateway": "InvalidGatewayID", "local gateway": "InvalidLocalGatewayID",
		"carrier gateway": "InvalidCarrierGatewayID", "core network ARN": "InvalidCoreNetworkArn", "ODB network ARN": "InvalidOdbNetworkArn",
	}[noun]
	return awserr.EC2Code(code+".NotFound", "The %s ID '%s' does not exist", noun, id)
}

// change runs f on the table of a request with the destination of the request.
func (s *Service) changeRoutes(ctx context.Context, c world.Caller, q routeRequest, dry *bool,
	f func(tx *world.Tx, t *world.RouteTable, d netip.Prefix, at int) error) error {
	d, err := q.destination()
	if err != nil {
		return err
	}
	_, err = s.update(ctx, c, dry, func(tx *world.Tx) error {
		t, err := find(&tx.RouteTables, c, "route-table", q.table)
		if err != nil {
			return err
		}
		t.Routes = slices.Clone(t.Routes)
		if err := f(tx, &t, d, slices.IndexFunc(t.Routes, func(r world.Route) bool { return r.Destination == d })); err != nil {
			return err
		}
		tx.Touch(&t.Meta)
		tx.RouteTables.Put(t)
		return nil
	})
	return err
}

// CreateRoute adds a route to an interface of the VPC.
func (s *Service) CreateRoute(ctx context.Context, c world.Caller, in *ec2api.CreateRouteInput) (*ec2api.CreateRouteOutput, error) {
	q := routeRequest{
		table: in.RouteTableId, cidr: in.DestinationCidrBlock, cidr6: in.DestinationIpv6CidrBlock, list: in.DestinationPrefixListId,
		gateway: in.GatewayId, instance: in.InstanceId, eni: in.NetworkInterfaceId,
		others: map[string]*string{
			"nat-gateway": in.NatGatewayId, "vpc-peering-connection": in.VpcPeeringConnectionId, "vpc-endpoint": in.VpcEndpointId,
			"transit gateway": in.TransitGatewayId, "egress only internet gateway": in.EgressOnlyInternetGatewayId,
			"local gateway": in.LocalGatewayId, "carrier gateway": in.CarrierGatewayId, "core network ARN": in.CoreNetworkArn, "ODB network ARN": in.OdbNetworkArn,
		},
	}
	err := s.changeRoutes(ctx, c, q, in.DryRun, func(tx *world.Tx, t *world.RouteTable, d netip.Prefix, at int) error {
		r, err := q.target(tx, c, *t)
		if err != nil {
			return err
		}
		if err := outsideVPC(tx, t.VPC, d); err != nil {
			return err
		}
		if at >= 0 {
			return awserr.EC2Code("RouteAlreadyExists", "The route identified by %s already exists.", d)
		}
		if len(t.Routes) >= maxRoutes {
			return awserr.EC2Limit("RouteLimitExceeded", "The maximum number of routes has been reached.")
		}
		r.Destination = d
		t.Routes = append(t.Routes, r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.CreateRouteOutput{Return: new(true)}, nil
}

// outsideVPC refuses destinations within the VPC: traffic between its subnets always takes the local routes.
func outsideVPC(tx *world.Tx, id world.VPCID, d netip.Prefix) error {
	p, _ := tx.VPCs.Get(id)
	for _, a := range p.CIDRs {
		if a.CIDR == d {
			return awserr.EC2Code("RouteAlreadyExists", "The route identified by %s already exists.", d)
		}
		if covers(a.CIDR, d) {
			return unsupported("Routes more specific than the local route " + a.CIDR.String() + " are not built.")
		}
	}
	return nil
}

// DeleteRoute removes a route of the user's.
func (s *Service) DeleteRoute(ctx context.Context, c world.Caller, in *ec2api.DeleteRouteInput) (*ec2api.DeleteRouteOutput, error) {
	q := routeRequest{table: in.RouteTableId, cidr: in.DestinationCidrBlock, cidr6: in.DestinationIpv6CidrBlock, list: in.DestinationPrefixListId}
	err := s.changeRoutes(ctx, c, q, in.DryRun, func(tx *world.Tx, t *world.RouteTable, d netip.Prefix, at int) error {
		if isLocal(tx, t.VPC, d) {
			return awserr.EC2Code("InvalidParameterValue", "cannot remove local route %s in route table %s", d, t.ID)
		}
		if at < 0 {
			return awserr.EC2Code("InvalidRoute.NotFound", "no route with destination-cidr-block %s in route table %s", d, t.ID)
		}
		t.Routes = slices.Delete(t.Routes, at, at+1)
		return nil
	})
	return &ec2api.DeleteRouteOutput{}, err
}

func isLocal(tx *world.Tx, id world.VPCID, d netip.Prefix) bool {
	p, _ := tx.VPCs.Get(id)
	return slices.ContainsFunc(p.CIDRs, func(a world.CIDRAssociation) bool { return a.CIDR == d })
}

// ReplaceRoute gives a route of the user's another target.
func (s *Service) ReplaceRoute(ctx context.Context, c world.Caller, in *ec2api.ReplaceRouteInput) (*ec2api.ReplaceRouteOutput, error) {
	q := routeRequest{
		table: in.RouteTableId, cidr: in.DestinationCidrBlock, cidr6: in.DestinationIpv6CidrBlock, list: in.DestinationPrefixListId,
		gateway: in.GatewayId, instance: in.InstanceId, eni: in.NetworkInterfaceId,
		others: map[string]*string{
			"nat-gateway": in.NatGatewayId, "vpc-peering-connection": in.VpcPeeringConnectionId, "vpc-endpoint": in.VpcEndpointId,
			"transit gateway": in.TransitGatewayId, "egress only internet gateway": in.EgressOnlyInternetGatewayId,
			"local gateway": in.LocalGatewayId, "carrier gateway": in.CarrierGatewayId, "core network ARN": in.CoreNetworkArn, "ODB network ARN": in.OdbNetworkArn,
		},
	}
	err := s.changeRoutes(ctx, c, q, in.DryRun, func(tx *world.Tx, t *world.RouteTable, d netip.Prefix, at int) error {
		local := isLocal(tx, t.VPC, d)
		if local && (val(in.LocalTarget) || val(in.GatewayId) == "local") {
			return nil // it is what it is
		}
		r, err := q.target(tx, c, *t)
		if err != nil {
			return err
		}
		if local {
			return unsupported("Local routes with another target are not built.")
		}
		if at < 0 {
			return awserr.EC2InvalidValue("There is no route defined for '" + d.String() + "' in the route table. Use CreateRoute instead.")
		}
		r.Destination = d
		t.Routes[at] = r
		return nil
	})
	return &ec2api.ReplaceRouteOutput{}, err
}
