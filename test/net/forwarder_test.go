package net

import (
	"testing"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
	"kumiko/internal/world"
)

// TestFirewallBeforeTheInternet: an interface that forwards what a subnet sends to the Internet, as it is, leaves the translation to the
// internet gateway: who has a public address is answered at it, straight, and who has none gets no further than that gateway.
func TestFirewallBeforeTheInternet(t *testing.T) {
	o := newOutdoors(t)
	var own, poor, firewall world.ENI
	o.update(func(tx *world.Tx) {
		s := &site{tx: tx, vpc: o.vpc, subnets: o.subnets, client: o.client, server: o.server}
		own, poor = s.host(o.client, o.subnets[0])[0], s.host(o.client, o.subnets[0])[0]
		firewall = s.host(o.server, o.subnets[1])[0]
		public, err := tx.AllocatePublicAddress()
		if err != nil {
			panic(err) // there are few
		}
		own.Public, firewall.SourceDestCheck = public, false
		tx.ENIs.Put(own)
		tx.ENIs.Put(firewall)
		for _, r := range tx.RouteTables.Where(func(r world.RouteTable) bool { return r.VPC == o.vpc.ID && !r.Main }) {
			r.Routes = []world.Route{{Destination: anywhere, ENI: firewall.ID}}
			tx.RouteTables.Put(r)
		}
	})
	if err := kernel.SetSysctls(o.ns(firewall.Attachment.Instance), []kernel.Sysctl{{Name: "ipv4/ip_forward", Value: "1"}}); err != nil {
		t.Fatal(err)
	}
	c := o.converseAt(own, o.far, o.far.Public)
	if from := c.server.RemoteAddr().String(); from[:len(own.Public.String())+1] != own.Public.String()+":" {
		t.Errorf("the far end sees %s, want %s", from, own.Public)
	}
	c.end()
	internet := fabric.Origin{Station: fabric.Internet, VPC: o.vpc.ID}.String()
	if got := o.try(poor, poor.Addr(), o.far.Public, 443); got != internet {
		t.Errorf("without a public address: %s, want %s", got, internet)
	}
	if got := o.try(own, own.Addr(), o.far.Public, 444); got != refusedBy(fabric.SGIn, firewall) {
		t.Errorf("what the firewall's groups do not let in: %s", got)
	}
}
