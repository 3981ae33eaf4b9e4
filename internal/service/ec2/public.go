package ec2

import (
	"net/netip"
	"slices"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// This file is about the public addresses of interfaces: those given when an instance starts, and elastic ones.

// publicAddr is a public address that stands for a private one.
type publicAddr struct {
	private, public         netip.Addr
	allocation, association string
	owner                   string // the account, or amazon
}

// publicOf are the public addresses of an interface, in the order of its private ones.
func (v *view) publicOf(e world.ENI) []publicAddr {
	elastic := slices.Collect(v.w.Addresses.In(string(e.ID)))
	var out []publicAddr
	for _, private := range e.Addrs {
		i := slices.IndexFunc(elastic, func(a world.Address) bool { return a.Private == private })
		switch {
		case i >= 0:
			a := elastic[i]
			out = append(out, publicAddr{private, a.Public, string(a.ID), a.Association, string(a.Account)})
		case e.Public.IsValid() && private == e.Addr():
			out = append(out, publicAddr{private: private, public: e.Public, owner: amazonPool})
		}
	}
	return out
}

// publicName is the public DNS name of an address of the interface; empty in VPCs that give no names.
func (v *view) publicName(e world.ENI, public netip.Addr) string {
	p, _ := v.w.VPCs.Get(e.VPC)
	if !p.DNSHostnames || !p.DNSSupport {
		return ""
	}
	return world.PublicName(public, e.Region)
}

// association describes the public address that stands for a private one; nil: none.
func (v *view) association(e world.ENI, private netip.Addr) *ec2api.NetworkInterfaceAssociation {
	for _, p := range v.publicOf(e) {
		if p.private != private {
			continue
		}
		out := &ec2api.NetworkInterfaceAssociation{IpOwnerId: new(p.owner), PublicIp: new(p.public.String()), PublicDnsName: new(v.publicName(e, p.public))}
		if p.allocation != "" {
			out.AllocationId, out.AssociationId = new(p.allocation), new(p.association)
		}
		return out
	}
	return nil
}

// instanceAssociation is association as instances show it.
func (v *view) instanceAssociation(e world.ENI, private netip.Addr) *ec2api.InstanceNetworkInterfaceAssociation {
	a := v.association(e, private)
	if a == nil {
		return nil
	}
	return &ec2api.InstanceNetworkInterfaceAssociation{IpOwnerId: a.IpOwnerId, PublicDnsName: a.PublicDnsName, PublicIp: a.PublicIp}
}

// associationFilters are the filters on public addresses of interfaces.
func (v *view) associationFilters() map[string]func(world.ENI) []string {
	all := func(f func(publicAddr) string) func(world.ENI) []string {
		return func(e world.ENI) []string { return each(v.publicOf(e), f) }
	}
	owner := all(func(p publicAddr) string { return p.owner })
	public := all(func(p publicAddr) string { return p.public.String() })
	name := func(e world.ENI) []string {
		return each(v.publicOf(e), func(p publicAddr) string { return v.publicName(e, p.public) })
	}
	return map[string]func(world.ENI) []string{
		"association.allocation-id":  all(func(p publicAddr) string { return p.allocation }),
		"association.association-id": all(func(p publicAddr) string { return p.association }),
		"association.ip-owner-id":    owner, "addresses.association.owner-id": owner,
		"association.public-ip": public, "addresses.association.public-ip": public,
		"association.public-dns-name": name, "addresses.association.public-dns-name": name,
	}
}

// refusePublic refuses to give public addresses to instances with several interfaces, or with one there is already.
func refusePublic(nics []nic) error {
	for _, n := range nics {
		switch {
		case n.public == nil || !*n.public:
		case n.existing != "":
			return awserr.EC2Combination("The associatePublicIPAddress parameter cannot be specified when specifying a network interface ID")
		case n.device != 0:
			return awserr.EC2Combination("The associatePublicIPAddress parameter is only supported for a network interface with the device index of 0.")
		case len(nics) > 1:
			return awserr.EC2Combination("The associatePublicIPAddress parameter cannot be specified when launching with multiple network interfaces.")
		}
	}
	return nil
}

// wantsPublic tells whether instances launched with the interfaces get public addresses: when asked for, else when the
// subnet says so. Only an instance with a single, new interface gets one. (Amazon EC2 User Guide, "Public IPv4
// addresses".)
func (l *launch) wantsPublic() bool {
	n := l.nics[0]
	if len(l.nics) > 1 || n.existing != "" {
		return false
	}
	if n.public != nil {
		return *n.public
	}
	return n.subnet.MapPublicIPOnLaunch
}

// takePublic chooses the public addresses of a number of instances.
func (l *launch) takePublic(tx *world.Tx, count int) error {
	if !l.wantsPublic() {
		return nil
	}
	var err error
	if l.public, err = tx.AllocatePublicAddresses(count); err != nil {
		return noPublicAddress()
	}
	return nil
}

// givePublic gives the new interface of an instance the next of the public addresses chosen.
func (l *launch) givePublic(e *world.ENI) {
	if len(l.public) > 0 {
		e.AutoPublic, e.Public = true, l.public[0]
		l.public = l.public[1:]
	}
}

// renewPublic gives the primary interface of an instance that starts a public address, if it had one at launch and has
// no elastic one now.
func renewPublic(tx *world.Tx, i world.InstanceID) error {
	for _, e := range tx.ENIsOf(i) {
		if _, elastic := tx.AddressOf(e, e.Addr()); !e.AutoPublic || elastic || e.Public.IsValid() {
			continue
		}
		public, err := tx.AllocatePublicAddress()
		if err != nil {
			return noPublicAddress()
		}
		e.Public = public
		tx.Touch(&e.Meta)
		tx.ENIs.Put(e)
	}
	return nil
}

// dropPublic takes back the public addresses that were given to the interfaces of an instance when it started.
func dropPublic(tx *world.Tx, i world.InstanceID) {
	for _, e := range tx.ENIsOf(i) {
		if e.Public.IsValid() {
			e.Public = netip.Addr{}
			tx.Touch(&e.Meta)
			tx.ENIs.Put(e)
		}
	}
}

// publicFilters are the filters on the public addresses of instances.
func (v *view) publicFilters() map[string]func(world.Instance) []string {
	first := func(f func(world.ENI, publicAddr) string) func(world.Instance) []string {
		return func(i world.Instance) []string {
			if es := v.enisOf(i.ID); len(es) > 0 {
				return each(v.publicOf(es[0]), func(p publicAddr) string { return f(es[0], p) })
			}
			return nil
		}
	}
	return map[string]func(world.Instance) []string{
		"ip-address": first(func(_ world.ENI, p publicAddr) string { return p.public.String() }),
		"dns-name": func(i world.Instance) []string {
			if es := v.enisOf(i.ID); len(es) > 0 {
				if a := v.association(es[0], es[0].Addr()); a != nil {
					return []string{*a.PublicDnsName}
				}
			}
			return []string{""}
		},
	}
}
