package world

import (
	"net/netip"
	"slices"
)

// Each ENI of an endpoint of a service network has a prefix of addresses for resources, and gets more when these are
// taken, up to so many resources; then there is another ENI. (AWS PrivateLink Guide, "Access service networks through
// AWS PrivateLink".)
const (
	endpointPrefixBits = 28
	resourcesPerENI    = 63
)

// leastENIs is how many ENIs an endpoint of a service network has at least, be it in one subnet. (As seen with AWS.)
const leastENIs = 2

// latticeRequester is the account that AWS's Lattice manages interfaces with, as DescribeNetworkInterfaces shows it.
const latticeRequester = "396074869647"

// PlaceEndpoint gives a new endpoint of VPC Lattice its ENIs, or none, and an Exhausted error, when a subnet lacks room.
func (tx *Tx) PlaceEndpoint(e Endpoint) error {
	n := len(e.Subnets)
	if e.Type == EndpointServiceNetwork {
		n = max(n, leastENIs)
	}
	var made []ENIID
	for i := range n {
		eni, err := tx.addEndpointENI(e, e.Subnets[i%len(e.Subnets)])
		if err != nil {
			for _, id := range made {
				tx.ENIs.Delete(id)
			}
			return err
		}
		made = append(made, eni.ID)
	}
	return nil
}

// addEndpointENI makes one more ENI of an endpoint.
func (tx *Tx) addEndpointENI(e Endpoint, id SubnetID) (ENI, error) {
	s, _ := tx.Subnets.Get(id)
	var prefixes []netip.Prefix
	if e.Type == EndpointServiceNetwork {
		p, err := tx.AllocatePrefix(s, endpointPrefixBits)
		if err != nil {
			return ENI{}, err
		}
		prefixes = append(prefixes, p)
	}
	addrs, err := tx.allocateOutside(s, prefixes)
	if err != nil {
		return ENI{}, err
	}
	eni := tx.NewENI(Caller{Account: e.Account, Region: e.Region}, s, addrs, e.Groups)
	eni.Endpoint, eni.Prefixes, eni.Description = e.ID, prefixes, "VPC Endpoint Interface "+string(e.ID)
	eni.RequesterManaged, eni.RequesterID = true, latticeRequester
	eni.Tags = []Tag{{Key: "VpcLatticeManaged", Value: "true"}}
	tx.ENIs.Put(eni)
	return eni, nil
}

// allocateOutside picks the lowest free address that lies in none of the prefixes.
func (w *World) allocateOutside(s Subnet, prefixes []netip.Prefix) ([]netip.Addr, error) {
	used := w.UsedAddresses(s.ID)
	for a := s.CIDR.Masked().Addr(); s.CIDR.Contains(a); a = a.Next() {
		in := slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(a) })
		if !in && !used[a] && !s.Reserved(a) && w.Unreserved(s.ID, a) {
			return []netip.Addr{a}, nil
		}
	}
	return nil, &Error{Kind: Exhausted, Noun: "subnet", ID: string(s.ID)}
}

// AllocatePrefix picks a free block of the subnet for an ENI: of the ranges that are reserved for that, else of what
// nothing is reserved of.
func (w *World) AllocatePrefix(s Subnet, bits int) (netip.Prefix, error) {
	used := w.UsedAddresses(s.ID)
	reserved := slices.Collect(w.SubnetReservations.In(string(s.ID)))
	for _, r := range reserved {
		if r.Explicit {
			continue
		}
		for p := range Blocks(r.CIDR, bits) {
			if PrefixFree(s, p, used) {
				return p, nil
			}
		}
	}
	for p := range Blocks(s.CIDR, bits) {
		kept := slices.ContainsFunc(reserved, func(r SubnetReservation) bool { return r.CIDR.Overlaps(p) })
		if !kept && PrefixFree(s, p, used) {
			return p, nil
		}
	}
	return netip.Prefix{}, &Error{Kind: Exhausted, Noun: "subnet", ID: string(s.ID)}
}

// endpointAddrs chooses the addresses of one more resource: at the ENI of a service network's endpoint that has the
// fewest; for an endpoint of a configuration one at each ENI, the primary one first. ENIs get what they lack for that.
func (tx *Tx) endpointAddrs(e Endpoint) ([]netip.Addr, error) {
	if !e.Works() {
		return nil, &Error{Kind: Exhausted, Noun: "vpc-endpoint", ID: string(e.ID)}
	}
	if e.Type == EndpointResource {
		return tx.addrAtEach(e)
	}
	loads := tx.loads(e.ID)
	for _, l := range loads {
		if len(l.free) > 0 && l.taken < resourcesPerENI {
			return l.free[:1], nil
		}
	}
	for _, l := range loads {
		if l.taken >= resourcesPerENI {
			continue
		}
		s, _ := tx.Subnets.Get(l.Subnet)
		if p, err := tx.AllocatePrefix(s, endpointPrefixBits); err == nil {
			eni := l.ENI
			eni.Prefixes = append(slices.Clone(eni.Prefixes), p)
			tx.Touch(&eni.Meta)
			tx.ENIs.Put(eni)
			return []netip.Addr{p.Addr()}, nil
		}
	}
	for _, id := range e.Subnets {
		if eni, err := tx.addEndpointENI(e, id); err == nil {
			return []netip.Addr{eni.Prefixes[0].Addr()}, nil
		}
	}
	return nil, &Error{Kind: Exhausted, Noun: "vpc-endpoint", ID: string(e.ID)}
}

// addrAtEach is a free address of each ENI, made if need be.
func (tx *Tx) addrAtEach(e Endpoint) ([]netip.Addr, error) {
	taken := tx.takenAddrs(e.ID)
	var out []netip.Addr
	var grown []ENI
	for _, eni := range tx.ENIsOfEndpoint(e.ID) {
		i := slices.IndexFunc(eni.Addrs, func(a netip.Addr) bool { return !taken[a] })
		if i >= 0 {
			out = append(out, eni.Addrs[i])
			continue
		}
		s, _ := tx.Subnets.Get(eni.Subnet)
		more, err := tx.AllocateAddresses(s, 1)
		if err != nil {
			return nil, err
		}
		eni.Addrs = append(slices.Clone(eni.Addrs), more...)
		out, grown = append(out, more...), append(grown, eni)
	}
	for _, eni := range grown {
		tx.Touch(&eni.Meta)
		tx.ENIs.Put(eni)
	}
	return out, nil
}

// releaseAddrs takes the secondary addresses of a resource that has gone from the ENIs.
func (tx *Tx) releaseAddrs(e Endpoint, a EndpointAssociation) {
	for _, eni := range tx.ENIsOfEndpoint(e.ID) {
		kept := slices.DeleteFunc(slices.Clone(eni.Addrs), func(x netip.Addr) bool { return x != eni.Addrs[0] && slices.Contains(a.Addrs, x) })
		if len(kept) < len(eni.Addrs) {
			eni.Addrs = kept
			tx.Touch(&eni.Meta)
			tx.ENIs.Put(eni)
		}
	}
}
