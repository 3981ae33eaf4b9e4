package world

import (
	"net/netip"
	"slices"
	"strconv"
)

// TargetObservation is what was last found of a target of a target group; it is written when that changes.
type TargetObservation struct {
	Key     string // see TargetKey
	Group   TargetGroupID
	Healthy bool
}

// RowID is its key.
func (o TargetObservation) RowID() string { return o.Key }

// Owner is the id of its group.
func (o TargetObservation) Owner() string { return string(o.Group) }

// TargetKey names a target of a group.
func TargetKey(g TargetGroupID, t Target) string {
	return string(g) + "/" + t.ID + ":" + strconv.Itoa(int(t.Port))
}

// Condition is whether a target may get connections, and why not, in the words of Elastic Load Balancing.
type Condition struct{ State, Reason, Text string }

// The states of targets.
const (
	TargetInitial   = "initial"
	TargetHealthy   = "healthy"
	TargetUnhealthy = "unhealthy"
	TargetUnused    = "unused"
	TargetDraining  = "draining"
)

// ConditionOf is a target's condition: as it was last seen, if it is in use and was seen at all.
func (w *World) ConditionOf(g TargetGroup, t Target) Condition {
	if !t.Drained.IsZero() {
		return Condition{TargetDraining, "Target.DeregistrationInProgress", "Target deregistration is in progress"}
	}
	b, used := w.BalancerOf(g.ID)
	if !used {
		return Condition{TargetUnused, "Target.NotInUse", "Target group is not configured to receive traffic from the load balancer"}
	}
	if i, ok := w.Instances.Get(InstanceID(t.ID)); g.TargetType == TargetInstance && (!ok || i.Power != Running) {
		return Condition{TargetUnused, "Target.InvalidState", "Target is in the stopped state"}
	}
	if z := w.ZoneOfTarget(g, t); z != "" && !slices.Contains(w.ZonesOfBalancer(b), z) {
		return Condition{TargetUnused, "Target.NotInUse", "Target is in an Availability Zone that is not enabled for the load balancer"}
	}
	o, seen := w.TargetObservations.Get(TargetKey(g.ID, t))
	switch {
	case !seen:
		return Condition{TargetInitial, "Elb.InitialHealthChecking", "Initial health checks in progress"}
	case !o.Healthy:
		return Condition{TargetUnhealthy, "Target.FailedHealthChecks", "Health checks failed"}
	}
	return Condition{State: TargetHealthy}
}

// The types of targets.
const (
	TargetInstance = "instance"
	TargetIP       = "ip"
)

// Values of load_balancing.cross_zone.enabled that target groups have.
const (
	CrossZoneOn, CrossZoneOff = "true", "false"
	CrossZoneAsBalancer       = "use_load_balancer_configuration"
)

// Crosses tells whether nodes of a load balancer send to targets of a group in other zones.
func Crosses(b LoadBalancer, g TargetGroup) bool {
	if g.CrossZone == CrossZoneAsBalancer {
		return b.CrossZone
	}
	return g.CrossZone == CrossZoneOn
}

// ZonesOfBalancer are the zones a load balancer has a subnet in.
func (w *World) ZonesOfBalancer(b LoadBalancer) []string {
	var out []string
	for _, id := range b.Subnets {
		s, _ := w.Subnets.Get(id)
		out = append(out, s.Zone)
	}
	return out
}

// AddressOfTarget is where connections for a target go: to an instance's primary address, or to the address it is.
func (w *World) AddressOfTarget(g TargetGroup, t Target) (netip.Addr, bool) {
	if g.TargetType == TargetIP {
		a, err := netip.ParseAddr(t.ID)
		return a, err == nil
	}
	e, ok := w.primaryENI(InstanceID(t.ID))
	if !ok {
		return netip.Addr{}, false
	}
	return e.Addr(), true
}

// primaryENI is the first interface of an instance.
func (w *World) primaryENI(i InstanceID) (ENI, bool) {
	for e := range w.ENIs.In(string(i)) {
		if e.Attachment.Instance == i && e.Attachment.DeviceIndex == 0 {
			return e, true
		}
	}
	return ENI{}, false
}

// ZoneOfTarget is the zone a target is in; empty when it is outside of the group's VPC, so in no zone.
func (w *World) ZoneOfTarget(g TargetGroup, t Target) string {
	if g.TargetType == TargetInstance {
		i, _ := w.Instances.Get(InstanceID(t.ID))
		s, _ := w.Subnets.Get(i.Subnet)
		return s.Zone
	}
	a, err := netip.ParseAddr(t.ID)
	for s := range w.Subnets.In(string(g.VPC)) {
		if err == nil && s.CIDR.Contains(a) {
			return s.Zone
		}
	}
	return ""
}

// Receivers are the targets of a group that a node in a zone sends new connections to: the healthy ones; when there is
// none, all that are checked and not healthy, for that may be the checks' fault; none while nobody knows. (Elastic Load
// Balancing, "Health checks for Network Load Balancer target groups".)
func (w *World) Receivers(b LoadBalancer, g TargetGroup, zone string) []Target {
	in := map[string][]Target{}
	for _, t := range g.Targets {
		z := w.ZoneOfTarget(g, t)
		if z == "" || z == zone || Crosses(b, g) {
			s := w.ConditionOf(g, t).State
			in[s] = append(in[s], t)
		}
	}
	if len(in[TargetHealthy]) > 0 {
		return in[TargetHealthy]
	}
	return in[TargetUnhealthy]
}

// WellNode tells whether a load balancer's node in a zone has a healthy target for each of its listeners.
func (w *World) WellNode(b LoadBalancer, zone string) bool {
	listeners := 0
	for l := range w.Listeners.In(string(b.ID)) {
		listeners++
		g, _ := w.TargetGroups.Get(l.Group)
		if !slices.ContainsFunc(w.Receivers(b, g, zone), func(t Target) bool { return w.ConditionOf(g, t).State == TargetHealthy }) {
			return false
		}
	}
	return listeners > 0
}
