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
	ports     map[netip.Addr]string
	consumers map[uint16]string
}

func ownersOfVPC(v *fabric.VPC) owners {
	o := owners{ports: make(map[netip.Addr]string, len(v.Ports))}
	for _, p := range v.Ports {
		for _, a := range p.Addrs {
			o.ports[a] = string(p.ENI)
		}
		for _, x := range p.Prefixes {
			if !x.Addr().Is4() { // sixteen addresses each; those of IPv6 are too many to count
				continue
			}
			for a := x.Addr(); x.Contains(a); a = a.Next() {
				o.ports[a] = string(p.ENI)
			}
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
