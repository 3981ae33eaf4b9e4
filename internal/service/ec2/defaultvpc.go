package ec2

import (
	"context"
	"net/netip"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// The ranges of default VPCs and their subnets. (Amazon VPC User Guide, "Default VPCs".)
const (
	defaultRange      = "172.31.0.0/16"
	defaultSubnetBits = 20
)

// defaultVPC is the account's default VPC of a region.
func defaultVPC(w *world.World, c world.Caller) (world.VPC, bool) {
	for v := range w.VPCs.All() {
		if v.Default && v.OwnedBy(c) {
			return v, true
		}
	}
	return world.VPC{}, false
}

// defaultSubnet is the default subnet of a zone, or of the first zone that has one when none is named.
func defaultSubnet(w *world.World, c world.Caller, zone string) (world.Subnet, bool) {
	v, ok := defaultVPC(w, c)
	if !ok {
		return world.Subnet{}, false
	}
	var best world.Subnet
	for s := range w.Subnets.In(string(v.ID)) {
		if s.Default && (zone == "" || s.Zone == zone) && (best.ID == "" || s.Zone < best.Zone) {
			best = s
		}
	}
	return best, best.ID != ""
}

// CreateDefaultVpc makes the region's default VPC: with a subnet in each zone, and a way to the Internet.
func (s *Service) CreateDefaultVpc(ctx context.Context, c world.Caller, in *ec2api.CreateDefaultVpcInput) (*ec2api.CreateDefaultVpcOutput, error) {
	var r world.VPC
	v, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		if _, ok := defaultVPC(&tx.World, c); ok {
			return awserr.EC2Code("DefaultVpcAlreadyExists", "A Default VPC already exists for this account in this region.")
		}
		if atLimit(&tx.VPCs, c, maxVPCs) {
			return awserr.EC2Limit("VpcLimitExceeded", "The maximum number of VPCs has been reached.")
		}
		r = makeVPC(tx, c, netip.MustParsePrefix(defaultRange))
		r.Default, r.DNSHostnames = true, true
		tx.VPCs.Put(r)
		openVPC(tx, c, r.ID)
		for _, z := range world.Zones(c.Region) {
			if _, err := makeDefaultSubnet(tx, r, z.Name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := v.vpc(r)
	out.State, out.Tags = new("pending"), allTags(r.Meta)
	return &ec2api.CreateDefaultVpcOutput{Vpc: &out}, nil
}

// openVPC attaches a new internet gateway to a VPC and makes it the main table's way out.
func openVPC(tx *world.Tx, c world.Caller, id world.VPCID) {
	g := world.InternetGateway{ID: world.InternetGatewayID(tx.NewID("igw")), Meta: tx.NewMeta(c, nil), VPC: id}
	tx.InternetGateways.Put(g)
	for t := range tx.RouteTables.In(string(id)) {
		t.Routes = []world.Route{{Destination: anywhere(), Internet: g.ID}}
		tx.RouteTables.Put(t)
		return
	}
}

// makeDefaultSubnet makes a zone's subnet of the default VPC, in the lowest range that is free.
func makeDefaultSubnet(tx *world.Tx, p world.VPC, zone string) (world.Subnet, error) {
	for _, a := range p.CIDRs {
		cidr := netip.PrefixFrom(a.CIDR.Addr(), max(defaultSubnetBits, a.CIDR.Bits()))
		for ; a.CIDR.Contains(cidr.Addr()); cidr = netip.PrefixFrom(world.LastAddr(cidr).Next(), cidr.Bits()) {
			if taken(tx, p.ID, cidr) {
				continue
			}
			r := newSubnet(tx, p, cidr, zone)
			r.Default, r.MapPublicIPOnLaunch = true, true
			if err := placeSubnet(tx, p, &r); err != nil {
				return r, err
			}
			tx.Subnets.Put(r)
			return r, nil
		}
	}
	return world.Subnet{}, awserr.EC2Code("InsufficientFreeAddressesInVpc", "There is no free range of size /%d in vpc '%s'.", defaultSubnetBits, p.ID)
}

// taken tells whether a subnet of the VPC has addresses of the range.
func taken(tx *world.Tx, id world.VPCID, cidr netip.Prefix) bool {
	for n := range tx.Subnets.In(string(id)) {
		if n.CIDR.Overlaps(cidr) {
			return true
		}
	}
	return false
}

// CreateDefaultSubnet makes a zone's default subnet again.
func (s *Service) CreateDefaultSubnet(ctx context.Context, c world.Caller, in *ec2api.CreateDefaultSubnetInput) (*ec2api.CreateDefaultSubnetOutput, error) {
	if !set(in.AvailabilityZone) && !set(in.AvailabilityZoneId) {
		return nil, awserr.EC2MissingParameter("availabilityZone")
	}
	if val(in.Ipv6Native) {
		return nil, unsupported("IPv6 is not built: ipv6Native cannot be true.")
	}
	zone, err := chooseZone(c.Region, in.AvailabilityZone, in.AvailabilityZoneId)
	if err != nil {
		return nil, err
	}
	var r world.Subnet
	v, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		p, ok := defaultVPC(&tx.World, c)
		if !ok {
			return awserr.EC2Code("DefaultVpcDoesNotExist", "No default VPC exists for this account in this region.")
		}
		if n, ok := defaultSubnet(&tx.World, c, zone); ok {
			return awserr.EC2Code("DefaultSubnetAlreadyExistsInAvailabilityZone", "'%s' is already the default subnet in %s.", n.ID, zone)
		}
		r, err = makeDefaultSubnet(tx, p, zone)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := v.subnets().describe(r)
	out.State, out.Tags = new("pending"), allTags(r.Meta)
	return &ec2api.CreateDefaultSubnetOutput{Subnet: &out}, nil
}
