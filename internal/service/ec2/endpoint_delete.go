package ec2

import (
	"context"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/store"
	"kumiko/internal/world"
)

// DeleteVpcEndpoints ends VPC endpoints. Those that cannot be found do not keep the others from being deleted.
func (s *Service) DeleteVpcEndpoints(ctx context.Context, c world.Caller, in *ec2api.DeleteVpcEndpointsInput) (*ec2api.DeleteVpcEndpointsOutput, error) {
	if len(in.VpcEndpointIds) == 0 {
		return nil, awserr.EC2MissingParameter("VpcEndpointId")
	}
	for _, id := range in.VpcEndpointIds {
		if err := awserr.EC2CheckID("vpc-endpoint", id); err != nil {
			return nil, err
		}
	}
	out := &ec2api.DeleteVpcEndpointsOutput{}
	_, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		out.Unsuccessful = []ec2api.UnsuccessfulItem{}
		for _, id := range in.VpcEndpointIds {
			e, ok := tx.Endpoints.Get(world.EndpointID(id))
			if !ok || !e.OwnedBy(c) {
				out.Unsuccessful = append(out.Unsuccessful, ec2api.UnsuccessfulItem{ResourceId: new(id), Error: &ec2api.UnsuccessfulItemError{
					Code: new("InvalidVpcEndpoint.NotFound"), Message: new("The Vpc Endpoint Id '" + id + "' does not exist"),
				}})
				continue
			}
			if !e.Deleting {
				e.Deleting = true
				tx.Touch(&e.Meta)
				tx.Endpoints.Put(e)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// endpointGone tells whether an endpoint that was asked to go is no longer in the kernel.
func endpointGone(e world.Endpoint, seen store.Seen) bool {
	return e.Deleting && seen.Ready(e.Rev, string(e.VPC), string(e.ID))
}

// finishEndpoint removes an endpoint the kernel no longer has, and its interfaces.
func finishEndpoint(tx *world.Tx, e world.Endpoint) {
	for _, n := range tx.ENIsOfEndpoint(e.ID) {
		deleteENI(tx, n)
	}
	tx.Endpoints.Delete(e.ID)
	tx.SettleEndpoints()
}
