package fabric

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"kumiko/internal/world"
)

// disturbZones changes something about hosted zones, their records or health checks.
func disturbZones(tx *world.Tx, r *rand.Rand, v world.VPC) {
	id := world.HostedZoneID("Z" + string(v.ID))
	z, ok := tx.HostedZones.Get(id)
	names := []string{"", "a.", "b.a.", "c.b.a.", "x.y.", `\052.`}
	check := world.HealthCheckID("check-" + string(v.ID))
	switch n := r.IntN(12); {
	case !ok:
		z = world.HostedZone{ID: id, Meta: v.Meta, Name: "example.org", Private: v.ID > "vpc-b"} // which never changes
		if z.Private {
			z.VPCs = []world.ZoneVPC{{VPC: v.ID}}
		}
		tx.HostedZones.Put(z)
		tx.RecordSets.Put(world.RecordSet{Zone: id, Name: z.Name, Type: "NS", TTL: 172800, Values: []string{"ns-0.awsdns-00.com."}})
	case n == 0:
		for s := range tx.RecordSetsOf(id) {
			tx.RecordSets.Delete(s.RowID())
		}
		tx.HostedZones.Delete(id)
	case n == 1 && z.Private:
		z.VPCs = append(z.VPCs[:1:1], world.ZoneVPC{VPC: "vpc-d"})
		tx.HostedZones.Put(z)
	case n == 2:
		tx.HealthChecks.Put(world.HealthCheck{ID: check, HealthCheckConfig: world.HealthCheckConfig{Inverted: r.IntN(2) == 0}})
	case n == 3:
		tx.HealthObservations.Put(world.HealthObservation{Check: check, Healthy: r.IntN(2) == 0})
	default:
		s := world.RecordSet{Zone: id, Name: names[r.IntN(len(names))] + z.Name, Type: "A", TTL: 60, Values: []string{fmt.Sprintf("192.0.2.%d", r.IntN(9))}}
		if r.IntN(3) == 0 {
			s.SetID, s.Check, s.Policy.Weight = fmt.Sprint(r.IntN(3)), check, new(int64(r.IntN(3)))
		}
		if tx.RecordSets.Has(s.RowID()) && r.IntN(2) == 0 {
			tx.RecordSets.Delete(s.RowID())
		} else {
			tx.RecordSets.Put(s)
		}
	}
}

// zoned has two VPCs, of which a sees the private zone example.org, with the given record sets.
func zoned(tb testing.TB, sets ...world.RecordSet) *Fabric {
	tb.Helper()
	tx := begin()
	a := putVPC(tx, "vpc-a", "10.0.0.0/24")
	putVPC(tx, "vpc-b", "10.0.0.0/24")
	tx.HostedZones.Put(world.HostedZone{ID: "Z1", Meta: a.Meta, Name: "example.org", Private: true, VPCs: []world.ZoneVPC{{VPC: "vpc-a"}}})
	for _, s := range sets {
		s.Zone = "Z1"
		tx.RecordSets.Put(s)
	}
	return Compile(sealed(tb, tx))
}

func TestPrivateZoneIsSeenWhereItIsAssociated(t *testing.T) {
	f := zoned(t,
		world.RecordSet{Name: "example.org", Type: "NS", TTL: 172800, Values: []string{"ns-0.awsdns-00.com."}},
		world.RecordSet{Name: "example.org", Type: "SOA", TTL: 900, Values: []string{"ns-1536.awsdns-00.co.uk. awsdns-hostmaster.amazon.com. 7 7200 900 1209600 300"}},
		world.RecordSet{Name: "www.example.org", Type: "A", TTL: 5, Values: []string{"192.0.2.1", "192.0.2.2"}},
		world.RecordSet{Name: "a.b.example.org", Type: "TXT", TTL: 5, Values: []string{`"caf\303\251"`}},
	)
	for _, c := range []struct {
		vpc, name string
		kind      uint16
		want      Outcome
		records   int
	}{
		{"vpc-a", "WWW.example.org.", TypeA, Answered, 2},
		{"vpc-a", "www.example.org", TypeAAAA, NoData, 0},
		{"vpc-a", "example.org", TypeNS, Answered, 1},
		{"vpc-a", "b.example.org", TypeA, NoData, 0},
		{"vpc-a", "c.example.org", TypeA, NXDomain, 0},
		{"vpc-b", "www.example.org", TypeA, NXDomain, 0},
	} {
		if r := Answer(f.VPC(world.VPCID(c.vpc)), c.name, c.kind); r.Outcome != c.want || len(r.Records) != c.records {
			t.Errorf("%s in %s: %+v", c.name, c.vpc, r)
		}
	}
	r := Answer(f.VPC("vpc-a"), "a.b.example.org", 16)
	if len(r.Records) != 1 || r.Records[0].Text != `"caf\195\169"` {
		t.Errorf("TXT: %+v", r)
	}
	if r.Zone.SOA.Serial != 7 || r.Zone.SOA.Minimum != 300 {
		t.Errorf("SOA: %+v", r.Zone.SOA)
	}
}

