package lattice

import (
	"context"
	"slices"
	"strings"

	"kumiko/internal/api/latticeapi"
	"kumiko/internal/awserr"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// A resource endpoint association is what a VPC endpoint of type Resource has to its resource configuration. Its id is
// made of the endpoint's.

func resourceEndpointKind() kind {
	return kind{prefix: "rea", path: "resourceendpointassociation", noun: "RESOURCE_ENDPOINT_ASSOCIATION", field: "resourceEndpointAssociationIdentifier"}
}

func resourceEndpointID(e world.Endpoint) string {
	return "rea-" + strings.TrimPrefix(string(e.ID), "vpce-")
}

// resourceEndpoint tells whether the endpoint has an association with its configuration.
func resourceEndpoint(e world.Endpoint) bool {
	return e.Type == world.EndpointResource && e.Failure != disassociated
}

// disassociated is the failure of endpoints whose association the owner of the resource has ended.
const disassociated = "ResourceConfigurationDisassociated"

// ListResourceEndpointAssociations lists the resource endpoints of a configuration.
func (s *Service) ListResourceEndpointAssociations(_ context.Context, c world.Caller, in *latticeapi.ListResourceEndpointAssociationsInput) (*latticeapi.ListResourceEndpointAssociationsOutput, error) {
	id, err := configurationKind().id(c, in.ResourceConfigurationIdentifier)
	if err != nil {
		return nil, err
	}
	association, some, err := filterID(c, resourceEndpointKind(), in.ResourceEndpointAssociationIdentifier)
	if err != nil {
		return nil, err
	}
	v := s.look()
	cfg, _ := v.w.ResourceConfigurations.Get(world.ResourceConfigurationID(id))
	rows := v.w.Endpoints.Where(func(e world.Endpoint) bool {
		return (e.OwnedBy(c) || cfg.OwnedBy(c)) && named(in.ResourceConfigurationIdentifier, cfg.OwnARN()) && resourceEndpoint(e) && some && string(e.Configuration) == id && (association == "" || resourceEndpointID(e) == association) &&
			(in.VpcEndpointId == nil || string(e.ID) == *in.VpcEndpointId) && (in.VpcEndpointOwner == nil || string(e.Account) == *in.VpcEndpointOwner)
	})
	rows, next, err := listing.Page(listing.Lattice(), rows, world.Endpoint.RowID, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &latticeapi.ListResourceEndpointAssociationsOutput{Items: []latticeapi.ResourceEndpointAssociationSummary{}, NextToken: next}
	for _, e := range rows {
		out.Items = append(out.Items, latticeapi.ResourceEndpointAssociationSummary{
			Id: new(resourceEndpointID(e)), Arn: new(seenARN(c, resourceEndpointKind(), resourceEndpointID(e))),
			ResourceConfigurationId: new(string(cfg.ID)), ResourceConfigurationArn: new(cfg.OwnARN()), ResourceConfigurationName: &cfg.Name,
			VpcEndpointId: new(string(e.ID)), VpcEndpointOwner: new(string(e.Account)), CreatedBy: new(string(e.Account)), CreatedAt: &e.Created,
		})
	}
	return out, nil
}

// DeleteResourceEndpointAssociation takes a resource away from a VPC endpoint, which has failed from then on.
func (s *Service) DeleteResourceEndpointAssociation(ctx context.Context, c world.Caller, in *latticeapi.DeleteResourceEndpointAssociationInput) (*latticeapi.DeleteResourceEndpointAssociationOutput, error) {
	k := resourceEndpointKind()
	id, err := k.id(c, in.ResourceEndpointAssociationIdentifier)
	if err != nil {
		return nil, err
	}
	var e world.Endpoint
	v, err := s.update(ctx, func(tx *world.Tx) error {
		var ok bool
		e, ok = tx.Endpoints.Get(world.EndpointID("vpce-" + strings.TrimPrefix(id, "rea-")))
		cfg, _ := tx.ResourceConfigurations.Get(e.Configuration)
		if !ok || !e.OwnedBy(c) && !cfg.OwnedBy(c) || !resourceEndpoint(e) {
			return awserr.LatticeNotFound(k.noun, value(in.ResourceEndpointAssociationIdentifier))
		}
		e.Failure, e.Message = disassociated, "The owner of the resource configuration has ended its association with the endpoint."
		tx.Touch(&e.Meta)
		tx.Endpoints.Put(e)
		for _, a := range slices.Collect(tx.EndpointAssociations.In(string(e.ID))) {
			a.Failure = disassociated
			tx.Touch(&a.Meta)
			tx.EndpointAssociations.Put(a)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	cfg, _ := v.w.ResourceConfigurations.Get(e.Configuration)
	return &latticeapi.DeleteResourceEndpointAssociationOutput{
		Id: new(resourceEndpointID(e)), Arn: new(seenARN(c, k, resourceEndpointID(e))), ResourceConfigurationId: new(string(cfg.ID)),
		ResourceConfigurationArn: new(cfg.OwnARN()), VpcEndpointId: new(string(e.ID)),
	}, nil
}
