package testkit

import (
	"slices"

	"kumiko/internal/fabric"
)

// Copy is f as if it had been compiled anew. Drivers take what is the same value for the same thing, so a test that changes a fabric by
// hand gives them copies.
func Copy(f *fabric.Fabric) *fabric.Fabric {
	out := *f
	out.VPCs = nil
	for _, v := range f.VPCs {
		out.VPCs = append(out.VPCs, CopyVPC(v))
	}
	out.Gateways, out.NATs, out.Endpoints = copies(f.Gateways), copies(f.NATs), copies(f.Endpoints)
	out.Public.Uplinks = slices.Clone(f.Public.Uplinks)
	return &out
}

// CopyVPC is a VPC as if it had been compiled anew; see [Copy].
func CopyVPC(v *fabric.VPC) *fabric.VPC {
	n := *v
	n.CIDRs, n.Subnets, n.Ports, n.Links = slices.Clone(v.CIDRs), slices.Clone(v.Subnets), slices.Clone(v.Ports), slices.Clone(v.Links)
	n.Groups, n.Tables, n.ACLs = slices.Clone(v.Groups), slices.Clone(v.Tables), slices.Clone(v.ACLs)
	n.Peerings, n.Gates, n.Uplink = slices.Clone(v.Peerings), slices.Clone(v.Gates), clone(v.Uplink)
	for i := range n.Groups {
		g := &n.Groups[i]
		g.Members, g.Ingress, g.Egress = slices.Clone(g.Members), slices.Clone(g.Ingress), slices.Clone(g.Egress)
	}
	return &n
}

func copies[T any](list []*T) []*T {
	var out []*T
	for _, v := range list {
		out = append(out, clone(v))
	}
	return out
}

func clone[T any](v *T) *T {
	if v == nil {
		return nil
	}
	n := *v
	return &n
}
