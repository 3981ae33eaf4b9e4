package lattice

import (
	"context"
	"net/netip"
	"slices"

	"kumiko/internal/api/latticeapi"
	"kumiko/internal/fabric"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// Wellness is what the health checks of a target have found.
type Wellness int

// What they can have found.
const (
	Unasked Wellness = iota
	Well
	Ill
)

// RegisterTargets adds targets to a group; each that cannot be one is told of, the others become targets.
func (s *Service) RegisterTargets(ctx context.Context, c world.Caller, in *latticeapi.RegisterTargetsInput) (*latticeapi.RegisterTargetsOutput, error) {
	var out *latticeapi.RegisterTargetsOutput
	_, err := s.update(ctx, func(tx *world.Tx) error {
		out = &latticeapi.RegisterTargetsOutput{Successful: []latticeapi.Target{}, Unsuccessful: []latticeapi.TargetFailure{}}
		g, err := findTargetGroup(&tx.World, c, in.TargetGroupIdentifier)
		if err != nil {
			return err
		}
		g.Targets = slices.Clone(g.Targets)
		for _, x := range in.Targets {
			t := targetOf(g, x)
			if why := unfit(&tx.World, c, g, t); why != "" {
				out.Unsuccessful = append(out.Unsuccessful, latticeapi.TargetFailure{
					Id: x.Id, Port: new(int32(t.Port)), FailureCode: new("UnsupportedTarget"), FailureMessage: &why,
				})
				continue
			}
			out.Successful = append(out.Successful, latticeapi.Target{Id: x.Id, Port: new(int32(t.Port))})
			if i := indexOf(g, t); i >= 0 {
				g.Targets[i].Draining = false
				continue
			}
			g.Targets = append(g.Targets, t)
		}
		tx.Touch(&g.Meta)
		tx.LatticeTargetGroups.Put(g)
		return targetsPerGroup().leaves(len(g.Targets) - 1)
	})
	return out, err
}

func targetOf(g world.LatticeTargetGroup, x latticeapi.Target) world.LatticeTarget {
	t := world.LatticeTarget{ID: value(x.Id), Port: g.Port}
	if x.Port != nil {
		t.Port = uint16(*x.Port)
	}
	return t
}

func indexOf(g world.LatticeTargetGroup, t world.LatticeTarget) int {
	return slices.IndexFunc(g.Targets, func(o world.LatticeTarget) bool { return o.ID == t.ID && o.Port == t.Port })
}

// unfit says why something cannot be a target of a group; empty when it can.
func unfit(w *world.World, c world.Caller, g world.LatticeTargetGroup, t world.LatticeTarget) string {
	if g.Type == world.LatticeInstances {
		i, ok := w.Instances.Get(world.InstanceID(t.ID))
		switch {
		case !ok || !i.OwnedBy(c) || i.Power == world.Terminated:
			return "The instance " + t.ID + " does not exist"
		case i.VPC != g.VPC:
			return "Instance targets must be in the same VPC as their target group"
		case i.Power != world.Running:
			return "The instance " + t.ID + " is not running"
		}
		return ""
	}
	a, err := netip.ParseAddr(t.ID)
	v, _ := w.VPCs.Get(g.VPC)
	if err != nil || !a.Is4() {
		return "'" + t.ID + "' is no IPv4 address"
	}
	if !slices.ContainsFunc(v.CIDRs, func(x world.CIDRAssociation) bool { return x.CIDR.Contains(a) }) {
		return "IP address targets must be in the VPC of their target group"
	}
	return ""
}

// DeregisterTargets takes targets out of a group. Nothing new is sent to them from then on.
func (s *Service) DeregisterTargets(ctx context.Context, c world.Caller, in *latticeapi.DeregisterTargetsInput) (*latticeapi.DeregisterTargetsOutput, error) {
	var out *latticeapi.DeregisterTargetsOutput
	_, err := s.update(ctx, func(tx *world.Tx) error {
		out = &latticeapi.DeregisterTargetsOutput{Successful: []latticeapi.Target{}, Unsuccessful: []latticeapi.TargetFailure{}}
		g, err := findTargetGroup(&tx.World, c, in.TargetGroupIdentifier)
		if err != nil {
			return err
		}
		g.Targets = slices.Clone(g.Targets)
		for _, x := range in.Targets {
			t := targetOf(g, x)
			i := indexOf(g, t)
			if i < 0 {
				out.Unsuccessful = append(out.Unsuccessful, latticeapi.TargetFailure{
					Id: x.Id, Port: new(int32(t.Port)), FailureCode: new("TargetNotFound"), FailureMessage: new("The target is not registered"),
				})
				continue
			}
			g.Targets[i].Draining = true
			out.Successful = append(out.Successful, latticeapi.Target{Id: x.Id, Port: new(int32(t.Port))})
		}
		tx.Touch(&g.Meta)
		tx.LatticeTargetGroups.Put(g)
		return nil
	})
	return out, err
}

// ListTargets lists the targets of a group with what is known of them.
func (s *Service) ListTargets(_ context.Context, c world.Caller, in *latticeapi.ListTargetsInput) (*latticeapi.ListTargetsOutput, error) {
	v := s.look()
	g, err := find(&v.w, &v.w.LatticeTargetGroups, c, targetGroupKind(), in.TargetGroupIdentifier)
	if err != nil {
		return nil, err
	}
	var rows []world.LatticeTarget
	for _, t := range g.Targets {
		if len(in.Targets) == 0 || slices.ContainsFunc(in.Targets, func(x latticeapi.Target) bool {
			return value(x.Id) == t.ID && (x.Port == nil || uint16(*x.Port) == t.Port)
		}) {
			rows = append(rows, t)
		}
	}
	rows, next, err := listing.Page(listing.Lattice(), rows, fabric.TargetKey, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &latticeapi.ListTargetsOutput{Items: []latticeapi.TargetSummary{}, NextToken: next}
	for _, t := range rows {
		status, reason := s.targetStatus(v, g, t)
		out.Items = append(out.Items, latticeapi.TargetSummary{Id: new(t.ID), Port: new(int32(t.Port)), Status: &status, ReasonCode: given(reason)})
	}
	return out, nil
}

// targetStatus is the state of a target, and why. (VPC Lattice API Reference, TargetSummary.)
func (s *Service) targetStatus(v view, g world.LatticeTargetGroup, t world.LatticeTarget) (status, reason string) {
	i, _ := v.w.Instances.Get(world.InstanceID(t.ID))
	switch {
	case t.Draining:
		return "DRAINING", ""
	case len(v.w.UsersOf(g.ID)) == 0, g.Type == world.LatticeInstances && i.Power != world.Running:
		return "UNUSED", ""
	case !g.Check.Enabled:
		return "UNAVAILABLE", ""
	case s.wellness == nil:
		return "INITIAL", ""
	}
	switch s.wellness(g.ID, fabric.TargetKey(t)) {
	case Well:
		return "HEALTHY", ""
	case Ill:
		return "UNHEALTHY", "HealthCheckFailed"
	}
	return "INITIAL", ""
}
