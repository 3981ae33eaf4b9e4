package ec2

import (
	"cmp"
	"context"
	"regexp"
	"time"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// The states of peerings beside world.PeeringActive. (Amazon VPC Peering Guide, "VPC peering connection lifecycle".)
const (
	peeringPending  = "pending-acceptance"
	peeringFailed   = "failed"
	peeringExpired  = "expired"
	peeringRejected = "rejected"
	peeringDeleted  = "deleted"
)

// Times of peerings. (Amazon VPC Peering Guide, "VPC peering connection lifecycle".)
const (
	peeringPatience = 7 * 24 * time.Hour // for a request to be answered
	peeringLong     = 48 * time.Hour     // an ended one is shown to the side that did not end it
	peeringShort    = 2 * time.Hour      // and to the one that did
)

// wrongPeer is the message of peerings that failed.
const wrongPeer = "Failed due to incorrect VPC-ID, Account ID, or overlapping CIDR range"

// regionForm is what names of regions look like. (AWS Regions and Availability Zones User Guide, "AWS Regions".)
var regionForm = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]{1,2}$`)

// aged is p as it is at a time: a request that nobody answered expires.
func aged(p world.Peering, now time.Time) world.Peering {
	if p.Status == peeringPending && !now.Before(p.Expires) {
		p.Status, p.Message, p.Ended = peeringExpired, "Expired", p.Expires
	}
	return p
}

// isSide tells whether a side of a peering is the caller's.
func isSide(s world.PeeringSide, c world.Caller) bool {
	return s.Account == c.Account && s.Region == c.Region
}

// sideShown is how long an ended peering is shown to its requester or accepter.
func sideShown(p world.Peering, requester bool) time.Duration {
	side := p.Accepter
	if requester {
		side = p.Requester
	}
	switch {
	case p.Status == peeringFailed && !requester:
		return 0
	case p.Status == peeringFailed, p.Status == peeringRejected && !requester, p.Status == peeringDeleted && p.EndedBy == side.Account:
		return peeringShort
	}
	return peeringLong
}

// showsTo tells whether a side still sees a peering.
func showsTo(p world.Peering, requester bool, now time.Time) bool {
	if p.Status == peeringFailed && !requester {
		return false
	}
	return p.Ended.IsZero() || now.Sub(p.Ended) < sideShown(p, requester)
}

// peeringStep is what is to be done with a peering, nil if nothing is.
func peeringStep(p world.Peering, now time.Time) func(*world.Tx, world.Peering) {
	switch old := p.Status; {
	case aged(p, now).Status != old:
		return func(tx *world.Tx, p world.Peering) {
			p = aged(p, tx.Now)
			p.Updated = tx.Now
			tx.Peerings.Put(p)
		}
	case !showsTo(p, true, now) && !showsTo(p, false, now):
		return func(tx *world.Tx, p world.Peering) { tx.Peerings.Delete(p.ID) }
	}
	return nil
}

// peerings are the peerings the caller can see, as they are now.
func (v *view) peerings() []world.Peering {
	var out []world.Peering
	for p := range v.w.Peerings.All() {
		p = aged(p, v.now)
		if isSide(p.Requester, v.c) && showsTo(p, true, v.now) || isSide(p.Accepter, v.c) && showsTo(p, false, v.now) {
			out = append(out, p)
		}
	}
	return out
}

// findPeering is a peering that the caller can see.
func findPeering(tx *world.Tx, c world.Caller, id *string) (world.Peering, error) {
	v := &view{w: tx.World, c: c, now: tx.Now}
	rows, err := pick("vpc-peering-connection", []string{val(id)}, v.peerings())
	if err != nil {
		return world.Peering{}, err
	}
	return rows[0], nil
}

// CreateVpcPeeringConnection asks the owner of a VPC, who may be the caller, to join it with one of the caller's. A
// request that cannot be fulfilled is made all the same, and fails.
func (s *Service) CreateVpcPeeringConnection(ctx context.Context, c world.Caller, in *ec2api.CreateVpcPeeringConnectionInput) (*ec2api.CreateVpcPeeringConnectionOutput, error) {
	given, err := oneSpec(in.TagSpecifications, "vpc-peering-connection")
	if err != nil {
		return nil, err
	}
	if err := cmp.Or(need("vpcId", in.VpcId), need("peerVpcId", in.PeerVpcId)); err != nil {
		return nil, err
	}
	if err := checkPeer(in); err != nil {
		return nil, err
	}
	var p world.Peering
	v, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		mine, err := find(&tx.VPCs, c, "vpc", in.VpcId)
		if err != nil {
			return err
		}
		p = world.Peering{
			ID: world.PeeringID(tx.NewID("pcx")), Meta: tx.NewMeta(c, given), Expires: tx.Now.Add(peeringPatience),
			Requester: world.PeeringSide{VPC: mine.ID, Account: c.Account, Region: c.Region},
			Accepter: world.PeeringSide{
				VPC: world.VPCID(*in.PeerVpcId), Account: cmp.Or(world.AccountID(val(in.PeerOwnerId)), c.Account), Region: cmp.Or(val(in.PeerRegion), c.Region),
			},
		}
		if err := roomForPeering(tx, p); err != nil {
			return err
		}
		p.Status, p.Message = peeringPending, "Pending Acceptance by "+string(p.Accepter.Account)
		if !joinable(tx, p) {
			p.Status, p.Message, p.Ended, p.EndedBy = peeringFailed, wrongPeer, tx.Now, c.Account
		}
		tx.Peerings.Put(p)
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := v.peering(p)
	out.Status = &ec2api.VpcPeeringConnectionStateReason{
		Code: new("initiating-request"), Message: new("Initiating Request to " + string(p.Accepter.Account)),
	}
	return &ec2api.CreateVpcPeeringConnectionOutput{VpcPeeringConnection: &out}, nil
}

// checkPeer checks that the other side is named in the form of its kind; whether it exists is told by the peering.
func checkPeer(in *ec2api.CreateVpcPeeringConnectionInput) error {
	if err := awserr.EC2CheckID("vpc", *in.PeerVpcId); err != nil {
		return err
	}
	if owner := val(in.PeerOwnerId); owner != "" && !accountForm.MatchString(owner) {
		return awserr.EC2InvalidParameter("peerOwnerId", owner, "Account IDs have 12 digits.")
	}
	if region := val(in.PeerRegion); region != "" && !regionForm.MatchString(region) {
		return awserr.EC2InvalidParameter("peerRegion", region, "This is not the name of a region.")
	}
	return nil
}

// joinable tells whether the sides of a peering are what the requester said they are, and their ranges do not overlap.
func joinable(tx *world.Tx, p world.Peering) bool {
	a, _ := tx.VPCs.Get(p.Requester.VPC)
	b, ok := tx.VPCs.Get(p.Accepter.VPC)
	return ok && b.Account == p.Accepter.Account && b.Region == p.Accepter.Region && a.ID != b.ID && !a.Overlaps(b)
}

// roomForPeering checks that the two VPCs are not joined, or asked to be, and that there are not too many requests.
func roomForPeering(tx *world.Tx, p world.Peering) error {
	waiting := 0
	for o := range tx.Peerings.In(string(p.Requester.VPC)) {
		o = aged(o, tx.Now)
		if o.Status != peeringPending && !o.Active() {
			continue
		}
		if o.Other(p.Requester.VPC).VPC == p.Accepter.VPC {
			return awserr.EC2Code("VpcPeeringConnectionAlreadyExists", "The VPC peering connection %s between %s and %s already exists.",
				o.ID, o.Requester.VPC, o.Accepter.VPC)
		}
		if o.Status == peeringPending && o.Requester.VPC == p.Requester.VPC {
			waiting++
		}
	}
	if waiting >= maxPeeringRequests {
		return awserr.EC2Limit("OutstandingVpcPeeringConnectionLimitExceeded",
			"The maximum number of outstanding VPC peering connection requests has been reached.")
	}
	return nil
}

func activePeerings(tx *world.Tx, id world.VPCID) int {
	n := 0
	for p := range tx.Peerings.In(string(id)) {
		if p.Active() {
			n++
		}
	}
	return n
}

// AcceptVpcPeeringConnection joins the VPCs of a request. Each side adds its routes itself.
func (s *Service) AcceptVpcPeeringConnection(ctx context.Context, c world.Caller, in *ec2api.AcceptVpcPeeringConnectionInput) (*ec2api.AcceptVpcPeeringConnectionOutput, error) {
	var p world.Peering
	v, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		var err error
		if p, err = answerable(tx, c, in.VpcPeeringConnectionId, "accept"); err != nil {
			return err
		}
		for _, id := range []world.VPCID{p.Requester.VPC, p.Accepter.VPC} {
			if activePeerings(tx, id) >= maxPeerings {
				return awserr.EC2Limit("ActiveVpcPeeringConnectionPerVpcLimitExceeded",
					"The maximum number of active VPC peering connections has been reached for "+string(id)+".")
			}
		}
		if p.Status, p.Message = world.PeeringActive, "Active"; !joinable(tx, p) {
			p.Status, p.Message, p.Ended, p.EndedBy = peeringFailed, wrongPeer, tx.Now, c.Account
		}
		tx.Touch(&p.Meta)
		tx.Peerings.Put(p)
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := v.peering(p)
	if p.Active() {
		out.Status = &ec2api.VpcPeeringConnectionStateReason{Code: new("provisioning"), Message: new("Provisioning")}
	}
	return &ec2api.AcceptVpcPeeringConnectionOutput{VpcPeeringConnection: &out}, nil
}

// answerable is a request for a peering that the caller may accept or reject.
func answerable(tx *world.Tx, c world.Caller, id *string, verb string) (world.Peering, error) {
	p, err := findPeering(tx, c, id)
	switch {
	case err != nil:
		return p, err
	case p.Accepter.Account != c.Account:
		return p, awserr.EC2NotPermitted("User (" + string(c.Account) + ") cannot " + verb + " peering " + string(p.ID))
	case p.Accepter.Region != c.Region:
		return p, awserr.EC2NotPermitted("Incorrect region ( " + c.Region + " ) specified for this request. VPC peering connection " + string(p.ID) +
			" must be " + verb + "ed in region " + p.Accepter.Region)
	case p.Status != peeringPending:
		return p, awserr.EC2Code("InvalidStateTransition", "VpcPeeringConnectionID %s is not in the correct state for the request.", p.ID)
	}
	return p, nil
}

// RejectVpcPeeringConnection declines a request.
func (s *Service) RejectVpcPeeringConnection(ctx context.Context, c world.Caller, in *ec2api.RejectVpcPeeringConnectionInput) (*ec2api.RejectVpcPeeringConnectionOutput, error) {
	_, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		p, err := answerable(tx, c, in.VpcPeeringConnectionId, "reject")
		if err != nil {
			return err
		}
		endPeering(tx, c, p, peeringRejected, "Rejected by "+string(c.Account))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.RejectVpcPeeringConnectionOutput{Return: new(true)}, nil
}

func endPeering(tx *world.Tx, c world.Caller, p world.Peering, status, message string) {
	p.Status, p.Message, p.Ended, p.EndedBy = status, message, tx.Now, c.Account
	tx.Touch(&p.Meta)
	tx.Peerings.Put(p)
}

// DeleteVpcPeeringConnection parts two VPCs, or takes a request back. Routes to the peering become blackholes.
func (s *Service) DeleteVpcPeeringConnection(ctx context.Context, c world.Caller, in *ec2api.DeleteVpcPeeringConnectionInput) (*ec2api.DeleteVpcPeeringConnectionOutput, error) {
	_, err := s.update(ctx, c, in.DryRun, func(tx *world.Tx) error {
		p, err := findPeering(tx, c, in.VpcPeeringConnectionId)
		if err != nil {
			return err
		}
		if !p.Active() && p.Status != peeringPending {
			return awserr.EC2Code("InvalidStateTransition", "Invalid state transition for %s, attempted to transition from %s to deleting", p.ID, p.Status)
		}
		endPeering(tx, c, p, peeringDeleted, "Deleted by "+string(c.Account))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ec2api.DeleteVpcPeeringConnectionOutput{Return: new(true)}, nil
}

// checkPeeredCIDR refuses a further range for a VPC that overlaps one of an active peer, and any while the VPC waits for
// another to accept. (Amazon VPC User Guide, "VPC CIDR blocks".)
func checkPeeredCIDR(tx *world.Tx, r world.VPC, a world.CIDRAssociation) error {
	for p := range tx.Peerings.In(string(r.ID)) {
		p = aged(p, tx.Now)
		if p.Status == peeringPending && p.Requester.VPC == r.ID {
			return awserr.EC2NotPermitted("The VPC " + string(r.ID) + " has requested the VPC peering connection " + string(p.ID) + ", which is pending acceptance.")
		}
		if !p.Active() || !p.Joins(r.ID) {
			continue
		}
		other, _ := tx.VPCs.Get(p.Other(r.ID).VPC)
		if other.Overlaps(world.VPC{CIDRs: []world.CIDRAssociation{a}}) {
			return awserr.EC2Code("InvalidVpc.Range", "The CIDR '%s' overlaps with a CIDR of the peered VPC %s", a.CIDR, other.ID)
		}
	}
	return nil
}
