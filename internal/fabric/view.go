package fabric

import (
	"cmp"
	"iter"
	"net/netip"

	"kumiko/internal/world"
)

// View is all that the resolver of a VPC answers from, by domain.
type View struct {
	Hosted map[string]*Zone    // private hosted zones
	Own    map[string]*Zone    // private DNS of endpoints, names AWS generates
	Public map[string]*Zone    // what the Internet has
	Rules  map[string]*Forward // what is asked elsewhere
	Logged bool                // what instances ask is written down

	Internet  map[string]*Zone             `json:"-"`          // Fabric.PublicZones: the public hosted zones, which the Internet has as well
	Unhealthy map[world.HealthCheckID]bool `json:",omitempty"` // checks that fail
}

// Forward is a Resolver rule: names of its domain are asked elsewhere, or, by a SYSTEM rule, are not although a rule
// above says so.
type Forward struct {
	Rule     world.ResolverRuleID
	Domain   string
	System   bool
	Endpoint world.ResolverEndpointID // the outbound endpoint that queries leave from
	Targets  []netip.AddrPort         // in the order they are tried
}

// Add puts a zone into the view, unless there is one for its domain that goes before it.
func (w *View) Add(z *Zone) {
	zones := &w.Own
	switch z.Kind {
	case PublicZone:
		zones = &w.Public
	case HostedZone:
		zones = &w.Hosted
	}
	if *zones == nil {
		*zones = map[string]*Zone{}
	}
	if had := (*zones)[z.Name]; had == nil || had.Kind.rank() < z.Kind.rank() {
		(*zones)[z.Name] = z
	}
}

// NewView is a view of the given zones.
func NewView(zones ...*Zone) View {
	var w View
	for _, z := range zones {
		w.Add(z)
	}
	return w
}

// Zones walks the zones of the view, in no order.
func (w *View) Zones() iter.Seq[*Zone] {
	return func(yield func(*Zone) bool) {
		for _, zones := range []map[string]*Zone{w.Hosted, w.Own, w.Public, w.Internet} {
			for _, z := range zones {
				if !yield(z) {
					return
				}
			}
		}
	}
}

// source is what decides about a name: the most specific domain that covers it decides alone, and of a rule and a zone
// for the same domain the rule, if it forwards. What the Internet has comes after all else. (Route 53 Developer Guide,
// "How Resolver endpoints forward DNS queries"; "Considerations when working with a private hosted zone".)
func (w *View) source(name string) (*Zone, *Forward) {
	var system *Forward
	for d, ok := name, true; ok; d, ok = parent(d) {
		if f := w.Rules[d]; f != nil && system == nil {
			if !f.System {
				return nil, f
			}
			system = f
		}
		if z := cmp.Or(w.Hosted[d], w.Own[d]); z != nil {
			return z, system
		}
	}
	for d, ok := name, true; ok; d, ok = parent(d) {
		if z := cmp.Or(w.Public[d], w.Internet[d]); z != nil {
			return z, system
		}
	}
	return nil, system
}

// served is the zone of AWS that a name is in, whatever hosted zones and rules cover it.
func (w *View) served(name string) *Zone {
	for d, ok := name, true; ok; d, ok = parent(d) {
		if z := cmp.Or(w.Own[d], w.Public[d]); z != nil {
			return z
		}
	}
	return nil
}
