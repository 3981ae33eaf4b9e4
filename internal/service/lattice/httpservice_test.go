package lattice

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"kumiko/internal/api/latticeapi"
	"kumiko/internal/fabric"
	"kumiko/internal/store"
	"kumiko/internal/world"
)

// TestServiceLife makes a service with everything it needs, watches the states, and takes it down in the wrong and the right order.
func TestServiceLife(t *testing.T) {
	b, ctx := start(t), t.Context()
	group := must(b.CreateTargetGroup(ctx, b.c, &latticeapi.CreateTargetGroupInput{Name: new("blue"), Type: new("IP"), Config: &latticeapi.TargetGroupConfig{
		Port: new(int32(8080)), Protocol: new("HTTP"), VpcIdentifier: new(id("vpc", "b")),
	}}))
	h := group.Config.HealthCheck
	if *group.Status != creating || *h.Path != "/" || *h.HealthCheckIntervalSeconds != 30 || *h.HealthyThresholdCount != 5 || *h.UnhealthyThresholdCount != 2 || *h.Matcher.HttpCode != "200" {
		t.Errorf("%s %+v", *group.Status, h)
	}
	targets := must(b.RegisterTargets(ctx, b.c, &latticeapi.RegisterTargetsInput{TargetGroupIdentifier: group.Arn, Targets: []latticeapi.Target{
		{Id: new("10.10.10.5")}, {Id: new("10.10.11.5")}, {Id: new("10.10.10.5")},
	}}))
	if len(targets.Successful) != 2 || len(targets.Unsuccessful) != 1 || *targets.Unsuccessful[0].Id != "10.10.11.5" {
		t.Errorf("%+v", targets)
	}
	svc := must(b.CreateService(ctx, b.c, &latticeapi.CreateServiceInput{Name: new("web"), ClientToken: new("t1")}))
	if again := must(b.CreateService(ctx, b.c, &latticeapi.CreateServiceInput{Name: new("web"), ClientToken: new("t1")})); *again.Id != *svc.Id {
		t.Error("the same token made another service")
	}
	if want := "web-" + strings.TrimPrefix(*svc.Id, "svc-") + ".7d67968.vpc-lattice-svcs.us-east-1.on.aws"; *svc.DnsEntry.DomainName != want || *svc.Status != creating {
		t.Errorf("%s %s", *svc.DnsEntry.DomainName, *svc.Status)
	}
	l := must(b.CreateListener(ctx, b.c, &latticeapi.CreateListenerInput{ServiceIdentifier: svc.Id, Name: new("http"), Protocol: new("HTTP"), DefaultAction: answer(404)}))
	if *l.Port != 80 || *l.Arn != *svc.Arn+"/listener/"+*l.Id {
		t.Errorf("%+v", l)
	}
	r := must(b.CreateRule(ctx, b.c, &latticeapi.CreateRuleInput{ServiceIdentifier: svc.Arn, ListenerIdentifier: l.Arn, Name: new("api"), Priority: new(int32(5)), Match: prefix("/api"), Action: send(*group.Id)}))
	if w := r.Action.Forward.TargetGroups[0].Weight; *w != 100 {
		t.Errorf("the usual weight is %d", *w)
	}
	n := b.network("net")
	a := must(b.CreateServiceNetworkServiceAssociation(ctx, b.c, &latticeapi.CreateServiceNetworkServiceAssociationInput{ServiceIdentifier: svc.Id, ServiceNetworkIdentifier: &n}))
	status := func() string {
		return *must(b.GetServiceNetworkServiceAssociation(ctx, b.c, &latticeapi.GetServiceNetworkServiceAssociationInput{ServiceNetworkServiceAssociationIdentifier: a.Id})).Status
	}
	b.st.SetSeen(store.Seen{Rev: b.st.World().Rev, Failing: map[string]string{fabric.ProxyScope: "no listener"}})
	if got := status(); got != creating {
		t.Errorf("without its proxy an association is %s", got)
	}
	b.seen()
	if got := status(); got != active {
		t.Errorf("the association is %s", got)
	}
	list := must(b.ListRules(ctx, b.c, &latticeapi.ListRulesInput{ServiceIdentifier: svc.Id, ListenerIdentifier: l.Id})).Items
	if len(list) != 2 || *list[0].IsDefault == *list[1].IsDefault {
		t.Errorf("%+v", list)
	}
	_, err := b.DeleteService(ctx, b.c, &latticeapi.DeleteServiceInput{ServiceIdentifier: svc.Id})
	b.refused(err, "ConflictException", "")
	_, err = b.DeleteTargetGroup(ctx, b.c, &latticeapi.DeleteTargetGroupInput{TargetGroupIdentifier: group.Id})
	b.refused(err, "ConflictException", "TargetGroup is referenced in routing configuration, listeners or rules of service.")
	_, err = b.DeleteServiceNetwork(ctx, b.c, &latticeapi.DeleteServiceNetworkInput{ServiceNetworkIdentifier: &n})
	b.refused(err, "ConflictException", "")
	must(b.DeleteServiceNetworkServiceAssociation(ctx, b.c, &latticeapi.DeleteServiceNetworkServiceAssociationInput{ServiceNetworkServiceAssociationIdentifier: a.Id}))
	b.seen()
	must(b.DeleteService(ctx, b.c, &latticeapi.DeleteServiceInput{ServiceIdentifier: svc.Arn}))
	must(b.DeleteTargetGroup(ctx, b.c, &latticeapi.DeleteTargetGroupInput{TargetGroupIdentifier: group.Id}))
	b.seen()
	w := b.st.World()
	if w.LatticeServices.Len()+w.LatticeListeners.Len()+w.LatticeRules.Len()+w.LatticeTargetGroups.Len()+w.ServiceAssociations.Len() != 0 || Unfinished(w) {
		t.Error("something is left")
	}
}

