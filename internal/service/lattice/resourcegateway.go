package lattice

import (
	"context"
	"slices"

	"kumiko/internal/api/latticeapi"
	"kumiko/internal/awserr"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// minFree is how many free addresses each subnet of a gateway must have, and the number of addresses an interface of
// a gateway has unless another was asked for. (VPC Lattice User Guide, "Resource gateways".)
const minFree = 16

// requester is the account that AWS's Lattice manages interfaces with, as DescribeNetworkInterfaces shows it.
const requester = "396074869647"

// CreateResourceGateway makes a gateway with one managed interface in each subnet.
func (s *Service) CreateResourceGateway(ctx context.Context, c world.Caller, in *latticeapi.CreateResourceGatewayInput) (*latticeapi.CreateResourceGatewayOutput, error) {
	k := gatewayKind()
	name, err := checkName(k, in.Name, 40)
	if err != nil {
		return nil, err
	}
	tags, err := tagsOf(in.Tags)
	if err != nil {
		return nil, err
	}
	if err := checkGatewayOptions(in); err != nil {
		return nil, err
	}
	q := request{c, "CreateResourceGateway", in.ClientToken, in}
	g, v, err := create(ctx, s, q, gateways, func(tx *world.Tx) (world.ResourceGateway, error) {
		g := world.ResourceGateway{
			ID: world.ResourceGatewayID(tx.NewID("rgw")), Meta: tx.NewMeta(c, tags), Name: name,
			IPAddressType: "IPV4", AddressesPerENI: minFree, DNSResolution: "PUBLIC",
		}
		if in.Ipv4AddressesPerEni != nil {
			g.AddressesPerENI = int(*in.Ipv4AddressesPerEni)
		}
		if in.ResourceConfigDnsResolution != nil {
			g.DNSResolution = *in.ResourceConfigDnsResolution
		}
		err := placeGateway(tx, c, in, &g)
		return g, err
	})
	if err != nil {
		return nil, err
	}
	v = s.settle(ctx, v, g.Rev)
	return &latticeapi.CreateResourceGatewayOutput{
		Name: &g.Name, Id: new(string(g.ID)), Arn: new(gatewayARN(g)), Status: new(v.status(g.Meta, gatewayScopes(g))),
		VpcIdentifier: new(string(g.VPC)), SubnetIds: plain(g.Subnets), SecurityGroupIds: plain(g.Groups), IpAddressType: &g.IPAddressType,
		Ipv4AddressesPerEni: new(int32(g.AddressesPerENI)), ResourceConfigDnsResolution: &g.DNSResolution,
	}, nil
}

// checkGatewayOptions holds the rules that need no World.
func checkGatewayOptions(in *latticeapi.CreateResourceGatewayInput) error {
	switch value(in.IpAddressType) {
	case "", "IPV4":
	case "IPV6", "DUALSTACK":
		return awserr.LatticeValidation("IP address type %s is not valid because the subnets have no IPv6 CIDR block.", *in.IpAddressType)
	default:
		return invalidField("ipAddressType", "must be IPV4, IPV6 or DUALSTACK")
	}
	if n := in.Ipv4AddressesPerEni; n != nil && (*n < 1 || *n > 62) {
		return invalidField("ipv4AddressesPerEni", "must be between 1 and 62")
	}
	if r := in.ResourceConfigDnsResolution; r != nil && *r != "PUBLIC" && *r != "IN_VPC" {
		return invalidField("resourceConfigDnsResolution", "must be PUBLIC or IN_VPC")
	}
	if len(in.SubnetIds) == 0 {
		return invalidField("subnetIds", "at least one subnet is needed")
	}
	return nil
}

// placeGateway finds the gateway's VPC, subnets and groups and makes its interfaces.
func placeGateway(tx *world.Tx, c world.Caller, in *latticeapi.CreateResourceGatewayInput, g *world.ResourceGateway) error {
	vpc, err := findVPC(&tx.World, c, in.VpcIdentifier)
	if err != nil {
		return err
	}
	g.VPC = vpc.ID
	here, others := 0, owned(&tx.ResourceGateways, c, func(world.ResourceGateway) bool { return true })
	for _, o := range others {
		if o.Name == g.Name {
			return taken(gatewayKind(), string(o.ID), g.Name)
		}
		if o.VPC == g.VPC {
			here++
		}
	}
	if err := gatewaysPerVPC().leaves(here); err != nil {
		return err
	}
	if g.Groups, err = gatewayGroups(&tx.World, c, g.VPC, in.SecurityGroupIds); err != nil {
		return err
	}
	subnets, err := checkSubnets(&tx.World, c, g, in.SubnetIds)
	if err != nil {
		return err
	}
	for _, sub := range subnets {
		if err := addInterface(tx, c, *g, sub); err != nil {
			return err
		}
		g.Subnets = append(g.Subnets, sub.ID)
	}
	return nil
}

// gatewayGroups are the groups asked for, or the VPC's default one.
func gatewayGroups(w *world.World, c world.Caller, vpc world.VPCID, ids []string) ([]world.SecurityGroupID, error) {
	if len(ids) > 0 {
		return checkGroups(w, c, vpc, ids)
	}
	d, ok := w.DefaultGroup(vpc)
	if !ok {
		return nil, awserr.LatticeValidation("VPC %s has no default security group.", vpc)
	}
	return []world.SecurityGroupID{d.ID}, nil
}

// checkSubnets reads the subnets of a gateway: of its VPC, each in a zone of its own, with room.
func checkSubnets(w *world.World, c world.Caller, g *world.ResourceGateway, ids []string) ([]world.Subnet, error) {
	var out []world.Subnet
	for _, id := range ids {
		sub, ok := w.Subnets.Get(world.SubnetID(id))
		switch {
		case !ok || !sub.OwnedBy(c):
			return nil, awserr.LatticeNotFound("SUBNET", id)
		case sub.VPC != g.VPC:
			return nil, awserr.LatticeValidation("Subnet %s does not belong to VPC %s.", id, g.VPC)
		case slices.ContainsFunc(out, func(o world.Subnet) bool { return o.Zone == sub.Zone }):
			return nil, awserr.LatticeValidation("Subnet %s is not valid because another subnet is in the same Availability Zone %s.", id, sub.Zone)
		}
		if need := max(minFree, g.AddressesPerENI); w.FreeAddresses(sub) < need {
			return nil, awserr.LatticeValidation("Subnet %s is not valid because it doesn't have the minimum number of IPv4 addresses. "+
				"Specify a subnet with at least %d IPv4 addresses.", id, need)
		}
		out = append(out, sub)
	}
	return out, nil
}

// addInterface makes the gateway's managed interface in a subnet.
func addInterface(tx *world.Tx, c world.Caller, g world.ResourceGateway, sub world.Subnet) error {
	addrs, err := tx.AllocateAddresses(sub, g.AddressesPerENI)
	if err != nil {
		return err
	}
	e := tx.NewENI(c, sub, addrs, g.Groups)
	e.Description = "VPC Lattice Resource Gateway Interface: " + string(g.ID)
	e.RequesterManaged, e.RequesterID, e.Gateway = true, requester, g.ID
	e.Tags = []world.Tag{{Key: "VpcLatticeManaged", Value: "true"}}
	tx.ENIs.Put(e)
	return nil
}

func gateways(tx *world.Tx) *world.Table[world.ResourceGatewayID, world.ResourceGateway] {
	return &tx.ResourceGateways
}

func gatewayARN(g world.ResourceGateway) string { return gatewayKind().arn(g.Meta, string(g.ID)) }

// GetResourceGateway describes one gateway.
func (s *Service) GetResourceGateway(_ context.Context, c world.Caller, in *latticeapi.GetResourceGatewayInput) (*latticeapi.GetResourceGatewayOutput, error) {
	v := s.look()
	g, err := find(&v.w, &v.w.ResourceGateways, c, gatewayKind(), in.ResourceGatewayIdentifier)
	if err != nil {
		return nil, err
	}
	return &latticeapi.GetResourceGatewayOutput{
		Name: &g.Name, Id: new(string(g.ID)), Arn: new(gatewayARN(g)), Status: new(v.status(g.Meta, gatewayScopes(g))),
		VpcId: new(string(g.VPC)), SubnetIds: plain(g.Subnets), SecurityGroupIds: plain(g.Groups), IpAddressType: &g.IPAddressType,
		Ipv4AddressesPerEni: new(int32(g.AddressesPerENI)), ResourceConfigDnsResolution: &g.DNSResolution, ServiceManaged: new(false),
		CreatedAt: &g.Created, LastUpdatedAt: &g.Updated,
	}, nil
}

// ListResourceGateways lists the caller's gateways.
func (s *Service) ListResourceGateways(_ context.Context, c world.Caller, in *latticeapi.ListResourceGatewaysInput) (*latticeapi.ListResourceGatewaysOutput, error) {
	v := s.look()
	rows := owned(&v.w.ResourceGateways, c, func(world.ResourceGateway) bool { return true })
	rows, next, err := listing.Page(listing.Lattice(), rows, world.ResourceGateway.RowID, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &latticeapi.ListResourceGatewaysOutput{Items: []latticeapi.ResourceGatewaySummary{}, NextToken: next}
	for _, g := range rows {
		out.Items = append(out.Items, latticeapi.ResourceGatewaySummary{
			Name: &g.Name, Id: new(string(g.ID)), Arn: new(gatewayARN(g)), Status: new(v.status(g.Meta, gatewayScopes(g))),
			VpcIdentifier: new(string(g.VPC)), SubnetIds: plain(g.Subnets), SecurityGroupIds: plain(g.Groups), IpAddressType: &g.IPAddressType,
			Ipv4AddressesPerEni: new(int32(g.AddressesPerENI)), ResourceConfigDnsResolution: &g.DNSResolution,
			CreatedAt: &g.Created, LastUpdatedAt: &g.Updated,
		})
	}
	return out, nil
}

// UpdateResourceGateway replaces the security groups; an empty list brings the VPC's default group back.
func (s *Service) UpdateResourceGateway(ctx context.Context, c world.Caller, in *latticeapi.UpdateResourceGatewayInput) (*latticeapi.UpdateResourceGatewayOutput, error) {
	var g world.ResourceGateway
	v, err := s.update(ctx, func(tx *world.Tx) (err error) {
		k := gatewayKind()
		if g, err = find(&tx.World, &tx.ResourceGateways, c, k, in.ResourceGatewayIdentifier); err != nil {
			return err
		}
		if g.Deleting {
			return awserr.LatticeConflict(k.noun, string(g.ID), "ResourceGateway %s is in state %s", g.ID, deleting)
		}
		if in.SecurityGroupIds == nil {
			return nil
		}
		if g.Groups, err = gatewayGroups(&tx.World, c, g.VPC, in.SecurityGroupIds); err != nil {
			return err
		}
		tx.Touch(&g.Meta)
		tx.ResourceGateways.Put(g)
		for _, e := range tx.ENIsOfGateway(g.ID) {
			e.Groups = g.Groups
			tx.Touch(&e.Meta)
			tx.ENIs.Put(e)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	v = s.settle(ctx, v, g.Rev)
	return &latticeapi.UpdateResourceGatewayOutput{
		Name: &g.Name, Id: new(string(g.ID)), Arn: new(gatewayARN(g)), Status: new(v.status(g.Meta, gatewayScopes(g))),
		VpcId: new(string(g.VPC)), SubnetIds: plain(g.Subnets), SecurityGroupIds: plain(g.Groups), IpAddressType: &g.IPAddressType,
	}, nil
}

// DeleteResourceGateway takes an unused gateway away, with its interfaces. Doing it again changes nothing.
func (s *Service) DeleteResourceGateway(ctx context.Context, c world.Caller, in *latticeapi.DeleteResourceGatewayInput) (*latticeapi.DeleteResourceGatewayOutput, error) {
	var g world.ResourceGateway
	_, err := s.update(ctx, func(tx *world.Tx) (err error) {
		k := gatewayKind()
		if g, err = find(&tx.World, &tx.ResourceGateways, c, k, in.ResourceGatewayIdentifier); err != nil || g.Deleting {
			return err
		}
		for cfg := range tx.ResourceConfigurations.All() {
			if cfg.Gateway == g.ID {
				return awserr.LatticeConflict(k.noun, string(g.ID), "ResourceGateway %s has resource configuration(s) associated", g.ID)
			}
		}
		g.Deleting = true
		tx.Touch(&g.Meta)
		tx.ResourceGateways.Put(g)
		for _, e := range tx.ENIsOfGateway(g.ID) {
			e.Deleting = true
			tx.Touch(&e.Meta)
			tx.ENIs.Put(e)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &latticeapi.DeleteResourceGatewayOutput{Id: new(string(g.ID)), Arn: new(gatewayARN(g)), Name: &g.Name, Status: new(deleting)}, nil
}
