package reach

import (
	"net/netip"
	"slices"
	"strings"

	"kumiko/internal/fabric"
	"kumiko/internal/world"
)

// lastACLRule is the number AWS gives to the rule that ends every ACL. (Amazon VPC User Guide, "Network ACLs".)
const lastACLRule = 32767

// album names the nouns of a network as the Reachability Analyzer does.
type album struct {
	w *world.World
	f *fabric.Fabric

	anySource bool // the source port was not asked for: show that any will do
}

// kinds are the words ARNs have for the kinds of resources, by the prefix of their ids.
func kinds() map[string]string {
	return map[string]string{
		"i": "instance", "eni": "network-interface", "sg": "security-group", "acl": "network-acl", "rtb": "route-table", "subnet": "subnet",
		"vpc": "vpc", "igw": "internet-gateway", "nat": "natgateway", "pcx": "vpc-peering-connection", "vpce": "vpc-endpoint",
	}
}

// part names a resource of a VPC.
func (a album) part(v *fabric.VPC, id string) world.Component {
	prefix, _, _ := strings.Cut(id, "-")
	kind, ok := kinds()[prefix]
	if !ok || v == nil {
		return world.Component{ID: id}
	}
	return world.Component{ID: id, ARN: world.ARN("ec2", v.Region, v.Account, kind+"/"+id), Name: a.name(prefix, id)}
}

// name is the resource's tag Name.
func (a album) name(prefix, id string) string {
	var m world.Meta
	switch prefix {
	case "i":
		r, _ := a.w.Instances.Get(world.InstanceID(id))
		m = r.Meta
	case "eni":
		r, _ := a.w.ENIs.Get(world.ENIID(id))
		m = r.Meta
	case "sg":
		r, _ := a.w.SecurityGroups.Get(world.SecurityGroupID(id))
		m = r.Meta
	case "subnet":
		r, _ := a.w.Subnets.Get(world.SubnetID(id))
		m = r.Meta
	case "vpc":
		r, _ := a.w.VPCs.Get(world.VPCID(id))
		m = r.Meta
	case "rtb":
		r, _ := a.w.RouteTables.Get(world.RouteTableID(id))
		m = r.Meta
	}
	for _, t := range m.Tags {
		if t.Key == "Name" {
			return t.Value
		}
	}
	return ""
}

func (a album) header(f fabric.Flow) *world.PacketHeader {
	span := func(p uint16) world.PortRange {
		if a.anySource && p == clientPort {
			return world.AllPorts
		}
		return world.PortRange{From: p, To: p}
	}
	return &world.PacketHeader{
		Protocol: f.Protocol, Source: f.Src, Destination: f.Dst, SourcePorts: span(f.SrcPort), DestinationPorts: span(f.DstPort),
	}
}

// interfaceOf shows an ENI, with what it is plugged into.
func (a album) interfaceOf(v *fabric.VPC, p fabric.Port) world.PathComponent {
	c := world.PathComponent{
		Component: a.part(v, string(p.ENI)), Subnet: a.part(v, string(p.Subnet)), VPC: a.part(v, string(v.ID)),
	}
	if p.Peer.Host != "" {
		c.AttachedTo = a.part(v, string(p.Peer.Host))
	}
	return c
}

// sender shows where a packet begins: the instance and its ENI.
func (a album) sender(v *fabric.VPC, p fabric.Port, f fabric.Flow) []world.PathComponent {
	eni := a.interfaceOf(v, p)
	eni.Outbound = a.header(f)
	if p.Peer.Host == "" {
		return []world.PathComponent{eni}
	}
	return []world.PathComponent{{Component: eni.AttachedTo, Outbound: eni.Outbound}, eni}
}

// receiver shows where a packet ends: the ENI and its instance.
func (a album) receiver(v *fabric.VPC, p fabric.Port, f fabric.Flow) []world.PathComponent {
	eni := a.interfaceOf(v, p)
	eni.Inbound = a.header(f)
	if p.Peer.Host == "" {
		return []world.PathComponent{eni}
	}
	return []world.PathComponent{eni, {Component: eni.AttachedTo, Inbound: eni.Inbound}}
}

