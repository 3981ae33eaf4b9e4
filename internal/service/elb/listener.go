package elb

import (
	"context"
	"slices"

	"kumiko/internal/api/elbapi"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// listener describes a listener.
func (v *view) listener(l world.Listener) elbapi.Listener {
	b, _ := v.w.LoadBalancers.Get(l.Balancer)
	g, _ := v.w.TargetGroups.Get(l.Group)
	return elbapi.Listener{
		ListenerArn: new(v.w.ListenerARN(l)), LoadBalancerArn: new(b.ARN()), Port: new(int32(l.Port)), Protocol: new(l.Protocol),
		DefaultActions: []elbapi.Action{{
			Type: new("forward"), TargetGroupArn: new(g.ARN()), Order: new(int32(1)),
			ForwardConfig: &elbapi.ForwardActionConfig{TargetGroups: []elbapi.TargetGroupTuple{{TargetGroupArn: new(g.ARN())}}},
		}},
	}
}

// checkListener looks at what a listener is to be.
func checkListener(protocol *string, tls ...bool) error {
	switch p := or(protocol, "TCP"); p {
	case "TCP":
	case "HTTP", "HTTPS", "GENEVE":
		return awserr.ELBInvalid("Listener protocol '%s' is not supported for load balancers of type 'network'", p)
	default:
		return awserr.ELBUnbuilt("Listeners of protocol " + p + " are")
	}
	return unbuilt("Listeners with TLS are", tls...)
}

// forwards is the group that actions forward to.
func forwards(w *world.World, c world.Caller, actions []elbapi.Action) (world.TargetGroup, error) {
	if len(actions) != 1 || value(actions[0].Type) != "forward" {
		return world.TargetGroup{}, awserr.ELBCode("InvalidLoadBalancerAction", "A listener of a Network Load Balancer has one default action, of type 'forward'")
	}
	a := actions[0]
	arn := a.TargetGroupArn
	if f := a.ForwardConfig; f != nil {
		if len(f.TargetGroups) > 1 {
			return world.TargetGroup{}, awserr.ELBUnbuilt("Listeners with weighted target groups are")
		}
		if s := f.TargetGroupStickinessConfig; s != nil && (value(s.Enabled) || s.DurationSeconds != nil) {
			return world.TargetGroup{}, awserr.ELBInvalid("Stickiness of target groups is not supported for load balancers of type 'network'")
		}
		for _, t := range f.TargetGroups {
			arn = t.TargetGroupArn
		}
	}
	if arn == nil {
		return world.TargetGroup{}, awserr.ELBInvalid("A target group ARN must be specified")
	}
	return group(w, c, arn)
}

// serves looks whether a group can be a load balancer's.
func serves(tx *world.Tx, b world.LoadBalancer, g world.TargetGroup) error {
	if g.VPC != b.VPC {
		return awserr.ELBCode("InvalidConfigurationRequest", "The target group '%s' must be in the VPC of the load balancer", g.ARN())
	}
	for l := range tx.Listeners.In(string(g.ID)) {
		if l.Balancer != b.ID {
			return awserr.ELBCode("TargetGroupAssociationLimit", "The following target groups cannot be associated with more than one load balancer: %s", g.ARN())
		}
	}
	return nil
}

// portFree looks whether a load balancer has no listener at a port.
func portFree(tx *world.Tx, b world.LoadBalancer, l world.Listener) error {
	for o := range tx.Listeners.In(string(b.ID)) {
		if o.Port == l.Port && o.ID != l.ID {
			return awserr.ELBCode("DuplicateListener", "A listener already exists on this port for this load balancer '%s'", b.ARN())
		}
	}
	return nil
}

// CreateListener makes a load balancer take connections at a port.
func (s *Service) CreateListener(ctx context.Context, c world.Caller, in *elbapi.CreateListenerInput) (*elbapi.CreateListenerOutput, error) {
	tags, err := mergeTags(nil, in.Tags)
	if err == nil {
		err = checkListener(in.Protocol, in.SslPolicy != nil, len(in.Certificates) > 0, len(in.AlpnPolicy) > 0, in.MutualAuthentication != nil)
	}
	if err == nil && (in.Port == nil || in.Protocol == nil) {
		err = awserr.ELBInvalid("A protocol and a port must be specified")
	}
	if err != nil {
		return nil, err
	}
	var l world.Listener
	v, err := s.settle(ctx, func(tx *world.Tx) error {
		b, err := balancer(&tx.World, c, in.LoadBalancerArn)
		if err != nil {
			return err
		}
		g, err := forwards(&tx.World, c, in.DefaultActions)
		if err == nil {
			err = serves(tx, b, g)
		}
		if err != nil {
			return err
		}
		l = world.Listener{
			ID: world.ListenerID("lsn-" + tx.Hex(16)), Meta: tx.NewMeta(c, tags), Balancer: b.ID, Port: uint16(*in.Port), Protocol: "TCP", Group: g.ID,
		}
		if len(slices.Collect(tx.Listeners.In(string(b.ID)))) >= mostListeners {
			return awserr.ELBCode("TooManyListeners", "The maximum number of listeners of a load balancer has been reached")
		}
		if err := portFree(tx, b, l); err != nil {
			return err
		}
		tx.Listeners.Put(l)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &elbapi.CreateListenerOutput{Listeners: []elbapi.Listener{v.listener(l)}}, nil
}

// ModifyListener changes the port of a listener, or where it forwards to.
func (s *Service) ModifyListener(ctx context.Context, c world.Caller, in *elbapi.ModifyListenerInput) (*elbapi.ModifyListenerOutput, error) {
	err := checkListener(in.Protocol, in.SslPolicy != nil, len(in.Certificates) > 0, len(in.AlpnPolicy) > 0, in.MutualAuthentication != nil)
	if err != nil {
		return nil, err
	}
	var l world.Listener
	v, err := s.settle(ctx, func(tx *world.Tx) (err error) {
		if l, err = listener(&tx.World, c, in.ListenerArn); err != nil {
			return err
		}
		b, _ := tx.LoadBalancers.Get(l.Balancer)
		l.Port = uint16(or(in.Port, int32(l.Port)))
		if err := portFree(tx, b, l); err != nil {
			return err
		}
		if len(in.DefaultActions) > 0 {
			g, err := forwards(&tx.World, c, in.DefaultActions)
			if err == nil {
				err = serves(tx, b, g)
			}
			if err != nil {
				return err
			}
			l.Group = g.ID
		}
		tx.Touch(&l.Meta)
		tx.Listeners.Put(l)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &elbapi.ModifyListenerOutput{Listeners: []elbapi.Listener{v.listener(l)}}, nil
}

// DeleteListener ends a listener. Connections it took go on.
func (s *Service) DeleteListener(ctx context.Context, c world.Caller, in *elbapi.DeleteListenerInput) (*elbapi.DeleteListenerOutput, error) {
	_, err := s.settle(ctx, func(tx *world.Tx) error {
		l, err := listener(&tx.World, c, in.ListenerArn)
		if err == nil {
			tx.Listeners.Delete(l.ID)
		}
		return err
	})
	return &elbapi.DeleteListenerOutput{}, err
}

// DescribeListeners lists the listeners of a load balancer, or those of ARNs.
func (s *Service) DescribeListeners(_ context.Context, c world.Caller, in *elbapi.DescribeListenersInput) (*elbapi.DescribeListenersOutput, error) {
	v := s.look()
	var rows []world.Listener
	switch {
	case in.LoadBalancerArn != nil && len(in.ListenerArns) > 0:
		return nil, awserr.ELBInvalid("Load balancer ARN and listener ARNs cannot be specified at the same time")
	case in.LoadBalancerArn != nil:
		b, err := balancer(&v.w, c, in.LoadBalancerArn)
		if err != nil {
			return nil, err
		}
		rows = slices.Collect(v.w.Listeners.In(string(b.ID)))
	case len(in.ListenerArns) == 0:
		return nil, awserr.ELBInvalid("You must specify either listener ARNs or a load balancer ARN")
	}
	for _, arn := range in.ListenerArns {
		l, err := listener(&v.w, c, &arn)
		if err != nil {
			return nil, err
		}
		rows = append(rows, l)
	}
	sortRows(rows)
	page, next, err := paged(rows, in.PageSize, in.Marker)
	return &elbapi.DescribeListenersOutput{Listeners: each(page, v.listener), NextMarker: next}, err
}

// DescribeListenerAttributes tells the attributes of a listener: there is one, and connections do not end because they are idle.
func (s *Service) DescribeListenerAttributes(_ context.Context, c world.Caller, in *elbapi.DescribeListenerAttributesInput) (*elbapi.DescribeListenerAttributesOutput, error) {
	w := s.store.World()
	if _, err := listener(&w, c, in.ListenerArn); err != nil {
		return nil, err
	}
	return &elbapi.DescribeListenerAttributesOutput{Attributes: []elbapi.ListenerAttribute{}}, nil
}
