package fabric

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"kumiko/internal/world"
)

// ResolverEndpoint is an endpoint of Route 53 Resolver: a namespace with ENIs of its VPC. At an inbound one the VPC's
// resolver answers whoever reaches it; from an outbound one the queries leave that rules forward.
type ResolverEndpoint struct {
	ID       world.ResolverEndpointID
	VPC      world.VPCID
	Outbound bool
	Addrs    []netip.Addr // of its ENIs that are in the kernel, sorted
}

// resolverPeer is what the cable of an ENI of a Resolver endpoint ends in.
func (c *compilation) resolverPeer(e world.ENI) Peer {
	row, ok := c.w.ResolverEndpoints.Get(e.Resolver)
	if !ok || row.Deleting {
		return Peer{}
	}
	return Peer{Resolver: e.Resolver, Device: device(e.Attachment.DeviceIndex)}
}

// resolvers adds the Resolver endpoints.
func (c *compilation) resolvers() {
	for row := range c.w.ResolverEndpoints.All() {
		v := c.vpcs[row.VPC]
		if row.Deleting || v == nil {
			continue
		}
		e := &ResolverEndpoint{ID: row.ID, VPC: row.VPC, Outbound: row.Outbound}
		for _, p := range v.Ports {
			if p.Peer.Resolver == row.ID {
				e.Addrs = append(e.Addrs, p.Addrs...)
			}
		}
		slices.SortFunc(e.Addrs, netip.Addr.Compare)
		c.out.Resolvers = append(c.out.Resolvers, e)
	}
	slices.SortFunc(c.out.Resolvers, func(a, b *ResolverEndpoint) int { return cmp.Compare(a.ID, b.ID) })
}

// rules adds the Resolver rules associated with the VPC.
func (c *compilation) rules(v *VPC) {
	v.View.Rules = map[string]*Forward{}
	for a := range c.w.ResolverRuleAssociations.In(string(v.ID)) {
		r, ok := c.w.ResolverRules.Get(a.Rule)
		if ok && !a.Deleting && !r.Deleting {
			v.View.Rules[r.Domain] = &Forward{Rule: r.ID, Domain: r.Domain, System: r.System, Endpoint: r.Endpoint, Targets: r.Targets}
		}
	}
	for a := range c.w.QueryLogAssociations.In(string(v.ID)) {
		v.View.Logged = v.View.Logged || !a.Deleting
	}
}

// Resolver finds a Resolver endpoint of the fabric; nil when it is not there.
func (f *Fabric) Resolver(id world.ResolverEndpointID) *ResolverEndpoint {
	i, ok := slices.BinarySearchFunc(f.Resolvers, id, func(e *ResolverEndpoint, id world.ResolverEndpointID) int {
		return strings.Compare(string(e.ID), string(id))
	})
	if !ok {
		return nil
	}
	return f.Resolvers[i]
}
