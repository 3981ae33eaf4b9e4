package world

import "cmp"

// ResolverEndpoint is an endpoint of Route 53 Resolver: interfaces at which a VPC's names can be asked for, or from
// which its queries are forwarded.
type ResolverEndpoint struct {
	ID ResolverEndpointID
	Meta
	Name      string
	Outbound  bool
	VPC       VPCID
	Groups    []SecurityGroupID // guard its ENIs
	CreatorID string            // CreatorRequestId
	NextIP    int               // number that the next of its ENIs gets
}

// RowID is the endpoint's id.
func (e ResolverEndpoint) RowID() string { return string(e.ID) }

// Owner is the id of its VPC.
func (e ResolverEndpoint) Owner() string { return string(e.VPC) }

// ENIsOfResolver are the managed ENIs of a Resolver endpoint, those being taken away as well, in the order they were made.
func (w *World) ENIsOfResolver(id ResolverEndpointID) []ENI {
	row, _ := w.ResolverEndpoints.Get(id)
	var out []ENI
	for e := range w.ENIs.In(string(row.VPC)) {
		if e.Resolver == id {
			out = append(out, e)
		}
	}
	for a := 1; a < len(out); a++ {
		for b := a; b > 0 && cmp.Less(out[b].Attachment.DeviceIndex, out[b-1].Attachment.DeviceIndex); b-- {
			out[b], out[b-1] = out[b-1], out[b]
		}
	}
	return out
}
