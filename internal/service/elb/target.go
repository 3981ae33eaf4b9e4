package elb

import (
	"cmp"
	"context"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"time"

	"kumiko/internal/api/elbapi"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// RegisterTargets adds targets to a group. Those that drain come back.
func (s *Service) RegisterTargets(ctx context.Context, c world.Caller, in *elbapi.RegisterTargetsInput) (*elbapi.RegisterTargetsOutput, error) {
	_, err := s.update(ctx, func(tx *world.Tx) error {
		g, err := group(&tx.World, c, in.TargetGroupArn)
		if err != nil {
			return err
		}
		g.Targets = slices.Clone(g.Targets)
		for _, d := range in.Targets {
			if err := cmp.Or(checkTarget(c, g, d), mayRegister(tx, c, g, d)); err != nil {
				return err
			}
			t := targetOf(g, d)
			i := slices.IndexFunc(g.Targets, func(o world.Target) bool { return o.ID == t.ID && o.Port == t.Port })
			if i < 0 {
				i, g.Targets = len(g.Targets), append(g.Targets, t)
			}
			g.Targets[i] = t
		}
		if len(g.Targets) > mostTargets {
			return awserr.ELBCode("TooManyTargets", "The maximum number of targets of a target group has been reached")
		}
		tx.Touch(&g.Meta)
		tx.TargetGroups.Put(g)
		return nil
	})
	return &elbapi.RegisterTargetsOutput{}, err
}

var instanceForm = regexp.MustCompile(`^i-([0-9a-f]{8}|[0-9a-f]{17})$`)

// checkTarget looks at the form of a target of a group.
func checkTarget(c world.Caller, g world.TargetGroup, d elbapi.TargetDescription) error {
	a, err := netip.ParseAddr(*d.Id)
	switch {
	case d.QuicServerId != nil:
		return awserr.ELBUnbuilt("Targets of protocol QUIC are")
	case g.TargetType == world.TargetInstance && !instanceForm.MatchString(*d.Id):
		return awserr.ELBCode("InvalidTarget", "The following targets are not valid instances: '%s'", *d.Id)
	case g.TargetType == world.TargetInstance && d.AvailabilityZone != nil:
		return awserr.ELBInvalid("You cannot specify an Availability Zone for instance targets")
	case g.TargetType == world.TargetIP && (err != nil || !a.Is4()):
		return awserr.ELBCode("InvalidTarget", "The IP address '%s' is not a valid IPv4 address", *d.Id)
	case d.AvailabilityZone != nil && *d.AvailabilityZone != "all" && world.ZoneID(c.Region, *d.AvailabilityZone) == "":
		return awserr.ELBInvalid("The Availability Zone '%s' is not valid", *d.AvailabilityZone)
	}
	return nil
}

func targetOf(g world.TargetGroup, d elbapi.TargetDescription) world.Target {
	return world.Target{ID: *d.Id, Port: uint16(or(d.Port, int32(g.Port)))}
}

// mayRegister looks whether something can be a target of a group: an instance of its VPC that runs, or a private address
// in it; one outside is told by the zone "all".
func mayRegister(tx *world.Tx, c world.Caller, g world.TargetGroup, d elbapi.TargetDescription) error {
	if g.TargetType == world.TargetInstance {
		i, ok := tx.Instances.Get(world.InstanceID(*d.Id))
		switch {
		case !ok || !i.OwnedBy(c):
			return awserr.ELBCode("InvalidTarget", "The following targets are not valid instances: '%s'", *d.Id)
		case i.VPC != g.VPC:
			return awserr.ELBCode("InvalidTarget", "The following targets are not in the target group VPC '%s': '%s'", g.VPC, *d.Id)
		case i.Power != world.Running:
			return awserr.ELBCode("InvalidTarget", "The following targets are not in a running state and cannot be registered: '%s'", *d.Id)
		}
		return nil
	}
	a, err := netip.ParseAddr(*d.Id)
	p, _ := tx.VPCs.Get(g.VPC)
	within := p.Contains(a)
	switch {
	case err != nil || !within && !a.IsPrivate() && !shared.Contains(a):
		return awserr.ELBCode("InvalidTarget", "The IP address '%s' is not a valid private IP", *d.Id)
	case !within && value(d.AvailabilityZone) != "all":
		return awserr.ELBInvalid("The IP address '%s' is not within the VPC '%s', so the Availability Zone must be 'all'", *d.Id, g.VPC)
	case within && value(d.AvailabilityZone) == "all":
		return awserr.ELBInvalid("The Availability Zone 'all' is only for IP addresses outside of the VPC '%s'", g.VPC)
	}
	return nil
}

// shared are the addresses of carriers, which may be targets too. (RFC 6598.)
var shared = netip.MustParsePrefix("100.64.0.0/10")

// DeregisterTargets takes targets out of a group: they get no more connections, and are shown as draining for a while.
func (s *Service) DeregisterTargets(ctx context.Context, c world.Caller, in *elbapi.DeregisterTargetsInput) (*elbapi.DeregisterTargetsOutput, error) {
	_, err := s.settle(ctx, func(tx *world.Tx) error {
		g, err := group(&tx.World, c, in.TargetGroupArn)
		if err != nil {
			return err
		}
		g.Targets = slices.Clone(g.Targets)
		for _, d := range in.Targets {
			if err := checkTarget(c, g, d); err != nil {
				return err
			}
			if !drain(tx, &g, d) {
				return awserr.ELBCode("InvalidTarget", "The following targets are not registered: '%s'", *d.Id)
			}
		}
		tx.Touch(&g.Meta)
		tx.TargetGroups.Put(g)
		return nil
	})
	return &elbapi.DeregisterTargetsOutput{}, err
}

// drain begins to drain a target, at all its ports if none is given; false when there is no such target. One that got no
// connections goes at once.
func drain(tx *world.Tx, g *world.TargetGroup, d elbapi.TargetDescription) bool {
	found := false
	var left []world.Target
	for _, t := range g.Targets {
		if t.ID != *d.Id || d.Port != nil && t.Port != uint16(*d.Port) {
			left = append(left, t)
			continue
		}
		found = true
		idle := tx.ConditionOf(*g, t).State == world.TargetUnused || g.Drain == 0
		if t.Drained.IsZero() {
			t.Drained = tx.Now.Add(g.Drain)
		}
		if !idle {
			left = append(left, t)
		}
	}
	g.Targets = left
	return found
}

// gone tells whether a target is no longer one: it has drained, or its instance was terminated.
func gone(w *world.World, g world.TargetGroup, t world.Target, now time.Time) bool {
	if !t.Drained.IsZero() && !now.Before(t.Drained) {
		return true
	}
	i, ok := w.Instances.Get(world.InstanceID(t.ID))
	return g.TargetType == world.TargetInstance && (!ok || i.Power == world.Terminated)
}

// DescribeTargetHealth tells how the targets of a group are, as far as that was seen.
func (s *Service) DescribeTargetHealth(_ context.Context, c world.Caller, in *elbapi.DescribeTargetHealthInput) (*elbapi.DescribeTargetHealthOutput, error) {
	v := s.look()
	g, err := group(&v.w, c, in.TargetGroupArn)
	if err != nil {
		return nil, err
	}
	out := &elbapi.DescribeTargetHealthOutput{TargetHealthDescriptions: []elbapi.TargetHealthDescription{}}
	targets := slices.DeleteFunc(slices.Clone(g.Targets), func(t world.Target) bool { return gone(&v.w, g, t, v.now) })
	if len(in.Targets) > 0 {
		var asked []world.Target
		for _, d := range in.Targets {
			if err := checkTarget(c, g, d); err != nil {
				return nil, err
			}
			asked = append(asked, targetOf(g, d))
		}
		targets = asked
	}
	slices.SortFunc(targets, func(a, b world.Target) int { return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Port, b.Port)) })
	for _, t := range targets {
		out.TargetHealthDescriptions = append(out.TargetHealthDescriptions, v.health(g, t))
	}
	return out, nil
}

// health describes how a target is, or that it is none.
func (v *view) health(g world.TargetGroup, t world.Target) elbapi.TargetHealthDescription {
	k := world.Condition{State: world.TargetUnused, Reason: "Target.NotRegistered", Text: "Target is not registered to the target group"}
	out := elbapi.TargetHealthDescription{Target: &elbapi.TargetDescription{Id: new(t.ID), Port: new(int32(t.Port))}}
	i := slices.IndexFunc(g.Targets, func(o world.Target) bool { return o.ID == t.ID && o.Port == t.Port })
	if i >= 0 && !gone(&v.w, g, g.Targets[i], v.now) {
		k = v.w.ConditionOf(g, g.Targets[i])
		if z := v.w.ZoneOfTarget(g, t); g.TargetType == world.TargetIP {
			out.Target.AvailabilityZone = new(cmp.Or(z, "all"))
		}
	}
	out.HealthCheckPort = new(strconv.Itoa(int(cmp.Or(g.Check.Port, t.Port))))
	out.TargetHealth = &elbapi.TargetHealth{State: new(k.State), Reason: some(k.Reason), Description: some(k.Text)}
	return out
}
