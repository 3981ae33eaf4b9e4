package lattice

import (
	"context"

	"kumiko/internal/api/latticeapi"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// ListServiceNetworkVpcEndpointAssociations lists the VPC endpoints of a network.
func (s *Service) ListServiceNetworkVpcEndpointAssociations(_ context.Context, c world.Caller, in *latticeapi.ListServiceNetworkVpcEndpointAssociationsInput) (*latticeapi.ListServiceNetworkVpcEndpointAssociationsOutput, error) {
	id, err := networkKind().id(c, in.ServiceNetworkIdentifier)
	if err != nil {
		return nil, err
	}
	v := s.look()
	n, _ := v.w.ServiceNetworks.Get(world.ServiceNetworkID(id))
	rows := v.w.Endpoints.Where(func(e world.Endpoint) bool {
		return e.Type == world.EndpointServiceNetwork && string(e.Network) == id && (e.OwnedBy(c) || n.OwnedBy(c)) && named(in.ServiceNetworkIdentifier, n.ARN())
	})
	rows, next, err := listing.Page(listing.Lattice(), rows, world.Endpoint.RowID, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &latticeapi.ListServiceNetworkVpcEndpointAssociationsOutput{Items: []latticeapi.ServiceNetworkEndpointAssociation{}, NextToken: next}
	for _, e := range rows {
		out.Items = append(out.Items, latticeapi.ServiceNetworkEndpointAssociation{
			VpcEndpointId: new(string(e.ID)), VpcId: new(string(e.VPC)), VpcEndpointOwnerId: new(string(e.Account)),
			State: new(v.endpointStatus(e)), ServiceNetworkArn: new(n.ARN()), CreatedAt: &e.Created,
		})
	}
	return out, nil
}

// endpointStatus is how far an endpoint is, in Lattice's words.
func (v view) endpointStatus(e world.Endpoint) string {
	if e.Failure != "" && !e.Deleting {
		return "CREATE_FAILED"
	}
	return v.status(e.Meta, []string{string(e.VPC), string(e.ID)})
}
