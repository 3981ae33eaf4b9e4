package worlds

import (
	"fmt"

	"kumiko/internal/world"
)

// balancers puts load balancers into some VPCs, before instances and addresses that are well, ill or not asked yet, and
// services with endpoints to some of them.
func (l *layout) balancers() {
	vpcs := l.tx.VPCs.Where(func(world.VPC) bool { return true })
	for n, v := range vpcs {
		if l.pick(4) {
			continue
		}
		b := l.balancer(v, n)
		if l.Endpoints && !l.pick(3) {
			l.service(b, vpcs)
		}
	}
}

// balancer puts one with a node in each subnet.
func (l *layout) balancer(v world.VPC, n int) world.LoadBalancer {
	tx := l.tx
	b := world.LoadBalancer{
		ID: world.LoadBalancerID("nlb-" + tx.Hex(16)), Meta: tx.NewMeta(l.c, nil), Name: fmt.Sprint("b", n), Internal: true, VPC: v.ID, CrossZone: l.pick(2),
		Groups: l.some(l.groupsOf(v.ID), 2),
	}
	if _, uplink := tx.GatewayOfVPC(v.ID); uplink && l.pick(2) {
		b.Internal = false
	}
	for s := range tx.Subnets.In(string(v.ID)) {
		addrs, err := tx.AllocateAddresses(s, 1)
		if err != nil {
			continue
		}
		e := tx.NewENI(l.c, s, addrs, b.Groups)
		e.Balancer, e.RequesterManaged = b.ID, true
		if !b.Internal {
			e.Public, _ = tx.AllocatePublicAddress()
		}
		tx.ENIs.Put(e)
		b.Subnets = append(b.Subnets, s.ID)
	}
	tx.LoadBalancers.Put(b)
	for i, port := range []uint16{80, 443}[:1+l.r.IntN(2)] {
		g := l.targets(v, fmt.Sprint("g", n, i))
		tx.Listeners.Put(world.Listener{
			ID: world.ListenerID("lsn-" + tx.Hex(16)), Meta: tx.NewMeta(l.c, nil), Balancer: b.ID, Port: port, Protocol: "TCP", Group: g.ID,
		})
	}
	return b
}

// targets puts a target group with some of a VPC's instances, or of its interfaces' addresses.
func (l *layout) targets(v world.VPC, name string) world.TargetGroup {
	tx := l.tx
	g := world.TargetGroup{
		ID: world.TargetGroupID("tg-" + tx.Hex(16)), Meta: tx.NewMeta(l.c, nil), Name: name, VPC: v.ID, Protocol: "TCP", TargetType: world.TargetInstance,
		CrossZone: One(l.r, []string{world.CrossZoneAsBalancer, world.CrossZoneAsBalancer, world.CrossZoneOn, world.CrossZoneOff}),
		Check:     world.TargetCheck{Protocol: "TCP", Interval: 30, Timeout: 10, Healthy: 5, Unhealthy: 2},
	}
	if l.pick(3) {
		g.TargetType = world.TargetIP
	}
	for e := range tx.ENIs.In(string(v.ID)) {
		if e.Attachment.Instance == "" || e.Attachment.DeviceIndex != 0 || l.pick(3) {
			continue
		}
		t := world.Target{ID: string(e.Attachment.Instance), Port: One(l.r, Ports)}
		if g.TargetType == world.TargetIP {
			t.ID = e.Addr().String()
		}
		if l.pick(8) {
			t.Drained = tx.Now
		}
		g.Targets = append(g.Targets, t)
		if !l.pick(5) {
			o := world.TargetObservation{Key: world.TargetKey(g.ID, t), Group: g.ID, Healthy: !l.pick(3)}
			tx.TargetObservations.Put(o)
		}
	}
	tx.TargetGroups.Put(g)
	return g
}

// service puts an endpoint service before a load balancer, and endpoints to it into some VPCs, not all of them accepted.
func (l *layout) service(b world.LoadBalancer, vpcs []world.VPC) {
	tx := l.tx
	s := world.EndpointService{ID: world.EndpointServiceID(tx.NewID("vpce-svc")), Meta: tx.NewMeta(l.c, nil), Balancer: b.ID}
	tx.EndpointServices.Put(s)
	for _, v := range vpcs {
		if l.pick(3) {
			continue
		}
		e := world.Endpoint{
			ID: world.EndpointID(tx.NewID("vpce")), Meta: tx.NewMeta(l.c, nil), Type: world.EndpointInterface, VPC: v.ID, Service: s.Name(), Provider: s.ID,
			Connection: One(l.r, []string{world.ConnectionAccepted, world.ConnectionAccepted, world.ConnectionAccepted, world.ConnectionPending, world.ConnectionRejected}),
		}
		e.Index, _ = tx.FreeConsumerIndex()
		groups := l.groupsOf(v.ID)
		if e.Groups = l.some(groups, 2); len(e.Groups) == 0 {
			e.Groups = groups[:1]
		}
		for n := range tx.Subnets.In(string(v.ID)) {
			addrs, err := tx.AllocateAddresses(n, 1)
			if err != nil {
				continue
			}
			eni := tx.NewENI(l.c, n, addrs, e.Groups)
			eni.Endpoint, eni.RequesterManaged = e.ID, true
			tx.ENIs.Put(eni)
			e.Subnets = append(e.Subnets, n.ID)
		}
		tx.Endpoints.Put(e)
	}
}
