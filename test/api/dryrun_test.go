package api

import (
	"testing"
)

// TestDryRun: an operation of EC2 that is only tried changes nothing, and says whether it would have succeeded.
func TestDryRun(t *testing.T) {
	c := newCloud(t)
	other := c.populate(t, bob, "bob")
	s := c.populate(t, ann, "ann")
	then := c.store.World()
	for _, name := range s.sortedOps() {
		o := s.ops[name]
		for _, m := range o.members() {
			if o.service != "ec2" || m.String() != "DryRun" {
				continue
			}
			for _, in := range s.bases(name) {
				dry := with(in, m.path, true).(object)
				if name == "ec2 CreateDefaultSubnet" {
					continue // which needs a default VPC
				}
				if a := s.call(name, dry); a.code != "DryRunOperation" || a.status != 412 ||
					a.message != "Request would have succeeded, but DryRun flag is set." {
					t.Errorf("%s %s: %v", name, encode(dry), a)
				}
				if a := s.as(other.caller, name, dry); s.namesOwn(in) && (a.code == "DryRunOperation" || a.ok()) && !kindToStrangers(name) && at(in, []any{"Filter"}) == nil {
					t.Errorf("%s %s for another account: %v", name, encode(dry), a)
				}
			}
			for _, need := range o.members() {
				if need.need && len(need.path) == 1 {
					in := with(without(s.base(name), need.path), m.path, true).(object)
					if a := s.call(name, in); a.code == "DryRunOperation" || a.ok() {
						t.Errorf("%s %s: %v", name, encode(in), a)
					}
				}
			}
		}
	}
	if c.store.World().Rev != then.Rev {
		t.Error("a dry run changed the world")
	}
}

// kindToStrangers tells whether an operation succeeds with ids of others, of which it only says that they are not there.
func kindToStrangers(op string) bool {
	switch op {
	case "ssm GetConnectionStatus", "ssm DescribeInstanceInformation", "ec2 DeleteKeyPair", "elasticloadbalancing DeleteLoadBalancer", "elasticloadbalancing DeleteTargetGroup":
		return true
	case "ec2 CreateFlowLogs", "ec2 DeleteVpcEndpoints", "ec2 DeleteVpcEndpointServiceConfigurations", "ec2 ModifyInstanceCreditSpecification":
		return true // they say so in an answer that is right itself
	}
	return false
}

// namesOwn tells whether parameters name something of the site's own.
func (s *site) namesOwn(in object) bool {
	text := string(encode(in))
	for _, m := range anyID.FindAllString(text, -1) {
		for _, v := range s.ids() {
			if v == m {
				return true
			}
		}
	}
	return false
}
