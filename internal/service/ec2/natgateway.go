package ec2

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"time"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/service/listing"
	"kumiko/internal/store"
	"kumiko/internal/world"
)

// natShownFor is how long a NAT gateway that is gone, or could not be made, can still be described. (Amazon VPC User
// Guide, "Delete a NAT gateway".)
const natShownFor = time.Hour

// natState is the state of a NAT gateway in EC2's words.
func natState(g world.NATGateway, seen store.Seen) string {
	switch {
	case !g.DeletedAt.IsZero():
		return "deleted"
	case g.Failure != "":
		return "failed"
	case g.Deleting:
		return "deleting"
	case seen.Ready(g.Rev, string(g.VPC), string(g.ID)):
		return "available"
	}
	return "pending"
}

// natForgotten tells whether a NAT gateway is no longer to be seen.
func natForgotten(g world.NATGateway, now time.Time) bool {
	ended := g.DeletedAt
	if g.Failure != "" && ended.IsZero() {
		ended = g.Created
	}
	return !ended.IsZero() && now.Sub(ended) >= natShownFor
}

// natStep is what is to be done with a NAT gateway, nil if nothing is.
func natStep(g world.NATGateway, seen store.Seen, now time.Time) func(*world.Tx, world.NATGateway) {
	switch {
	case natForgotten(g, now):
		return func(tx *world.Tx, g world.NATGateway) { tx.NATGateways.Delete(g.ID) }
	case g.Deleting && g.DeletedAt.IsZero() && seen.Ready(g.Rev, string(g.VPC), string(g.ID)):
		return finishNAT
	}
	return nil
}

// finishNAT removes the interface of a gateway the kernel no longer has. Its address stays with the account.
func finishNAT(tx *world.Tx, g world.NATGateway) {
	if e, ok := tx.ENIs.Get(g.ENI); ok {
		deleteENI(tx, e)
	}
	g.DeletedAt = tx.Now
	tx.NATGateways.Put(g)
}

// liveNATs are the caller's NAT gateways that can be described.
func (v *view) liveNATs() []world.NATGateway {
	return v.w.NATGateways.Where(func(g world.NATGateway) bool { return g.OwnedBy(v.c) && !natForgotten(g, v.now) })
}

// natRequest is a checked request for a NAT gateway.
type natRequest struct {
	in   *ec2api.CreateNatGatewayInput
	c    world.Caller
	tags []world.Tag
	addr netip.Addr // asked for
	more natAddition
}

// CreateNatGateway makes a NAT gateway. One that cannot work is made all the same, and fails.
func (s *Service) CreateNatGateway(ctx context.Context, c world.Caller, in *ec2api.CreateNatGatewayInput) (*ec2api.CreateNatGatewayOutput, error) {
	q, err := checkNAT(c, in)
	if err != nil {
		return nil, err
	}
	var id string
	v, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		id, err = tokenCall{c, "CreateNatGateway", in.ClientToken, in}.once(tx, func() (string, error) { return q.make(tx) })
		return err
	})
	if err != nil {
		return nil, err
	}
	g, ok := v.w.NATGateways.Get(world.NATGatewayID(id))
	if !ok {
		return nil, awserr.EC2NotFound("nat-gateway", id) // made with this token before, and forgotten since
	}
	out := v.nat(g)
	if g.DeletedAt.IsZero() && !g.Deleting {
		out.State, out.FailureCode, out.FailureMessage = new("pending"), nil, nil
	}
	return &ec2api.CreateNatGatewayOutput{NatGateway: &out, ClientToken: in.ClientToken}, nil
}

