package net

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"kumiko/internal/fabric"
	"kumiko/internal/reach"
	"kumiko/internal/testkit/worlds"
	"kumiko/internal/world"
)

var (
	count     = flag.Int("worlds", 1000, "how many random worlds the agreement test tries")
	lattice   = flag.Bool("lattice", true, "let the random worlds have service networks")
	acls      = flag.Bool("acls", true, "let them have network ACLs that refuse")
	peered    = flag.Bool("peered", true, "let them have peerings")
	internet  = flag.Bool("internet", true, "let them have internet gateways")
	inside    = flag.Bool("within", true, "let them have routes within VPCs")
	nats      = flag.Bool("nats", true, "let them have NAT gateways")
	endpoints = flag.Bool("endpoints", true, "let service networks have VPC endpoints")
	balancers = flag.Bool("balancers", true, "let them have load balancers")
	absent    = flag.Bool("absent", true, "let them have things that are stopped, detached or gone")
	seed      = flag.Uint64("seed", 0, "seed of the first world; 0: by the clock")
)

// patience bounds the wait for a packet's fate. It decides nothing: a probe whose fate stays unknown is a failure.
const patience = 10 * time.Second

// TestExplanationAgreesWithPackets: in random worlds, each of which follows from the one before by a single change,
// every probe's verdict and cause are what reach says.
func TestExplanationAgreesWithPackets(t *testing.T) {
	first := *seed
	if first == 0 {
		first = uint64(time.Now().UnixNano())
	}
	labs := min(atOnce, *count)
	for i := range labs {
		t.Run(fmt.Sprintf("lab %d", i+1), func(t *testing.T) {
			t.Parallel()
			l, probes, open := newLab(t), 0, 0
			for n := i; n < *count; n += labs {
				p, o := l.tryWorld(first + uint64(n))
				probes, open = probes+p, open+o
			}
			t.Logf("%d probes, %d of them open", probes, open)
		})
	}
}

// atOnce is how many labs are at work at once: much of their time they wait for the kernel.
const atOnce = 3

// tryWorld makes a random world of the present one, and compares what becomes of probes in it with what is explained.
func (l *lab) tryWorld(seed uint64) (probes, open int) {
	f := l.update(func(tx *world.Tx) {
		worlds.Make(tx, seed, worlds.Features{
			ServiceNetworks: *lattice, ACLs: *acls, Peerings: *peered, InternetGateways: *internet, NATGateways: *nats, Within: *inside, Endpoints: *endpoints,
			Balancers: *balancers, Absent: *absent,
		})
	})
	quiet := l.echo(f)
	defer quiet()
	probes, open = l.agree(f, worlds.Rand(^seed), 40)
	if l.t.Failed() {
		l.t.Fatalf("world of seed %d (run with -seed %d -worlds 1)", seed, seed)
	}
	return probes, open
}

type question struct {
	host world.InstanceID
	eni  world.ENIID
	flow fabric.Flow
}

// agree sends n random probes at once and compares the fate of each with the explanation.
func (l *lab) agree(f *fabric.Fabric, r *rand.Rand, n int) (probes, open int) {
	var wg sync.WaitGroup
	var mu, icmp sync.Mutex
	strangers := addrs(f)
	for i := range n {
		v := worlds.One(r, f.VPCs)
		p := worlds.One(r, v.Ports)
		if p.Peer.Host == "" {
			continue
		}
		to := strangers
		if r.IntN(4) > 0 {
			to = near(f, v)
		}
		q := question{p.Peer.Host, p.ENI, fabric.Flow{Protocol: worlds.One(r, []world.Protocol{world.TCP, world.TCP, world.TCP, world.UDP, world.ICMP}), Src: worlds.One(r, p.Addrs), Dst: worlds.One(r, to)}}
		q.flow.SrcPort, q.flow.DstPort = source(i), worlds.One(r, worlds.Ports)
		if q.flow.Protocol == world.ICMP {
			q.flow.DstPort, q.flow.ICMP = 0, world.ICMPMatch{Type: 8}
		}
		if within(f, p.Peer.Host, q.flow.Dst) {
			continue // never leaves the host
		}
		probes++
		wg.Go(func() {
			if q.flow.Protocol == world.ICMP {
				icmp.Lock()
				defer icmp.Unlock()
			}
			refused := l.refusals.wait(q.flow)
			defer l.refusals.forget(q.flow)
			ways := reach.Ways(f, q.eni, q.flow)
			got := l.fate(q, refused, slices.ContainsFunc(ways, reset))
			mu.Lock()
			defer mu.Unlock()
			if got == "open" {
				open++
			}
			if !slices.ContainsFunc(ways, func(w reach.Trace) bool { return got == describe(w.Open, w.Refused) }) {
				l.t.Errorf("%s from %s: the packet says %s, the explanation %s%s", q.flow, q.host, got, describe(ways[0].Open, ways[0].Refused), tell(ways[0].Hops))
			}
		})
	}
	wg.Wait()
	return probes, open
}

// reset tells whether a load balancer refuses the packet: that is told, and answered by a reset.
func reset(t reach.Trace) bool {
	return !t.Open && len(t.Hops) > 0 && t.Hops[len(t.Hops)-1].Front != nil
}

// within tells whether the host has the address itself.
func within(f *fabric.Fabric, id world.InstanceID, a netip.Addr) bool {
	return slices.ContainsFunc(f.Hosts, func(h *fabric.Host) bool {
		return h.ID == id && slices.ContainsFunc(h.Ports, func(p fabric.HostPort) bool { return slices.Contains(p.Addrs, a) })
	})
}

// tell prints the way of a packet, a hop a line.
func tell(hops []reach.Hop) string {
	out := ""
	for _, h := range hops {
		out += fmt.Sprintf("\n\t%s %s answer=%t pass=%t", h.Origin, h.Flow, h.Reply, h.Pass)
	}
	return out
}

func describe(open bool, o fabric.Origin) string {
	if open {
		return "open"
	}
	return o.String()
}

// fate sends the probe and waits for what becomes of it: an answer, or a refusal, which may be answered as well.
func (l *lab) fate(q question, refused <-chan fabric.Origin, reset bool) string {
	p, err := send(l.ns(q.host), q.flow)
	if err != nil {
		return err.Error()
	}
	defer p.close()
	answered := make(chan bool, 1)
	var wg sync.WaitGroup
	wg.Go(func() { answered <- p.answered() })
	defer wg.Wait()
	defer p.giveUp()
	over := time.After(patience)
	for {
		select {
		case <-answered:
			if !reset {
				return "open"
			}
			answered = nil
		case o := <-refused:
			if reset && o.Station != fabric.Listen { // the reset was refused as well, and that was told first
				continue
			}
			return describe(false, o)
		case <-over:
			return fmt.Sprintf("nothing within %s", patience)
		}
	}
}
