package scenario

import (
	"strings"
	"testing"
)

// Two consumer VPCs whose clients have the same address and use the same source port reach resources through one
// gateway at once, each its own, with true records for both.
func TestTwinConsumers(t *testing.T) {
	t.Parallel()
	l := newLab(t, "10.10.10.0/24", "us-east-1")
	a, d, b := l.addVPC("a"), l.addVPC("d"), l.addVPC("b")
	s := &story{lab: l}
	a1, d1 := l.start(a, 36), l.start(d, 36)
	b1, b2 := l.start(b, 53), l.start(b, 117)
	l.addGateway(b, "shared")
	l.allow(b.group, "5432", b.out)
	s.network = l.Pick("id", "vpc-lattice", "create-service-network", "--name", "twins")
	r1, r2 := l.addResource(b, b1, "5432", s.network, "one"), l.addResource(b, b2, "5432", s.network, "two")
	l.AWS("logs", "create-log-group", "--log-group-name", logGroup)
	l.AWS("vpc-lattice", "create-access-log-subscription", "--resource-identifier", s.network, "--service-network-log-type", "RESOURCE",
		"--destination-arn", "arn:aws:logs:us-east-1:000000000000:log-group:"+logGroup+":*")
	l.joined(r1)
	l.joined(r2)
	for _, v := range []*vpc{a, d} {
		g := l.addGroup(v, "clients")
		l.allow(g, "5432", l.cidr.String())
		l.associate(v, s.network, g)
	}
	l.running(a1, d1, b1, b2)
	l.serve(b1, "5432")
	l.serve(b2, "5432")

	var open []*conversation
	for _, x := range []struct {
		from instance
		to   *resource
	}{{a1, r1}, {d1, r2}, {a1, r2}, {d1, r1}} {
		c := l.talk(x.from, x.to.name, "5432", "40000")
		if !strings.HasPrefix(c.greeting, x.to.id+" sees ") {
			t.Errorf("%s → %s: %q", x.from.id, x.to.id, c.greeting)
		}
		open = append(open, c)
	}
	seen := map[string]bool{}
	for i, c := range open {
		if !c.alive() {
			t.Errorf("conversation %d was cut off", i)
		}
		who, peer, _ := strings.Cut(c.greeting, " sees ")
		if seen[who+peer] {
			t.Errorf("%s sees two clients as %s", who, peer)
		}
		seen[who+peer] = true
	}
	for _, c := range open {
		if err := c.end(); err != nil {
			t.Error(err)
		}
	}
	l.Eventually("a true record for each", func() bool {
		if !strings.Contains(l.Pick("logStreams[].logStreamName", "logs", "describe-log-streams", "--log-group-name", logGroup), s.network) {
			return false
		}
		got := map[string]int{}
		for _, r := range s.records(s.network) {
			if r.SourceIPPort == a1.addr+":40000" {
				_, vpc, _ := strings.Cut(r.SourceVpcArn, ":vpc/")
				got[vpc+" "+r.ServiceNetworkResourceAssociationID]++
			}
		}
		return len(got) == 4 && got[a.id+" "+r1.association] == 1 && got[d.id+" "+r2.association] == 1
	})
}
