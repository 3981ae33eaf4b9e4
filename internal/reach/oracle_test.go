package reach_test

import (
	"flag"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"kumiko/internal/fabric"
	"kumiko/internal/reach"
	"kumiko/internal/testkit/oracle"
	"kumiko/internal/testkit/worlds"
	"kumiko/internal/world"
)

var (
	worldsAsked = flag.Int("worlds", 3000, "how many random worlds the oracle is asked about")
	firstSeed   = flag.Uint64("seed", 0, "seed of the first world; 0: by the clock")
)

// TestOracleAgrees: in random worlds, a second opinion that has never seen the fabric says of every conversation what
// reach says: whether it is open, what refuses it, and of a first packet also by which of AWS's codes.
func TestOracleAgrees(t *testing.T) {
	first := *firstSeed
	if first == 0 {
		first = uint64(time.Now().UnixNano())
	}
	said := map[oracle.Thing]int{}
	for seed := first; seed < first+uint64(*worldsAsked) && !t.Failed(); seed++ {
		w := made(t, seed)
		compare(t, w, worlds.Rand(^seed), said)
		if t.Failed() {
			t.Logf("world of seed %d (run with -seed %d -worlds 1)", seed, seed)
		}
	}
	t.Logf("from seed %d: %v", first, said)
}

func made(t *testing.T, seed uint64) world.World {
	t.Helper()
	tx := world.Begin(world.World{}, time.Unix(0, 0), nil)
	features := worlds.Everything
	features.Balancers = false // the oracle knows nothing of them
	worlds.Make(tx, seed, features)
	services(tx, worlds.Rand(seed+1<<40))
	w, changes, err := tx.Seal()
	if err == nil {
		err = world.Check(w, changes)
	}
	if err != nil {
		t.Fatalf("world of seed %d: %v", seed, err)
	}
	return w
}

// services puts endpoints of AWS's services into some VPCs, and routes to prefix lists into some tables, by the ways they have.
func services(tx *world.Tx, r *rand.Rand) {
	lists := tx.ManagedPrefixLists.Where(func(l world.ManagedPrefixList) bool { return len(l.Entries) > 0 })
	for _, t := range tx.RouteTables.Where(func(world.RouteTable) bool { return true }) {
		for _, l := range lists {
			if len(t.Routes) > 0 && r.IntN(3) == 0 {
				way := t.Routes[r.IntN(len(t.Routes))]
				way.Destination, way.List = netip.Prefix{}, l.ID
				t.Routes = append(slices.Clone(t.Routes), way)
			}
		}
		tx.RouteTables.Put(t)
	}
	for _, v := range tx.VPCs.Where(func(world.VPC) bool { return true }) {
		e := world.Endpoint{Meta: tx.NewMeta(world.Caller{Account: v.Account, Region: v.Region}, nil), VPC: v.ID}
		if r.IntN(2) == 0 {
			e.ID, e.Type, e.Service = world.EndpointID(tx.NewID("vpce")), world.EndpointGateway, "com.amazonaws."+v.Region+".s3"
			for t := range tx.RouteTables.In(string(v.ID)) {
				if r.IntN(2) == 0 {
					e.RouteTables = append(e.RouteTables, t.ID)
				}
			}
			tx.Endpoints.Put(e)
		}
		if r.IntN(2) == 0 {
			e.ID, e.Type, e.Service, e.RouteTables = world.EndpointID(tx.NewID("vpce")), world.EndpointInterface, "com.amazonaws."+v.Region+".ssm", nil
			g := worlds.One(r, tx.SecurityGroups.Where(func(g world.SecurityGroup) bool { return g.VPC == v.ID }))
			s := worlds.One(r, tx.Subnets.Where(func(s world.Subnet) bool { return s.VPC == v.ID }))
			e.Groups, e.Subnets = []world.SecurityGroupID{g.ID}, []world.SubnetID{s.ID}
			tx.Endpoints.Put(e)
			if err := tx.PlaceEndpoint(e); err != nil {
				panic(err) // there is room
			}
		}
	}
	tx.SettleEndpoints()
}

