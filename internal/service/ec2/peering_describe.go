package ec2

import (
	"context"
	"iter"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// peeringStatus is the status of a peering: it is active once both routers have the cable, and deleted once neither has.
func (v *view) peeringStatus(p world.Peering) (code, message string) {
	ready := v.seen.Ready(p.Rev, string(p.Requester.VPC), string(p.Accepter.VPC))
	switch {
	case p.Active() && !ready:
		return "provisioning", "Provisioning"
	case p.Status == peeringDeleted && !ready:
		return "deleting", "Deleting"
	}
	return p.Status, p.Message
}

// peeringTags are the tags the caller sees on a peering: each account has its own.
func peeringTags(p world.Peering, c world.Caller) []world.Tag {
	if isSide(p.Requester, c) {
		return p.Tags
	}
	return p.AccepterTags
}

// peering describes a peering.
func (v *view) peering(p world.Peering) ec2api.VpcPeeringConnection {
	code, message := v.peeringStatus(p)
	out := ec2api.VpcPeeringConnection{
		VpcPeeringConnectionId: new(string(p.ID)), Tags: tagList(peeringTags(p, v.c)),
		Status:           &ec2api.VpcPeeringConnectionStateReason{Code: new(code), Message: new(message)},
		RequesterVpcInfo: v.peeringSide(p, p.Requester, true), AccepterVpcInfo: v.peeringSide(p, p.Accepter, p.Active()),
	}
	if p.Status == peeringPending {
		out.ExpirationTime = new(p.Expires)
	}
	return out
}

// peeringSide describes a side; what its VPC is like is told when it is known to the other.
func (v *view) peeringSide(p world.Peering, s world.PeeringSide, known bool) *ec2api.VpcPeeringConnectionVpcInfo {
	out := &ec2api.VpcPeeringConnectionVpcInfo{OwnerId: new(string(s.Account)), VpcId: new(string(s.VPC)), Region: new(s.Region)}
	row, ok := v.w.VPCs.Get(s.VPC)
	if !ok || !known {
		return out
	}
	out.CidrBlock = new(row.CIDR().String())
	out.CidrBlockSet = each(row.CIDRs, func(a world.CIDRAssociation) ec2api.CidrBlock {
		return ec2api.CidrBlock{CidrBlock: new(a.CIDR.String())}
	})
	out.PeeringOptions = &ec2api.VpcPeeringConnectionOptionsDescription{
		AllowDnsResolutionFromRemoteVpc: new(s.ResolveDNS), AllowEgressFromLocalClassicLinkToRemoteVpc: new(false),
		AllowEgressFromLocalVpcToRemoteClassicLink: new(false),
	}
	return out
}

// DescribeVpcPeeringConnections lists the peerings of the caller's VPCs, those that ended a while ago among them.
func (s *Service) DescribeVpcPeeringConnections(_ context.Context, c world.Caller, in *ec2api.DescribeVpcPeeringConnectionsInput) (*ec2api.DescribeVpcPeeringConnectionsOutput, error) {
	v := s.look(c)
	type peering = world.Peering
	side := func(of func(peering) world.PeeringSide, f func(world.PeeringSide) string) func(peering) []string {
		return one(func(p peering) string { return f(of(p)) })
	}
	cidr := func(s world.PeeringSide) string {
		if row, ok := v.w.VPCs.Get(s.VPC); ok {
			return row.CIDR().String()
		}
		return ""
	}
	fields := map[string]func(peering) []string{
		"vpc-peering-connection-id": one(func(p peering) world.PeeringID { return p.ID }),
		"status-code":               one(func(p peering) string { code, _ := v.peeringStatus(p); return code }),
		"status-message":            one(func(p peering) string { _, text := v.peeringStatus(p); return text }),
		"expiration-time":           one(func(p peering) string { return ec2Time(p.Expires) }),
	}
	for name, of := range map[string]func(peering) world.PeeringSide{
		"requester": func(p peering) world.PeeringSide { return p.Requester }, "accepter": func(p peering) world.PeeringSide { return p.Accepter },
	} {
		fields[name+"-vpc-info.vpc-id"] = side(of, func(s world.PeeringSide) string { return string(s.VPC) })
		fields[name+"-vpc-info.owner-id"] = side(of, func(s world.PeeringSide) string { return string(s.Account) })
		fields[name+"-vpc-info.cidr-block"] = side(of, cidr)
	}
	filters := listing.Filters[peering]{Fields: fields, Tags: func(p peering) []world.Tag { return peeringTags(p, c) }}
	page, next, err := list(query{"vpc-peering-connection", in.VpcPeeringConnectionIds, in.Filters, in.MaxResults, in.NextToken, in.DryRun},
		v.peerings(), filters, listing.EC2(5, 1000))
	if err != nil {
		return nil, err
	}
	return &ec2api.DescribeVpcPeeringConnectionsOutput{VpcPeeringConnections: each(page, v.peering), NextToken: next}, nil
}

// ModifyVpcPeeringConnectionOptions sets, for the caller's sides of an active peering, whether the other VPC resolves
// public host names to private addresses.
func (s *Service) ModifyVpcPeeringConnectionOptions(ctx context.Context, c world.Caller, in *ec2api.ModifyVpcPeeringConnectionOptionsInput) (*ec2api.ModifyVpcPeeringConnectionOptionsOutput, error) {
	out := &ec2api.ModifyVpcPeeringConnectionOptionsOutput{}
	_, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		p, err := findPeering(tx, c, in.VpcPeeringConnectionId)
		if err != nil {
			return err
		}
		if in.RequesterPeeringConnectionOptions == nil && in.AccepterPeeringConnectionOptions == nil {
			return awserr.EC2Code("MissingParameter", "The request must contain the options of the requester or the accepter")
		}
		if !p.Active() {
			return awserr.EC2NotPermitted("Peering " + string(p.ID) + " is not active. Peering options can be added only to active peerings.")
		}
		if out.RequesterPeeringConnectionOptions, err = changeSide(tx, c, p, &p.Requester, in.RequesterPeeringConnectionOptions); err != nil {
			return err
		}
		if out.AccepterPeeringConnectionOptions, err = changeSide(tx, c, p, &p.Accepter, in.AccepterPeeringConnectionOptions); err != nil {
			return err
		}
		p.Updated = tx.Now
		tx.Peerings.Put(p)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func changeSide(tx *world.Tx, c world.Caller, p world.Peering, s *world.PeeringSide, in *ec2api.PeeringConnectionOptionsRequest) (*ec2api.PeeringConnectionOptions, error) {
	switch {
	case in == nil:
		return nil, nil
	case !isSide(*s, c):
		return nil, awserr.EC2NotPermitted("User (" + string(c.Account) + ") cannot modify the peering options of " + string(s.VPC) + " in region " + s.Region)
	case val(in.AllowEgressFromLocalClassicLinkToRemoteVpc), val(in.AllowEgressFromLocalVpcToRemoteClassicLink):
		return nil, unsupported("EC2-Classic is not built.")
	}
	if allow := in.AllowDnsResolutionFromRemoteVpc; allow != nil {
		for _, id := range []world.VPCID{p.Requester.VPC, p.Accepter.VPC} {
			if row, _ := tx.VPCs.Get(id); *allow && (!row.DNSHostnames || !row.DNSSupport) {
				return nil, awserr.EC2Code("InvalidVpcPeeringConnectionState.DnsHostnamesDisabled",
					"DNS resolution and DNS hostnames must be enabled for the VPC %s.", id)
			}
		}
		s.ResolveDNS = *allow
	}
	return &ec2api.PeeringConnectionOptions{
		AllowDnsResolutionFromRemoteVpc: new(s.ResolveDNS), AllowEgressFromLocalClassicLinkToRemoteVpc: new(false),
		AllowEgressFromLocalVpcToRemoteClassicLink: new(false),
	}, nil
}

// peeringTagged are the peerings the caller sees, with its own tags.
func peeringTagged(w *world.World, c world.Caller, from string) iter.Seq[tagged] {
	return func(yield func(tagged) bool) {
		for p := range w.Peerings.From("", from) {
			if (isSide(p.Requester, c) || isSide(p.Accepter, c)) && !yield(tagged{string(p.ID), peeringTags(p, c)}) {
				return
			}
		}
	}
}

func changePeeringTags(tx *world.Tx, c world.Caller, id string, f func([]world.Tag) []world.Tag) bool {
	p, err := findPeering(tx, c, &id)
	switch {
	case err != nil:
		return false
	case isSide(p.Requester, c):
		p.Tags = f(p.Tags)
	default:
		p.AccepterTags = f(p.AccepterTags)
	}
	p.Updated = tx.Now
	tx.Peerings.Put(p)
	return true
}
