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

// assignment is a request for more addresses or prefixes: listed ones, or a number of them.
type assignment struct {
	addrs       []netip.Addr
	prefixes    []netip.Prefix
	count       int // addresses to choose
	prefixCount int // prefixes to choose
	move        bool
}

// readAssignment reads the one list or count that AssignPrivateIpAddresses is given.
func readAssignment(in *ec2api.AssignPrivateIpAddressesInput) (assignment, error) {
	a := assignment{count: int(val(in.SecondaryPrivateIpAddressCount)), prefixCount: int(val(in.Ipv4PrefixCount)), move: val(in.AllowReassignment)}
	given := 0
	for _, is := range []bool{len(in.PrivateIpAddresses) > 0, in.SecondaryPrivateIpAddressCount != nil, len(in.Ipv4Prefixes) > 0, in.Ipv4PrefixCount != nil} {
		if is {
			given++
		}
	}
	switch {
	case given == 0:
		return a, awserr.EC2Code("MissingParameter", "Either 'privateIpAddress', 'secondaryPrivateIpAddressCount', 'ipv4Prefix' or 'ipv4PrefixCount' should be provided.")
	case given > 1:
		return a, awserr.EC2Combination("The parameters 'privateIpAddress', 'secondaryPrivateIpAddressCount', 'ipv4Prefix' and 'ipv4PrefixCount' may not be used in combination")
	case in.SecondaryPrivateIpAddressCount != nil && (a.count < 1 || a.count > maxAddrs):
		return a, awserr.EC2InvalidParameter("secondaryPrivateIpAddressCount", itoa(a.count), "Expecting a value from 1 to "+itoa(maxAddrs)+".")
	case in.Ipv4PrefixCount != nil && (a.prefixCount < 1 || a.prefixCount > maxAddrs):
		return a, awserr.EC2InvalidParameter("ipv4PrefixCount", itoa(a.prefixCount), "Expecting a value from 1 to "+itoa(maxAddrs)+".")
	}
	var err error
	if a.addrs, err = parseAddrs(in.PrivateIpAddresses); err != nil {
		return a, err
	}
	a.prefixes, err = parseBlocks(in.Ipv4Prefixes)
	return a, err
}

func parseAddrs(texts []string) ([]netip.Addr, error) {
	var out []netip.Addr
	for _, s := range texts {
		a, err := parseAddr(s)
		if err != nil {
			return nil, err
		}
		if slices.Contains(out, a) {
			return nil, awserr.EC2InvalidParameter("privateIpAddress", s, "The address is given twice.")
		}
		out = append(out, a)
	}
	return out, nil
}

// parseBlocks reads /28 prefixes.
func parseBlocks(texts []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, s := range texts {
		p, err := parseCIDR("ipv4Prefix", s)
		if err != nil || p.Bits() != 28 {
			return nil, awserr.EC2InvalidParameter("ipv4Prefix", s, "Prefixes have a length of 28.")
		}
		if slices.Contains(out, p) {
			return nil, awserr.EC2InvalidParameter("ipv4Prefix", s, "The prefix is given twice.")
		}
		out = append(out, p)
	}
	return out, nil
}

