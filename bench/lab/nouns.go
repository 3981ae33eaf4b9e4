package lab

import (
	"fmt"
	"net/netip"

	"kumiko/internal/world"
)

// Caller is whose everything in a lab is.
var Caller = world.Caller{Account: world.DefaultAccount, Region: "us-east-1"}

// Host is an instance of a lab: a namespace with one address.
type Host struct {
	ID   world.InstanceID
	Addr netip.Addr
}

// VPC is a VPC of a lab, with one subnet as large as itself.
type VPC struct {
	ID     world.VPCID
	Subnet world.Subnet
}

// AddVPC puts a VPC with the given range.
func AddVPC(tx *world.Tx, cidr string) VPC {
	p := netip.MustParsePrefix(cidr)
	v := world.VPC{
		ID: world.VPCID(tx.NewID("vpc")), Meta: tx.NewMeta(Caller, nil), DNSSupport: true, NextTable: 1,
		CIDRs: []world.CIDRAssociation{{ID: tx.NewID("vpc-cidr-assoc"), CIDR: p}},
	}
	tx.VPCs.Put(v)
	tx.RouteTables.Put(world.RouteTable{ID: world.RouteTableID(tx.NewID("rtb")), Meta: tx.NewMeta(Caller, nil), VPC: v.ID, Index: 1, Main: true})
	s := world.Subnet{ID: world.SubnetID(tx.NewID("subnet")), Meta: tx.NewMeta(Caller, nil), VPC: v.ID, Zone: "us-east-1a", CIDR: p, NetworkACL: addOpenACL(tx, v.ID)}
	tx.Subnets.Put(s)
	return VPC{ID: v.ID, Subnet: s}
}

// addOpenACL puts a VPC's default ACL, which lets everything pass.
func addOpenACL(tx *world.Tx, v world.VPCID) world.NetworkACLID {
	a := world.NetworkACL{ID: world.NetworkACLID(tx.NewID("acl")), Meta: tx.NewMeta(Caller, nil), VPC: v, Default: true}
	for _, egress := range []bool{false, true} {
		a.Entries = append(a.Entries, world.NetworkACLEntry{
			Number: 100, Egress: egress, Allow: true, Protocol: world.AnyProtocol, CIDR: netip.MustParsePrefix("0.0.0.0/0"),
		})
	}
	tx.NetworkACLs.Put(a)
	return a.ID
}

// AddGroup puts a group that lets everything out.
func AddGroup(tx *world.Tx, v VPC) world.SecurityGroupID {
	id := world.SecurityGroupID(tx.NewID("sg"))
	tx.SecurityGroups.Put(world.SecurityGroup{ID: id, Meta: tx.NewMeta(Caller, nil), VPC: v.ID, Name: string(id)})
	AddRule(tx, world.SecurityGroupRule{Group: id, Egress: true, Protocol: world.AnyProtocol, CIDR: netip.MustParsePrefix("0.0.0.0/0")})
	return id
}

// AddRule puts a rule.
func AddRule(tx *world.Tx, r world.SecurityGroupRule) {
	r.ID, r.Meta = world.SecurityGroupRuleID(tx.NewID("sgr")), tx.NewMeta(Caller, nil)
	tx.SecurityGroupRules.Put(r)
}

// Allow puts a rule that lets TCP in from a range.
func Allow(tx *world.Tx, g world.SecurityGroupID, from string, ports world.PortRange) {
	AddRule(tx, world.SecurityGroupRule{Group: g, Protocol: world.TCP, Ports: ports, CIDR: netip.MustParsePrefix(from)})
}

