package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kumiko/internal/fabric"
	"kumiko/internal/store"
	"kumiko/internal/world"
)

// fake is a kernel on paper: what each driver was last told, by scope. It fails now and then when told to.
type fake struct {
	mu     sync.Mutex
	spaces map[string]bool
	told   map[string]string // driver/scope → what it was told
	hosts  []string
	fail   func() bool
	log    []string // order of calls within the last scope
}

func newFake() *fake {
	return &fake{spaces: map[string]bool{}, told: map[string]string{}, fail: func() bool { return false }}
}

func (k *fake) tell(driver, scope string, what any) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fail() {
		return errors.New("the kernel is not in the mood")
	}
	if !k.spaces[scope] {
		return fmt.Errorf("%s: %s has no namespace", driver, scope)
	}
	text, err := json.Marshal(what) // which follows pointers
	if err != nil {
		return err
	}
	k.told[driver+"/"+scope] = string(text)
	k.log = append(k.log, driver+" "+scope)
	return nil
}

// String prints the kernel.
func (k *fake) String() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var lines []string
	for s := range k.spaces {
		lines = append(lines, "netns "+s)
	}
	for s, v := range k.told {
		lines = append(lines, s+" "+v)
	}
	slices.Sort(lines)
	return strings.Join(append(lines, "hosts "+strings.Join(k.hosts, " ")), "\n")
}

type (
	fakeScoped struct {
		*fake
		name string
	}
	fakeSpaces struct{ fakeScoped }
	fakeWhole  struct{ *fake }
	fakeMeta   struct{ *fake }
	fakeHosts  struct{ *fake }
)

func (d fakeScoped) ApplyVPC(_ context.Context, v *fabric.VPC) error {
	return d.tell(d.name, string(v.ID), *v)
}
func (d fakeScoped) ApplyGateway(_ context.Context, g *fabric.Gateway) error {
	return d.tell(d.name, string(g.ID), *g)
}

func (d fakeScoped) ApplyNAT(_ context.Context, n *fabric.NAT) error {
	return d.tell(d.name, string(n.ID), *n)
}
func (d fakeScoped) ApplyEndpoint(_ context.Context, e *fabric.Endpoint) error {
	return d.tell(d.name, string(e.ID), *e)
}

func (d fakeScoped) ApplyPublic(_ context.Context, p *fabric.Public) error {
	return d.tell(d.name, scopePublic, *p)
}

func (d fakeSpaces) wanted(f *fabric.Fabric) map[string]bool {
	out := map[string]bool{}
	for _, v := range f.VPCs {
		out[string(v.ID)] = true
	}
	for _, g := range f.Gateways {
		out[string(g.ID)] = true
	}
	for _, n := range f.NATs {
		out[string(n.ID)] = true
	}
	if len(f.Public.Uplinks) > 0 {
		out[scopePublic] = true
	}
	return out
}

func (d fakeSpaces) Ensure(_ context.Context, f *fabric.Fabric) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for s := range d.wanted(f) {
		d.spaces[s] = true
	}
	return nil
}

func (d fakeSpaces) Sweep(_ context.Context, f *fabric.Fabric) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	want := d.wanted(f)
	for s := range d.spaces {
		if !want[s] {
			delete(d.spaces, s)
			for k := range d.told { // what is in a namespace goes with it
				if strings.HasSuffix(k, "/"+s) {
					delete(d.told, k)
				}
			}
		}
	}
	return nil
}

func (fakeWhole) Apply(context.Context, *fabric.Fabric) error             { return nil }
func (fakeMeta) Apply(context.Context, *fabric.Fabric, world.World) error { return nil }
func (fakeHosts) Changed() <-chan struct{}                                { return nil }
func (fakeHosts) Observe() map[world.InstanceID]store.Host                { return nil }
func (d fakeHosts) Apply(_ context.Context, hosts []*fabric.Host) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.hosts = d.hosts[:0]
	for _, h := range hosts {
		d.fake.hosts = append(d.fake.hosts, string(h.ID))
	}
	return nil
}

