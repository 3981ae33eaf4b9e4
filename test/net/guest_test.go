package net

import (
	"testing"

	"kumiko/internal/fabric"
	"kumiko/internal/testkit/worlds"
	"kumiko/internal/world"
)

// TestInterfaceInAnotherVPC: an instance's interface in a VPC that is not its own is reached there, under the groups of
// that VPC, while the instance runs; nothing else of either VPC is nearer for it.
func TestInterfaceInAnotherVPC(t *testing.T) {
	l := newLab(t)
	var a, own, guest world.ENI
	l.update(func(tx *world.Tx) {
		s, home := newSite(tx, 0), newSite(tx, 1)
		a, own = s.host(s.client, s.subnets[1])[0], home.host(home.server, home.subnets[0])[0]
		addrs, err := tx.AllocateAddresses(s.subnets[0], 1)
		if err != nil {
			panic(err) // the subnet is empty
		}
		guest = tx.NewENI(worlds.Caller, s.subnets[0], addrs, []world.SecurityGroupID{s.server})
		guest.Attachment = world.Attachment{Instance: own.Attachment.Instance, DeviceIndex: 1}
		tx.ENIs.Put(guest)
	})
	away := fabric.Origin{Station: fabric.NoRoute, VPC: a.VPC}.String()
	for _, power := range []world.Power{world.Running, world.Stopped, world.Running} {
		l.update(func(tx *world.Tx) {
			i, _ := tx.Instances.Get(own.Attachment.Instance)
			i.Power = power
			tx.Instances.Put(i)
		})
		if power == world.Stopped {
			l.expect(away, a, guest, 443)
			continue
		}
		l.expect("open", a, guest, 443)
		l.expect(refusedBy(fabric.SGIn, guest), a, guest, 22)
		l.expect(away, a, own, 443)
	}
}
