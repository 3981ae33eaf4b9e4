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
	if holdsAny(v.w.VPCAssociations.In(string(t.VPC)), func(a world.VPCAssociation) bool {
		return !a.Deleting && v.seen.Ready(a.Rev, string(t.VPC))
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

// place is what a route is known by in its table: a range, or a prefix list.
type place struct {
	cidr netip.Prefix
	list world.PrefixListID
}

// String is the place as errors name it.
func (p place) String() string {
	if p.list != "" {
		return string(p.list)
	}
	return p.cidr.String()
}

// kind is the parameter that a place is given by.
func (p place) kind() string {
	if p.list != "" {
		return "prefix-list-id"
	}
	return "cidr-block"
}

// destination is what a request is about.
func (q routeRequest) destination(tx *world.Tx, c world.Caller, t world.RouteTable) (place, error) {
	n := 0
	for _, p := range []*string{q.cidr, q.cidr6, q.list} {
		if set(p) {
			n++
		}
	}
	switch {
	case n == 0:
		return place{}, awserr.EC2MissingParameter("destinationCidrBlock")
	case n > 1:
		return place{}, awserr.EC2Combination("The request must contain exactly one destination")
	case set(q.list):
		l, err := pickList((&view{w: tx.World, c: c}).lists(), q.list)
		if err == nil && l.Family != "IPv4" {
			err = awserr.EC2InvalidParameter("destinationPrefixListId", string(l.ID), "The network "+string(t.VPC)+" has no IPv6 CIDR block.")
		}
		return place{list: l.ID}, err
	case set(q.cidr6):
		p, err := netip.ParsePrefix(*q.cidr6)
		if err != nil || !p.Addr().Is6() {
			return place{}, awserr.EC2InvalidParameter("destinationIpv6CidrBlock", *q.cidr6, "This is not a valid IPv6 CIDR block.")
		}
		return place{}, awserr.EC2InvalidParameter("destinationIpv6CidrBlock", *q.cidr6, "The network "+string(t.VPC)+" has no IPv6 CIDR block.")
	}
	p, err := parseCIDR("destinationCidrBlock", *q.cidr)
	return place{cidr: p}, err
}

// changeRoutes runs f on the table of a request with the destination of the request, and where the table has it, or -1.
func (s *Service) changeRoutes(ctx context.Context, c world.Caller, q routeRequest, dry *bool,
	f func(tx *world.Tx, t *world.RouteTable, d place, at int) error) error {
	_, err := s.update(ctx, c, dry, func(tx *world.Tx) error {
		t, err := find(&tx.RouteTables, c, "route-table", q.table)
		if err != nil {
			return err
		}
		d, err := q.destination(tx, c, t)
		if err != nil {
			return err
		}
		t.Routes = slices.Clone(t.Routes)
		at := slices.IndexFunc(t.Routes, func(r world.Route) bool { return place{r.Destination, r.List} == d })
		if err := f(tx, &t, d, at); err != nil {
			return err
		}
		tx.Touch(&t.Meta)
		tx.RouteTables.Put(t)
		return nil
	})
	return err
}

// routesOf is how many routes of a table count, of its quota: a prefix list counts as its size.
func routesOf(tx *world.Tx, t world.RouteTable) int {
	n := 0
	for _, r := range t.Routes {
		l, _ := tx.PrefixList(t.Region, r.List)
		n += max(1, l.MaxEntries)
	}
	return n
}

// CreateRoute adds a route to an interface, a gateway or a peering of the VPC.
func (s *Service) CreateRoute(ctx context.Context, c world.Caller, in *ec2api.CreateRouteInput) (*ec2api.CreateRouteOutput, error) {
	q := routeRequest{
		table: in.RouteTableId, cidr: in.DestinationCidrBlock, cidr6: in.DestinationIpv6CidrBlock, list: in.DestinationPrefixListId,
		gateway: in.GatewayId, instance: in.InstanceId, eni: in.NetworkInterfaceId, nat: in.NatGatewayId, peering: in.VpcPeeringConnectionId,
		others: map[string]*string{
			"vpc-endpoint":    in.VpcEndpointId,
			"transit gateway": in.TransitGatewayId, egressOnly: in.EgressOnlyInternetGatewayId,
			"local gateway": in.LocalGatewayId, "carrier gateway": in.CarrierGatewayId, "core network ARN": in.CoreNetworkArn, "ODB network ARN": in.OdbNetworkArn,
		},
	}
	err := s.changeRoutes(ctx, c, q, in.DryRun, func(tx *world.Tx, t *world.RouteTable, d place, at int) error {
		r, err := q.target(tx, c, *t)
		if err != nil {
			return err
		}
		if at >= 0 || isLocal(tx, t.VPC, d) {
			return awserr.EC2Code("RouteAlreadyExists", "The route identified by %s already exists.", d)
		}
		if err := fits(tx, *t, d, r); err != nil {
			return err
		}
		r.Destination, r.List = d.cidr, d.list
		if t.Routes = append(t.Routes, r); routesOf(tx, *t) > maxRoutes {
			return awserr.EC2Limit("RouteLimitExceeded", "The maximum number of routes has been reached.")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.CreateRouteOutput{Return: new(true)}, nil
}

// serviceAddresses are link-local ones that AWS's services answer at; routes to them are refused. (Amazon VPC User Guide, "Route
// tables".)
var serviceAddresses = netip.MustParsePrefix("169.254.168.0/22")

// fits refuses routes to what AWS keeps for itself, and within the VPC but those of a whole subnet by way of an interface, an instance
// or a NAT gateway. (Amazon VPC User Guide, "Routing to a middlebox appliance".)
func fits(tx *world.Tx, t world.RouteTable, d place, r world.Route) error {
	if d.list == "" && covers(serviceAddresses, d.cidr) {
		return awserr.EC2InvalidParameter("destinationCidrBlock", d.String(), "It lies in the reserved range "+serviceAddresses.String()+".")
	}
	p, _ := tx.VPCs.Get(t.VPC)
	if d.list != "" || !slices.ContainsFunc(p.CIDRs, func(a world.CIDRAssociation) bool { return covers(a.CIDR, d.cidr) }) {
		return nil
	}
	if r.ENI == "" && r.NAT == "" {
		return awserr.EC2InvalidValue("The destination CIDR block " + d.String() + " is equal to or more specific than one of this VPC's CIDR blocks. " +
			"This route can target only an interface or an instance.")
	}
	for n := range tx.Subnets.In(string(t.VPC)) {
		if n.CIDR == d.cidr {
			return nil
		}
	}
	return awserr.EC2InvalidValue("The destination CIDR block " + d.String() + " is within the VPC's, but is no CIDR block of a subnet.")
}

// DeleteRoute removes a route of the user's.
func (s *Service) DeleteRoute(ctx context.Context, c world.Caller, in *ec2api.DeleteRouteInput) (*ec2api.DeleteRouteOutput, error) {
	if err := s.refuseEndpointRoute(c, in.RouteTableId, in.DestinationPrefixListId); err != nil {
		return nil, err
	}
	q := routeRequest{table: in.RouteTableId, cidr: in.DestinationCidrBlock, cidr6: in.DestinationIpv6CidrBlock, list: in.DestinationPrefixListId}
	err := s.changeRoutes(ctx, c, q, in.DryRun, func(tx *world.Tx, t *world.RouteTable, d place, at int) error {
		if isLocal(tx, t.VPC, d) {
			return awserr.EC2Code("InvalidParameterValue", "cannot remove local route %s in route table %s", d, t.ID)
		}
		if at < 0 {
			return awserr.EC2Code("InvalidRoute.NotFound", "no route with destination-%s %s in route table %s", d.kind(), d, t.ID)
		}
		t.Routes = slices.Delete(t.Routes, at, at+1)
		return nil
	})
	return &ec2api.DeleteRouteOutput{}, err
}

func isLocal(tx *world.Tx, id world.VPCID, d place) bool {
	p, _ := tx.VPCs.Get(id)
	return slices.ContainsFunc(p.CIDRs, func(a world.CIDRAssociation) bool { return a.CIDR == d.cidr })
}

// ReplaceRoute gives a route of the user's another target.
func (s *Service) ReplaceRoute(ctx context.Context, c world.Caller, in *ec2api.ReplaceRouteInput) (*ec2api.ReplaceRouteOutput, error) {
	q := routeRequest{
		table: in.RouteTableId, cidr: in.DestinationCidrBlock, cidr6: in.DestinationIpv6CidrBlock, list: in.DestinationPrefixListId,
		gateway: in.GatewayId, instance: in.InstanceId, eni: in.NetworkInterfaceId, nat: in.NatGatewayId, peering: in.VpcPeeringConnectionId,
		others: map[string]*string{
			"vpc-endpoint":    in.VpcEndpointId,
			"transit gateway": in.TransitGatewayId, egressOnly: in.EgressOnlyInternetGatewayId,
			"local gateway": in.LocalGatewayId, "carrier gateway": in.CarrierGatewayId, "core network ARN": in.CoreNetworkArn, "ODB network ARN": in.OdbNetworkArn,
		},
	}
	err := s.changeRoutes(ctx, c, q, in.DryRun, func(tx *world.Tx, t *world.RouteTable, d place, at int) error {
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
		if err := fits(tx, *t, d, r); err != nil {
			return err
		}
		r.Destination, r.List = d.cidr, d.list
		t.Routes[at] = r
		return nil
	})
	return &ec2api.ReplaceRouteOutput{}, err
}
