package nft

import (
	"errors"
	"net/netip"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
	"kumiko/internal/kernel/nfnetlink"
)

// owners tells who has what connections are known by: an address in a router, a consumer's index in a gateway. What
// belongs to somebody else, or to nobody, is no part of a connection that its former owner had.
type owners struct {
	of        *fabric.VPC // what ports are of
	ports     map[netip.Addr]string
	consumers map[uint16]string
}

// after is the owners in a VPC, of which o was before.
func (o owners) after(v *fabric.VPC) owners {
	if o.of != nil && fabric.Same(o.of.Ports, v.Ports) && o.of.Uplink == v.Uplink {
		return o
	}
	o = owners{of: v, ports: make(map[netip.Addr]string, len(v.Ports))}
	for _, p := range v.Ports {
		for _, a := range p.Addrs {
			o.ports[a] = string(p.ENI)
		}
	}
	if v.Uplink != nil { // connections that are translated would keep the address they have
		for _, a := range v.Uplink.Addresses {
			o.ports[a.Private] += " " + a.Public.String()
		}
	}
	return o
}

func ownersOfGateway(g *fabric.Gateway) owners {
	o := owners{consumers: make(map[uint16]string, len(g.Consumers))}
	for _, c := range g.Consumers {
		o.consumers[c.Index] = string(c.Association) + string(c.Endpoint)
	}
	return o
}

// forget makes the kernel forget the connections of owners that are no more. Rules that no longer know the owner must
// be in place, so that no new ones come about.
func (s *scope) forget(path string, now owners) error {
	if now.of != nil && now.of == s.owners.of {
		return nil
	}
	var addrs []netip.Addr
	for a, had := range s.owners.ports {
		if now.ports[a] != had {
			addrs = append(addrs, a)
		}
	}
	var indexes []uint16
	for i, had := range s.owners.consumers {
		if has, ok := now.consumers[i]; !ok || has != had {
			indexes = append(indexes, i)
		}
	}
	if len(addrs)+len(indexes) == 0 {
		return nil
	}
	if s.tracker == nil {
		t, err := nfnetlink.OpenTracker(path)
		if err != nil {
			return err
		}
		s.tracker = t
	}
	var errs []error
	for _, a := range addrs {
		errs = append(errs, s.tracker.ForgetAddress(a))
	}
	for _, i := range indexes {
		errs = append(errs, s.tracker.ForgetMark(uint32(i), kernel.MarkConsumerMask))
	}
	return errors.Join(errs...)
}