// nat shows a NAT gateway with its ENI, between the packet that came and the one that goes on.
func (a album) nat(v *fabric.VPC, p fabric.Port, came, goes fabric.Flow) []world.PathComponent {
	eni := a.interfaceOf(v, p)
	eni.AttachedTo, eni.Inbound = a.part(v, string(p.Peer.NAT)), a.header(came)
	return []world.PathComponent{eni, {
		Component: eni.AttachedTo, Subnet: eni.Subnet, VPC: eni.VPC, Inbound: a.header(came), Outbound: a.header(goes),
	}}
}

func (a album) group(v *fabric.VPC, h Hop) world.PathComponent {
	c := world.PathComponent{Component: a.part(v, string(h.Group)), VPC: a.part(v, string(v.ID))}
	if r, ok := a.w.SecurityGroupRules.Get(h.Rule); ok {
		c.Group = &world.PathGroupRule{Group: r.PeerGroup, Egress: r.Egress, Protocol: r.Protocol, Ports: r.Ports, CIDR: r.CIDR, List: r.PeerList}
	}
	return c
}

func (a album) acl(v *fabric.VPC, h Hop) world.PathComponent {
	return world.PathComponent{
		Component: a.part(v, string(h.ACL)), Subnet: a.part(v, string(h.Origin.Subnet)), VPC: a.part(v, string(v.ID)), ACL: a.aclRule(h),
	}
}

func (a album) aclRule(h Hop) *world.PathACLRule {
	out := h.Origin.Station == fabric.ACLOut
	row, _ := a.w.NetworkACLs.Get(h.ACL)
	for _, e := range row.Entries {
		if e.Number == h.Number && e.Egress == out {
			return &world.PathACLRule{Number: e.Number, Egress: out, Allow: e.Allow, Protocol: e.Protocol, Ports: e.Ports, CIDR: e.CIDR}
		}
	}
	return &world.PathACLRule{Number: lastACLRule, Egress: out, Protocol: world.AnyProtocol, CIDR: netip.PrefixFrom(netip.IPv4Unspecified(), 0)}
}

// route shows the route table of a subnet with the route taken there.
func (a album) route(v *fabric.VPC, table uint32, r fabric.Routed) world.PathComponent {
	id := r.Table
	for _, t := range v.Tables {
		if t.Index == table {
			id = t.ID
		}
	}
	return world.PathComponent{Component: a.part(v, string(id)), VPC: a.part(v, string(v.ID)), Route: a.routeOf(r)}
}

// routeOf is the route a packet took, or the one that leads nowhere.
func (a album) routeOf(r fabric.Routed) *world.PathRoute {
	out := &world.PathRoute{Destination: r.Prefix, Target: "local", State: "active", Origin: "createroutetable"}
	if r.Table == "" {
		return out
	}
	if r.Nowhere() {
		out.State = "blackhole"
	}
	out.Target, out.Origin = "", "createroute"
	row, _ := a.w.RouteTables.Get(r.Table)
	for _, x := range row.Routes {
		l, _ := a.w.PrefixList(row.Region, x.List)
		listed := slices.ContainsFunc(l.Entries, func(e world.PrefixListEntry) bool { return e.CIDR.Masked() == r.Prefix.Masked() })
		if x.List != "" && (!listed || out.Target != "") || x.List == "" && x.Destination.Masked() != r.Prefix.Masked() {
			continue
		}
		for _, id := range []string{string(x.ENI), string(x.Internet), string(x.NAT), string(x.Peering)} {
			if id != "" {
				out.Target = id
			}
		}
		out.Instance = string(x.Instance)
	}
	return out
}

func (a album) peering(v *fabric.VPC, l fabric.PeerLink) world.PathComponent {
	c := world.PathComponent{Component: a.part(v, string(l.ID)), SourceVPC: a.part(v, string(v.ID))}
	if o := a.f.VPC(l.VPC); o != nil {
		c.DestVPC = a.part(o, string(o.ID))
	}
	return c
}

func (a album) internet(v *fabric.VPC, came, goes *world.PacketHeader) world.PathComponent {
	return world.PathComponent{
		Component: a.part(v, string(v.Uplink.Gateway)), VPC: a.part(v, string(v.ID)), AttachedTo: a.part(v, string(v.ID)), Inbound: came, Outbound: goes,
	}
}
