package ec2

import (
	"context"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// CreateEgressOnlyInternetGateway makes an egress-only internet gateway of a VPC. It is for IPv6, which no VPC here has:
// no route can lead to it.
func (s *Service) CreateEgressOnlyInternetGateway(ctx context.Context, c world.Caller, in *ec2api.CreateEgressOnlyInternetGatewayInput) (*ec2api.CreateEgressOnlyInternetGatewayOutput, error) {
	given, err := oneSpec(in.TagSpecifications, "egress-only-internet-gateway")
	if err != nil {
		return nil, err
	}
	var id string
	v, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		id, err = tokenCall{c, "CreateEgressOnlyInternetGateway", in.ClientToken, in}.once(tx, func() (string, error) {
			p, err := find(&tx.VPCs, c, "vpc", in.VpcId)
			if err != nil {
				return "", err
			}
			if len(mine(&tx.EgressOnlyGateways, c)) >= maxVPCs {
				return "", awserr.EC2Limit("EgressOnlyInternetGatewayLimitExceeded", "The maximum number of egress-only internet gateways has been reached.")
			}
			g := world.EgressOnlyGateway{ID: world.EgressOnlyGatewayID(tx.NewID("eigw")), Meta: tx.NewMeta(c, given), VPC: p.ID}
			tx.EgressOnlyGateways.Put(g)
			return string(g.ID), nil
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	g, ok := v.w.EgressOnlyGateways.Get(world.EgressOnlyGatewayID(id))
	if !ok {
		return nil, awserr.EC2NotFound("egress-only-internet-gateway", id) // made with this token before, and deleted since
	}
	return &ec2api.CreateEgressOnlyInternetGatewayOutput{ClientToken: in.ClientToken, EgressOnlyInternetGateway: new(egressOnlyGateway(g))}, nil
}

func egressOnlyGateway(g world.EgressOnlyGateway) ec2api.EgressOnlyInternetGateway {
	return ec2api.EgressOnlyInternetGateway{
		EgressOnlyInternetGatewayId: new(string(g.ID)), Tags: allTags(g.Meta),
		Attachments: []ec2api.InternetGatewayAttachment{{VpcId: new(string(g.VPC)), State: new("attached")}},
	}
}

// DescribeEgressOnlyInternetGateways lists the caller's egress-only internet gateways.
func (s *Service) DescribeEgressOnlyInternetGateways(_ context.Context, c world.Caller, in *ec2api.DescribeEgressOnlyInternetGatewaysInput) (*ec2api.DescribeEgressOnlyInternetGatewaysOutput, error) {
	v := s.look(c)
	page, next, err := list(query{"egress-only-internet-gateway", in.EgressOnlyInternetGatewayIds, in.Filters, in.MaxResults, in.NextToken, in.DryRun},
		mine(&v.w.EgressOnlyGateways, c), listing.Filters[world.EgressOnlyGateway]{Tags: ownTags(func(g world.EgressOnlyGateway) world.Meta { return g.Meta })},
		listing.EC2(5, 255))
	if err != nil {
		return nil, err
	}
	return &ec2api.DescribeEgressOnlyInternetGatewaysOutput{EgressOnlyInternetGateways: each(page, egressOnlyGateway), NextToken: next}, nil
}

// DeleteEgressOnlyInternetGateway removes an egress-only internet gateway.
func (s *Service) DeleteEgressOnlyInternetGateway(ctx context.Context, c world.Caller, in *ec2api.DeleteEgressOnlyInternetGatewayInput) (*ec2api.DeleteEgressOnlyInternetGatewayOutput, error) {
	_, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		g, err := find(&tx.EgressOnlyGateways, c, "egress-only-internet-gateway", in.EgressOnlyInternetGatewayId)
		if err != nil {
			return err
		}
		tx.EgressOnlyGateways.Delete(g.ID)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.DeleteEgressOnlyInternetGatewayOutput{ReturnCode: new(true)}, nil
}
