package fabric

import (
	"net/netip"
	"testing"

	"kumiko/internal/world"
)

// TestPublicNames: the public name of an instance answers its private address in its VPC, and in peered VPCs that its
// side of the peering lets resolve it; elsewhere, and in VPCs that give no names, the public one.
func TestPublicNames(t *testing.T) {
	tx := begin()
	for id, cidr := range map[world.VPCID]string{"vpc-a": "10.0.0.0/24", "vpc-b": "10.0.1.0/24", "vpc-c": "10.0.2.0/24"} {
		v := putVPC(tx, id, cidr)
		v.DNSHostnames = id != "vpc-c"
		tx.VPCs.Put(v)
	}
	a, _ := tx.VPCs.Get("vpc-a")
	c, _ := tx.VPCs.Get("vpc-c")
	at, other := netip.MustParseAddr("198.18.1.1"), netip.MustParseAddr("198.18.1.2")
	e := putInstance(tx, putSubnet(tx, a, "10.0.0.0/24"), "10.0.0.10")
	e.Public = at
	tx.ENIs.Put(e)
	far := putInstance(tx, putSubnet(tx, c, "10.0.2.0/24"), "10.0.2.10")
	tx.Addresses.Put(world.Address{
		ID: "eipalloc-1", Meta: c.Meta, Public: other, Association: "eipassoc-1", ENI: far.ID, Private: far.Addr(), VPC: "vpc-c",
	})
	p := world.Peering{
		ID: "pcx-1", Meta: a.Meta, Status: world.PeeringActive, Requester: world.PeeringSide{VPC: "vpc-a", Region: "us-east-1"},
		Accepter: world.PeeringSide{VPC: "vpc-b", Region: "us-east-1"},
	}
	tx.Peerings.Put(p)
	w := sealed(t, tx)
	f := Compile(w)
	ask := func(f *Fabric, v world.VPCID, name string, want netip.Addr) {
		t.Helper()
		if got, r := Resolve(f.VPC(v), name); got != want {
			t.Errorf("%s in %s is %v (%+v), want %s", name, v, got, r, want)
		}
	}
	name := world.PublicName(at, "us-east-1")
	ask(f, "vpc-a", name, e.Addr())
	ask(f, "vpc-b", name, at)
	ask(f, "vpc-c", name, at)
	ask(f, "vpc-c", world.PublicName(other, "us-east-1"), other) // it gives no names

	next := world.Begin(w, tx.Now, tx.Rand)
	p.Requester.ResolveDNS = true
	next.Peerings.Put(p)
	w2, changes, err := next.Seal()
	if err != nil {
		t.Fatal(err)
	}
	f2 := Recompile(f, w, w2, changes)
	ask(f2, "vpc-b", name, e.Addr())
	ask(f2, "vpc-c", name, at)

	last := world.Begin(w2, tx.Now, tx.Rand)
	e.Public = other.Next()
	last.ENIs.Put(e)
	w3, changes, err := last.Seal()
	if err != nil {
		t.Fatal(err)
	}
	ask(Recompile(f2, w2, w3, changes), "vpc-b", world.PublicName(e.Public, "us-east-1"), e.Addr())

	for n, want := range map[string]Outcome{
		"ec2-192-0-2-1.compute-1.amazonaws.com": NXDomain, "ec2-198-18-1-01.compute-1.amazonaws.com": NXDomain, "compute-1.amazonaws.com": NoData,
		"ec2-198-18-1-9.eu-west-1.compute.amazonaws.com": Answered, "ec2-198-18-1-9.nowhere.compute.amazonaws.com": NXDomain,
		"eu-west-1.compute.amazonaws.com": NoData, "x." + name: NXDomain,
	} {
		if r := Answer(f.VPC("vpc-a"), n, TypeA); r.Outcome != want {
			t.Errorf("%s: %+v, want outcome %d", n, r, want)
		}
	}
	if r := Answer(f.VPC("vpc-a"), name, TypeAAAA); r.Outcome != NoData {
		t.Errorf("IPv6 of a public name: %+v", r)
	}
}

// TestPublicReverseNames: the name an elastic address is given answers in every VPC, and does no more when it is taken
// away; other addresses have none.
func TestPublicReverseNames(t *testing.T) {
	tx := begin()
	putVPC(tx, "vpc-a", "10.0.0.0/24")
	a := world.Address{ID: "eipalloc-1", Public: netip.MustParseAddr("198.19.1.7"), Reverse: world.Reverse{Name: "mail.example.com"}}
	tx.Addresses.Put(a)
	w := sealed(t, tx)
	f := Compile(w)
	ask := func(f *Fabric, name, want string) {
		t.Helper()
		got := Answer(f.VPC("vpc-a"), name, TypePTR)
		if target := append(got.Records, Record{})[0].Target; target != want {
			t.Errorf("%s is %q (%v), want %q", name, target, got.Outcome, want)
		}
	}
	ask(f, "7.1.19.198.in-addr.arpa", "mail.example.com")
	ask(f, "8.1.19.198.in-addr.arpa", "")
	for _, name := range []string{"", "other.example.com"} {
		next := world.Begin(w, tx.Now, tx.Rand)
		a.Reverse.Name = name
		next.Addresses.Put(a)
		w2, changes, err := next.Seal()
		if err != nil {
			t.Fatal(err)
		}
		ask(Recompile(f, w, w2, changes), "7.1.19.198.in-addr.arpa", name)
	}
}
