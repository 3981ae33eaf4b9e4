package ec2

import (
	"context"
	"net/netip"
	"slices"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// natAddition is a request for secondary addresses of a NAT gateway, which begins its conversations from all its
// addresses in turn. A public gateway's come with elastic addresses, one each.
type natAddition struct {
	ids   []string     // of elastic addresses
	addrs []netip.Addr // asked for
	count int          // of all
}

func readNATAddition(private bool, ids, addrs []string, count *int32) (natAddition, error) {
	out := natAddition{ids: ids, count: len(ids)}
	switch {
	case private && len(ids) > 0:
		return out, awserr.EC2Combination("Elastic IP addresses cannot be used with a private NAT gateway.")
	case !private && count != nil:
		return out, awserr.EC2Combination("The number of private addresses can be given for private NAT gateways only.")
	case !private && len(addrs) > 0 && len(addrs) != len(ids):
		return out, awserr.EC2Combination("The numbers of allocation IDs and of private IP addresses must be the same.")
	case count != nil && len(addrs) > 0:
		return out, awserr.EC2Combination("Private addresses and their number may not be given both.")
	case count != nil && (*count < 1 || *count >= maxNATAddresses):
		return out, awserr.EC2InvalidParameter("privateIpAddressCount", itoa(int(*count)), "Expecting a value from 1 to "+itoa(maxNATAddresses-1)+".")
	}
	out.count = max(out.count, len(addrs), int(val(count)))
	if out.count >= maxNATAddresses {
		return out, noRoomForNAT()
	}
	var err error
	out.addrs, err = parseAddrs(addrs)
	return out, err
}

func noRoomForNAT() error {
	return awserr.EC2Limit("NatGatewayAddressLimitExceeded", "The maximum number of addresses of a NAT gateway has been reached.")
}

// choose chooses the private addresses.
func (a natAddition) choose(n world.Subnet, used map[netip.Addr]bool) ([]netip.Addr, error) {
	if a.count == 0 {
		return nil, nil
	}
	return chooseAddrs(nic{subnet: n, addrs: a.addrs, secondary: a.count - max(1, len(a.addrs))}, used)
}

// allocations are the elastic addresses.
func (a natAddition) allocations(tx *world.Tx, c world.Caller) ([]world.Address, error) {
	var out []world.Address
	for _, id := range a.ids {
		x, err := find(&tx.Addresses, c, "address", &id)
		if err != nil {
			return nil, err
		}
		out = append(out, x)
	}
	return out, nil
}

// natAddresses describes the addresses of a gateway, as far as it has some.
func (v *view) natAddresses(g world.NATGateway) []ec2api.NatGatewayAddress {
	e, ok := v.w.ENIs.Get(g.ENI)
	if !ok {
		out := ec2api.NatGatewayAddress{IsPrimary: new(true)}
		if g.Allocation != "" {
			out.AllocationId = new(string(g.Allocation))
		}
		if g.Failure != "" {
			out.Status, out.FailureMessage = new("failed"), new(g.Message)
		}
		return []ec2api.NatGatewayAddress{out}
	}
	return each(e.Addrs, func(a netip.Addr) ec2api.NatGatewayAddress { return v.natAddress(g, e, a) })
}

func (v *view) natAddress(g world.NATGateway, e world.ENI, a netip.Addr) ec2api.NatGatewayAddress {
	out := ec2api.NatGatewayAddress{IsPrimary: new(a == e.Addr()), NetworkInterfaceId: new(string(e.ID)), PrivateIp: new(a.String())}
	switch {
	case a == e.Addr() && g.Works(), v.seen.Ready(e.Rev, string(g.VPC), string(g.ID)) && g.Works():
		out.Status = new("succeeded")
	case g.Works() && g.Private:
		out.Status = new("assigning")
	case g.Works():
		out.Status = new("associating")
	}
	if x := v.association(e, a); x != nil {
		out.PublicIp, out.AssociationId, out.AllocationId = x.PublicIp, x.AssociationId, x.AllocationId
	}
	return out
}

// natCall is a call about the addresses of a gateway, of the given kind.
type natCall struct {
	c       world.Caller
	id      *string
	private bool
	dry     *bool
	drain   *int32 // how long, at most, connections may go on
}

// natChange is a change of the addresses of a gateway that works.
type natChange struct {
	tx   *world.Tx
	c    world.Caller
	g    world.NATGateway
	e    world.ENI
	gone []ec2api.NatGatewayAddress // that were taken away, as they were
}

// changeNAT runs f on a gateway of the given kind, and describes the addresses it touched: those given, or gone.
func (s *Service) changeNAT(ctx context.Context, q natCall, f func(*natChange) ([]netip.Addr, error)) ([]ec2api.NatGatewayAddress, error) {
	if q.drain != nil && (*q.drain < 1 || *q.drain > 4000) {
		return nil, awserr.EC2InvalidParameter("maxDrainDurationSeconds", itoa(int(*q.drain)), "Expecting a value from 1 to 4000.")
	}
	var touched []netip.Addr
	var n natChange
	v, err := s.update(ctx, q.c, q.dry, func(tx *world.Tx) error {
		g, err := find(&tx.NATGateways, q.c, "nat-gateway", q.id)
		switch {
		case err != nil:
			return err
		case natForgotten(g, tx.Now):
			return awserr.EC2NotFound("nat-gateway", string(g.ID))
		case !g.Works():
			return awserr.EC2Code("IncorrectState", "NatGateway %s is not in a state in which its addresses can be changed.", g.ID)
		case g.Private != q.private:
			return awserr.EC2Combination("The operation is not for NAT gateways of this connectivity type.")
		}
		e, _ := tx.ENIs.Get(g.ENI)
		n = natChange{tx: tx, c: q.c, g: g, e: e}
		touched, err = f(&n)
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(n.gone) > 0 {
		return n.gone, nil
	}
	e, _ := v.w.ENIs.Get(n.e.ID)
	return each(touched, func(a netip.Addr) ec2api.NatGatewayAddress { return v.natAddress(n.g, e, a) }), nil
}

// give gives the gateway more addresses.
func (n *natChange) give(a natAddition) ([]netip.Addr, error) {
	subnet, _ := n.tx.Subnets.Get(n.g.Subnet)
	if len(n.e.Addrs)+a.count > maxNATAddresses {
		return nil, noRoomForNAT()
	}
	others, err := a.allocations(n.tx, n.c)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(others, inUse); i >= 0 {
		code, message := takenAddress(others[i])
		return nil, awserr.EC2Code(code, "%s", message)
	}
	addrs, err := a.choose(subnet, n.tx.UsedAddresses(subnet.ID))
	if err != nil {
		return nil, err
	}
	n.e.Addrs = append(slices.Clone(n.e.Addrs), addrs...)
	n.tx.Touch(&n.e.Meta)
	n.tx.ENIs.Put(n.e)
	for i, o := range others {
		associate(n.tx, o, n.e, addrs[i])
	}
	return addrs, nil
}

// take takes secondary addresses away; what goes by them ends.
func (n *natChange) take(addrs []netip.Addr, status string) error {
	v := &view{w: n.tx.World, c: n.c, now: n.tx.Now}
	for _, a := range addrs {
		if a == n.e.Addr() {
			return awserr.EC2InvalidParameter("privateIpAddress", a.String(), "The primary address of a NAT gateway cannot be taken away.")
		}
		was := v.natAddress(n.g, n.e, a)
		was.Status = &status
		n.gone = append(n.gone, was)
	}
	takeAddrs(n.tx, &n.e, addrs)
	n.tx.ENIs.Put(n.e)
	return nil
}

// AssociateNatGatewayAddress gives a public NAT gateway secondary addresses.
func (s *Service) AssociateNatGatewayAddress(ctx context.Context, c world.Caller, in *ec2api.AssociateNatGatewayAddressInput) (*ec2api.AssociateNatGatewayAddressOutput, error) {
	if set(in.AvailabilityZone) || set(in.AvailabilityZoneId) {
		return nil, unsupported("Regional NAT gateways are not built.")
	}
	if len(in.AllocationIds) == 0 {
		return nil, awserr.EC2MissingParameter("AllocationId")
	}
	a, err := readNATAddition(false, in.AllocationIds, in.PrivateIpAddresses, nil)
	if err != nil {
		return nil, err
	}
	out, err := s.changeNAT(ctx, natCall{c: c, id: in.NatGatewayId, dry: in.DryRun}, func(n *natChange) ([]netip.Addr, error) { return n.give(a) })
	if err != nil {
		return nil, err
	}
	return &ec2api.AssociateNatGatewayAddressOutput{NatGatewayId: in.NatGatewayId, NatGatewayAddresses: out}, nil
}

// DisassociateNatGatewayAddress takes secondary addresses from a public NAT gateway, at once: it does not wait for the
// connections that go by them.
func (s *Service) DisassociateNatGatewayAddress(ctx context.Context, c world.Caller, in *ec2api.DisassociateNatGatewayAddressInput) (*ec2api.DisassociateNatGatewayAddressOutput, error) {
	if len(in.AssociationIds) == 0 {
		return nil, awserr.EC2MissingParameter("AssociationId")
	}
	out, err := s.changeNAT(ctx, natCall{c: c, id: in.NatGatewayId, dry: in.DryRun, drain: in.MaxDrainDurationSeconds}, func(n *natChange) ([]netip.Addr, error) {
		var gone []netip.Addr
		for _, id := range in.AssociationIds {
			a, err := findAssociated(n.tx, c, &ec2api.DisassociateAddressInput{AssociationId: &id})
			if err != nil {
				return nil, err
			}
			if a.ENI != n.e.ID {
				return nil, awserr.EC2NotFound("address-association", id)
			}
			gone = append(gone, a.Private)
		}
		return nil, n.take(gone, "disassociating")
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.DisassociateNatGatewayAddressOutput{NatGatewayId: in.NatGatewayId, NatGatewayAddresses: out}, nil
}

// AssignPrivateNatGatewayAddress gives a private NAT gateway secondary addresses.
func (s *Service) AssignPrivateNatGatewayAddress(ctx context.Context, c world.Caller, in *ec2api.AssignPrivateNatGatewayAddressInput) (*ec2api.AssignPrivateNatGatewayAddressOutput, error) {
	a, err := readNATAddition(true, nil, in.PrivateIpAddresses, in.PrivateIpAddressCount)
	switch {
	case err != nil:
		return nil, err
	case a.count == 0:
		return nil, awserr.EC2MissingParameter("privateIpAddress")
	}
	out, err := s.changeNAT(ctx, natCall{c: c, id: in.NatGatewayId, private: true, dry: in.DryRun}, func(n *natChange) ([]netip.Addr, error) { return n.give(a) })
	if err != nil {
		return nil, err
	}
	return &ec2api.AssignPrivateNatGatewayAddressOutput{NatGatewayId: in.NatGatewayId, NatGatewayAddresses: out}, nil
}

// UnassignPrivateNatGatewayAddress takes secondary addresses from a private NAT gateway, at once: it does not wait for the
// connections that go by them.
func (s *Service) UnassignPrivateNatGatewayAddress(ctx context.Context, c world.Caller, in *ec2api.UnassignPrivateNatGatewayAddressInput) (*ec2api.UnassignPrivateNatGatewayAddressOutput, error) {
	addrs, err := parseAddrs(in.PrivateIpAddresses)
	switch {
	case err != nil:
		return nil, err
	case len(addrs) == 0:
		return nil, awserr.EC2MissingParameter("privateIpAddress")
	}
	out, err := s.changeNAT(ctx, natCall{c, in.NatGatewayId, true, in.DryRun, in.MaxDrainDurationSeconds}, func(n *natChange) ([]netip.Addr, error) {
		if !holdsAll(n.e.Addrs, addrs) {
			return nil, awserr.EC2InvalidParameter("privateIpAddress", addrs[0].String(), "It is not assigned to the NAT gateway "+string(n.g.ID)+".")
		}
		return nil, n.take(addrs, "unassigning")
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.UnassignPrivateNatGatewayAddressOutput{NatGatewayId: in.NatGatewayId, NatGatewayAddresses: out}, nil
}
