package imds

import (
	"cmp"
	"slices"

	"kumiko/internal/fabric"
	"kumiko/internal/world"
)

// view is what a server answers from: the VPC's ports and the World they were compiled of.
type view struct {
	vpc   *fabric.VPC
	world *world.World
}

// caller is the instance plugged into the VPC's port with the given index.
func (v *view) caller(port uint32) (world.Instance, bool) {
	i, ok := slices.BinarySearchFunc(v.vpc.Ports, port, func(p fabric.Port, index uint32) int { return cmp.Compare(p.Index, index) })
	if !ok || v.vpc.Ports[i].Peer.Host == "" {
		return world.Instance{}, false
	}
	host := v.vpc.Ports[i].Peer.Host
	eni, ok := v.world.ENIs.Get(v.vpc.Ports[i].ENI)
	if !ok || eni.Attachment.Instance != host {
		return world.Instance{}, false
	}
	return v.world.Instances.Get(host)
}

// enisOf are the ENIs plugged into the instance, by device index; some may be in other VPCs.
func (v *view) enisOf(id world.InstanceID) []world.ENI {
	return slices.DeleteFunc(v.world.ENIsOf(id), func(e world.ENI) bool { return e.Attachment.Detaching })
}
