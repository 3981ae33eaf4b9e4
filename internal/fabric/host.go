package fabric

import (
	"net/netip"
	"strings"

	"kumiko/internal/world"
)

// hosts adds the instances that should run.
func (c *compilation) hosts() {
	for i := range c.w.Instances.All() {
		v, ok := c.w.VPCs.Get(i.VPC)
		if !runs(i) || !ok || c.vpcs[i.VPC] == nil {
			continue
		}
		h := &Host{ID: i.ID, Boot: i.Boot, Image: i.Image, User: i.User, UserData: i.UserData}
		if h.User == "" {
			h.User = "ec2-user"
		}
		if i.PublicKey != "" {
			h.Keys = []string{i.PublicKey}
		}
		h.Ports = c.cables[i.ID]
		c.dhcp(h, v)
		if len(h.Ports) > 0 {
			h.Hostname, _, _ = strings.Cut(world.PrivateName(h.Ports[0].Addrs[0], i.Region), ".")
		}
		c.out.Hosts = append(c.out.Hosts, h)
	}
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
