package net

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
	"kumiko/internal/reach"
	"kumiko/internal/testkit/worlds"
	"kumiko/internal/world"
)

// plaza is a service of Lattice: a client and a target in VPCs of one range, and a client of no network.
type plaza struct {
	*lab
	client, stranger, target world.ENI
	clients                  world.SecurityGroupID // of the VPC association
	joins                    world.ServiceAssociation
	service                  world.LatticeService
	group                    world.LatticeTargetGroup
}

// newPlaza makes a service at port 80 that sends /t to the target's port 8080 and answers 404 to the rest.
func newPlaza(t *testing.T) *plaza {
	p := &plaza{lab: newLab(t)}
	p.update(func(tx *world.Tx) {
		a, b, c := newSite(tx, 0), newSite(tx, 0), newSite(tx, 0)
		for _, s := range []*site{a, b, c} {
			s.vpc.DNSSupport = true
			tx.VPCs.Put(s.vpc)
		}
		p.client, p.target, p.stranger = a.host(a.client, a.subnets[0])[0], b.host(b.server, b.subnets[0])[0], c.host(c.client, c.subnets[0])[0]
		b.put(world.SecurityGroupRule{Group: b.server, Protocol: world.TCP, Ports: world.PortRange{From: 8080, To: 8080}, CIDR: world.LatticeServices})
		p.clients = a.server
		a.put(world.SecurityGroupRule{Group: a.server, Protocol: world.TCP, Ports: world.PortRange{From: 80, To: 81}, CIDR: a.vpc.CIDRs[0].CIDR})
		m := tx.NewMeta(worlds.Caller, nil)
		n := world.ServiceNetwork{ID: "sn-1", Meta: m, Name: "n", AuthType: "NONE"}
		tx.ServiceNetworks.Put(n)
		index, err := tx.FreeConsumerIndex()
		if err != nil {
			panic(err) // nobody has one yet
		}
		tx.VPCAssociations.Put(world.VPCAssociation{ID: "snva-1", Meta: m, Network: n.ID, VPC: a.vpc.ID, Groups: []world.SecurityGroupID{p.clients}, Index: index})
		p.group = world.LatticeTargetGroup{
			ID: "tg-1", Meta: m, Name: "t", Type: world.LatticeInstances, Port: 8080, VPC: b.vpc.ID,
			Targets: []world.LatticeTarget{{ID: string(p.target.Attachment.Instance), Port: 8080}},
		}
		tx.LatticeTargetGroups.Put(p.group)
		p.service = world.LatticeService{ID: "svc-00000000000000001", Meta: m, Name: "web", Addr: tx.AllocateServiceAddress()}
		tx.LatticeServices.Put(p.service)
		tx.LatticeListeners.Put(world.LatticeListener{ID: "listener-1", Meta: m, Service: p.service.ID, Name: "l", Protocol: "HTTP", Port: 80, Default: world.LatticeAction{Status: 404}})
		tx.LatticeRules.Put(world.LatticeRule{
			ID: "rule-1", Meta: m, Listener: "listener-1", Name: "r", Priority: 1, Match: world.LatticeMatch{Path: &world.LatticePathMatch{Prefix: "/t"}},
			Action: world.LatticeAction{Groups: []world.LatticeWeight{{Group: p.group.ID, Weight: 100}}},
		})
		p.joins = world.ServiceAssociation{ID: "snsa-1", Meta: m, Network: n.ID, Service: p.service.ID}
		tx.ServiceAssociations.Put(p.joins)
	})
	l, err := kernel.ListenTCP(p.ns(p.target.Attachment.Instance), netip.MustParseAddrPort("0.0.0.0:8080"))
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s for %s", r.RemoteAddr, r.Header.Get("X-Forwarded-For"))
	})}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	return p
}

// get asks the service for a path, and gives the status and the body.
func (p *plaza) get(path string) (int, string) {
	p.t.Helper()
	c, err := kernel.DialTCP(p.t.Context(), p.ns(p.client.Attachment.Instance), p.client.Addr(), netip.AddrPortFrom(p.service.Addr, 80))
	if err != nil {
		p.t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		p.t.Fatal(err)
	}
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, p.service.DNSName())
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		p.t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return r.StatusCode, string(body)
}

// refused checks that the kernel and the explanation name the same cause.
func (p *plaza) refused(from world.ENI, port uint16, want fabric.Origin) {
	p.t.Helper()
	if got := p.try(from, from.Addr(), p.service.Addr, int(port)); got != want.String() {
		p.t.Errorf("%s to port %d: %s, want %s", from.ID, port, got, want)
	}
	flow := fabric.Flow{Protocol: world.TCP, Src: from.Addr(), Dst: p.service.Addr, SrcPort: 40000, DstPort: port}
	if got := reach.From(p.loop.Fabric(), from.ID, flow).Refused; got != want {
		p.t.Errorf("%s to port %d: explained as %s, want %s", from.ID, port, got, want)
	}
}

