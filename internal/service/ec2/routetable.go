package ec2

import (
	"context"
	"slices"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// associationOf is the place of a subnet's association in a table, or -1.
func associationOf(t world.RouteTable, n world.SubnetID) int {
	return slices.IndexFunc(t.Associations, func(a world.RouteTableAssociation) bool { return a.Subnet == n && n != "" })
}

// CreateRouteTable makes a route table with nothing but the local routes.
func (s *Service) CreateRouteTable(ctx context.Context, c world.Caller, in *ec2api.CreateRouteTableInput) (*ec2api.CreateRouteTableOutput, error) {
	given, err := oneSpec(in.TagSpecifications, "route-table")
	if err != nil {
		return nil, err
	}
	var id string
	v, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		id, err = tokenCall{c, "CreateRouteTable", in.ClientToken, in}.once(tx, func() (string, error) {
			p, err := find(&tx.VPCs, c, "vpc", in.VpcId)
			if err != nil {
				return "", err
			}
			if len(tx.RouteTables.Where(func(t world.RouteTable) bool { return t.VPC == p.ID })) >= maxTables {
				return "", awserr.EC2Limit("RouteTableLimitExceeded", "The maximum number of route tables has been reached.")
			}
			p.NextTable++
			tx.VPCs.Put(p)
			t := world.RouteTable{ID: world.RouteTableID(tx.NewID("rtb")), Meta: tx.NewMeta(c, given), VPC: p.ID, Index: p.NextTable}
			tx.RouteTables.Put(t)
			return string(t.ID), nil
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	t, ok := v.w.RouteTables.Get(world.RouteTableID(id))
	if !ok {
		return nil, awserr.EC2NotFound("route-table", id) // made with this token before, and deleted since
	}
	return &ec2api.CreateRouteTableOutput{RouteTable: new(v.routeTable(t)), ClientToken: in.ClientToken}, nil
}

// routeTable describes a route table.
func (v *view) routeTable(t world.RouteTable) ec2api.RouteTable {
	return ec2api.RouteTable{
		RouteTableId: new(string(t.ID)), VpcId: new(string(t.VPC)), OwnerId: new(string(t.Account)), Tags: allTags(t.Meta),
		PropagatingVgws: []ec2api.PropagatingVgw{}, Routes: v.routes(t),
		Associations: each(t.Associations, func(a world.RouteTableAssociation) ec2api.RouteTableAssociation {
			out := ec2api.RouteTableAssociation{
				Main: new(a.Subnet == ""), RouteTableAssociationId: new(a.ID), RouteTableId: new(string(t.ID)), AssociationState: v.associationState(t),
			}
			if a.Subnet != "" {
				out.SubnetId = new(string(a.Subnet))
			}
			return out
		}),
	}
}

func (v *view) associationState(t world.RouteTable) *ec2api.RouteTableAssociationState {
	if v.seen.Ready(t.Rev, string(t.VPC)) {
		return &ec2api.RouteTableAssociationState{State: new("associated")}
	}
	return &ec2api.RouteTableAssociationState{State: new("associating")}
}

// DescribeRouteTables lists the caller's route tables.
func (s *Service) DescribeRouteTables(_ context.Context, c world.Caller, in *ec2api.DescribeRouteTablesInput) (*ec2api.DescribeRouteTablesOutput, error) {
	v := s.look(c)
	page, next, err := list(query{"route-table", in.RouteTableIds, in.Filters, in.MaxResults, in.NextToken, in.DryRun},
		mine(&v.w.RouteTables, c), v.tableFilters(), listing.EC2(5, 100))
	if err != nil {
		return nil, err
	}
	return &ec2api.DescribeRouteTablesOutput{RouteTables: each(page, v.routeTable), NextToken: next}, nil
}

func (v *view) tableFilters() listing.Filters[world.RouteTable] {
	type table = world.RouteTable
	associations := func(f func(table, world.RouteTableAssociation) string) func(table) []string {
		return func(t table) []string {
			return each(t.Associations, func(a world.RouteTableAssociation) string { return f(t, a) })
		}
	}
	routes := func(f func(ec2api.Route) *string) func(table) []string {
		return func(t table) []string {
			var out []string
			for _, r := range v.routes(t) {
				out = append(out, some(f(r))...)
			}
			return out
		}
	}
	f := map[string]func(table) []string{
		"route-table-id": one(func(t table) world.RouteTableID { return t.ID }),
		"vpc-id":         one(func(t table) world.VPCID { return t.VPC }),
		"owner-id":       one(func(t table) world.AccountID { return t.Account }),
		"association.main": associations(func(_ table, a world.RouteTableAssociation) string {
			if a.Subnet == "" {
				return "true"
			}
			return "false"
		}),
		"association.route-table-association-id": associations(func(_ table, a world.RouteTableAssociation) string { return a.ID }),
		"association.route-table-id":             associations(func(t table, _ world.RouteTableAssociation) string { return string(t.ID) }),
		"association.subnet-id":                  associations(func(_ table, a world.RouteTableAssociation) string { return string(a.Subnet) }),
		"route.destination-cidr-block":           routes(func(r ec2api.Route) *string { return r.DestinationCidrBlock }),
		"route.destination-prefix-list-id":       routes(func(r ec2api.Route) *string { return r.DestinationPrefixListId }),
		"route.gateway-id":                       routes(func(r ec2api.Route) *string { return r.GatewayId }),
		"route.instance-id":                      routes(func(r ec2api.Route) *string { return r.InstanceId }),
		"route.origin":                           routes(func(r ec2api.Route) *string { return r.Origin }),
		"route.nat-gateway-id":                   routes(func(r ec2api.Route) *string { return r.NatGatewayId }),
		"route.vpc-peering-connection-id":        routes(func(r ec2api.Route) *string { return r.VpcPeeringConnectionId }),
		"route.state":                            routes(func(r ec2api.Route) *string { return r.State }),
	}
	for _, name := range []string{"association.gateway-id", "route.destination-ipv6-cidr-block", "route.egress-only-internet-gateway-id",
		"route.transit-gateway-id"} {
		f[name] = never[table]
	}
	return listing.Filters[table]{Fields: f, Tags: ownTags(func(t table) world.Meta { return t.Meta })}
}

// DeleteRouteTable removes a table no subnet uses.
func (s *Service) DeleteRouteTable(ctx context.Context, c world.Caller, in *ec2api.DeleteRouteTableInput) (*ec2api.DeleteRouteTableOutput, error) {
	_, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		t, err := find(&tx.RouteTables, c, "route-table", in.RouteTableId)
		if err != nil {
			return err
		}
		if len(t.Associations) > 0 {
			return awserr.EC2Dependency("route-table", string(t.ID))
		}
		leaveTable(tx, t)
		tx.RouteTables.Delete(t.ID)
		return nil
	})
	return &ec2api.DeleteRouteTableOutput{}, err
}

// AssociateRouteTable makes a subnet use a table in place of the main one.
func (s *Service) AssociateRouteTable(ctx context.Context, c world.Caller, in *ec2api.AssociateRouteTableInput) (*ec2api.AssociateRouteTableOutput, error) {
	if val(in.GatewayId) != "" || val(in.PublicIpv4Pool) != "" {
		return nil, unsupported("Route tables of gateways and address pools are not built.")
	}
	var a world.RouteTableAssociation
	var t world.RouteTable
	v, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		var err error
		t, err = find(&tx.RouteTables, c, "route-table", in.RouteTableId)
		if err != nil {
			return err
		}
		if err := need("subnetId", in.SubnetId); err != nil {
			return err
		}
		n, err := find(&tx.Subnets, c, "subnet", in.SubnetId)
		if err != nil {
			return err
		}
		if n.VPC != t.VPC {
			return differentNetworks(string(t.ID), "subnet "+string(n.ID))
		}
		for o := range tx.RouteTables.All() {
			if associationOf(o, n.ID) < 0 {
				continue
			}
			return awserr.EC2Code("Resource.AlreadyAssociated", "the specified association for route table %s conflicts with an existing association", t.ID)
		}
		a = world.RouteTableAssociation{ID: tx.NewID("rtbassoc"), Subnet: n.ID}
		t = addAssociation(tx, t, a)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.AssociateRouteTableOutput{AssociationId: new(a.ID), AssociationState: v.associationState(t)}, nil
}

func differentNetworks(table, other string) error {
	return awserr.EC2Code("InvalidParameterValue", "route table %s and %s belong to different networks", table, other)
}

func addAssociation(tx *world.Tx, t world.RouteTable, a world.RouteTableAssociation) world.RouteTable {
	t.Associations = append(slices.Clone(t.Associations), a)
	t.Main = t.Main || a.Subnet == ""
	tx.Touch(&t.Meta)
	tx.RouteTables.Put(t)
	return t
}

func dropAssociation(tx *world.Tx, t world.RouteTable, i int) {
	if t.Associations[i].Subnet == "" {
		t.Main = false
	}
	t.Associations = slices.Delete(slices.Clone(t.Associations), i, i+1)
	tx.Touch(&t.Meta)
	tx.RouteTables.Put(t)
}

// findAssociation is the caller's table that has the association, and its place in it.
func findAssociation(tx *world.Tx, c world.Caller, id *string) (world.RouteTable, int, error) {
	if err := awserr.EC2CheckID("route-table-association", val(id)); err != nil {
		return world.RouteTable{}, 0, err
	}
	for t := range tx.RouteTables.All() {
		if i := slices.IndexFunc(t.Associations, func(a world.RouteTableAssociation) bool { return a.ID == *id }); i >= 0 && t.OwnedBy(c) {
			return t, i, nil
		}
	}
	return world.RouteTable{}, 0, awserr.EC2NotFound("route-table-association", *id)
}

// DisassociateRouteTable makes a subnet use its VPC's main table again.
func (s *Service) DisassociateRouteTable(ctx context.Context, c world.Caller, in *ec2api.DisassociateRouteTableInput) (*ec2api.DisassociateRouteTableOutput, error) {
	_, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		t, i, err := findAssociation(tx, c, in.AssociationId)
		if err != nil {
			return err
		}
		if t.Associations[i].Subnet == "" {
			return awserr.EC2InvalidValue("cannot disassociate the main route table association " + *in.AssociationId)
		}
		dropAssociation(tx, t, i)
		return nil
	})
	return &ec2api.DisassociateRouteTableOutput{}, err
}

// ReplaceRouteTableAssociation moves an association to another table of the VPC; that of the main table makes another
// one main.
func (s *Service) ReplaceRouteTableAssociation(ctx context.Context, c world.Caller, in *ec2api.ReplaceRouteTableAssociationInput) (*ec2api.ReplaceRouteTableAssociationOutput, error) {
	var id string
	var t world.RouteTable
	v, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		old, i, err := findAssociation(tx, c, in.AssociationId)
		if err != nil {
			return err
		}
		if t, err = find(&tx.RouteTables, c, "route-table", in.RouteTableId); err != nil {
			return err
		}
		if t.VPC != old.VPC {
			return differentNetworks(string(t.ID), "association "+*in.AssociationId)
		}
		a := old.Associations[i]
		dropAssociation(tx, old, i)
		t, _ = tx.RouteTables.Get(t.ID) // it may be the same one
		a.ID = tx.NewID("rtbassoc")
		id = a.ID
		t = addAssociation(tx, t, a)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.ReplaceRouteTableAssociationOutput{NewAssociationId: new(id), AssociationState: v.associationState(t)}, nil
}
