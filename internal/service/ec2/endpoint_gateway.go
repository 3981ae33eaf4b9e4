package ec2

import (
	"cmp"
	"slices"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// checkGateway looks at a request for a gateway endpoint.
func checkGateway(q *endpointRequest) error {
	in := q.in
	const kind = world.EndpointGateway
	if o := in.DnsOptions; o != nil && o.PrivateDnsOnlyForInboundResolverEndpoint != nil {
		return awserr.EC2Code("InvalidParameter", "DnsOptions PrivateDnsOnlyForInboundResolverEndpoint is applicable only to Interface VPC Endpoints.")
	}
	return cmp.Or(
		notBuilt("Endpoints to services of other regions are", set(in.ServiceRegion) && *in.ServiceRegion != q.c.Region),
		notThere("ServiceNetworkArn", set(in.ServiceNetworkArn), kind),
		notThere("ResourceConfigurationArn", set(in.ResourceConfigurationArn), kind),
		notThere("SubnetIds", len(in.SubnetIds)+len(in.SubnetConfigurations) > 0, kind),
		notThere("SecurityGroupIds", len(in.SecurityGroupIds) > 0, kind),
		notThere("PrivateDnsEnabled", val(in.PrivateDnsEnabled), kind),
		checkAddressType(in.IpAddressType),
		need("ServiceName", in.ServiceName),
		serviceOf(q.c, val(in.ServiceName), kind),
	)
}

// makeGateway puts routes to a gateway endpoint into the route tables asked for.
func makeGateway(q *endpointRequest, tx *world.Tx, e *world.Endpoint) error {
	e.Service = *q.in.ServiceName
	return addTables(tx, q.c, e, q.in.RouteTableIds)
}

// addTables gives further route tables a route to a gateway endpoint.
func addTables(tx *world.Tx, c world.Caller, e *world.Endpoint, ids []string) error {
	l, _ := e.GatewayList()
	e.RouteTables = slices.Clone(e.RouteTables)
	for _, id := range ids {
		t, err := find(&tx.RouteTables, c, "route-table", &id)
		if err != nil {
			return err
		}
		if t.VPC != e.VPC {
			return awserr.EC2Code("InvalidParameter", "Route table %s does not belong to VPC %s.", t.ID, e.VPC)
		}
		if slices.Contains(e.RouteTables, t.ID) {
			continue
		}
		for o := range tx.Endpoints.In(string(e.VPC)) {
			if o.ID != e.ID && o.Works() && o.Service == e.Service && slices.Contains(o.RouteTables, t.ID) {
				return awserr.EC2Code("RouteAlreadyExists", "route table %s already has a route with destination-prefix-list-id %s", t.ID, l.ID)
			}
		}
		e.RouteTables = append(e.RouteTables, t.ID)
	}
	return nil
}

// modifyGateway changes a gateway endpoint.
func modifyGateway(q *endpointChange, e *world.Endpoint) error {
	in := q.in
	const kind = world.EndpointGateway
	err := cmp.Or(
		notThere("SubnetIds", len(in.AddSubnetIds)+len(in.RemoveSubnetIds)+len(in.SubnetConfigurations) > 0, kind),
		notThere("SecurityGroupIds", len(in.AddSecurityGroupIds)+len(in.RemoveSecurityGroupIds) > 0, kind),
		notThere("PrivateDnsEnabled", val(in.PrivateDnsEnabled), kind),
		checkAddressType(in.IpAddressType),
	)
	if err != nil {
		return err
	}
	q.policy(e)
	for _, id := range in.RemoveRouteTableIds {
		t, err := find(&q.tx.RouteTables, q.c, "route-table", &id)
		if err != nil {
			return err
		}
		if !slices.Contains(e.RouteTables, t.ID) {
			return awserr.EC2Code("InvalidParameter", "Route table %s is not associated with VPC endpoint %s.", t.ID, e.ID)
		}
		e.RouteTables = slices.DeleteFunc(slices.Clone(e.RouteTables), func(r world.RouteTableID) bool { return r == t.ID })
	}
	return addTables(q.tx, q.c, e, in.AddRouteTableIds)
}

// describeGateway says what only gateway endpoints have.
func describeGateway(_ *view, e world.Endpoint, out *ec2api.VpcEndpoint) {
	out.PolicyDocument = new(cmp.Or(e.Policy, openGatewayPolicy))
	out.RouteTableIds = each(e.RouteTables, func(t world.RouteTableID) string { return string(t) })
	out.ServiceRegion, out.PrivateDnsEnabled = new(e.Region), new(false)
}

// openGatewayPolicy is the policy of a gateway endpoint that was given none.
const openGatewayPolicy = `{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`

// endpointRoutes describes the routes of a table to gateway endpoints.
func (v *view) endpointRoutes(t world.RouteTable) []ec2api.Route {
	var out []ec2api.Route
	for e := range v.w.Endpoints.In(string(t.ID)) {
		if l, ok := e.GatewayList(); ok && e.Works() {
			out = append(out, ec2api.Route{
				DestinationPrefixListId: new(string(l.ID)), GatewayId: new(string(e.ID)), Origin: new("CreateRoute"), State: new("active"),
			})
		}
	}
	return out
}

// refuseEndpointRoute refuses to change the route to a gateway endpoint: it goes with the table's association.
func (s *Service) refuseEndpointRoute(c world.Caller, table, list *string) error {
	if !set(list) {
		return nil
	}
	w := s.store.World()
	t, ok := w.RouteTables.Get(world.RouteTableID(val(table)))
	if !ok || !t.OwnedBy(c) {
		return nil
	}
	for _, r := range s.look(c).endpointRoutes(t) {
		if *r.DestinationPrefixListId == *list {
			return awserr.EC2InvalidValue("cannot remove VPC endpoint route " + *list + " in route table " + string(t.ID))
		}
	}
	return nil
}

// leaveTable takes a route table that goes out of the gateway endpoints of its VPC.
func leaveTable(tx *world.Tx, t world.RouteTable) {
	for _, e := range tx.Endpoints.Where(func(e world.Endpoint) bool { return slices.Contains(e.RouteTables, t.ID) }) {
		e.RouteTables = slices.DeleteFunc(slices.Clone(e.RouteTables), func(r world.RouteTableID) bool { return r == t.ID })
		tx.Touch(&e.Meta)
		tx.Endpoints.Put(e)
	}
}