// explained is what is said of a request to the service.
func (p *plaza) explained(path string) reach.Answer {
	p.t.Helper()
	f := p.loop.Fabric()
	a, err := reach.Ask(f, reach.Question{From: string(p.client.ID), To: p.service.DNSName(), Protocol: world.TCP, Port: 80, Path: path})
	if err != nil {
		p.t.Fatal(err)
	}
	return a
}

// TestServices follows requests from a client through the proxy to a target, both in VPCs of one range, and what is refused on the way.
func TestServices(t *testing.T) {
	p := newPlaza(t)
	code, body := p.get("/t")
	if from, client, _ := strings.Cut(body, " for "); code != 200 || client != p.client.Addr().String() || netip.MustParseAddrPort(from).Addr() != world.LatticeSource {
		t.Errorf("the target said %d %q", code, body)
	}
	if a := p.explained("/t"); !a.Reached() || a.Trace.To != p.target.ID {
		t.Errorf("explained as %s", a.Summary())
	}
	if code, _ := p.get("/"); code != 404 {
		t.Errorf("what no rule is for: %d", code)
	}
	if a := p.explained("/"); a.Reached() || !strings.Contains(a.Summary(), "404") {
		t.Errorf("explained as %s", a.Summary())
	}
	p.refused(p.client, 22, fabric.Origin{Station: fabric.LinkIn, VPC: p.client.VPC})
	p.refused(p.client, 81, fabric.Origin{Station: fabric.Listen, VPC: p.client.VPC, Endpoint: fabric.ServicePoint(p.client.VPC)})
	p.refused(p.target, 80, fabric.Origin{Station: fabric.Listen, VPC: p.target.VPC, Endpoint: fabric.ServicePoint(p.target.VPC)})
	p.nobody()
	p.closed()
	p.gone()
}

// nobody: who is in no network has no way.
func (p *plaza) nobody() {
	p.t.Helper()
	flow := fabric.Flow{Protocol: world.TCP, Src: p.stranger.Addr(), Dst: p.service.Addr, SrcPort: 40000, DstPort: 80}
	want := reach.From(p.loop.Fabric(), p.stranger.ID, flow).Refused
	if want.Station != fabric.NoRoute {
		p.t.Errorf("a stranger's packet is explained as %s", want)
	}
	p.refused(p.stranger, 80, want)
	if a, err := reach.Ask(p.loop.Fabric(), reach.Question{From: string(p.stranger.ID), To: p.service.DNSName(), Protocol: world.TCP, Port: 80}); err != nil || a.Asked.Dst.IsValid() {
		p.t.Errorf("a stranger finds the service at %s, %v", a.Asked.Dst, err)
	}
}

// closed: the target's group lets nothing in any more.
func (p *plaza) closed() {
	p.t.Helper()
	var taken []world.SecurityGroupRule
	p.update(func(tx *world.Tx) {
		for _, r := range tx.SecurityGroupRules.Where(func(r world.SecurityGroupRule) bool { return r.CIDR == world.LatticeServices }) {
			taken = append(taken, r)
			tx.SecurityGroupRules.Delete(r.ID)
		}
	})
	if code, _ := p.get("/t"); code != 502 {
		p.t.Errorf("a target whose group is closed: %d", code)
	}
	if a, want := p.explained("/t"), (fabric.Origin{Station: fabric.SGIn, VPC: p.target.VPC, ENI: p.target.ID}); a.Refused != want {
		p.t.Errorf("explained as %s", a.Summary())
	}
	p.update(func(tx *world.Tx) {
		for _, r := range taken {
			tx.SecurityGroupRules.Put(r)
		}
	})
	if code, _ := p.get("/t"); code != 200 {
		p.t.Errorf("after it opened: %d", code)
	}
}

// gone: when the service leaves the network and the target its group, no way and no namespace is left.
func (p *plaza) gone() {
	p.t.Helper()
	f := p.update(func(tx *world.Tx) {
		p.group.Targets = nil
		tx.LatticeTargetGroups.Put(p.group)
		tx.ServiceAssociations.Delete(p.joins.ID)
	})
	for _, e := range f.Endpoints {
		p.t.Errorf("%s is left", e.ID)
	}
	p.refused(p.client, 80, reach.From(f, p.client.ID, fabric.Flow{Protocol: world.TCP, Src: p.client.Addr(), Dst: p.service.Addr, SrcPort: 40000, DstPort: 80}).Refused)
}
