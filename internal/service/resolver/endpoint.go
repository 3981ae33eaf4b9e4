package resolver

import (
	"context"
	"slices"

	"kumiko/internal/api/resolverapi"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// How many addresses an endpoint has. (Route 53 Developer Guide, "Quotas on Route 53 Resolver".)
const leastAddresses, mostAddresses = 2, 6

// CreateResolverEndpoint makes an endpoint with a managed interface for each address.
func (s *Service) CreateResolverEndpoint(ctx context.Context, c world.Caller, in *resolverapi.CreateResolverEndpointInput) (*resolverapi.CreateResolverEndpointOutput, error) {
	if err := checkEndpoint(in); err != nil {
		return nil, err
	}
	tags, err := tagsOf(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	var e world.ResolverEndpoint
	v, err := s.update(ctx, func(tx *world.Tx) error {
		e = world.ResolverEndpoint{Meta: tx.NewMeta(c, tags), Name: value(in.Name), Outbound: *in.Direction == "OUTBOUND", CreatorID: *in.CreatorRequestId}
		e.ID = world.ResolverEndpointID(tx.NewID("rslvr-in"))
		if e.Outbound {
			e.ID = world.ResolverEndpointID(tx.NewID("rslvr-out"))
		}
		if err := once(&tx.ResolverEndpoints, c, kindEndpoint, e.CreatorID, func(o world.ResolverEndpoint) string { return o.CreatorID }); err != nil {
			return err
		}
		return placeEndpoint(tx, c, &e, in)
	})
	if err != nil {
		return nil, err
	}
	return &resolverapi.CreateResolverEndpointOutput{ResolverEndpoint: new(v.endpoint(e))}, nil
}

// checkEndpoint holds the rules that need no World.
func checkEndpoint(in *resolverapi.CreateResolverEndpointInput) error {
	if n := len(in.IpAddresses); n < leastAddresses || n > mostAddresses {
		return awserr.ResolverRefused("[RSLVR-00300] An endpoint must have from %d to %d IP addresses, not %d.", leastAddresses, mostAddresses, n)
	}
	switch *in.Direction {
	case "INBOUND", "OUTBOUND":
	case "INBOUND_DELEGATION":
		return awserr.ResolverUnbuilt("Delegation to inbound endpoints is")
	default:
		return awserr.ResolverInvalid("Direction", "The direction %q is not valid.", *in.Direction)
	}
	if value(in.OutpostArn) != "" || value(in.PreferredInstanceType) != "" {
		return awserr.ResolverUnbuilt("Endpoints on Outposts are")
	}
	if value(in.Dns64Enabled) || value(in.Ipv6InternetAccessEnabled) {
		return awserr.ResolverUnbuilt("IPv6 at endpoints is")
	}
	return checkTransport(in.ResolverEndpointType, in.Protocols)
}

// checkTransport refuses what endpoints here do not speak.
func checkTransport(kind *string, protocols []string) error {
	if k := value(kind); k != "" && k != "IPV4" {
		return awserr.ResolverUnbuilt("IPv6 at endpoints is")
	}
	if slices.ContainsFunc(protocols, func(p string) bool { return p != "Do53" }) {
		return awserr.ResolverUnbuilt("DNS over HTTPS is")
	}
	return nil
}

// placeEndpoint finds the endpoint's VPC and groups, makes its interfaces and puts it.
func placeEndpoint(tx *world.Tx, c world.Caller, e *world.ResolverEndpoint, in *resolverapi.CreateResolverEndpointInput) error {
	first, err := findSubnet(tx, c, value(in.IpAddresses[0].SubnetId))
	if err != nil {
		return err
	}
	e.VPC = first.VPC
	if len(in.SecurityGroupIds) == 0 {
		return awserr.ResolverInvalid("SecurityGroupIds", "An endpoint needs a security group.")
	}
	for _, id := range in.SecurityGroupIds {
		g, ok := tx.SecurityGroups.Get(world.SecurityGroupID(id))
		if !ok || !g.OwnedBy(c) || !tx.Carries(e.VPC, g) {
			return awserr.ResolverInvalid("SecurityGroupIds", "The security group %q doesn't exist in %s.", id, e.VPC)
		}
		e.Groups = append(e.Groups, g.ID)
	}
	for _, a := range in.IpAddresses {
		if value(a.Ipv6) != "" {
			return awserr.ResolverUnbuilt("IPv6 at endpoints is")
		}
		if err := addAddress(tx, c, e, value(a.SubnetId), value(a.Ip)); err != nil {
			return err
		}
	}
	tx.ResolverEndpoints.Put(*e)
	return nil
}

// endpoint describes an endpoint.
func (v view) endpoint(e world.ResolverEndpoint) resolverapi.ResolverEndpoint {
	count := int32(0)
	for _, n := range v.w.ENIsOfResolver(e.ID) {
		if !n.Deleting {
			count++
		}
	}
	return resolverapi.ResolverEndpoint{
		Id: new(string(e.ID)), Arn: arn(e.Meta, "resolver-endpoint", string(e.ID)), CreatorRequestId: new(e.CreatorID), Name: given(e.Name),
		SecurityGroupIds: plain(e.Groups), Direction: new(direction(e)), IpAddressCount: &count, HostVPCId: new(string(e.VPC)),
		Status: new(v.endpointStatus(e)), CreationTime: at(e.Created), ModificationTime: at(e.Updated),
		ResolverEndpointType: new("IPV4"), Protocols: []string{"Do53"},
	}
}

func direction(e world.ResolverEndpoint) string {
	if e.Outbound {
		return "OUTBOUND"
	}
	return "INBOUND"
}

func (v view) endpointStatus(e world.ResolverEndpoint) string {
	switch {
	case e.Deleting:
		return "DELETING"
	case v.ready(e.Meta, e.VPC):
		return "OPERATIONAL"
	case e.Updated.Equal(e.Created):
		return "CREATING"
	}
	return "UPDATING"
}

// GetResolverEndpoint describes one endpoint.
func (s *Service) GetResolverEndpoint(_ context.Context, c world.Caller, in *resolverapi.GetResolverEndpointInput) (*resolverapi.GetResolverEndpointOutput, error) {
	v := s.look()
	e, err := find(&v.w.ResolverEndpoints, c, kindEndpoint, in.ResolverEndpointId)
	if err != nil {
		return nil, err
	}
	return &resolverapi.GetResolverEndpointOutput{ResolverEndpoint: new(v.endpoint(e))}, nil
}

// ListResolverEndpoints lists the caller's endpoints.
func (s *Service) ListResolverEndpoints(_ context.Context, c world.Caller, in *resolverapi.ListResolverEndpointsInput) (*resolverapi.ListResolverEndpointsOutput, error) {
	v := s.look()
	rows, err := selected(&v.w.ResolverEndpoints, c, fields[world.ResolverEndpoint]{
		"CreatorRequestId": one(func(e world.ResolverEndpoint) string { return e.CreatorID }),
		"Direction":        one(direction),
		"HostVPCId":        one(func(e world.ResolverEndpoint) world.VPCID { return e.VPC }),
		"Name":             one(func(e world.ResolverEndpoint) string { return e.Name }),
		"SecurityGroupIds": func(e world.ResolverEndpoint) []string { return plain(e.Groups) },
		"Status":           one(v.endpointStatus),
	}, in.Filters)
	if err != nil {
		return nil, err
	}
	out, next, err := page(rows, v.endpoint, in.MaxResults, in.NextToken)
	return &resolverapi.ListResolverEndpointsOutput{ResolverEndpoints: out, NextToken: next, MaxResults: in.MaxResults}, err
}

// UpdateResolverEndpoint renames an endpoint; nothing else of it can be otherwise than it is.
func (s *Service) UpdateResolverEndpoint(ctx context.Context, c world.Caller, in *resolverapi.UpdateResolverEndpointInput) (*resolverapi.UpdateResolverEndpointOutput, error) {
	err := checkTransport(in.ResolverEndpointType, in.Protocols)
	if err == nil && (len(in.UpdateIpAddresses) > 0 || value(in.Dns64Enabled) || value(in.Ipv6InternetAccessEnabled)) {
		err = awserr.ResolverUnbuilt("IPv6 at endpoints is")
	}
	if err != nil {
		return nil, err
	}
	var e world.ResolverEndpoint
	v, err := s.update(ctx, func(tx *world.Tx) (err error) {
		if e, err = find(&tx.ResolverEndpoints, c, kindEndpoint, in.ResolverEndpointId); err != nil {
			return err
		}
		if in.Name != nil {
			e.Name, e.Updated = *in.Name, tx.Now
			tx.ResolverEndpoints.Put(e)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &resolverapi.UpdateResolverEndpointOutput{ResolverEndpoint: new(v.endpoint(e))}, nil
}

// DeleteResolverEndpoint takes an endpoint away that no rule uses, with its interfaces.
func (s *Service) DeleteResolverEndpoint(ctx context.Context, c world.Caller, in *resolverapi.DeleteResolverEndpointInput) (*resolverapi.DeleteResolverEndpointOutput, error) {
	var e world.ResolverEndpoint
	v, err := s.update(ctx, func(tx *world.Tx) (err error) {
		if e, err = find(&tx.ResolverEndpoints, c, kindEndpoint, in.ResolverEndpointId); err != nil || e.Deleting {
			return err
		}
		if tx.ResolverRules.Any(func(r world.ResolverRule) bool { return r.Endpoint == e.ID }) {
			return awserr.ResolverRefused("[RSLVR-00601] Cannot delete resolver endpoint unless its related resolver rules are deleted.")
		}
		e.Deleting = true
		tx.Touch(&e.Meta)
		tx.ResolverEndpoints.Put(e)
		for _, n := range tx.ENIsOfResolver(e.ID) {
			n.Deleting = true
			tx.Touch(&n.Meta)
			tx.ENIs.Put(n)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &resolverapi.DeleteResolverEndpointOutput{ResolverEndpoint: new(v.endpoint(e))}, nil
}
