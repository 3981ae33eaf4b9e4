package lattice

import (
	"context"

	"kumiko/internal/api/latticeapi"
	"kumiko/internal/awserr"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// There are no VPC endpoints and no Lattice services, so what lists their associations finds none; parameters are
// checked all the same.

// empty is the one page of an empty list.
func empty[T any](size *int32, token *string) ([]T, error) {
	_, _, err := listing.Page(listing.Lattice(), nil, func(T) string { return "" }, size, token)
	return []T{}, err
}

// ListServiceNetworkVpcEndpointAssociations lists the VPC endpoints of a network.
func (s *Service) ListServiceNetworkVpcEndpointAssociations(_ context.Context, c world.Caller, in *latticeapi.ListServiceNetworkVpcEndpointAssociationsInput) (*latticeapi.ListServiceNetworkVpcEndpointAssociationsOutput, error) {
	if _, err := networkKind().id(c, in.ServiceNetworkIdentifier); err != nil {
		return nil, err
	}
	items, err := empty[latticeapi.ServiceNetworkEndpointAssociation](in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	return &latticeapi.ListServiceNetworkVpcEndpointAssociationsOutput{Items: items}, nil
}

// ListServiceNetworkServiceAssociations lists the services of a network.
func (s *Service) ListServiceNetworkServiceAssociations(_ context.Context, c world.Caller, in *latticeapi.ListServiceNetworkServiceAssociationsInput) (*latticeapi.ListServiceNetworkServiceAssociationsOutput, error) {
	if _, _, err := filterID(c, networkKind(), in.ServiceNetworkIdentifier); err != nil {
		return nil, err
	}
	items, err := empty[latticeapi.ServiceNetworkServiceAssociationSummary](in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	return &latticeapi.ListServiceNetworkServiceAssociationsOutput{Items: items}, nil
}

// ListResourceEndpointAssociations lists the resource endpoints of a configuration.
func (s *Service) ListResourceEndpointAssociations(_ context.Context, c world.Caller, in *latticeapi.ListResourceEndpointAssociationsInput) (*latticeapi.ListResourceEndpointAssociationsOutput, error) {
	if _, err := configurationKind().id(c, in.ResourceConfigurationIdentifier); err != nil {
		return nil, err
	}
	items, err := empty[latticeapi.ResourceEndpointAssociationSummary](in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	return &latticeapi.ListResourceEndpointAssociationsOutput{Items: items}, nil
}

// DeleteResourceEndpointAssociation finds nothing to delete.
func (s *Service) DeleteResourceEndpointAssociation(_ context.Context, c world.Caller, in *latticeapi.DeleteResourceEndpointAssociationInput) (*latticeapi.DeleteResourceEndpointAssociationOutput, error) {
	k := kind{"rea", "resourceendpointassociation", "RESOURCE_ENDPOINT_ASSOCIATION", "resourceEndpointAssociationIdentifier"}
	if _, err := k.id(c, in.ResourceEndpointAssociationIdentifier); err != nil {
		return nil, err
	}
	return nil, awserr.LatticeNotFound(k.noun, value(in.ResourceEndpointAssociationIdentifier))
}
