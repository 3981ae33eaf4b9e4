package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"sync"
	"testing"

	"kumiko/internal/world"
)

// crowd is how many callers are at work at once.
const crowd = 50

// play is the kernel of a crowded cloud: it settles until its context ends.
func (c *cloud) play(ctx context.Context) (wait func()) {
	var wg sync.WaitGroup
	changed := c.store.Watch(ctx)
	wg.Go(func() {
		for {
			c.settle()
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
	})
	return wg.Wait
}

// rush calls f by many at once and returns how often it was true.
func rush(f func(n int) bool) int {
	var wg sync.WaitGroup
	won := make([]bool, crowd)
	for n := range crowd {
		wg.Go(func() { won[n] = f(n) })
	}
	wg.Wait()
	count := 0
	for _, w := range won {
		if w {
			count++
		}
	}
	return count
}

// TestCrowdOnce: what is unique is made once, however many ask for it at once.
func TestCrowdOnce(t *testing.T) {
	c := newCloud(t)
	s := c.populate(t, ann, "ann")
	then := c.store.World()
	for _, op := range []string{
		"ec2 AssociateVpcCidrBlock", "ec2 AuthorizeSecurityGroupIngress", "ec2 CreateKeyPair", "ec2 CreateRoute", "ec2 CreateSecurityGroup",
		"ec2 CreateSubnet", "ec2 DeleteSubnet", "ec2 DeleteRouteTable", "ec2 DeleteSecurityGroup", "ec2 DeleteRoute", "ec2 DisassociateRouteTable",
		"ec2 ImportKeyPair", "ec2 ModifyManagedPrefixList", "ec2 DeleteVpc", "ec2 RevokeSecurityGroupIngress",
		"logs CreateLogGroup", "logs CreateLogStream", "logs DeleteLogStream", "logs DeleteLogGroup",
		"vpc-lattice CreateResourceConfiguration", "vpc-lattice CreateResourceGateway", "vpc-lattice CreateServiceNetwork",
		"vpc-lattice CreateServiceNetworkResourceAssociation", "vpc-lattice CreateServiceNetworkVpcAssociation",
		"vpc-lattice CreateAccessLogSubscription", "vpc-lattice DeleteAccessLogSubscription",
	} {
		in := s.base(op)
		if n := rush(func(int) bool { return s.call(op, in).ok() }); n != 1 {
			t.Errorf("%s: %d of %d callers succeed", op, n, crowd)
		}
		sound(t, c.store.World())
		s.restore(then)
	}
}

// TestCrowdInOneVPC: many make, change and delete things in one VPC at once; at every moment all invariants hold.
func TestCrowdInOneVPC(t *testing.T) {
	c := newCloud(t)
	s := c.populate(t, ann, "ann")
	ctx, end := context.WithCancel(t.Context())
	wait := c.play(ctx)
	started := rush(func(n int) bool { return s.visit(n) })
	end()
	wait()
	c.settle()
	t.Logf("%d of %d visitors had their instance", started, crowd)
	if started < crowd/2 {
		t.Errorf("only %d of %d visitors had their instance", started, crowd)
	}
	sound(t, c.store.World())
}

// visit builds a little of everything and takes half of it down again. It tells whether an instance could be run.
func (s *site) visit(n int) bool {
	do := func(op, params string) answer { return s.call(op, s.parse(params)) }
	subnet := firstID(do("ec2 CreateSubnet", fmt.Sprintf(`{"VpcId":"$vpc","CidrBlock":"10.0.%d.0/26"}`, 100+n%25)), "subnet")
	if subnet == "" {
		subnet = s.names["subnetFree"]
	}
	group := firstID(do("ec2 CreateSecurityGroup", fmt.Sprintf(`{"VpcId":"$vpc","GroupName":"g%d","GroupDescription":"x"}`, n%30)), "sg")
	if group == "" {
		group = s.names["sgFree"]
	}
	do("ec2 AuthorizeSecurityGroupIngress", fmt.Sprintf(`{"GroupId":%q,"IpPermissions":[{"IpProtocol":"tcp","FromPort":%d,"ToPort":%d,"IpRanges":[{"CidrIp":"10.0.0.0/8"}]}]}`, group, 1+n, 1+n))
	table := firstID(do("ec2 CreateRouteTable", `{"VpcId":"$vpc"}`), "rtb")
	association := firstID(do("ec2 AssociateRouteTable", fmt.Sprintf(`{"RouteTableId":%q,"SubnetId":%q}`, table, subnet)), "rtbassoc")
	run := do("ec2 RunInstances", fmt.Sprintf(`{"ImageId":"$image","InstanceType":"t3.micro","MinCount":1,"MaxCount":2,"SubnetId":%q,"SecurityGroupId":[%q]}`, subnet, group))
	network := do("vpc-lattice CreateServiceNetwork", fmt.Sprintf(`{"name":"crowd-%d"}`, n%20)).made()
	configuration := do("vpc-lattice CreateResourceConfiguration", fmt.Sprintf(`{"name":"crowd-%d","type":"SINGLE","portRanges":["22"],"resourceGatewayIdentifier":"$rgw","resourceConfigurationDefinition":{"ipResource":{"ipAddress":"10.0.1.%d"}}}`, n, n+10)).made()
	do("vpc-lattice CreateServiceNetworkResourceAssociation", fmt.Sprintf(`{"serviceNetworkIdentifier":%q,"resourceConfigurationIdentifier":%q}`, network, configuration))
	do("vpc-lattice CreateResourceGateway", fmt.Sprintf(`{"name":"crowd-%d","vpcIdentifier":"$vpc","subnetIds":["$subnetOut"]}`, n%10))
	if n%2 == 0 {
		do("ec2 TerminateInstances", fmt.Sprintf(`{"InstanceId":[%q]}`, firstID(run, "i")))
		do("ec2 DisassociateRouteTable", fmt.Sprintf(`{"AssociationId":%q}`, association))
		do("ec2 DeleteRouteTable", fmt.Sprintf(`{"RouteTableId":%q}`, table))
		do("ec2 DeleteSecurityGroup", fmt.Sprintf(`{"GroupId":%q}`, group))
		do("ec2 DeleteSubnet", fmt.Sprintf(`{"SubnetId":%q}`, subnet))
		do("vpc-lattice DeleteServiceNetwork", fmt.Sprintf(`{"serviceNetworkIdentifier":%q}`, network))
	}
	return run.ok()
}

// firstID is the first id with a prefix in an answer.
func firstID(a answer, prefix string) string {
	for _, id := range anyID.FindAllString(a.body, -1) {
		if len(id) == len(prefix)+18 && id[:len(prefix)+1] == prefix+"-" {
			return id
		}
	}
	return ""
}

// sound checks a World: its own invariants for every row, and, written down once more, that nothing is given out twice.
func sound(t *testing.T, w world.World) {
	t.Helper()
	rows, err := w.Dump()
	if err != nil {
		t.Fatal(err)
	}
	var all []world.Change
	for noun, byID := range rows {
		for id, raw := range byID {
			all = append(all, world.Change{Noun: noun, ID: id, Row: json.RawMessage(raw)})
		}
	}
	if err := world.Check(w, all); err != nil {
		t.Error(err)
	}
	seen := map[string]string{}
	once := func(who string, what ...any) {
		key := fmt.Sprint(what...)
		if have, ok := seen[key]; ok {
			t.Errorf("%s and %s both have %s", have, who, key)
		}
		seen[key] = who
	}
	for e := range w.ENIs.All() {
		id := string(e.ID)
		once(id, e.VPC, " port ", e.Index)
		once(id, e.VPC, " mac ", e.MAC)
		for _, a := range e.Addrs {
			once(id, e.VPC, " address ", a)
		}
		for _, p := range e.Prefixes {
			for a := p.Addr(); p.Contains(a); a = a.Next() {
				once(id, e.VPC, " address ", a)
			}
		}
	}
	for r := range w.RouteTables.All() {
		once(string(r.ID), r.VPC, " table ", r.Index)
	}
	for g := range w.SecurityGroups.All() {
		once(string(g.ID), g.VPC, " group ", g.Name)
	}
	for n := range w.ServiceNetworks.All() {
		once(string(n.ID), n.Account, n.Region, " network ", n.Name)
	}
	for a := range w.ResourceAssociations.All() {
		if a.Addr.IsValid() { // groups have none
			once(string(a.ID), a.Region, " resource address ", a.Addr)
		}
	}
	for a := range w.VPCAssociations.All() {
		once(string(a.ID), "zone ", a.Index)
	}
	ranges := map[world.VPCID][]netip.Prefix{}
	for n := range w.Subnets.All() {
		for _, r := range ranges[n.VPC] {
			if r.Overlaps(n.CIDR) {
				t.Errorf("subnet %s overlaps %s", n.ID, r)
			}
		}
		ranges[n.VPC] = append(ranges[n.VPC], n.CIDR)
	}
}