func answer(code int32) *latticeapi.RuleAction {
	return &latticeapi.RuleAction{FixedResponse: &latticeapi.FixedResponseAction{StatusCode: &code}}
}

func send(group string) *latticeapi.RuleAction {
	return &latticeapi.RuleAction{Forward: &latticeapi.ForwardAction{TargetGroups: []latticeapi.WeightedTargetGroup{{TargetGroupIdentifier: &group}}}}
}

func prefix(p string) *latticeapi.RuleMatch {
	return &latticeapi.RuleMatch{HttpMatch: &latticeapi.HttpMatch{PathMatch: &latticeapi.PathMatch{Match: &latticeapi.PathMatchType{Prefix: &p}}}}
}

// TestServiceRefusals asks for what is not built or not possible; the world stays as it was.
func TestServiceRefusals(t *testing.T) {
	b, ctx := start(t), t.Context()
	serve := func(name string) string {
		return *must(b.CreateService(ctx, b.c, &latticeapi.CreateServiceInput{Name: &name})).Id
	}
	one, two := serve("one"), serve("two")
	group := *must(b.CreateTargetGroup(ctx, b.c, &latticeapi.CreateTargetGroupInput{Name: new("grp"), Type: new("INSTANCE"), Config: &latticeapi.TargetGroupConfig{
		Protocol: new("HTTP"), VpcIdentifier: new(id("vpc", "b")),
	}})).Id
	l := *must(b.CreateListener(ctx, b.c, &latticeapi.CreateListenerInput{ServiceIdentifier: &one, Name: new("http"), Protocol: new("HTTP"), DefaultAction: send(group)})).Id
	must(b.CreateRule(ctx, b.c, &latticeapi.CreateRuleInput{ServiceIdentifier: &one, ListenerIdentifier: &l, Name: new("first"), Priority: new(int32(5)), Match: prefix("/a"), Action: answer(404)}))
	instance := world.InstanceID(id("i", "c"))
	if _, err := b.st.Update(ctx, func(tx *world.Tx) error {
		tx.Instances.Put(world.Instance{ID: instance, Meta: tx.NewMeta(b.c, nil), VPC: world.VPCID(id("vpc", "c")), Subnet: world.SubnetID(id("subnet", "c0")), Power: world.Running})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	out := must(b.RegisterTargets(ctx, b.c, &latticeapi.RegisterTargetsInput{TargetGroupIdentifier: &group, Targets: []latticeapi.Target{{Id: new(string(instance))}}}))
	if len(out.Unsuccessful) != 1 || *out.Unsuccessful[0].FailureCode != "UnsupportedTarget" || *out.Unsuccessful[0].FailureMessage != "Instance targets must be in the same VPC as their target group" {
		t.Errorf("%+v", out)
	}
	before := b.st.World()
	service := func(in latticeapi.CreateServiceInput) error { _, err := b.CreateService(ctx, b.c, &in); return err }
	listener := func(in latticeapi.CreateListenerInput) error { _, err := b.CreateListener(ctx, b.c, &in); return err }
	rule := func(in latticeapi.CreateRuleInput) error {
		in.ServiceIdentifier, in.ListenerIdentifier = &one, &l
		_, err := b.CreateRule(ctx, b.c, &in)
		return err
	}
	targets := func(in latticeapi.CreateTargetGroupInput) error {
		_, err := b.CreateTargetGroup(ctx, b.c, &in)
		return err
	}
	config := &latticeapi.TargetGroupConfig{Protocol: new("HTTP"), VpcIdentifier: new(id("vpc", "b"))}
	for name, c := range map[string]struct {
		err  error
		code string
	}{
		"taken name":     {service(latticeapi.CreateServiceInput{Name: new("one")}), "ConflictException"},
		"signed":         {service(latticeapi.CreateServiceInput{Name: new("new"), AuthType: new("AWS_IAM")}), "ValidationException"},
		"custom domain":  {service(latticeapi.CreateServiceInput{Name: new("new"), CustomDomainName: new("a.example")}), "ValidationException"},
		"https":          {listener(latticeapi.CreateListenerInput{ServiceIdentifier: &two, Name: new("tls"), Protocol: new("HTTPS"), DefaultAction: answer(404)}), "ValidationException"},
		"same port":      {listener(latticeapi.CreateListenerInput{ServiceIdentifier: &one, Name: new("again"), Protocol: new("HTTP"), DefaultAction: answer(404)}), "ConflictException"},
		"other code":     {listener(latticeapi.CreateListenerInput{ServiceIdentifier: &two, Name: new("http"), Protocol: new("HTTP"), DefaultAction: answer(200)}), "ValidationException"},
		"group of other": {listener(latticeapi.CreateListenerInput{ServiceIdentifier: &two, Name: new("http"), Protocol: new("HTTP"), DefaultAction: send(group)}), "ConflictException"},
		"same priority":  {rule(latticeapi.CreateRuleInput{Name: new("second"), Priority: new(int32(5)), Match: prefix("/b"), Action: answer(404)}), "ConflictException"},
		"no match":       {rule(latticeapi.CreateRuleInput{Name: new("second"), Priority: new(int32(6)), Match: &latticeapi.RuleMatch{HttpMatch: &latticeapi.HttpMatch{}}, Action: answer(404)}), "ValidationException"},
		"ALB":            {targets(latticeapi.CreateTargetGroupInput{Name: new("alb"), Type: new("ALB"), Config: config}), "ValidationException"},
		"lambda":         {targets(latticeapi.CreateTargetGroupInput{Name: new("fun"), Type: new("LAMBDA")}), "ValidationException"},
		"h2": {targets(latticeapi.CreateTargetGroupInput{Name: new("h2"), Type: new("IP"), Config: &latticeapi.TargetGroupConfig{
			Protocol: new("HTTP"), ProtocolVersion: new("HTTP2"), VpcIdentifier: config.VpcIdentifier}}), "ValidationException"},
	} {
		t.Run(name, func(t *testing.T) {
			in := *b
			in.T = t
			in.refused(c.err, c.code, "")
		})
	}
	if now := b.st.World(); now.Rev != before.Rev {
		t.Errorf("refused calls made revision %d of %d", now.Rev, before.Rev)
	}
	fixed := id("rule", "")
	_, err := b.GetRule(ctx, b.c, &latticeapi.GetRuleInput{ServiceIdentifier: &one, ListenerIdentifier: &l, RuleIdentifier: &fixed})
	b.refused(err, "ResourceNotFoundException", "")
	standing := "rule-" + strings.TrimPrefix(l, "listener-")
	_, err = b.DeleteRule(ctx, b.c, &latticeapi.DeleteRuleInput{ServiceIdentifier: &one, ListenerIdentifier: &l, RuleIdentifier: &standing})
	b.refused(err, "ValidationException", "")
}

// TestServiceAddresses gives services addresses that clients' packets are routed to, and never the one that requests come from.
func TestServiceAddresses(t *testing.T) {
	b := start(t)
	seen := map[netip.Addr]int{}
	if _, err := b.st.Update(t.Context(), func(tx *world.Tx) error {
		for i := range 250 {
			a := tx.AllocateServiceAddress()
			seen[a]++
			tx.LatticeServices.Put(world.LatticeService{ID: world.LatticeServiceID(tx.NewID("svc")), Meta: tx.NewMeta(b.c, nil), Name: string(rune('a' + i)), Addr: a})
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for a, n := range seen {
		if !world.LatticeServices.Contains(a) || a == world.LatticeSource || n > 2 {
			t.Errorf("%s was given out %d times", a, n)
		}
	}
}

// TestTagsOfServices tags a service, a listener and a rule, which are named by ARNs within each other.
func TestTagsOfServices(t *testing.T) {
	b, ctx := start(t), t.Context()
	svc := must(b.CreateService(ctx, b.c, &latticeapi.CreateServiceInput{Name: new("web")}))
	l := must(b.CreateListener(ctx, b.c, &latticeapi.CreateListenerInput{ServiceIdentifier: svc.Id, Name: new("http"), Protocol: new("HTTP"), DefaultAction: answer(404)}))
	r := must(b.CreateRule(ctx, b.c, &latticeapi.CreateRuleInput{ServiceIdentifier: svc.Id, ListenerIdentifier: l.Id, Name: new("api"), Priority: new(int32(5)), Match: prefix("/api"), Action: answer(404)}))
	for _, arn := range []*string{svc.Arn, l.Arn, r.Arn} {
		must(b.TagResource(ctx, b.c, &latticeapi.TagResourceInput{ResourceArn: arn, Tags: map[string]string{"of": *arn}}))
	}
	for _, arn := range []*string{svc.Arn, l.Arn, r.Arn} {
		if got := must(b.ListTagsForResource(ctx, b.c, &latticeapi.ListTagsForResourceInput{ResourceArn: arn})).Tags; !reflect.DeepEqual(got, map[string]string{"of": *arn}) {
			t.Errorf("%s: %v", *arn, got)
		}
	}
}
