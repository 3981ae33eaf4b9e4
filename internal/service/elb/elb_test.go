package elb

import (
	"context"
	"errors"
	"net/netip"
	"testing"

	"kumiko/internal/api/elbapi"
	"kumiko/internal/awserr"
	"kumiko/internal/store"
	"kumiko/internal/world"
)

var me = world.Caller{Account: world.DefaultAccount, Region: "us-east-1"}

// bench is the service over a store with a VPC and two subnets.
func bench(t *testing.T) (*Service, *store.Store) {
	st := store.OpenMemory()
	t.Cleanup(func() { st.Close() })
	_, err := st.Update(t.Context(), func(tx *world.Tx) error {
		m := tx.NewMeta(me, nil)
		tx.VPCs.Put(world.VPC{ID: "vpc-1", Meta: m, CIDRs: []world.CIDRAssociation{{CIDR: netip.MustParsePrefix("10.0.0.0/16")}}})
		tx.RouteTables.Put(world.RouteTable{ID: "rtb-1", Meta: m, VPC: "vpc-1", Index: 1, Main: true})
		for i, id := range []world.SubnetID{"subnet-1", "subnet-2"} {
			tx.Subnets.Put(world.Subnet{ID: id, Meta: m, VPC: "vpc-1", Zone: "us-east-1" + "ab"[i:i+1], CIDR: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i), 0}), 24)})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return New(Config{Store: st}), st
}

func code(err error) string {
	if err == nil {
		return "none"
	}
	if e := awserr.From(err, awserr.ELB); e != nil {
		return e.Code
	}
	return err.Error()
}