// compare asks both about some conversations of a world.
func compare(t *testing.T, w world.World, r *rand.Rand, said map[oracle.Thing]int) {
	f := fabric.Compile(w)
	enis := w.ENIs.Where(func(e world.ENI) bool {
		i, _ := w.Instances.Get(e.Attachment.Instance)
		return i.Power == world.Running
	})
	if len(enis) == 0 {
		return
	}
	to := destinations(w)
	for range 60 {
		e := worlds.One(r, enis)
		flow := fabric.Flow{
			Protocol: worlds.One(r, []world.Protocol{world.TCP, world.TCP, world.UDP, world.ICMP, 47}),
			Src:      worlds.One(r, e.Addrs), Dst: worlds.One(r, to),
		}
		switch flow.Protocol {
		case world.TCP, world.UDP:
			flow.SrcPort, flow.DstPort = uint16(20000+r.IntN(40000)), worlds.One(r, worlds.Ports)
		case world.ICMP:
			flow.ICMP.Type = 8
		}
		if r.IntN(50) == 0 {
			flow.Src = worlds.One(r, to)
		}
		verdicts := oracle.Judge(&w, e.ID, oracle.Packet(flow))
		if slices.ContainsFunc(verdicts, func(v oracle.Verdict) bool { return v.Beyond }) {
			continue
		}
		said[verdicts[0].By]++
		ways := reach.Ways(f, e.ID, flow)
		agreed := func(v oracle.Verdict, t reach.Trace) bool {
			return v.Open == t.Open && (v.Open || same(&w, v, t))
		}
		if len(verdicts) == len(ways) && !slices.ContainsFunc(verdicts, func(v oracle.Verdict) bool {
			return !slices.ContainsFunc(ways, func(t reach.Trace) bool { return agreed(v, t) })
		}) && !slices.ContainsFunc(ways, func(t reach.Trace) bool {
			return !slices.ContainsFunc(verdicts, func(v oracle.Verdict) bool { return agreed(v, t) })
		}) {
			continue
		}
		t.Errorf("%s from %s:\n\tthe oracle: %s", flow, e.ID, verdicts)
		for _, way := range ways {
			code, _ := reach.CodeOf(way)
			t.Logf("\treach: open=%t %s answer=%t %s", way.Open, way.Refused, way.Reply, code)
			for _, h := range way.Hops {
				t.Logf("\t\t%s %s answer=%t pass=%t", h.Origin, h.Flow, h.Reply, h.Pass)
			}
		}
		return
	}
}

// destinations are all addresses of a world, private and public, and some that nobody has.
func destinations(w world.World) []netip.Addr {
	var out []netip.Addr
	for _, s := range []string{"10.0.0.200", "10.1.0.200", "10.2.1.99", "192.0.2.1", "198.18.0.9", "129.224.1.5", "100.64.0.1", "172.16.9.9"} {
		out = append(out, netip.MustParseAddr(s))
	}
	for e := range w.ENIs.All() {
		out = append(append(out, e.Addrs...), e.Addrs...)
		if e.Public.IsValid() {
			out = append(out, e.Public)
		}
	}
	for a := range w.Addresses.All() {
		out = append(out, a.Public)
	}
	s3, _, _ := world.FindAWSService("com.amazonaws.us-east-1.s3")
	return append(out, s3.Address("us-east-1"), s3.Address("us-east-1").Next())
}

// same tells whether a trace is refused by what the oracle says.
func same(w *world.World, v oracle.Verdict, t reach.Trace) bool {
	o := t.Refused
	code, _ := reach.CodeOf(t)
	if t.Reply != v.Answer {
		return false
	}
	if o.Station == fabric.Spoof && t.Reply {
		return true // it goes elsewhere, whatever becomes of it there
	}
	if v.Answer && o.Station == fabric.NoRoute {
		return v.By != oracle.ACLOut // routed to where its question did not come from, be that what it may
	}
	stations := map[oracle.Thing]fabric.Station{
		oracle.SourceCheck: fabric.Spoof, oracle.DestCheck: fabric.DestCheck, oracle.GroupsOut: fabric.SGOut, oracle.GroupsIn: fabric.SGIn,
		oracle.ACLOut: fabric.ACLOut, oracle.ACLIn: fabric.ACLIn, oracle.InternetGateway: fabric.Internet, oracle.NATGateway: fabric.Listen,
		oracle.Service: fabric.Listen,
	}
	if s, ok := stations[v.By]; ok {
		at := string(o.ENI) + string(o.Subnet)
		switch v.By {
		case oracle.Service:
			return o.Station == s && string(o.Endpoint) == v.ID
		case oracle.NATGateway:
			g, _ := w.NATGateways.Get(world.NATGatewayID(v.ID))
			uncalled := v.Answer && o.Station == fabric.DestCheck // what nobody asked it for is not for the gateway
			return (o.Station == s || uncalled) && o.ENI == g.ENI
		case oracle.InternetGateway:
			g, _ := w.InternetGateways.Get(world.InternetGatewayID(v.ID))
			return o.Station == s && o.VPC == g.VPC
		}
		return o.Station == s && at == v.ID
	}
	codes := map[oracle.Thing]reach.Code{
		oracle.NoRoute: reach.NoRouteTo, oracle.Blackhole: reach.BadStateRoute, oracle.Nobody: reach.NoDestination, oracle.Peering: reach.PeeringRange,
	}
	return o.Station == fabric.NoRoute && code == codes[v.By]
}
