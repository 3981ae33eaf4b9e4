package elb

import (
	"context"
	"strconv"
	"time"

	"kumiko/internal/api/elbapi"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// attribute is an attribute of a load balancer or a target group. Without set it has one value here, and what another one
// would mean is not built.
type attribute[R any] struct {
	key string
	get func(R) string
	set func(*R, string) error
}

// only is an attribute that has one value.
func only[R any](key, value string) attribute[R] {
	return attribute[R]{key: key, get: func(R) string { return value }}
}

// change sets attributes of a row.
func change[R any](all []attribute[R], row *R, key, value string) error {
	for _, a := range all {
		switch {
		case a.key != key:
			continue
		case a.set != nil:
			return a.set(row, value)
		case a.get(*row) != value:
			return awserr.ELBUnbuilt("The value '" + value + "' of the attribute " + key + " is")
		}
		return nil
	}
	return awserr.ELBInvalid("The attribute key '%s' is not recognized", key)
}

// flag is an attribute that is true or false.
func flag[R any](key string, at func(*R) *bool) attribute[R] {
	return attribute[R]{
		key: key, get: func(r R) string { return strconv.FormatBool(*at(&r)) },
		set: func(r *R, value string) error {
			if value != "true" && value != "false" {
				return badValue(key, value)
			}
			*at(r) = value == "true"
			return nil
		},
	}
}

func badValue(key, value string) error {
	return awserr.ELBInvalid("The value '%s' for the attribute '%s' is not valid", value, key)
}

// balancerAttributes are the attributes of a Network Load Balancer. (Elastic Load Balancing API Reference, LoadBalancerAttribute.)
func balancerAttributes() []attribute[world.LoadBalancer] {
	type row = world.LoadBalancer
	return []attribute[row]{
		flag("deletion_protection.enabled", func(b *row) *bool { return &b.DeletionProtection }),
		flag("load_balancing.cross_zone.enabled", func(b *row) *bool { return &b.CrossZone }),
		only[row]("access_logs.s3.enabled", "false"), only[row]("access_logs.s3.bucket", ""), only[row]("access_logs.s3.prefix", ""),
		{key: "ipv6.deny_all_igw_traffic", get: func(b row) string { return strconv.FormatBool(b.Internal) }},
		only[row]("zonal_shift.config.enabled", "false"), only[row]("dns_record.client_routing_policy", "any_availability_zone"),
		only[row]("secondary_ips.auto_assigned.per_subnet", "0"),
	}
}

// groupAttributes are the attributes of a TCP target group. Connections to targets come from the load balancer's address,
// and what is open stays open when a target is no longer well. (Elastic Load Balancing API Reference, TargetGroupAttribute.)
func groupAttributes() []attribute[world.TargetGroup] {
	type row = world.TargetGroup
	const crossZone, delay = "load_balancing.cross_zone.enabled", "deregistration_delay.timeout_seconds"
	return []attribute[row]{
		{delay, func(g row) string { return strconv.Itoa(int(g.Drain / time.Second)) }, func(g *row, value string) error {
			n, err := strconv.Atoi(value)
			if err != nil || n < 0 || n > 3600 {
				return badValue(delay, value)
			}
			g.Drain = time.Duration(n) * time.Second
			return nil
		}},
		{crossZone, func(g row) string { return g.CrossZone }, func(g *row, value string) error {
			switch value {
			case world.CrossZoneOn, world.CrossZoneOff, world.CrossZoneAsBalancer:
				g.CrossZone = value
				return nil
			}
			return badValue(crossZone, value)
		}},
		only[row]("deregistration_delay.connection_termination.enabled", "false"), only[row]("preserve_client_ip.enabled", "false"),
		only[row]("proxy_protocol_v2.enabled", "false"), only[row]("stickiness.enabled", "false"), only[row]("stickiness.type", "source_ip"),
		only[row]("target_group_health.dns_failover.minimum_healthy_targets.count", "1"),
		only[row]("target_group_health.dns_failover.minimum_healthy_targets.percentage", "off"),
		only[row]("target_group_health.unhealthy_state_routing.minimum_healthy_targets.count", "1"),
		only[row]("target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage", "off"),
		only[row]("target_health_state.unhealthy.connection_termination.enabled", "false"),
		only[row]("target_health_state.unhealthy.draining_interval_seconds", "0"),
	}
}

// DescribeLoadBalancerAttributes tells the attributes of a load balancer.
func (s *Service) DescribeLoadBalancerAttributes(_ context.Context, c world.Caller, in *elbapi.DescribeLoadBalancerAttributesInput) (*elbapi.DescribeLoadBalancerAttributesOutput, error) {
	w := s.store.World()
	b, err := balancer(&w, c, in.LoadBalancerArn)
	if err != nil {
		return nil, err
	}
	return &elbapi.DescribeLoadBalancerAttributesOutput{Attributes: each(balancerAttributes(), func(a attribute[world.LoadBalancer]) elbapi.LoadBalancerAttribute {
		return elbapi.LoadBalancerAttribute{Key: new(a.key), Value: new(a.get(b))}
	})}, nil
}

// ModifyLoadBalancerAttributes changes attributes of a load balancer, and tells them.
func (s *Service) ModifyLoadBalancerAttributes(ctx context.Context, c world.Caller, in *elbapi.ModifyLoadBalancerAttributesInput) (*elbapi.ModifyLoadBalancerAttributesOutput, error) {
	_, err := s.settle(ctx, func(tx *world.Tx) error {
		b, err := balancer(&tx.World, c, in.LoadBalancerArn)
		for _, a := range in.Attributes {
			if err == nil {
				err = change(balancerAttributes(), &b, value(a.Key), value(a.Value))
			}
		}
		if err != nil {
			return err
		}
		tx.Touch(&b.Meta)
		tx.LoadBalancers.Put(b)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &elbapi.ModifyLoadBalancerAttributesOutput{Attributes: in.Attributes}, nil
}

// DescribeTargetGroupAttributes tells the attributes of a target group.
func (s *Service) DescribeTargetGroupAttributes(_ context.Context, c world.Caller, in *elbapi.DescribeTargetGroupAttributesInput) (*elbapi.DescribeTargetGroupAttributesOutput, error) {
	w := s.store.World()
	g, err := group(&w, c, in.TargetGroupArn)
	if err != nil {
		return nil, err
	}
	return &elbapi.DescribeTargetGroupAttributesOutput{Attributes: each(groupAttributes(), func(a attribute[world.TargetGroup]) elbapi.TargetGroupAttribute {
		return elbapi.TargetGroupAttribute{Key: new(a.key), Value: new(a.get(g))}
	})}, nil
}

// ModifyTargetGroupAttributes changes attributes of a target group, and tells them.
func (s *Service) ModifyTargetGroupAttributes(ctx context.Context, c world.Caller, in *elbapi.ModifyTargetGroupAttributesInput) (*elbapi.ModifyTargetGroupAttributesOutput, error) {
	_, err := s.settle(ctx, func(tx *world.Tx) error {
		g, err := group(&tx.World, c, in.TargetGroupArn)
		for _, a := range in.Attributes {
			if err == nil {
				err = change(groupAttributes(), &g, value(a.Key), value(a.Value))
			}
		}
		if err != nil {
			return err
		}
		tx.Touch(&g.Meta)
		tx.TargetGroups.Put(g)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &elbapi.ModifyTargetGroupAttributesOutput{Attributes: in.Attributes}, nil
}
