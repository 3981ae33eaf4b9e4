package fabric

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"kumiko/internal/world"
)

// hostsOf makes the instances of a VPC that are stale, and should run.
func (c *compilation) hostsOf(v *VPC, row world.VPC, s *staleVPC) {
	for i := range rowsOf(&c.w.Instances, string(v.ID), s.all || s.allHosts, s.hosts) {
		if runs(i) && i.VPC == v.ID {
			c.hosts = append(c.hosts, c.host(v, row, i))
		}
	}
}

// staleHost tells whether a host was to be made anew.
func (c *compilation) staleHost(h *Host) bool {
	s := c.stale.vpc(h.VPC)
	return s != nil && (s.all || s.allHosts || s.hosts[h.ID])
}

func (c *compilation) host(v *VPC, row world.VPC, i world.Instance) *Host {
	h := &Host{ID: i.ID, VPC: v.ID, Boot: i.Boot, Image: i.Image, User: cmp.Or(i.User, "ec2-user"), UserData: i.UserData, Agent: i.InstanceProfile != ""}
	for _, p := range c.portsOf(v, string(i.ID)) {
		if p.Peer.Host == i.ID {
			h.Ports = append(h.Ports, HostPort{
				ENI: p.ENI, VPC: v.ID, Device: p.Peer.Device, MAC: p.MAC, Addrs: p.Addrs, Mask: p.Mask, Router: p.Router, MTU: p.MTU,
			})
		}
	}
	h.Ports = append(h.Ports, c.foreignPorts(v, i.ID)...)
	if i.PublicKey != "" {
		h.Keys = []string{i.PublicKey}
	}
	slices.SortFunc(h.Ports, func(a, b HostPort) int {
		return cmp.Or(cmp.Compare(len(a.Device), len(b.Device)), cmp.Compare(a.Device, b.Device)) // eth2 before eth10
	})
	c.dhcp(h, row)
	if len(h.Ports) > 0 {
		h.Hostname, _, _ = strings.Cut(i.PrivateName(h.Ports[0].Addrs[0]), ".")
	}
	return h
}

// foreignPorts are the host's ends of the cables of interfaces that an instance has in other VPCs.
func (c *compilation) foreignPorts(v *VPC, id world.InstanceID) (out []HostPort) {
	for e := range c.w.ENIs.In(string(id)) {
		s, ok := c.w.Subnets.Get(e.Subnet)
		if e.VPC == v.ID || e.Deleting || e.Attachment.Detaching || !ok || len(e.Addrs) == 0 {
			continue
		}
		out = append(out, HostPort{
			ENI: e.ID, VPC: e.VPC, Device: device(e.Attachment.DeviceIndex), MAC: e.MAC, Addrs: e.Addrs, Mask: s.CIDR.Bits(),
			Router: world.Offset(s.CIDR, 1), MTU: mtu(e),
		})
	}
	return out
}

// dhcp gives the host what its VPC's DHCP options say: name servers and domain.
func (c *compilation) dhcp(h *Host, v world.VPC) {
	h.Domain, h.Resolver = world.PrivateDomain(v.Region), []netip.Addr{world.Offset(v.CIDR(), 2)}
	d, ok := c.w.DHCPOptions.Get(v.DHCPOptions)
	if !ok {
		return
	}
	for _, o := range d.Options {
		switch o.Key {
		case "domain-name":
			h.Domain = strings.Join(o.Values, " ")
		case "domain-name-servers":
			var servers []netip.Addr
			for _, s := range o.Values {
				if a, err := netip.ParseAddr(s); err == nil {
					servers = append(servers, a)
				}
			}
			if len(servers) > 0 { // else AmazonProvidedDNS
				h.Resolver = servers
			}
		}
	}
}
