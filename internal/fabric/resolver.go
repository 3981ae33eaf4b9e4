package fabric

import (
	"cmp"
	"maps"
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

// resolvers makes the Resolver endpoints of VPCs that are not as before, or whose endpoints are not.
func (c *compilation) resolvers() {
	stale := maps.Clone(c.changed)
	for id, s := range c.stale.vpcs {
		stale[id] = stale[id] || s.resolvers
	}
	var fresh []*ResolverEndpoint
	for id := range stale {
		for row := range c.w.ResolverEndpoints.In(string(id)) {
			if row.Deleting || !stale[id] {
				continue
			}
			e := &ResolverEndpoint{ID: row.ID, VPC: row.VPC, Outbound: row.Outbound}
			for _, p := range c.portsOf(c.out.VPC(id), string(row.ID)) {
				if p.Peer.Resolver == row.ID {
					e.Addrs = append(e.Addrs, p.Addrs...)
				}
			}
			slices.SortFunc(e.Addrs, netip.Addr.Compare)
			fresh = append(fresh, e)
		}
	}
	c.out.Resolvers = patched(c.prev.Resolvers, func(e *ResolverEndpoint) bool { return stale[e.VPC] }, fresh, func(a, b *ResolverEndpoint) int { return cmp.Compare(a.ID, b.ID) })
}

// forwards adds the Resolver rules associated with the VPC, and says whether its queries are written down.
func (c *compilation) forwards(v *VPC) {
	v.View.Rules, v.View.Logged = map[string]*Forward{}, false
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