// AddHosts puts a number of instances that carry the groups. It panics when the subnet has no room for them.
func AddHosts(tx *world.Tx, v VPC, n int, groups ...world.SecurityGroupID) []Host {
	addrs, err := tx.AllocateAddresses(v.Subnet, n)
	if err != nil {
		panic(fmt.Sprintf("lab: %d hosts in %s: %v", n, v.Subnet.CIDR, err))
	}
	var out []Host
	for _, a := range addrs {
		i := world.Instance{
			ID: world.InstanceID(tx.NewID("i")), Meta: tx.NewMeta(Caller, nil), VPC: v.ID, Subnet: v.Subnet.ID, Power: world.Running, Boot: 1,
		}
		tx.Instances.Put(i)
		e := tx.NewENI(Caller, v.Subnet, []netip.Addr{a}, groups)
		e.Attachment = world.Attachment{Instance: i.ID}
		tx.ENIs.Put(e)
		out = append(out, Host{ID: i.ID, Addr: a})
	}
	return out
}

// Straddle gives a host a second interface, eth1, in another VPC.
func Straddle(tx *world.Tx, h Host, v VPC, groups ...world.SecurityGroupID) {
	addrs, err := tx.AllocateAddresses(v.Subnet, 1)
	if err != nil {
		panic(fmt.Sprintf("lab: interface in %s: %v", v.Subnet.CIDR, err))
	}
	e := tx.NewENI(Caller, v.Subnet, addrs, groups)
	e.Attachment = world.Attachment{Instance: h.ID, DeviceIndex: 1}
	tx.ENIs.Put(e)
}

// Resource is a host that another VPC reaches through a resource gateway.
type Resource struct {
	Provider, Consumer VPC
	Target             Host
	Gateway, Clients   world.SecurityGroupID // groups of the gateway and of the VPC association
	Ports              world.PortRange
}

// Join puts gateway, configuration, service network and associations, and gives the address by which the consumer
// reaches the target.
func Join(tx *world.Tx, r Resource) netip.Addr {
	sn := world.ServiceNetwork{ID: world.ServiceNetworkID(tx.NewID("sn")), Meta: tx.NewMeta(Caller, nil), Name: "net"}
	tx.ServiceNetworks.Put(sn)
	g := world.ResourceGateway{
		ID: world.ResourceGatewayID(tx.NewID("rgw")), Meta: tx.NewMeta(Caller, nil), VPC: r.Provider.ID,
		Subnets: []world.SubnetID{r.Provider.Subnet.ID}, Groups: []world.SecurityGroupID{r.Gateway},
	}
	tx.ResourceGateways.Put(g)
	addrs, err := tx.AllocateAddresses(r.Provider.Subnet, gatewayAddrs)
	if err != nil {
		panic(fmt.Sprintf("lab: gateway in %s: %v", r.Provider.Subnet.CIDR, err))
	}
	e := tx.NewENI(Caller, r.Provider.Subnet, addrs, g.Groups)
	e.Gateway, e.RequesterManaged = g.ID, true
	tx.ENIs.Put(e)
	cfg := world.ResourceConfiguration{
		ID: world.ResourceConfigurationID(tx.NewID("rcfg")), Meta: tx.NewMeta(Caller, nil), Type: world.ConfigurationSingle,
		Gateway: g.ID, PortRanges: []world.PortRange{r.Ports}, Protocol: "TCP", IP: r.Target.Addr,
	}
	tx.ResourceConfigurations.Put(cfg)
	a := world.ResourceAssociation{
		ID: world.ResourceAssociationID(tx.NewID("snra")), Meta: tx.NewMeta(Caller, nil), Network: sn.ID, Configuration: cfg.ID,
		Addr: world.Offset(world.LatticeResources, 256),
	}
	tx.ResourceAssociations.Put(a)
	tx.VPCAssociations.Put(world.VPCAssociation{
		ID: world.VPCAssociationID(tx.NewID("snva")), Meta: tx.NewMeta(Caller, nil), Network: sn.ID, VPC: r.Consumer.ID, Index: 1,
		Groups: []world.SecurityGroupID{r.Clients},
	})
	return a.Addr
}

// gatewayAddrs is how many addresses a gateway's interface has: AWS's default. (VPC Lattice API Reference,
// CreateResourceGateway, ipv4AddressesPerEni.)
const gatewayAddrs = 16
