package ec2

import (
	"context"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// CreateSubnetCidrReservation keeps a range of a subnet from being given out by choice: for /28 prefixes, or for
// addresses that are asked for. What interfaces have of it stays theirs.
func (s *Service) CreateSubnetCidrReservation(ctx context.Context, c world.Caller, in *ec2api.CreateSubnetCidrReservationInput) (*ec2api.CreateSubnetCidrReservationOutput, error) {
	if err := need("cidr", in.Cidr); err != nil {
		return nil, err
	}
	cidr, err := parseCIDR("cidr", *in.Cidr)
	if err != nil {
		return nil, err
	}
	switch val(in.ReservationType) {
	case "prefix", "explicit":
	case "":
		return nil, awserr.EC2MissingParameter("reservationType")
	default:
		return nil, awserr.EC2InvalidParameter("reservationType", *in.ReservationType, "Expecting prefix or explicit.")
	}
	given, err := oneSpec(in.TagSpecifications, "subnet-cidr-reservation")
	if err != nil {
		return nil, err
	}
	var r world.SubnetReservation
	_, err = s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		n, err := find(&tx.Subnets, c, "subnet", in.SubnetId)
		if err != nil {
			return err
		}
		if !covers(n.CIDR, cidr) {
			return awserr.EC2InvalidParameter("cidr", cidr.String(), "The CIDR is not within the CIDR range of the subnet "+n.CIDR.String()+".")
		}
		for o := range tx.SubnetReservations.In(string(n.ID)) {
			if o.CIDR.Overlaps(cidr) {
				return awserr.EC2InvalidParameter("cidr", cidr.String(), "The CIDR overlaps with the reservation "+string(o.ID)+".")
			}
		}
		r = world.SubnetReservation{
			ID: world.SubnetReservationID(tx.NewID("scr")), Meta: tx.NewMeta(c, given), VPC: n.VPC, Subnet: n.ID, CIDR: cidr,
			Explicit: *in.ReservationType == "explicit", Description: val(in.Description),
		}
		tx.SubnetReservations.Put(r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.CreateSubnetCidrReservationOutput{SubnetCidrReservation: new(reservation(r))}, nil
}

func reservation(r world.SubnetReservation) ec2api.SubnetCidrReservation {
	out := ec2api.SubnetCidrReservation{
		SubnetCidrReservationId: new(string(r.ID)), SubnetId: new(string(r.Subnet)), Cidr: new(r.CIDR.String()), OwnerId: new(string(r.Account)),
		ReservationType: new(reservationType(r)), Tags: allTags(r.Meta),
	}
	if r.Description != "" {
		out.Description = new(r.Description)
	}
	return out
}

func reservationType(r world.SubnetReservation) string {
	if r.Explicit {
		return "explicit"
	}
	return "prefix"
}

// DeleteSubnetCidrReservation lets the range be given out again.
func (s *Service) DeleteSubnetCidrReservation(ctx context.Context, c world.Caller, in *ec2api.DeleteSubnetCidrReservationInput) (*ec2api.DeleteSubnetCidrReservationOutput, error) {
	var r world.SubnetReservation
	_, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		var err error
		if r, err = find(&tx.SubnetReservations, c, "subnet-cidr-reservation", in.SubnetCidrReservationId); err != nil {
			return err
		}
		tx.SubnetReservations.Delete(r.ID)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.DeleteSubnetCidrReservationOutput{DeletedSubnetCidrReservation: new(reservation(r))}, nil
}

// GetSubnetCidrReservations lists the reservations of a subnet.
func (s *Service) GetSubnetCidrReservations(_ context.Context, c world.Caller, in *ec2api.GetSubnetCidrReservationsInput) (*ec2api.GetSubnetCidrReservationsOutput, error) {
	v := s.look(c)
	n, err := find(&v.w.Subnets, c, "subnet", in.SubnetId)
	if err != nil {
		return nil, err
	}
	var rows []world.SubnetReservation
	for r := range v.w.SubnetReservations.In(string(n.ID)) {
		rows = append(rows, r)
	}
	kind, of := one(reservationType), one(func(r world.SubnetReservation) world.SubnetID { return r.Subnet })
	filters := listing.Filters[world.SubnetReservation]{
		Tags: ownTags(func(r world.SubnetReservation) world.Meta { return r.Meta }),
		Fields: map[string]func(world.SubnetReservation) []string{
			"subnetCidrReservationId": one(func(r world.SubnetReservation) world.SubnetReservationID { return r.ID }),
			"subnetId":                of, "subnet-id": of,
			"cidr":            one(func(r world.SubnetReservation) string { return r.CIDR.String() }),
			"reservationType": kind, "reservation-type": kind,
		},
	}
	page, next, err := list(query{filters: in.Filters, size: in.MaxResults, token: in.NextToken, dry: in.DryRun}, rows, filters, listing.EC2(5, 1000))
	if err != nil {
		return nil, err
	}
	return &ec2api.GetSubnetCidrReservationsOutput{
		SubnetIpv4CidrReservations: each(page, reservation), SubnetIpv6CidrReservations: []ec2api.SubnetCidrReservation{}, NextToken: next,
	}, nil
}
