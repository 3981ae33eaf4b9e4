package fabric

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"kumiko/internal/world"
)

// BenchmarkRecompile changes one row in a VPC of that many interfaces.
func BenchmarkRecompile(b *testing.B) {
	for _, n := range []int{10, 1000, 10000} {
		tx := begin()
		v := putVPC(tx, "vpc-a", "10.0.0.0/16")
		s := putSubnet(tx, v, "10.0.0.0/16")
		tx.SecurityGroups.Put(world.SecurityGroup{ID: "sg-1", Meta: v.Meta, VPC: v.ID})
		var last world.ENI
		for i := range n {
			last = putInstance(tx, s, netip.AddrFrom4([4]byte{10, 0, byte(1 + i>>8), byte(i)}).String(), "sg-1")
		}
		w := sealed(b, tx)
		f := Compile(w)
		for name, change := range map[string]func(tx *world.Tx){
			"rule": func(tx *world.Tx) {
				tx.SecurityGroupRules.Put(world.SecurityGroupRule{ID: "sgr-1", Group: "sg-1", Protocol: world.TCP, CIDR: v.CIDR()})
			},
			"route": func(tx *world.Tx) {
				t, _ := tx.RouteTables.Get("rtb-vpc-a")
				t.Routes = []world.Route{{Destination: netip.MustParsePrefix("192.0.2.0/24"), ENI: last.ID}}
				tx.RouteTables.Put(t)
			},
			"acl":  func(tx *world.Tx) { tx.NetworkACLs.Put(world.NetworkACL{ID: "acl-1", VPC: v.ID}) },
			"port": func(tx *world.Tx) { e := last; e.SourceDestCheck = false; tx.ENIs.Put(e) },
			"host": func(tx *world.Tx) { putInstance(tx, s, "10.0.0.9", "sg-1") },
			"list": func(tx *world.Tx) { tx.ManagedPrefixLists.Put(world.ManagedPrefixList{ID: "pl-1"}) },
		} {
			tx := world.Begin(w, time.Unix(1, 0), rand.NewChaCha8([32]byte{1}))
			change(tx)
			next, rows, err := tx.Seal()
			if err != nil {
				b.Fatal(err)
			}
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				for b.Loop() {
					Recompile(f, w, next, rows)
				}
			})
		}
	}
}
