package ec2

import (
	"context"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// publicScope is the scope of what was seen of the public side; see store.Seen.
const publicScope = "public"

// CreateInternetGateway makes an internet gateway that is attached to nothing.
func (s *Service) CreateInternetGateway(ctx context.Context, c world.Caller, in *ec2api.CreateInternetGatewayInput) (*ec2api.CreateInternetGatewayOutput, error) {
	given, err := oneSpec(in.TagSpecifications, "internet-gateway")
	if err != nil {
		return nil, err
	}
	var g world.InternetGateway
	v, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		if len(mine(&tx.InternetGateways, c)) >= maxVPCs {
			return awserr.EC2Limit("InternetGatewayLimitExceeded", "The maximum number of internet gateways has been reached.")
		}
		g = world.InternetGateway{ID: world.InternetGatewayID(tx.NewID("igw")), Meta: tx.NewMeta(c, given)}
		tx.InternetGateways.Put(g)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.CreateInternetGatewayOutput{InternetGateway: new(v.internetGateway(g))}, nil
}

// internetGateway describes an internet gateway.
func (v *view) internetGateway(g world.InternetGateway) ec2api.InternetGateway {
	out := ec2api.InternetGateway{
		InternetGatewayId: new(string(g.ID)), OwnerId: new(string(g.Account)), Tags: allTags(g.Meta), Attachments: []ec2api.InternetGatewayAttachment{},
	}
	if g.VPC != "" {
		out.Attachments = append(out.Attachments, ec2api.InternetGatewayAttachment{VpcId: new(string(g.VPC)), State: new(v.uplinkState(g))})
	}
	return out
}

// uplinkState is the state of an attachment; AWS says available, not attached.
func (v *view) uplinkState(g world.InternetGateway) string {
	if v.seen.Ready(g.Rev, string(g.VPC), publicScope) {
		return "available"
	}
	return "attaching"
}

// DescribeInternetGateways lists the caller's internet gateways.
func (s *Service) DescribeInternetGateways(_ context.Context, c world.Caller, in *ec2api.DescribeInternetGatewaysInput) (*ec2api.DescribeInternetGatewaysOutput, error) {
	v := s.look(c)
	type gateway = world.InternetGateway
	attached := func(f func(gateway) string) func(gateway) []string {
		return func(g gateway) []string {
			if g.VPC == "" {
				return nil
			}
			return []string{f(g)}
		}
	}
	filters := listing.Filters[gateway]{
		Tags: ownTags(func(g gateway) world.Meta { return g.Meta }),
		Fields: map[string]func(gateway) []string{
			"internet-gateway-id": one(func(g gateway) world.InternetGatewayID { return g.ID }),
			"owner-id":            one(func(g gateway) world.AccountID { return g.Account }),
			"attachment.vpc-id":   attached(func(g gateway) string { return string(g.VPC) }),
			"attachment.state":    attached(v.uplinkState),
		},
	}
	page, next, err := list(query{"internet-gateway", in.InternetGatewayIds, in.Filters, in.MaxResults, in.NextToken, in.DryRun},
		mine(&v.w.InternetGateways, c), filters, listing.EC2(5, 1000))
	if err != nil {
		return nil, err
	}
	return &ec2api.DescribeInternetGatewaysOutput{InternetGateways: each(page, v.internetGateway), NextToken: next}, nil
}

// gatewayAndVPC finds what a request attaches or detaches.
func gatewayAndVPC(tx *world.Tx, c world.Caller, gateway, vpc *string) (world.InternetGateway, world.VPC, error) {
	g, err := find(&tx.InternetGateways, c, "internet-gateway", gateway)
	if err != nil {
		return g, world.VPC{}, err
	}
	p, err := find(&tx.VPCs, c, "vpc", vpc)
	return g, p, err
}

// AttachInternetGateway joins a VPC with the public side.
func (s *Service) AttachInternetGateway(ctx context.Context, c world.Caller, in *ec2api.AttachInternetGatewayInput) (*ec2api.AttachInternetGatewayOutput, error) {
	_, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		g, p, err := gatewayAndVPC(tx, c, in.InternetGatewayId, in.VpcId)
		if err != nil {
			return err
		}
		if g.VPC != "" {
			return awserr.EC2Code("Resource.AlreadyAssociated", "resource %s is already attached to network %s", g.ID, g.VPC)
		}
		if _, has := tx.GatewayOfVPC(p.ID); has {
			return awserr.EC2InvalidValue("Network " + string(p.ID) + " already has an internet gateway attached")
		}
		g.VPC = p.ID
		tx.Touch(&g.Meta)
		tx.InternetGateways.Put(g)
		return nil
	})
	return &ec2api.AttachInternetGatewayOutput{}, err
}

// DetachInternetGateway takes a VPC's way to the public side away. Routes to the gateway become blackholes.
func (s *Service) DetachInternetGateway(ctx context.Context, c world.Caller, in *ec2api.DetachInternetGatewayInput) (*ec2api.DetachInternetGatewayOutput, error) {
	_, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		g, p, err := gatewayAndVPC(tx, c, in.InternetGatewayId, in.VpcId)
		if err != nil {
			return err
		}
		if g.VPC != p.ID {
			return awserr.EC2Code("Gateway.NotAttached", "resource %s is not attached to network %s", g.ID, p.ID)
		}
		if mapped(tx, p.ID) {
			return awserr.EC2Code("DependencyViolation", "Network %s has some mapped public address(es). Please unmap those public address(es) "+
				"before detaching the gateway.", p.ID)
		}
		g.VPC = ""
		tx.Touch(&g.Meta)
		tx.InternetGateways.Put(g)
		return nil
	})
	return &ec2api.DetachInternetGatewayOutput{}, err
}

// mapped tells whether some interface of the VPC has a public address.
func mapped(tx *world.Tx, id world.VPCID) bool {
	for e := range tx.ENIs.In(string(id)) {
		if e.Public.IsValid() {
			return true
		}
	}
	return holds(tx.Addresses.In(string(id)))
}

// DeleteInternetGateway removes a gateway that is attached to nothing.
func (s *Service) DeleteInternetGateway(ctx context.Context, c world.Caller, in *ec2api.DeleteInternetGatewayInput) (*ec2api.DeleteInternetGatewayOutput, error) {
	_, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		g, err := find(&tx.InternetGateways, c, "internet-gateway", in.InternetGatewayId)
		if err != nil {
			return err
		}
		if g.VPC != "" {
			return awserr.EC2Dependency("internet-gateway", string(g.ID))
		}
		tx.InternetGateways.Delete(g.ID)
		return nil
	})
	return &ec2api.DeleteInternetGatewayOutput{}, err
}
