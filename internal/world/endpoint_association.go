package world

import (
	"cmp"
	"math"
	"net/netip"
	"slices"
)

// EndpointAssociation is a resource of VPC Lattice at a VPC endpoint that leads to it: one for each resource of the
// endpoint's service network, or for the endpoint's own resource configuration, or for each child of that.
type EndpointAssociation struct {
	ID EndpointAssociationID
	Meta
	Endpoint      EndpointID
	Resource      ResourceAssociationID // of an endpoint of type ServiceNetwork
	Configuration ResourceConfigurationID
	Addrs         []netip.Addr // of the endpoint's ENIs, at which the resource is; they stay the same
	Failure       string       // code, when it has none
}

// RowID is the association's id.
func (a EndpointAssociation) RowID() string { return string(a.ID) }

// Owner is the id of its endpoint.
func (a EndpointAssociation) Owner() string { return string(a.Endpoint) }

// NoFreeAddresses is the failure of an endpoint, or of an association of it, for which the subnet has no room.
const NoFreeAddresses = "InsufficientFreeAddressesInSubnet"

// Lattice tells whether the endpoint leads to resources of VPC Lattice.
func (e Endpoint) Lattice() bool {
	return e.Type == EndpointResource || e.Type == EndpointServiceNetwork
}

// member is what an endpoint has an association for.
type member struct {
	resource      ResourceAssociationID
	configuration ResourceConfigurationID
}

// members are the resources an endpoint leads to, those that are about to go among them.
func (w *World) members(e Endpoint) []member {
	var out []member
	if e.Type == EndpointServiceNetwork {
		for r := range w.ResourceAssociations.In(string(e.Network)) {
			if r.Addr.IsValid() { // the association of a group is none itself
				out = append(out, member{r.ID, r.Configuration})
			}
		}
		return out
	}
	for c := range w.ResourceConfigurations.All() {
		if c.ID == e.Configuration && c.Type != ConfigurationGroup || c.Group == e.Configuration {
			out = append(out, member{configuration: c.ID})
		}
	}
	return out
}

// SettleEndpoints makes the associations of all endpoints those of the resources they lead to. Whoever changes such
// endpoints, or what is in service networks and groups of resources, calls it in the same transaction.
func (tx *Tx) SettleEndpoints() {
	for _, a := range tx.EndpointAssociations.Where(func(a EndpointAssociation) bool { return !tx.Endpoints.Has(a.Endpoint) }) {
		tx.EndpointAssociations.Delete(a.ID)
	}
	for _, e := range tx.Endpoints.Where(Endpoint.Lattice) {
		if !e.Deleting {
			tx.settle(e)
		}
	}
}

func (tx *Tx) settle(e Endpoint) {
	want := map[member]bool{}
	members := tx.members(e)
	for _, m := range members {
		want[m] = true
	}
	have := map[member]EndpointAssociation{}
	for _, a := range slices.Collect(tx.EndpointAssociations.In(string(e.ID))) {
		m := member{a.Resource, a.Configuration}
		if have[m] = a; !want[m] {
			tx.EndpointAssociations.Delete(a.ID)
			tx.releaseAddrs(e, a)
		}
	}
	for _, m := range members {
		a, ok := have[m]
		switch {
		case ok && (a.Failure == "" || e.Failure != ""):
			continue
		case !ok:
			a = EndpointAssociation{
				ID: EndpointAssociationID(tx.NewID("vpce-rsc-asc")), Meta: Meta{Account: e.Account, Region: e.Region},
				Endpoint: e.ID, Resource: m.resource, Configuration: m.configuration, Failure: NoFreeAddresses,
			}
		}
		addrs, err := tx.endpointAddrs(e)
		switch {
		case err == nil:
			a.Addrs, a.Failure = addrs, ""
		case ok:
			continue
		}
		tx.Touch(&a.Meta)
		tx.EndpointAssociations.Put(a)
	}
}

// takenAddrs counts the addresses of an endpoint at which there are resources.
func (w *World) takenAddrs(e EndpointID) map[netip.Addr]bool {
	out := map[netip.Addr]bool{}
	for a := range w.EndpointAssociations.In(string(e)) {
		for _, addr := range a.Addrs {
			out[addr] = true
		}
	}
	return out
}

// FreeConsumerIndex is the lowest index, from 1, that no consumer of resource gateways has: no VPC association, and no
// endpoint.
func (w *World) FreeConsumerIndex() (uint16, error) {
	for i := 1; i <= math.MaxUint16; i++ {
		if key := consumerKey(uint16(i)); !w.VPCAssociations.Some(key) && !w.Endpoints.Some(key) {
			return uint16(i), nil
		}
	}
	return 0, &Error{Kind: Exhausted, Noun: "service-network-vpc-association", Message: "no more consumers of resource gateways are possible"}
}

// endpointAssociation checks that the addresses are the endpoint's, and no other resource's.
func (c *checker) endpointAssociation(id EndpointAssociationID) error {
	a, _ := c.w.EndpointAssociations.Get(id)
	enis := c.w.ENIsOfEndpoint(a.Endpoint)
	for _, addr := range a.Addrs {
		if !slices.ContainsFunc(enis, func(e ENI) bool { return e.Holds(addr) }) {
			return broken("vpc-endpoint-association", string(id), "its address "+addr.String()+" is none of the endpoint's")
		}
		for o := range c.w.EndpointAssociations.In(string(a.Endpoint)) {
			if o.ID != id && slices.Contains(o.Addrs, addr) {
				return clash("vpc-endpoint-association", string(id), string(o.ID), "they have the same address")
			}
		}
	}
	return nil
}

// consumer checks that no other consumer of resource gateways has the index.
func (c *checker) consumer(noun, id string, index uint16) error {
	key := consumerKey(index)
	for a := range c.w.VPCAssociations.In(key) {
		if string(a.ID) != id {
			return clash(noun, id, string(a.ID), "they have the same index")
		}
	}
	for e := range c.w.Endpoints.In(key) {
		if string(e.ID) != id {
			return clash(noun, id, string(e.ID), "they have the same index")
		}
	}
	return nil
}

// Holds tells whether a is an address of the ENI or lies in a prefix delegated to it.
func (e ENI) Holds(a netip.Addr) bool {
	return slices.Contains(e.Addrs, a) || slices.ContainsFunc(e.Prefixes, func(p netip.Prefix) bool { return p.Contains(a) })
}

// load is an ENI with what it has left.
type load struct {
	ENI
	taken int
	free  []netip.Addr // of its prefixes
}

// loads are the ENIs of an endpoint, those first at which there are the fewest resources, else the oldest.
func (w *World) loads(e EndpointID) []load {
	taken := w.takenAddrs(e)
	var out []load
	for _, n := range w.ENIsOfEndpoint(e) {
		l := load{ENI: n}
		for _, p := range n.Prefixes {
			for a := p.Masked().Addr(); p.Contains(a); a = a.Next() {
				if taken[a] {
					l.taken++
				} else {
					l.free = append(l.free, a)
				}
			}
		}
		out = append(out, l)
	}
	slices.SortFunc(out, func(a, b load) int { return cmp.Or(cmp.Compare(a.taken, b.taken), cmp.Compare(a.Index, b.Index)) })
	return out
}

// EndpointAssociationName is the generated DNS name of a resource at an endpoint.
func (w *World) EndpointAssociationName(a EndpointAssociation) string {
	if r, ok := w.ResourceAssociations.Get(a.Resource); ok {
		return r.EndpointName(a.Endpoint)
	}
	c, _ := w.ResourceConfigurations.Get(a.Configuration)
	return c.EndpointName(a.Endpoint)
}
