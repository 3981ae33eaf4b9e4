package world

import (
	"net/netip"
	"slices"
)

// eni checks what an interface refers to and remembers it for enis.
func (c *checker) eni(id ENIID) error {
	e, _ := c.w.ENIs.Get(id)
	s, ok := c.w.Subnets.Get(e.Subnet)
	if !ok || s.VPC != e.VPC {
		return missing("subnet", string(e.Subnet))
	}
	if len(e.Addrs) == 0 {
		return broken("network-interface", string(id), "it has no address")
	}
	for _, a := range e.Addrs {
		if !s.CIDR.Contains(a) || s.Reserved(a) {
			return broken("network-interface", string(id), "the address "+a.String()+" cannot be given out")
		}
	}
	for _, p := range e.Prefixes {
		if !inside(s.CIDR, p) || p.Contains(LastAddr(s.CIDR)) || p.Contains(s.CIDR.Masked().Addr()) {
			return broken("network-interface", string(id), "the prefix "+p.String()+" cannot be given out")
		}
	}
	for _, g := range e.Groups {
		if o, ok := c.w.SecurityGroups.Get(g); !ok || !c.w.Carries(e.VPC, o) {
			return missing("security-group", string(g))
		}
	}
	if i := e.Attachment.Instance; i != "" && !c.w.Instances.Has(i) {
		return missing("instance", string(i))
	}
	c.changed = append(c.changed, e)
	return c.publicOf(e)
}

// place is what only one interface of a VPC may have: an address, an index, or a device of an instance.
type place struct {
	vpc    VPCID
	subnet SubnetID
	addr   netip.Addr
	index  uint32
	host   InstanceID
	device int
}

// places are the places an interface takes, but for its prefixes.
func places(e ENI) []place {
	out := []place{{vpc: e.VPC, index: e.Index}}
	for _, a := range e.Addrs {
		out = append(out, place{vpc: e.VPC, subnet: e.Subnet, addr: a})
	}
	if e.Attachment.Instance != "" {
		out = append(out, place{vpc: e.VPC, host: e.Attachment.Instance, device: e.Attachment.DeviceIndex})
	}
	return out
}

// enis checks that no other interface has what the changed ones have.
func (c *checker) enis() error {
	taken := map[place]ENIID{}
	var vpcs []VPCID
	for _, e := range c.changed {
		for _, p := range places(e) {
			if o, ok := taken[p]; ok {
				return twice(e.ID, o, p)
			}
			taken[p] = e.ID
		}
		if !slices.Contains(vpcs, e.VPC) {
			vpcs = append(vpcs, e.VPC)
		}
	}
	for _, v := range vpcs {
		for e := range c.w.ENIs.In(string(v)) {
			for _, p := range places(e) {
				if o, ok := taken[p]; ok && o != e.ID {
					return twice(o, e.ID, p)
				}
			}
			if err := c.prefixes(e); err != nil {
				return err
			}
		}
	}
	return nil
}

// prefixes checks an interface against the prefixes of the changed ones, and theirs against its addresses.
func (c *checker) prefixes(e ENI) error {
	for _, o := range c.changed {
		if o.Subnet != e.Subnet || len(o.Prefixes)+len(e.Prefixes) == 0 {
			continue
		}
		for _, p := range o.Prefixes {
			for _, a := range e.Addrs {
				if p.Contains(a) {
					return clash("network-interface", string(o.ID), string(e.ID), "the prefix "+p.String()+" has an address of the other")
				}
			}
			if o.ID != e.ID && slices.ContainsFunc(e.Prefixes, p.Overlaps) {
				return clash("network-interface", string(o.ID), string(e.ID), "the prefix "+p.String()+" is taken")
			}
		}
		for _, p := range e.Prefixes {
			for _, a := range o.Addrs {
				if p.Contains(a) {
					return clash("network-interface", string(e.ID), string(o.ID), "the prefix "+p.String()+" has an address of the other")
				}
			}
		}
	}
	return nil
}

func twice(a, b ENIID, p place) error {
	switch {
	case p.addr.IsValid():
		return clash("network-interface", string(a), string(b), "the address "+p.addr.String()+" is given out twice")
	case p.host != "":
		return clash("network-interface", string(a), string(b), "they are the same device of "+string(p.host))
	}
	return clash("network-interface", string(a), string(b), "they have the same index")
}
