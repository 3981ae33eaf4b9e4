package ec2

import (
	"cmp"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// peeringOf is the state of the peering that a rule's group is reached by.
func peeringOf(w *world.World, r world.SecurityGroupRule) string {
	p, ok := w.Peerings.Get(r.Peering)
	if !ok {
		return peeringDeleted
	}
	return p.Status
}

// stale tells whether a rule names a group of a VPC that is no longer joined with its own: it allows nothing.
func stale(w *world.World, r world.SecurityGroupRule) bool {
	return r.Peering != "" && peeringOf(w, r) != world.PeeringActive
}

// refuseStale refuses to make rules that would allow nothing.
func (e *ruleEdit) refuseStale(rules []world.SecurityGroupRule) error {
	for _, r := range rules {
		if stale(&e.tx.World, r) {
			return otherNetwork()
		}
	}
	return nil
}

func otherNetwork() error {
	return awserr.EC2Code("InvalidGroup.NotFound", "You have specified two resources that belong to different networks.")
}

// peer finds the group a rule names: one of the same VPC, or by its id one that is associated with it, or one of a VPC
// joined with it by an active peering in the same region, which may be another account's. A group that a rule has already
// may be named for as long as the rule is there.
func (e *ruleEdit) peer(r *world.SecurityGroupRule, x ec2api.UserIdGroupPair) error {
	if !set(x.GroupId) {
		return e.peerNamed(r, x)
	}
	if err := awserr.EC2CheckID("security-group", *x.GroupId); err != nil {
		return err
	}
	g, ok := e.tx.SecurityGroups.Get(world.SecurityGroupID(*x.GroupId))
	r.PeerGroup, r.PeerAccount = g.ID, g.Account
	said := cmp.Or(val(x.UserId), string(g.Account)) == string(g.Account)
	p, joined := e.tx.PeeringBetween(e.group.VPC, g.VPC)
	switch {
	case ok && g.VPC == e.group.VPC && said:
		return e.checkPair(*r, x, g)
	case ok && g.VPC != e.group.VPC && joined && g.Region == e.group.Region && said:
		r.PeerVPC, r.Peering = g.VPC, p.ID
		return e.checkPair(*r, x, g)
	case ok && e.tx.Carries(e.group.VPC, g) && said:
		r.PeerVPC = g.VPC
		return e.checkPair(*r, x, g)
	}
	for _, had := range e.tx.RulesOf(e.group.ID) {
		if string(had.PeerGroup) == *x.GroupId && had.PeerVPC != "" {
			r.PeerGroup, r.PeerAccount, r.PeerVPC, r.Peering = had.PeerGroup, had.PeerAccount, had.PeerVPC, had.Peering
			return e.checkPair(*r, x, g)
		}
	}
	if ok && g.OwnedBy(e.c) && said {
		return otherNetwork()
	}
	return awserr.EC2NotFound("security-group", *x.GroupId)
}

// peerNamed finds a group of the same VPC by its name.
func (e *ruleEdit) peerNamed(r *world.SecurityGroupRule, x ec2api.UserIdGroupPair) error {
	if !set(x.GroupName) {
		return awserr.EC2Code("MissingParameter", "Source group ID missing.")
	}
	g, ok := groupNamed(&e.tx.World, e.group.VPC, *x.GroupName)
	if u := val(x.UserId); !ok || u != "" && u != string(g.Account) {
		return awserr.EC2NotFound("security-group", *x.GroupName)
	}
	r.PeerGroup, r.PeerAccount = g.ID, g.Account
	return e.checkPair(*r, x, g)
}

// checkPair refuses what a group is said to be but is not.
func (e *ruleEdit) checkPair(r world.SecurityGroupRule, x ec2api.UserIdGroupPair, g world.SecurityGroup) error {
	switch {
	case set(x.GroupName) && g.ID != "" && *x.GroupName != g.Name:
		return awserr.EC2NotFound("security-group", *x.GroupName)
	case set(x.VpcPeeringConnectionId) && *x.VpcPeeringConnectionId != string(r.Peering):
		return awserr.EC2NotFound("vpc-peering-connection", *x.VpcPeeringConnectionId)
	case set(x.VpcId) && *x.VpcId != string(cmp.Or(r.PeerVPC, e.group.VPC)):
		return awserr.EC2NotFound("vpc", *x.VpcId)
	}
	return nil
}