// AssignPrivateIpAddresses gives an interface more private addresses, or /28 prefixes.
func (s *Service) AssignPrivateIpAddresses(ctx context.Context, c world.Caller, in *ec2api.AssignPrivateIpAddressesInput) (*ec2api.AssignPrivateIpAddressesOutput, error) {
	a, err := readAssignment(in)
	if err != nil {
		return nil, err
	}
	var old, now world.ENI
	_, err = s.update(ctx, c, nil, func(tx *world.Tx) error {
		if old, err = ownENI(tx, c, in.NetworkInterfaceId); err != nil {
			return err
		}
		now, err = a.assign(tx, old)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &ec2api.AssignPrivateIpAddressesOutput{NetworkInterfaceId: in.NetworkInterfaceId}
	if now := now.Addrs[len(old.Addrs):]; len(now) > 0 {
		out.AssignedPrivateIpAddresses = each(now, func(a netip.Addr) ec2api.AssignedPrivateIpAddress {
			return ec2api.AssignedPrivateIpAddress{PrivateIpAddress: new(a.String())}
		})
	}
	if now := now.Prefixes[len(old.Prefixes):]; len(now) > 0 {
		out.AssignedIpv4Prefixes = each(now, func(p netip.Prefix) ec2api.Ipv4PrefixSpecification {
			return ec2api.Ipv4PrefixSpecification{Ipv4Prefix: new(p.String())}
		})
	}
	return out, nil
}

// assign is the interface with what was asked for, put.
func (a assignment) assign(tx *world.Tx, e world.ENI) (world.ENI, error) {
	if err := a.takeOver(tx, e); err != nil {
		return e, err
	}
	n, _ := tx.Subnets.Get(e.Subnet)
	used := tx.UsedAddresses(e.Subnet)
	want := nic{
		subnet: n, reserved: slices.Collect(tx.SubnetReservations.In(string(n.ID))), addrs: a.addrs, prefixes: a.prefixes, prefixCount: a.prefixCount,
	}
	prefixes, err := choosePrefixes(want, used)
	if err != nil {
		return e, err
	}
	var addrs []netip.Addr
	if total := a.count + len(a.addrs); total > 0 {
		want.secondary = total - max(1, len(a.addrs)) // of a new interface, the first is not secondary
		if addrs, err = chooseAddrs(want, used); err != nil {
			return e, err
		}
	}
	e.Addrs, e.Prefixes = slices.Concat(e.Addrs, addrs), slices.Concat(e.Prefixes, prefixes)
	most := instanceType{addrs: maxAddrs}
	if i, ok := tx.Instances.Get(e.Attachment.Instance); ok {
		most, _ = findType(i.Type)
	}
	if err := checkSlots(slotsOf(e), most); err != nil {
		return e, err
	}
	tx.Touch(&e.Meta)
	tx.ENIs.Put(e)
	return e, nil
}

// takeOver frees the addresses asked for that other interfaces have, if that is allowed.
func (a assignment) takeOver(tx *world.Tx, e world.ENI) error {
	var taken []string
	for _, o := range slices.Collect(tx.ENIs.In(string(e.VPC))) {
		if o.Subnet != e.Subnet {
			continue
		}
		var moved []netip.Addr
		for _, addr := range a.addrs {
			switch at := slices.Index(o.Addrs, addr); {
			case at < 0:
			case o.ID == e.ID || !a.move:
				taken = append(taken, addr.String())
			case at == 0 || o.RequesterManaged || o.Account != e.Account:
				return awserr.EC2Code("InvalidIPAddress.InUse", "Address %s is in use.", addr)
			default:
				moved = append(moved, addr)
			}
		}
		if len(moved) > 0 {
			takeAddrs(tx, &o, moved)
			tx.ENIs.Put(o)
		}
	}
	if len(taken) > 0 {
		return awserr.EC2InvalidValue("[" + strings.Join(taken, ", ") + "] assigned, but move is not allowed.")
	}
	return nil
}

// takeAddrs takes addresses from an interface; elastic addresses that stood for them stand for nothing.
func takeAddrs(tx *world.Tx, e *world.ENI, gone []netip.Addr) {
	freeAddresses(tx, *e, func(a world.Address) bool { return slices.Contains(gone, a.Private) })
	e.Addrs = slices.DeleteFunc(slices.Clone(e.Addrs), func(a netip.Addr) bool { return slices.Contains(gone, a) })
	tx.Touch(&e.Meta)
}

// UnassignPrivateIpAddresses takes secondary private addresses, or prefixes, from an interface.
func (s *Service) UnassignPrivateIpAddresses(ctx context.Context, c world.Caller, in *ec2api.UnassignPrivateIpAddressesInput) (*ec2api.UnassignPrivateIpAddressesOutput, error) {
	switch {
	case len(in.PrivateIpAddresses)+len(in.Ipv4Prefixes) == 0:
		return nil, awserr.EC2Code("MissingParameter", "Either 'privateIpAddress' or 'ipv4Prefix' should be provided.")
	case len(in.PrivateIpAddresses) > 0 && len(in.Ipv4Prefixes) > 0:
		return nil, awserr.EC2Combination("The parameter 'privateIpAddress' may not be used in combination with 'ipv4Prefix'")
	}
	addrs, err := parseAddrs(in.PrivateIpAddresses)
	if err != nil {
		return nil, err
	}
	blocks, err := parseBlocks(in.Ipv4Prefixes)
	if err != nil {
		return nil, err
	}
	_, err = s.update(ctx, c, nil, func(tx *world.Tx) error {
		e, err := ownENI(tx, c, in.NetworkInterfaceId)
		if err != nil {
			return err
		}
		if slices.Contains(addrs, e.Addr()) {
			return awserr.EC2InvalidParameter("privateIpAddress", e.Addr().String(), "Primary private addresses cannot be unassigned.")
		}
		if !holdsAll(e.Addrs, addrs) || !holdsAll(e.Prefixes, blocks) {
			return awserr.EC2InvalidValue("Some of [" + strings.Join(slices.Concat(in.PrivateIpAddresses, in.Ipv4Prefixes), ", ") +
				"] are not assigned to interface " + string(e.ID))
		}
		takeAddrs(tx, &e, addrs)
		e.Prefixes = slices.DeleteFunc(slices.Clone(e.Prefixes), func(p netip.Prefix) bool { return slices.Contains(blocks, p) })
		tx.ENIs.Put(e)
		return nil
	})
	return &ec2api.UnassignPrivateIpAddressesOutput{}, err
}

// holdsAll tells whether every one of some is in all.
func holdsAll[T comparable](all, some []T) bool {
	return !slices.ContainsFunc(some, func(s T) bool { return !slices.Contains(all, s) })
}
