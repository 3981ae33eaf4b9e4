package resolver

import (
	"context"
	"net/netip"
	"strings"

	"kumiko/internal/api/resolverapi"
	"kumiko/internal/awserr"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// requester is who AWS's Resolver manages interfaces as.
const requester = "amazon-aws"

func findSubnet(tx *world.Tx, c world.Caller, id string) (world.Subnet, error) {
	n, ok := tx.Subnets.Get(world.SubnetID(id))
	if !ok || !n.OwnedBy(c) {
		return n, awserr.ResolverInvalid("SubnetId", "The subnet %q doesn't exist in %s.", id, c.Region)
	}
	return n, nil
}

// addAddress makes the interface of a further address of an endpoint, with the given address or, when it is empty, any.
func addAddress(tx *world.Tx, c world.Caller, e *world.ResolverEndpoint, subnet, addr string) error {
	n, err := findSubnet(tx, c, subnet)
	if err != nil {
		return err
	}
	if n.VPC != e.VPC {
		return awserr.ResolverInvalid("SubnetId", "The subnet %s is not in %s, as the others are.", n.ID, e.VPC)
	}
	var addrs []netip.Addr
	if addr == "" {
		if addrs, err = tx.AllocateAddresses(n, 1); err != nil {
			return awserr.ResolverRefused("The subnet %s has no free IP address.", n.ID)
		}
	} else {
		a, err := netip.ParseAddr(addr)
		switch {
		case err != nil || !n.CIDR.Contains(a) || n.Reserved(a):
			return awserr.ResolverInvalid("Ip", "The IP address %q is not one of the subnet %s that can be used.", addr, n.ID)
		case tx.UsedAddresses(n.ID)[a]:
			return awserr.ResolverExists("IP address", "The IP address %s is in use.", a)
		}
		addrs = []netip.Addr{a}
	}
	x := tx.NewENI(c, n, addrs, e.Groups)
	x.Resolver, x.RequesterManaged, x.RequesterID = e.ID, true, requester
	x.Description = "Route 53 Resolver: " + string(e.ID) + ":" + addressID(x)
	x.Attachment.DeviceIndex = e.NextIP
	e.NextIP++
	tx.ENIs.Put(x)
	return nil
}

// addressID is the id of an address of an endpoint: that of its interface, by another name.
func addressID(e world.ENI) string { return "rni-" + strings.TrimPrefix(string(e.ID), "eni-") }

// AssociateResolverEndpointIpAddress gives an endpoint a further address.
func (s *Service) AssociateResolverEndpointIpAddress(ctx context.Context, c world.Caller, in *resolverapi.AssociateResolverEndpointIpAddressInput) (*resolverapi.AssociateResolverEndpointIpAddressOutput, error) {
	e, v, err := s.readdress(ctx, c, in.ResolverEndpointId, func(tx *world.Tx, e *world.ResolverEndpoint, have []world.ENI) error {
		if value(in.IpAddress.Ipv6) != "" {
			return awserr.ResolverUnbuilt("IPv6 at endpoints is")
		}
		if value(in.IpAddress.IpId) != "" {
			return awserr.ResolverInvalid("IpAddress", "The IP address %q is that of an endpoint already.", value(in.IpAddress.IpId))
		}
		if len(have) >= mostAddresses {
			return awserr.ResolverLimit("IP address", "An endpoint can have %d IP addresses.", mostAddresses)
		}
		return addAddress(tx, c, e, value(in.IpAddress.SubnetId), value(in.IpAddress.Ip))
	})
	if err != nil {
		return nil, err
	}
	return &resolverapi.AssociateResolverEndpointIpAddressOutput{ResolverEndpoint: new(v.endpoint(e))}, nil
}

// DisassociateResolverEndpointIpAddress takes an address from an endpoint, which keeps two at least.
func (s *Service) DisassociateResolverEndpointIpAddress(ctx context.Context, c world.Caller, in *resolverapi.DisassociateResolverEndpointIpAddressInput) (*resolverapi.DisassociateResolverEndpointIpAddressOutput, error) {
	e, v, err := s.readdress(ctx, c, in.ResolverEndpointId, func(tx *world.Tx, e *world.ResolverEndpoint, have []world.ENI) error {
		if len(have) <= leastAddresses {
			return awserr.ResolverRefused("An endpoint must have at least %d IP addresses.", leastAddresses)
		}
		for _, x := range have {
			if named(x, in.IpAddress) {
				x.Deleting = true
				tx.Touch(&x.Meta)
				tx.ENIs.Put(x)
				return nil
			}
		}
		return awserr.ResolverNotFound("IP address", value(in.IpAddress.IpId)+value(in.IpAddress.Ip))
	})
	if err != nil {
		return nil, err
	}
	return &resolverapi.DisassociateResolverEndpointIpAddressOutput{ResolverEndpoint: new(v.endpoint(e))}, nil
}

// named tells whether an address of an endpoint is the one a request names: by its id, or itself, and by nothing else.
func named(x world.ENI, u *resolverapi.IpAddressUpdate) bool {
	fits := func(given *string, has string) bool { return value(given) == "" || *given == has }
	return (value(u.IpId) != "" || value(u.Ip) != "") && value(u.Ipv6) == "" && fits(u.IpId, addressID(x)) && fits(u.Ip, x.Addr().String()) && fits(u.SubnetId, string(x.Subnet))
}

// readdress changes the addresses of an endpoint.
func (s *Service) readdress(ctx context.Context, c world.Caller, id *string, change func(*world.Tx, *world.ResolverEndpoint, []world.ENI) error) (world.ResolverEndpoint, view, error) {
	var e world.ResolverEndpoint
	v, err := s.update(ctx, func(tx *world.Tx) (err error) {
		if e, err = find(&tx.ResolverEndpoints, c, kindEndpoint, id); err != nil {
			return err
		}
		if e.Deleting {
			return awserr.ResolverRefused("The endpoint %s is being deleted.", e.ID)
		}
		var have []world.ENI
		for _, x := range tx.ENIsOfResolver(e.ID) {
			if !x.Deleting {
				have = append(have, x)
			}
		}
		if err := change(tx, &e, have); err != nil {
			return err
		}
		tx.Touch(&e.Meta)
		tx.ResolverEndpoints.Put(e)
		return nil
	})
	return e, v, err
}

// ListResolverEndpointIpAddresses lists the addresses of an endpoint.
func (s *Service) ListResolverEndpointIpAddresses(_ context.Context, c world.Caller, in *resolverapi.ListResolverEndpointIpAddressesInput) (*resolverapi.ListResolverEndpointIpAddressesOutput, error) {
	v := s.look()
	e, err := find(&v.w.ResolverEndpoints, c, kindEndpoint, in.ResolverEndpointId)
	if err != nil {
		return nil, err
	}
	rows, next, err := listing.Page(pager(), v.w.ENIsOfResolver(e.ID), world.ENI.RowID, in.MaxResults, in.NextToken)
	out := &resolverapi.ListResolverEndpointIpAddressesOutput{IpAddresses: []resolverapi.IpAddressResponse{}, NextToken: next, MaxResults: in.MaxResults}
	for _, x := range rows {
		out.IpAddresses = append(out.IpAddresses, resolverapi.IpAddressResponse{
			IpId: new(addressID(x)), SubnetId: new(string(x.Subnet)), Ip: new(x.Addr().String()), Status: new(v.addressStatus(x)),
			CreationTime: at(x.Created), ModificationTime: at(x.Updated),
		})
	}
	return out, err
}

func (v view) addressStatus(x world.ENI) string {
	switch {
	case x.Deleting:
		return "DETACHING"
	case v.ready(x.Meta, x.VPC):
		return "ATTACHED"
	}
	return "CREATING"
}
