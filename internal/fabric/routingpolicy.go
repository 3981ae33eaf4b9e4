package fabric

import (
	"cmp"
	"math"
	"slices"

	"kumiko/internal/world"
)

// Set is a resource record set that answers only sometimes, or like another name.
type Set struct {
	ID      string
	Type    uint16
	Records []Record // of its own
	Alias   *SetAlias
	Policy  world.RoutingPolicy
	Check   world.HealthCheckID
}

// SetAlias is the name a set answers like.
type SetAlias struct {
	Name           string // as Zone.Records has names
	Within         bool   // in the same zone; otherwise one that AWS serves
	EvaluateHealth bool
}

// maxMultivalue is how many records a multivalue answer has at most. (Amazon Route 53 Developer Guide, "Multivalue
// answer routing".)
const maxMultivalue = 8

// chosen are the records that the sets of one name have for a question about a type.
func (s *search) chosen(z *Zone, sets []Set, qtype uint16) []Record {
	var out []Record
	for _, t := range typesOf(sets) {
		if t != qtype && t != TypeCNAME && qtype != TypeANY {
			continue
		}
		for _, set := range s.choose(z, sets, t) {
			out = append(out, s.recordsOf(z, set, maxAliases)...)
		}
	}
	return out
}

func typesOf(sets []Set) (out []uint16) {
	for _, s := range sets {
		if !slices.Contains(out, s.Type) {
			out = append(out, s.Type)
		}
	}
	return out
}

// choose picks those of the sets that have the type and answer.
func (s *search) choose(z *Zone, sets []Set, kind uint16) []Set {
	sets = slices.DeleteFunc(slices.Clone(sets), func(t Set) bool { return t.Type != kind })
	if len(sets) == 0 {
		return nil
	}
	s.varies = s.varies || sets[0].Policy.Weight != nil || sets[0].Policy.MultiValue
	return Choose(sets, Chooser{Region: s.region, Draw: s.draw, Healthy: func(t Set) bool { return s.healthy(z, t, maxAliases) }})
}

// recordsOf are what a chosen set answers with; it may follow so many more aliases.
func (s *search) recordsOf(z *Zone, set Set, left int) []Record {
	switch {
	case set.Alias == nil:
		return set.Records
	case left == 0:
		return nil
	case !set.Alias.Within:
		return s.served(set)
	}
	records, sets, _ := z.find(set.Alias.Name)
	out := ofType(records, set.Type)
	for _, t := range s.choose(z, sets, set.Type) {
		out = append(out, s.recordsOf(z, t, left-1)...)
	}
	return out
}

func ofType(records []Record, kind uint16) (out []Record) {
	for _, r := range records {
		if r.Type == kind {
			out = append(out, r)
		}
	}
	return out
}

// served are the records of the name AWS serves that a set is an alias of.
func (s *search) served(set Set) []Record {
	z := s.view.served(set.Alias.Name)
	if z == nil {
		return nil
	}
	records, _, _ := z.find(set.Alias.Name)
	return ofType(records, set.Type)
}

// healthy tells whether a set may answer: its own check does not fail, and, if it says so, its target is well.
func (s *search) healthy(z *Zone, set Set, left int) bool {
	switch {
	case s.view.Unhealthy[set.Check]:
		return false
	case set.Alias == nil || !set.Alias.EvaluateHealth || left == 0:
		return true
	case !set.Alias.Within:
		return len(s.served(set)) > 0
	}
	records, sets, _ := z.find(set.Alias.Name)
	return len(ofType(records, set.Type)) > 0 ||
		slices.ContainsFunc(sets, func(t Set) bool { return t.Type == set.Type && s.healthy(z, t, left-1) })
}

// Chooser is whom a routing policy chooses for.
type Chooser struct {
	Region  string // of the resolver's VPC
	Draw    uint64 // random
	Healthy func(Set) bool
}

// Choose picks, of the sets that have one name and type and so one routing policy, those that answer. When none is
// healthy, all count as healthy. (Amazon Route 53 Developer Guide, "Choosing a routing policy" and "How Amazon Route 53
// chooses records when health checking is configured".)
func Choose(sets []Set, c Chooser) []Set {
	well := slices.DeleteFunc(slices.Clone(sets), func(s Set) bool { return !c.Healthy(s) })
	if len(well) == 0 {
		well = sets
	}
	switch sets[0].Policy.Kind() {
	case "weighted":
		return alone(weighted(well, c.Draw))
	case "latency":
		return alone(slices.MinFunc(well, func(a, b Set) int {
			return cmp.Or(cmp.Compare(distance(c.Region, a.Policy.Region), distance(c.Region, b.Policy.Region)), cmp.Compare(a.ID, b.ID))
		}))
	case "failover":
		return alone(slices.MinFunc(well, func(a, b Set) int { return cmp.Compare(a.Policy.Failover, b.Policy.Failover) }))
	case "geolocation":
		return located(well, c.Region)
	case "multivalue":
		return several(well, c.Draw)
	}
	return well
}

func alone(s Set) []Set { return []Set{s} }

// weighted draws a set in proportion to the weights. Sets of weight 0 have their turn when there are no others.
func weighted(sets []Set, draw uint64) Set {
	var total uint64
	for _, s := range sets {
		total += uint64(*s.Policy.Weight)
	}
	if total == 0 {
		return sets[draw%uint64(len(sets))]
	}
	n := draw % total
	for _, s := range sets {
		w := uint64(*s.Policy.Weight)
		if n < w {
			return s
		}
		n -= w
	}
	return sets[0]
}

// several are up to eight sets, beginning anywhere.
func several(sets []Set, draw uint64) []Set {
	start := int(draw % uint64(len(sets)))
	turned := append(slices.Clone(sets[start:]), sets[:start]...)
	return turned[:min(len(turned), maxMultivalue)]
}

// located are the sets for the smallest place the region is in.
func located(sets []Set, region string) []Set {
	p := placeOf(region)
	for _, fits := range []func(*world.GeoLocation) bool{
		func(g *world.GeoLocation) bool {
			return g.Subdivision != "" && g.Country == p.country && g.Subdivision == p.subdivision
		},
		func(g *world.GeoLocation) bool {
			return g.Subdivision == "" && g.Country != "" && g.Country == p.country
		},
		func(g *world.GeoLocation) bool { return g.Continent != "" && g.Continent == p.continent },
		func(g *world.GeoLocation) bool { return g.Country == "*" },
	} {
		for _, s := range sets {
			if fits(s.Policy.Geo) {
				return alone(s)
			}
		}
	}
	return nil
}

// distance stands for the latency between two regions: how far they are from each other on the globe.
func distance(a, b string) float64 {
	if a == b {
		return -1
	}
	p, q := placeOf(a), placeOf(b)
	rad := math.Pi / 180
	return math.Acos(math.Sin(p.lat*rad)*math.Sin(q.lat*rad) + math.Cos(p.lat*rad)*math.Cos(q.lat*rad)*math.Cos((p.lon-q.lon)*rad))
}