func TestPrivateZoneBeatsPublicOne(t *testing.T) {
	tx := begin()
	a := putVPC(tx, "vpc-a", "10.0.0.0/24")
	putVPC(tx, "vpc-b", "10.0.0.0/24")
	off := putVPC(tx, "vpc-off", "10.0.0.0/24")
	off.DNSHostnames = false
	tx.VPCs.Put(off)
	for id, private := range map[world.HostedZoneID]bool{"Z1": true, "Z2": false} {
		z := world.HostedZone{ID: id, Meta: a.Meta, Name: "example.org", Private: private}
		if private {
			z.VPCs = []world.ZoneVPC{{VPC: "vpc-a"}, {VPC: "vpc-off"}}
		}
		tx.HostedZones.Put(z)
		tx.RecordSets.Put(world.RecordSet{Zone: id, Name: "example.org", Type: "A", Values: []string{map[bool]string{true: "10.0.0.9", false: "192.0.2.9"}[private]}})
	}
	f := Compile(sealed(t, tx))
	for v, want := range map[world.VPCID]string{"vpc-a": "10.0.0.9", "vpc-b": "192.0.2.9", "vpc-off": "192.0.2.9"} {
		if got, _ := Resolve(f.VPC(v), "example.org"); got != netip.MustParseAddr(want) {
			t.Errorf("%s resolves to %s, want %s", v, got, want)
		}
	}
}

// policies are sets of one name and type, by what each is told with.
func answersOf(v *VPC, name string, draws int) map[string]int {
	out := map[string]int{}
	for n := range draws {
		for _, r := range Ask(v, Query{Name: name, Type: TypeA, Draw: uint64(n)}).Records {
			out[r.Addr.String()]++
		}
	}
	return out
}

func TestRoutingPolicies(t *testing.T) {
	set := func(name, id, addr string, p world.RoutingPolicy, check world.HealthCheckID) world.RecordSet {
		return world.RecordSet{Name: name + ".example.org", Type: "A", SetID: id, TTL: 60, Values: []string{addr}, Policy: p, Check: check}
	}
	weight := func(n int64) world.RoutingPolicy { return world.RoutingPolicy{Weight: &n} }
	geo := func(g world.GeoLocation) world.RoutingPolicy { return world.RoutingPolicy{Geo: &g} }
	f := zoned(t,
		set("w", "1", "192.0.2.1", weight(1), ""), set("w", "2", "192.0.2.2", weight(3), ""), set("w", "3", "192.0.2.3", weight(9), "ill"),
		set("w", "4", "192.0.2.4", weight(0), ""),
		set("f", "1", "192.0.2.1", world.RoutingPolicy{Failover: "PRIMARY"}, "ill"), set("f", "2", "192.0.2.2", world.RoutingPolicy{Failover: "SECONDARY"}, ""),
		set("g", "1", "192.0.2.1", world.RoutingPolicy{Failover: "PRIMARY"}, "ill"), set("g", "2", "192.0.2.2", world.RoutingPolicy{Failover: "SECONDARY"}, "ill"),
		set("l", "1", "192.0.2.1", world.RoutingPolicy{Region: "eu-west-1"}, ""), set("l", "2", "192.0.2.2", world.RoutingPolicy{Region: "us-west-2"}, ""),
		set("m", "1", "192.0.2.1", world.RoutingPolicy{MultiValue: true}, ""), set("m", "2", "192.0.2.2", world.RoutingPolicy{MultiValue: true}, "ill"),
		set("p", "1", "192.0.2.1", geo(world.GeoLocation{Country: "*"}), ""), set("p", "2", "192.0.2.2", geo(world.GeoLocation{Continent: "NA"}), ""),
		set("p", "3", "192.0.2.3", geo(world.GeoLocation{Country: "DE"}), ""),
		world.RecordSet{Name: "alias.example.org", Type: "A", Alias: &world.AliasTarget{Zone: "Z1", Name: "f.example.org"}},
	)
	v := *f.VPC("vpc-a")
	v.View.Unhealthy = map[world.HealthCheckID]bool{"ill": true}
	for name, want := range map[string]map[string]int{
		"w": {"192.0.2.1": 100, "192.0.2.2": 300}, "f": {"192.0.2.2": 400}, "g": {"192.0.2.1": 400}, "l": {"192.0.2.2": 400},
		"m": {"192.0.2.1": 400}, "p": {"192.0.2.2": 400}, "alias": {"192.0.2.2": 400},
	} {
		if got := answersOf(&v, name+".example.org", 400); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

// BenchmarkRecordChange is what a change of one record costs among a thousand zones with a hundred thousand.
func BenchmarkRecordChange(b *testing.B) {
	tx := begin()
	v := putVPC(tx, "vpc-a", "10.0.0.0/24")
	for z := range 1000 {
		id := world.HostedZoneID(fmt.Sprintf("Z%d", z))
		tx.HostedZones.Put(world.HostedZone{ID: id, Meta: v.Meta, Name: fmt.Sprintf("z%d.example.org", z), Private: true, VPCs: []world.ZoneVPC{{VPC: v.ID}}})
		for r := range 100 {
			tx.RecordSets.Put(world.RecordSet{Zone: id, Name: fmt.Sprintf("r%d.z%d.example.org", r, z), Type: "A", TTL: 60, Values: []string{"192.0.2.1"}})
		}
	}
	w := sealed(b, tx)
	f := Compile(w)
	b.ResetTimer()
	for n := 0; b.Loop(); n++ {
		tx := world.Begin(w, time.Time{}, nil)
		tx.RecordSets.Put(world.RecordSet{Zone: "Z7", Name: "r7.z7.example.org", Type: "A", TTL: uint32(n), Values: []string{"192.0.2.2"}})
		next, changes, err := tx.Seal()
		if err != nil {
			b.Fatal(err)
		}
		f = Recompile(f, w, next, changes)
		w = next
	}
}