func checkNAT(c world.Caller, in *ec2api.CreateNatGatewayInput) (*natRequest, error) {
	q := &natRequest{in: in, c: c}
	err := cmp.Or(
		oneOf("connectivityType", in.ConnectivityType, "public", "private"), oneOf("availabilityMode", in.AvailabilityMode, "zonal", "regional"),
		notBuilt("Regional NAT gateways are", val(in.AvailabilityMode) == "regional", set(in.VpcId), len(in.AvailabilityZoneAddresses) > 0),
		need("subnetId", in.SubnetId),
	)
	switch {
	case err != nil:
		return nil, err
	case q.private() && set(in.AllocationId):
		return nil, awserr.EC2Combination("The parameter AllocationId cannot be used with a private NAT gateway.")
	case !q.private():
		err = need("AllocationId", in.AllocationId)
	}
	if err == nil && set(in.PrivateIpAddress) {
		q.addr, err = parseAddr(*in.PrivateIpAddress)
	}
	if err == nil {
		q.more, err = readNATAddition(q.private(), in.SecondaryAllocationIds, in.SecondaryPrivateIpAddresses, in.SecondaryPrivateIpAddressCount)
	}
	if err == nil {
		q.tags, err = oneSpec(in.TagSpecifications, "natgateway")
	}
	return q, err
}

func (q *natRequest) private() bool { return val(q.in.ConnectivityType) == "private" }

// make makes the gateway and returns its id.
func (q *natRequest) make(tx *world.Tx) (string, error) {
	n, err := find(&tx.Subnets, q.c, "subnet", q.in.SubnetId)
	if err != nil {
		return "", err
	}
	g := world.NATGateway{ID: world.NATGatewayID(tx.NewID("nat")), Meta: tx.NewMeta(q.c, q.tags), VPC: n.VPC, Subnet: n.ID, Private: q.private()}
	var a world.Address
	if !g.Private {
		if a, err = find(&tx.Addresses, q.c, "address", q.in.AllocationId); err != nil {
			return "", err
		}
		g.Allocation = a.ID
	}
	if len(tx.NATGateways.Where(func(o world.NATGateway) bool { return o.OwnedBy(q.c) && o.Works() })) >= maxNATGateways {
		return "", awserr.EC2Limit("NatGatewayLimitExceeded", "The maximum number of NAT gateways has been reached.")
	}
	addrs, asked, err := q.addresses(tx, n)
	if err != nil && asked {
		return "", err
	}
	others, lost := q.more.allocations(tx, q.c)
	if lost != nil {
		return "", lost
	}
	_, uplink := tx.GatewayOfVPC(n.VPC)
	switch {
	case err != nil:
		g.Failure, g.Message = "InsufficientFreeAddressesInSubnet", "Subnet has insufficient free addresses to create this NAT gateway"
	case !g.Private && !uplink:
		g.Failure, g.Message = "Gateway.NotAttached", "Network "+string(n.VPC)+" has no Internet gateway attached"
	case !g.Private && a.Association != "":
		g.Failure, g.Message = takenAddress(a)
	case slices.ContainsFunc(others, inUse):
		g.Failure, g.Message = takenAddress(others[slices.IndexFunc(others, inUse)])
	default:
		e := q.eni(tx, n, addrs, g.ID)
		g.ENI = e.ID
		if !g.Private {
			for i, o := range append([]world.Address{a}, others...) {
				associate(tx, o, e, addrs[i])
			}
		}
	}
	tx.NATGateways.Put(g)
	return string(g.ID), nil
}

// addresses chooses the private addresses of the gateway, and tells whether some were asked for.
func (q *natRequest) addresses(tx *world.Tx, n world.Subnet) (addrs []netip.Addr, asked bool, err error) {
	x, used := nic{subnet: n}, tx.UsedAddresses(n.ID)
	if q.addr.IsValid() {
		x.addrs = []netip.Addr{q.addr}
	}
	if addrs, err = chooseAddrs(x, used); err == nil {
		var more []netip.Addr
		more, err = q.more.choose(n, used)
		addrs = append(addrs, more...)
	}
	return addrs, q.addr.IsValid() || len(q.more.addrs) > 0, err
}

func inUse(a world.Address) bool { return a.Association != "" }

