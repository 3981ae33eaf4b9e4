package lattice

import (
	"context"

	"kumiko/internal/api/latticeapi"
	"kumiko/internal/awserr"
	"kumiko/internal/fabric"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// CreateServiceNetworkServiceAssociation puts a service into a service network.
func (s *Service) CreateServiceNetworkServiceAssociation(ctx context.Context, c world.Caller, in *latticeapi.CreateServiceNetworkServiceAssociationInput) (*latticeapi.CreateServiceNetworkServiceAssociationOutput, error) {
	tags, err := tagsOf(in.Tags)
	if err != nil {
		return nil, err
	}
	q := request{c, "CreateServiceNetworkServiceAssociation", in.ClientToken, in}
	a, v, err := create(ctx, s, q, serviceAssociations, func(tx *world.Tx) (world.ServiceAssociation, error) {
		a := world.ServiceAssociation{ID: world.ServiceAssociationID(tx.NewID("snsa")), Meta: tx.NewMeta(c, tags), CreatedBy: c.Account}
		n, err := find(&tx.World, &tx.ServiceNetworks, c, networkKind().to("CreateServiceNetworkServiceAssociation"), in.ServiceNetworkIdentifier)
		if err != nil {
			return a, err
		}
		r, err := findService(&tx.World, c, in.ServiceIdentifier)
		if err != nil {
			return a, err
		}
		a.Network, a.Service = n.ID, r.ID
		have := 0
		for o := range tx.ServiceAssociations.In(string(n.ID)) {
			if have++; o.Service == r.ID {
				v := view{tx.World, s.store.Seen()}
				return a, awserr.LatticeConflict(serviceAssociationKind().noun, string(o.ID),
					"Service %s is already associated with ServiceNetwork %s (%s)", r.ID, n.ID, v.status(o.Meta, v.serviceAssociationScopes(o)))
			}
		}
		return a, servicesPerNetwork().leaves(have)
	})
	if err != nil {
		return nil, err
	}
	d := v.serviceAssociation(c, a)
	return &latticeapi.CreateServiceNetworkServiceAssociationOutput{Id: d.Id, Status: d.Status, Arn: d.Arn, CreatedBy: d.CreatedBy, DnsEntry: d.DnsEntry}, nil
}

func serviceAssociations(tx *world.Tx) *world.Table[world.ServiceAssociationID, world.ServiceAssociation] {
	return &tx.ServiceAssociations
}

// serviceAssociationScopes are those of the VPCs that use the network, of the VPCs of the service's targets, and of the proxy between them.
func (v view) serviceAssociationScopes(a world.ServiceAssociation) []string {
	scopes := []string{fabric.ProxyScope}
	for c := range v.w.VPCAssociations.In(string(a.Network)) {
		scopes = append(scopes, pointScopes(c.VPC)...)
	}
	for g := range v.w.LatticeTargetGroups.All() {
		for _, s := range v.w.UsersOf(g.ID) {
			if s == a.Service {
				scopes = append(scopes, pointScopes(g.VPC)...)
			}
		}
	}
	return scopes
}

// pointScopes are a VPC's own and that of its service point.
func pointScopes(v world.VPCID) []string { return []string{string(v), string(fabric.ServicePoint(v))} }

// serviceAssociation is what answers say of an association.
func (v view) serviceAssociation(c world.Caller, a world.ServiceAssociation) latticeapi.GetServiceNetworkServiceAssociationOutput {
	n, _ := v.w.ServiceNetworks.Get(a.Network)
	r, _ := v.w.LatticeServices.Get(a.Service)
	scopes := v.serviceAssociationScopes(a)
	return latticeapi.GetServiceNetworkServiceAssociationOutput{
		Id: new(string(a.ID)), Arn: new(seenARN(c, serviceAssociationKind(), string(a.ID))), Status: new(v.status(a.Meta, scopes)),
		CreatedBy: new(string(a.CreatedBy)), CreatedAt: &a.Created, ServiceId: new(string(r.ID)), ServiceName: &r.Name, ServiceArn: new(serviceARN(r)),
		ServiceNetworkId: new(string(n.ID)), ServiceNetworkName: &n.Name, ServiceNetworkArn: new(n.ARN()), DnsEntry: serviceName(r),
		FailureMessage: given(v.failure(scopes)),
	}
}

// GetServiceNetworkServiceAssociation describes one association.
func (s *Service) GetServiceNetworkServiceAssociation(_ context.Context, c world.Caller, in *latticeapi.GetServiceNetworkServiceAssociationInput) (*latticeapi.GetServiceNetworkServiceAssociationOutput, error) {
	v := s.look()
	a, err := findAssociation(&v.w, &v.w.ServiceAssociations, c, serviceAssociationKind(), in.ServiceNetworkServiceAssociationIdentifier)
	if err != nil {
		return nil, err
	}
	out := v.serviceAssociation(c, a)
	return &out, nil
}

// ListServiceNetworkServiceAssociations lists associations, of a network or of a service.
func (s *Service) ListServiceNetworkServiceAssociations(_ context.Context, c world.Caller, in *latticeapi.ListServiceNetworkServiceAssociationsInput) (*latticeapi.ListServiceNetworkServiceAssociationsOutput, error) {
	network, someNetwork, err := filterID(c, networkKind(), in.ServiceNetworkIdentifier)
	if err != nil {
		return nil, err
	}
	service, someService, err := filterID(c, serviceKind(), in.ServiceIdentifier)
	if err != nil {
		return nil, err
	}
	v := s.look()
	rows := v.w.ServiceAssociations.Where(func(a world.ServiceAssociation) bool {
		n, _ := v.w.ServiceNetworks.Get(a.Network)
		return someNetwork && someService && a.Region == c.Region && v.w.Sees(c, a) && (service == "" || service == string(a.Service)) &&
			(network == "" || network == string(a.Network) && named(in.ServiceNetworkIdentifier, n.ARN()))
	})
	rows, next, err := listing.Page(listing.Lattice(), rows, world.ServiceAssociation.RowID, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &latticeapi.ListServiceNetworkServiceAssociationsOutput{Items: []latticeapi.ServiceNetworkServiceAssociationSummary{}, NextToken: next}
	for _, a := range rows {
		d := v.serviceAssociation(c, a)
		out.Items = append(out.Items, latticeapi.ServiceNetworkServiceAssociationSummary{
			Id: d.Id, Status: d.Status, Arn: d.Arn, CreatedBy: d.CreatedBy, CreatedAt: d.CreatedAt, ServiceId: d.ServiceId, ServiceName: d.ServiceName,
			ServiceArn: d.ServiceArn, ServiceNetworkId: d.ServiceNetworkId, ServiceNetworkName: d.ServiceNetworkName, ServiceNetworkArn: d.ServiceNetworkArn, DnsEntry: d.DnsEntry,
		})
	}
	return out, nil
}

// DeleteServiceNetworkServiceAssociation takes a service out of a network. Doing it again changes nothing.
func (s *Service) DeleteServiceNetworkServiceAssociation(ctx context.Context, c world.Caller, in *latticeapi.DeleteServiceNetworkServiceAssociationInput) (*latticeapi.DeleteServiceNetworkServiceAssociationOutput, error) {
	k := serviceAssociationKind().to("DeleteServiceNetworkServiceAssociation")
	var a world.ServiceAssociation
	_, err := s.update(ctx, func(tx *world.Tx) (err error) {
		if a, err = findAssociation(&tx.World, &tx.ServiceAssociations, c, k, in.ServiceNetworkServiceAssociationIdentifier); err != nil || a.Deleting {
			return err
		}
		if !tx.Ends(c, a) {
			return denied(c, k, seenARN(c, k, string(a.ID)))
		}
		if v := (view{tx.World, s.store.Seen()}); !v.settled(a.Meta) {
			return awserr.LatticeConflict(k.noun, string(a.ID), "ServiceNetworkServiceAssociation %s is in state %s", a.ID, v.status(a.Meta, nil))
		}
		a.Deleting = true
		tx.Touch(&a.Meta)
		tx.ServiceAssociations.Put(a)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &latticeapi.DeleteServiceNetworkServiceAssociationOutput{Id: new(string(a.ID)), Arn: new(seenARN(c, k, string(a.ID))), Status: new(deleting)}, nil
}