// must ends the test when something failed.
func must[T any](t *testing.T, v T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// What is wrong is refused with AWS's code, and changes nothing; what is another account's is not there.
func TestRefusals(t *testing.T) {
	s, st := bench(t)
	ctx := t.Context()
	lb := func(in elbapi.CreateLoadBalancerInput) (*elbapi.CreateLoadBalancerOutput, error) {
		if in.Name == nil {
			in.Name = new("web")
		}
		if in.Type == nil {
			in.Type = new("network")
		}
		if in.Scheme == nil {
			in.Scheme = new("internal")
		}
		return s.CreateLoadBalancer(ctx, me, &in)
	}
	made, err := lb(elbapi.CreateLoadBalancerInput{Subnets: []string{"subnet-1", "subnet-2"}})
	b := must(t, made, err).LoadBalancers[0]
	again, err := lb(elbapi.CreateLoadBalancerInput{Subnets: []string{"subnet-2", "subnet-1"}})
	if err != nil || *again.LoadBalancers[0].LoadBalancerArn != *b.LoadBalancerArn {
		t.Errorf("the same again: %v", err)
	}
	group := func(in elbapi.CreateTargetGroupInput) (*elbapi.CreateTargetGroupOutput, error) {
		if in.Protocol == nil {
			in.Protocol = new("TCP")
		}
		in.Name, in.Port, in.VpcId = new("web"), new(int32(80)), new("vpc-1")
		return s.CreateTargetGroup(ctx, me, &in)
	}
	g, err := group(elbapi.CreateTargetGroupInput{TargetType: new("ip")})
	arn := must(t, g, err).TargetGroups[0].TargetGroupArn
	listen := func(port int32, actions ...elbapi.Action) error {
		_, err := s.CreateListener(ctx, me, &elbapi.CreateListenerInput{LoadBalancerArn: b.LoadBalancerArn, Protocol: new("TCP"), Port: new(port), DefaultActions: actions})
		return err
	}
	must(t, 0, listen(80, elbapi.Action{Type: new("forward"), TargetGroupArn: arn}))
	register := func(d elbapi.TargetDescription) error {
		_, err := s.RegisterTargets(ctx, me, &elbapi.RegisterTargetsInput{TargetGroupArn: arn, Targets: []elbapi.TargetDescription{d}})
		return err
	}
	attribute := func(key, value string) error {
		_, err := s.ModifyTargetGroupAttributes(ctx, me, &elbapi.ModifyTargetGroupAttributesInput{TargetGroupArn: arn, Attributes: []elbapi.TargetGroupAttribute{
			{Key: new("deregistration_delay.timeout_seconds"), Value: new("7")}, {Key: &key, Value: &value},
		}})
		return err
	}
	only := func(_ any, err error) error { return err }
	other := world.Caller{Account: "111111111111", Region: "us-east-1"}
	before := st.World().Rev
	for want, errs := range map[string][]error{
		"UnsupportedOperation": {
			only(lb(elbapi.CreateLoadBalancerInput{Name: new("x"), Type: new("application"), Subnets: []string{"subnet-1"}})),
			only(group(elbapi.CreateTargetGroupInput{Protocol: new("UDP")})), attribute("preserve_client_ip.enabled", "true"), attribute("proxy_protocol_v2.enabled", "true"),
		},
		"InvalidConfigurationRequest": {only(lb(elbapi.CreateLoadBalancerInput{Name: new("x"), Subnets: []string{"subnet-1", "subnet-1"}}))},
		"DuplicateLoadBalancerName":   {only(lb(elbapi.CreateLoadBalancerInput{Subnets: []string{"subnet-1"}}))},
		"InvalidSubnet":               {only(lb(elbapi.CreateLoadBalancerInput{Name: new("x"), Scheme: new("internet-facing"), Subnets: []string{"subnet-1"}}))},
		"SubnetNotFound":              {only(lb(elbapi.CreateLoadBalancerInput{Name: new("x"), Subnets: []string{"subnet-3"}}))},
		"DuplicateListener":           {listen(80, elbapi.Action{Type: new("forward"), TargetGroupArn: arn})},
		"DuplicateTargetGroupName":    {only(group(elbapi.CreateTargetGroupInput{}))},
		"InvalidLoadBalancerAction":   {listen(81), listen(81, elbapi.Action{Type: new("redirect")})},
		"InvalidTarget":               {register(elbapi.TargetDescription{Id: new("192.0.2.1")}), register(elbapi.TargetDescription{Id: new("i-1")})},
		"ValidationError": {
			register(elbapi.TargetDescription{Id: new("10.9.0.1")}), attribute("no.such.key", "1"), attribute("deregistration_delay.timeout_seconds", "3601"),
			only(s.DescribeListeners(ctx, me, &elbapi.DescribeListenersInput{})), only(lb(elbapi.CreateLoadBalancerInput{Name: new("-x"), Subnets: []string{"subnet-1"}})),
		},
		"ResourceInUse":        {only(s.DeleteTargetGroup(ctx, me, &elbapi.DeleteTargetGroupInput{TargetGroupArn: arn}))},
		"LoadBalancerNotFound": {only(s.DescribeLoadBalancers(ctx, other, &elbapi.DescribeLoadBalancersInput{LoadBalancerArns: []string{*b.LoadBalancerArn}}))},
		"TargetGroupNotFound":  {only(s.DescribeTargetHealth(ctx, other, &elbapi.DescribeTargetHealthInput{TargetGroupArn: arn}))},
	} {
		for i, err := range errs {
			if got := code(err); got != want {
				t.Errorf("%s %d: %s (%v)", want, i, got, err)
			}
		}
	}
	if now := st.World().Rev; now != before {
		t.Errorf("what was refused changed the world: revision %d, then %d", before, now)
	}
}

// A load balancer that is deleted is not there any more, and goes with its interfaces once the kernel has not got it.
func TestDeletion(t *testing.T) {
	s, st := bench(t)
	ctx := t.Context()
	out, err := s.CreateLoadBalancer(ctx, me, &elbapi.CreateLoadBalancerInput{Name: new("web"), Type: new("network"), Scheme: new("internal"), Subnets: []string{"subnet-1"}})
	if err != nil {
		t.Fatal(err)
	}
	arn := out.LoadBalancers[0].LoadBalancerArn
	_, err = s.ModifyLoadBalancerAttributes(ctx, me, &elbapi.ModifyLoadBalancerAttributesInput{LoadBalancerArn: arn, Attributes: []elbapi.LoadBalancerAttribute{
		{Key: new("deletion_protection.enabled"), Value: new("true")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	remove := func() error {
		_, err := s.DeleteLoadBalancer(ctx, me, &elbapi.DeleteLoadBalancerInput{LoadBalancerArn: arn})
		return err
	}
	if got := code(remove()); got != "OperationNotPermitted" {
		t.Errorf("a protected load balancer: %s", got)
	}
	_, err = s.ModifyLoadBalancerAttributes(ctx, me, &elbapi.ModifyLoadBalancerAttributesInput{LoadBalancerArn: arn, Attributes: []elbapi.LoadBalancerAttribute{
		{Key: new("deletion_protection.enabled"), Value: new("false")},
	}})
	if err = errors.Join(err, remove(), remove()); err != nil {
		t.Fatal(err)
	}
	w := st.World()
	if got, err := s.DescribeLoadBalancers(ctx, me, &elbapi.DescribeLoadBalancersInput{}); err != nil || len(got.LoadBalancers) != 0 || w.LoadBalancers.Len() != 1 {
		t.Errorf("while it goes: %v %v", got, err)
	}
	for rev, left := range map[uint64]int{w.Rev - 1: 1, w.Rev: 0} {
		seen := store.Seen{Rev: rev}
		_, err := st.Update(context.Background(), func(tx *world.Tx) error {
			Finish(tx, seen)
			if tx.LoadBalancers.Len() != left || tx.ENIs.Len() != left {
				t.Errorf("at revision %d: %d load balancers and %d interfaces, want %d", rev, tx.LoadBalancers.Len(), tx.ENIs.Len(), left)
			}
			return errors.New("only looked")
		})
		if err == nil {
			t.Error("it was not only looked")
		}
	}
}