// takenAddress is the failure of a gateway that was given an address something else has.
func takenAddress(a world.Address) (code, message string) {
	return "Resource.AlreadyAssociated", "Elastic IP address [" + string(a.ID) + "] is already associated"
}

// eni makes the interface of a gateway: nobody may change it, and no group guards it.
func (q *natRequest) eni(tx *world.Tx, n world.Subnet, addrs []netip.Addr, id world.NATGatewayID) world.ENI {
	e := tx.NewENI(q.c, n, addrs, nil)
	e.NAT, e.InterfaceType, e.Description = id, "nat_gateway", "Interface for NAT Gateway "+string(id)
	e.RequesterManaged, e.RequesterID, e.SourceDestCheck = true, managedOwner, false
	tx.ENIs.Put(e)
	return e
}

// nat describes a NAT gateway.
func (v *view) nat(g world.NATGateway) ec2api.NatGateway {
	kind := "public"
	if g.Private {
		kind = "private"
	}
	out := ec2api.NatGateway{
		NatGatewayId: new(string(g.ID)), VpcId: new(string(g.VPC)), SubnetId: new(string(g.Subnet)), State: new(natState(g, v.seen)),
		ConnectivityType: new(kind), CreateTime: new(g.Created), Tags: allTags(g.Meta), NatGatewayAddresses: v.natAddresses(g),
		AvailabilityMode: new("zonal"),
	}
	if g.Failure != "" {
		out.FailureCode, out.FailureMessage, out.DeleteTime = new(g.Failure), new(g.Message), new(g.Created)
	}
	if !g.DeletedAt.IsZero() {
		out.DeleteTime = new(g.DeletedAt)
	}
	return out
}

// DescribeNatGateways lists the caller's NAT gateways, those that are gone for an hour among them.
func (s *Service) DescribeNatGateways(_ context.Context, c world.Caller, in *ec2api.DescribeNatGatewaysInput) (*ec2api.DescribeNatGatewaysOutput, error) {
	v := s.look(c)
	filters := listing.Filters[world.NATGateway]{
		Tags: ownTags(func(g world.NATGateway) world.Meta { return g.Meta }),
		Fields: map[string]func(world.NATGateway) []string{
			"nat-gateway-id":    one(func(g world.NATGateway) world.NATGatewayID { return g.ID }),
			"state":             one(func(g world.NATGateway) string { return natState(g, v.seen) }),
			"subnet-id":         one(func(g world.NATGateway) world.SubnetID { return g.Subnet }),
			"vpc-id":            one(func(g world.NATGateway) world.VPCID { return g.VPC }),
			"connectivity-type": one(func(g world.NATGateway) string { return *v.nat(g).ConnectivityType }),
		},
	}
	page, next, err := list(query{"nat-gateway", in.NatGatewayIds, in.Filter, in.MaxResults, in.NextToken, in.DryRun},
		v.liveNATs(), filters, listing.EC2(5, 1000))
	if err != nil {
		return nil, err
	}
	return &ec2api.DescribeNatGatewaysOutput{NatGateways: each(page, v.nat), NextToken: next}, nil
}

// DeleteNatGateway ends a NAT gateway. Routes to it become blackholes; it can be described for another hour.
func (s *Service) DeleteNatGateway(ctx context.Context, c world.Caller, in *ec2api.DeleteNatGatewayInput) (*ec2api.DeleteNatGatewayOutput, error) {
	_, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		g, err := find(&tx.NATGateways, c, "nat-gateway", in.NatGatewayId)
		switch {
		case err != nil:
			return err
		case natForgotten(g, tx.Now):
			return awserr.EC2NotFound("nat-gateway", string(g.ID))
		case !g.DeletedAt.IsZero() || g.Deleting:
			return nil
		case g.Failure != "":
			g.DeletedAt = tx.Now
		}
		g.Deleting = true
		tx.Touch(&g.Meta)
		tx.NATGateways.Put(g)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.DeleteNatGatewayOutput{NatGatewayId: in.NatGatewayId}, nil
}