func (k *fake) drivers() Drivers {
	return Drivers{
		Namespaces: fakeSpaces{fakeScoped{k, "netns"}}, Rules: fakeScoped{k, "nft"}, Routes: fakeScoped{k, "route"},
		Flows: fakeWhole{k}, Names: fakeWhole{k}, Doors: fakeWhole{k}, Proxy: fakeWhole{k}, Metadata: fakeMeta{k}, Hosts: fakeHosts{k},
	}
}

// patience bounds the wait for a reconciler that should come to rest.
const patience = 20 * time.Second

// play runs a reconciler over the steps, the last of which makes the world that is wanted, and prints the kernel.
// With restart, a fresh reconciler takes over the same kernel before the last step.
func play(t *testing.T, k *fake, steps []func(*world.Tx), restart bool) string {
	t.Helper()
	s := store.OpenMemory()
	defer s.Close()
	run := func(steps []func(*world.Tx)) {
		ctx, cancel := context.WithCancel(t.Context())
		l := New(s, k.drivers(), nil, slog.New(slog.NewTextHandler(io.Discard, nil)))
		var wg sync.WaitGroup
		wg.Go(func() { l.Run(ctx) })
		defer wg.Wait()
		defer cancel()
		var w world.World
		for _, step := range steps {
			var err error
			if w, err = s.Update(ctx, func(tx *world.Tx) error { step(tx); return nil }); err != nil {
				t.Fatal(err)
			}
		}
		wait, stop := context.WithTimeout(ctx, patience)
		defer stop()
		if err := s.Wait(wait, func(_ world.World, seen store.Seen) bool { return seen.Rev >= w.Rev && len(seen.Failing) == 0 }); err != nil {
			t.Fatalf("%v; wanted revision %d, seen %+v", err, w.Rev, s.Seen())
		}
	}
	last := len(steps) - 1
	if restart && last > 0 {
		run(steps[:last])
		run(steps[last:])
	} else {
		run(steps)
	}
	return k.String()
}

// The world the histories lead to: VPCs with a subnet, a group and an interface each, of which some are wanted.
func putOne(n int) func(*world.Tx) {
	return func(tx *world.Tx) {
		id := fmt.Sprint(n)
		m := world.Meta{Account: world.DefaultAccount, Region: "us-east-1"}
		tx.VPCs.Put(world.VPC{ID: world.VPCID("vpc-" + id), Meta: m, DNSSupport: true, NextPort: 2, NextTable: 1, CIDRs: []world.CIDRAssociation{{CIDR: netip.MustParsePrefix("10.0.0.0/16")}}})
		tx.RouteTables.Put(world.RouteTable{ID: world.RouteTableID("rtb-" + id), Meta: m, VPC: world.VPCID("vpc-" + id), Index: 1, Main: true})
		tx.Subnets.Put(world.Subnet{ID: world.SubnetID("subnet-" + id), Meta: m, VPC: world.VPCID("vpc-" + id), CIDR: netip.MustParsePrefix("10.0.0.0/24")})
		tx.SecurityGroups.Put(world.SecurityGroup{ID: world.SecurityGroupID("sg-" + id), Meta: m, VPC: world.VPCID("vpc-" + id), Name: "g"})
		tx.ENIs.Put(world.ENI{ID: world.ENIID("eni-" + id), Meta: m, VPC: world.VPCID("vpc-" + id), Subnet: world.SubnetID("subnet-" + id), Index: 1, MAC: "0a:00:00:00:00:01", Addrs: []netip.Addr{netip.MustParseAddr("10.0.0.9")}, Groups: []world.SecurityGroupID{world.SecurityGroupID("sg-" + id)}})
		if n%2 == 0 { // some have ways out
			tx.InternetGateways.Put(world.InternetGateway{ID: world.InternetGatewayID("igw-" + id), Meta: m, VPC: world.VPCID("vpc-" + id)})
			tx.ENIs.Put(world.ENI{ID: world.ENIID("eni-nat-" + id), Meta: m, VPC: world.VPCID("vpc-" + id), Subnet: world.SubnetID("subnet-" + id), Index: 2, MAC: "0a:00:00:00:00:02", Addrs: []netip.Addr{netip.MustParseAddr("10.0.0.10")}, NAT: world.NATGatewayID("nat-" + id)})
			tx.NATGateways.Put(world.NATGateway{ID: world.NATGatewayID("nat-" + id), Meta: m, VPC: world.VPCID("vpc-" + id), Subnet: world.SubnetID("subnet-" + id), ENI: world.ENIID("eni-nat-" + id), Private: true})
		}
	}
}

