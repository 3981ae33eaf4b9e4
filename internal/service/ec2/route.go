package ec2

import (
	"context"
	"net/netip"
	"slices"

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
		out = append(out, v.route(t, r))
	}
	out = append(out, v.endpointRoutes(t)...)
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

// routeRequest is what the operations on routes have in common.
type routeRequest struct {
	table, cidr, cidr6, list *string
	gateway, instance, eni   *string
	nat, peering             *string
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

// CreateRoute adds a route to an interface, a gateway or a peering of the VPC.
func (s *Service) CreateRoute(ctx context.Context, c world.Caller, in *ec2api.CreateRouteInput) (*ec2api.CreateRouteOutput, error) {
	q := routeRequest{
		table: in.RouteTableId, cidr: in.DestinationCidrBlock, cidr6: in.DestinationIpv6CidrBlock, list: in.DestinationPrefixListId,
		gateway: in.GatewayId, instance: in.InstanceId, eni: in.NetworkInterfaceId, nat: in.NatGatewayId, peering: in.VpcPeeringConnectionId,
		others: map[string]*string{
			"vpc-endpoint":    in.VpcEndpointId,
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
	if err := s.refuseEndpointRoute(c, in.RouteTableId, in.DestinationPrefixListId); err != nil {
		return nil, err
	}
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
		gateway: in.GatewayId, instance: in.InstanceId, eni: in.NetworkInterfaceId, nat: in.NatGatewayId, peering: in.VpcPeeringConnectionId,
		others: map[string]*string{
			"vpc-endpoint":    in.VpcEndpointId,
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