func dropOne(n int) func(*world.Tx) {
	return func(tx *world.Tx) {
		id := fmt.Sprint(n)
		if n%2 == 0 {
			tx.InternetGateways.Delete(world.InternetGatewayID("igw-" + id))
			tx.NATGateways.Delete(world.NATGatewayID("nat-" + id))
			tx.ENIs.Delete(world.ENIID("eni-nat-" + id))
		}
		tx.ENIs.Delete(world.ENIID("eni-" + id))
		tx.SecurityGroups.Delete(world.SecurityGroupID("sg-" + id))
		tx.Subnets.Delete(world.SubnetID("subnet-" + id))
		tx.RouteTables.Delete(world.RouteTableID("rtb-" + id))
		tx.VPCs.Delete(world.VPCID("vpc-" + id))
	}
}

func together(steps ...func(*world.Tx)) func(*world.Tx) {
	return func(tx *world.Tx) {
		for _, s := range steps {
			s(tx)
		}
	}
}

// TestManyWaysOneKernel: whatever history leads to a world – straight, one by one, in reverse, with things that came
// and went, with a driver that fails, with a restart in between – the kernel ends up the same.
func TestManyWaysOneKernel(t *testing.T) {
	want := play(t, newFake(), []func(*world.Tx){together(putOne(1), putOne(2), putOne(3))}, false)
	nothing := func(*world.Tx) {}
	ways := map[string][]func(*world.Tx){
		"one by one": {putOne(1), putOne(2), putOne(3)},
		"reverse":    {putOne(3), putOne(2), putOne(1)},
		"empty":      {nothing, putOne(2), nothing, putOne(1), nothing, putOne(3)},
		"detours":    {putOne(4), together(putOne(1), putOne(5)), dropOne(4), putOne(3), together(dropOne(5), putOne(2))},
		"again":      {putOne(1), dropOne(1), putOne(2), putOne(3), putOne(1)},
	}
	for name, steps := range ways {
		for _, restart := range []bool{false, true} {
			t.Run(fmt.Sprint(name, restart), func(t *testing.T) {
				if got := play(t, newFake(), steps, restart); got != want {
					t.Errorf("got\n%s\nwant\n%s", got, want)
				}
			})
			t.Run(fmt.Sprint(name, restart, "failing"), func(t *testing.T) {
				k, r := newFake(), rand.New(rand.NewPCG(1, uint64(len(steps))))
				k.fail = func() bool { return r.IntN(10) == 0 }
				if got := play(t, k, steps, restart); got != want {
					t.Errorf("got\n%s\nwant\n%s", got, want)
				}
			})
		}
	}
}

// TestClosedBeforeOpen: within a scope the rules come before the cables, and the routes last.
func TestClosedBeforeOpen(t *testing.T) {
	k := newFake()
	play(t, k, []func(*world.Tx){putOne(1)}, false)
	if want := []string{"nft vpc-1", "netns vpc-1", "route vpc-1"}; !slices.Equal(k.log, want) {
		t.Errorf("got %v, want %v", k.log, want)
	}
}
