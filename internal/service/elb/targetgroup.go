package elb

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"kumiko/internal/api/elbapi"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// trafficPort says that targets are checked at the port they get connections at.
const trafficPort = "traffic-port"

// group describes a target group.
func (v *view) group(g world.TargetGroup) elbapi.TargetGroup {
	k := g.Check
	out := elbapi.TargetGroup{
		TargetGroupArn: new(g.ARN()), TargetGroupName: new(g.Name), Protocol: new(g.Protocol), Port: new(int32(g.Port)), VpcId: new(string(g.VPC)),
		HealthCheckProtocol: new(k.Protocol), HealthCheckPort: new(checkPort(k)), HealthCheckEnabled: new(true),
		HealthCheckIntervalSeconds: new(int32(k.Interval)), HealthCheckTimeoutSeconds: new(int32(k.Timeout)),
		HealthyThresholdCount: new(int32(k.Healthy)), UnhealthyThresholdCount: new(int32(k.Unhealthy)),
		TargetType: new(g.TargetType), IpAddressType: new("ipv4"), LoadBalancerArns: []string{},
	}
	if k.Protocol == "HTTP" {
		out.HealthCheckPath, out.Matcher = new(k.Path), &elbapi.Matcher{HttpCode: new(codes(k))}
	}
	if b, ok := v.w.BalancerOf(g.ID); ok {
		out.LoadBalancerArns = []string{b.ARN()}
	}
	return out
}

func checkPort(k world.TargetCheck) string {
	if k.Port == 0 {
		return trafficPort
	}
	return strconv.Itoa(int(k.Port))
}

// codes are the status codes that are well, as AWS writes them.
func codes(k world.TargetCheck) string {
	if k.FirstCode == k.LastOne {
		return strconv.Itoa(k.FirstCode)
	}
	return fmt.Sprintf("%d-%d", k.FirstCode, k.LastOne)
}

// CreateTargetGroup makes a target group; asking for the same again gives the one there is.
func (s *Service) CreateTargetGroup(ctx context.Context, c world.Caller, in *elbapi.CreateTargetGroupInput) (*elbapi.CreateTargetGroupOutput, error) {
	tags, err := mergeTags(nil, in.Tags)
	if err == nil {
		err = checkGroup(in)
	}
	k := world.TargetCheck{Interval: 30, Timeout: 10, Healthy: 5, Unhealthy: 2}
	if err == nil {
		err = wish{
			in.HealthCheckProtocol, in.HealthCheckPort, in.HealthCheckPath, in.HealthCheckEnabled, in.HealthCheckIntervalSeconds,
			in.HealthCheckTimeoutSeconds, in.HealthyThresholdCount, in.UnhealthyThresholdCount, in.Matcher,
		}.apply(&k)
	}
	if err != nil {
		return nil, err
	}
	var g world.TargetGroup
	v, err := s.update(ctx, func(tx *world.Tx) error {
		p, ok := tx.VPCs.Get(world.VPCID(value(in.VpcId)))
		if !ok || !p.OwnedBy(c) {
			return awserr.ELBInvalid("The VPC ID '%s' is not found", value(in.VpcId))
		}
		g = world.TargetGroup{
			ID: world.TargetGroupID("tg-" + tx.Hex(16)), Meta: tx.NewMeta(c, tags), Name: *in.Name, VPC: p.ID, Protocol: "TCP", Port: uint16(*in.Port),
			TargetType: or(in.TargetType, world.TargetInstance), Check: k, CrossZone: world.CrossZoneAsBalancer, Drain: 300 * time.Second,
		}
		if old, ok := tx.GroupNamed(c, g.Name); ok {
			if old.VPC != g.VPC || old.Port != g.Port || old.TargetType != g.TargetType || old.Check != g.Check {
				return awserr.ELBCode("DuplicateTargetGroupName", "A target group with the same name '%s' exists, but with different settings", g.Name)
			}
			g = old
			return nil
		}
		if len(tx.TargetGroups.Where(func(o world.TargetGroup) bool { return o.OwnedBy(c) })) >= mostGroups {
			return awserr.ELBCode("TooManyTargetGroups", "The maximum number of target groups has been reached")
		}
		tx.TargetGroups.Put(g)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &elbapi.CreateTargetGroupOutput{TargetGroups: []elbapi.TargetGroup{v.group(g)}}, nil
}

// checkGroup holds the rules that need no World.
func checkGroup(in *elbapi.CreateTargetGroupInput) error {
	if err := checkName(*in.Name, "Target group"); err != nil {
		return err
	}
	switch t := or(in.TargetType, world.TargetInstance); t {
	case world.TargetInstance, world.TargetIP:
	default:
		return awserr.ELBUnbuilt("Targets of type " + t + " are")
	}
	switch {
	case in.ProtocolVersion != nil:
		return awserr.ELBInvalid("A protocol version is not supported for target groups of protocol 'TCP'")
	case in.Protocol == nil:
		return awserr.ELBInvalid("A protocol must be specified")
	case in.Port == nil:
		return awserr.ELBInvalid("A port must be specified")
	case in.VpcId == nil:
		return awserr.ELBInvalid("A VPC ID must be specified")
	case *in.Protocol != "TCP":
		return awserr.ELBUnbuilt("Target groups of protocol " + *in.Protocol + " are")
	}
	return unbuilt("IPv6 targets are", or(in.IpAddressType, "ipv4") != "ipv4")
}

// wish is what a request says of health checks.
type wish struct {
	protocol, port, path *string
	enabled              *bool
	interval, timeout    *int32
	healthy, unhealthy   *int32
	matcher              *elbapi.Matcher
}

var pathForm = regexp.MustCompile(`^/[!-~]*$`)

// apply changes a check to what is wished.
func (x wish) apply(k *world.TargetCheck) error {
	switch p := or(x.protocol, cmp.Or(k.Protocol, "TCP")); p {
	case "TCP":
		k.Protocol, k.Path, k.FirstCode, k.LastOne = p, "", 0, 0
		if x.path != nil || x.matcher != nil {
			return awserr.ELBInvalid("Health check path and matcher are not supported for health check protocol 'TCP'")
		}
	case "HTTP":
		if k.Protocol != p {
			k.Protocol, k.Path, k.FirstCode, k.LastOne = p, "/", 200, 399
			k.Timeout = 6
		}
	case "HTTPS":
		return awserr.ELBUnbuilt("Health checks of protocol HTTPS are")
	default:
		return awserr.ELBInvalid("Health check protocol '%s' is not supported for target groups of protocol 'TCP'", p)
	}
	if x.enabled != nil && !*x.enabled {
		return awserr.ELBInvalid("Health checks cannot be disabled for target groups with target type 'instance' or 'ip'")
	}
	if k.Path = or(x.path, k.Path); k.Protocol == "HTTP" && !pathForm.MatchString(k.Path) {
		return awserr.ELBInvalid("Health check path '%s' must begin with '/' and have no blanks", k.Path)
	}
	k.Interval, k.Timeout = int(or(x.interval, int32(k.Interval))), int(or(x.timeout, int32(k.Timeout)))
	k.Healthy, k.Unhealthy = int(or(x.healthy, int32(k.Healthy))), int(or(x.unhealthy, int32(k.Unhealthy)))
	if x.timeout == nil {
		k.Timeout = min(k.Timeout, k.Interval)
	}
	if k.Timeout > k.Interval {
		return awserr.ELBInvalid("Health check timeout '%d' must be smaller than or equal to the interval '%d'", k.Timeout, k.Interval)
	}
	return cmp.Or(x.readPort(k), x.readCodes(k))
}

func (x wish) readPort(k *world.TargetCheck) error {
	if x.port == nil || *x.port == trafficPort {
		if x.port != nil {
			k.Port = 0
		}
		return nil
	}
	n, err := strconv.ParseUint(*x.port, 10, 16)
	if err != nil || n == 0 {
		return awserr.ELBInvalid("Health check port '%s' is not valid", *x.port)
	}
	k.Port = uint16(n)
	return nil
}

// readCodes reads the status codes that are well: one, or a range.
func (x wish) readCodes(k *world.TargetCheck) error {
	if x.matcher == nil {
		return nil
	}
	if x.matcher.GrpcCode != nil {
		return awserr.ELBInvalid("A matcher with a gRPC code is not supported for health check protocol 'HTTP'")
	}
	first, last, ranged := strings.Cut(value(x.matcher.HttpCode), "-")
	if !ranged {
		last = first
	}
	a, errA := strconv.Atoi(first)
	b, errB := strconv.Atoi(last)
	if errA != nil || errB != nil || a < 200 || b > 599 || a > b {
		return awserr.ELBInvalid("Health check matcher HTTP code '%s' must be a code from 200 to 599, or a range of them", value(x.matcher.HttpCode))
	}
	k.FirstCode, k.LastOne = a, b
	return nil
}

// ModifyTargetGroup changes how the targets of a group are checked.
func (s *Service) ModifyTargetGroup(ctx context.Context, c world.Caller, in *elbapi.ModifyTargetGroupInput) (*elbapi.ModifyTargetGroupOutput, error) {
	var g world.TargetGroup
	v, err := s.update(ctx, func(tx *world.Tx) (err error) {
		if g, err = group(&tx.World, c, in.TargetGroupArn); err != nil {
			return err
		}
		err = wish{
			in.HealthCheckProtocol, in.HealthCheckPort, in.HealthCheckPath, in.HealthCheckEnabled, in.HealthCheckIntervalSeconds,
			in.HealthCheckTimeoutSeconds, in.HealthyThresholdCount, in.UnhealthyThresholdCount, in.Matcher,
		}.apply(&g.Check)
		if err == nil {
			tx.Touch(&g.Meta)
			tx.TargetGroups.Put(g)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &elbapi.ModifyTargetGroupOutput{TargetGroups: []elbapi.TargetGroup{v.group(g)}}, nil
}

// DescribeTargetGroups lists the caller's target groups.
func (s *Service) DescribeTargetGroups(_ context.Context, c world.Caller, in *elbapi.DescribeTargetGroupsInput) (*elbapi.DescribeTargetGroupsOutput, error) {
	v := s.look()
	given := 0
	for _, is := range []bool{in.LoadBalancerArn != nil, len(in.TargetGroupArns) > 0, len(in.Names) > 0} {
		if is {
			given++
		}
	}
	if given > 1 {
		return nil, awserr.ELBInvalid("Target group ARNs, names and a load balancer ARN cannot be specified at the same time")
	}
	rows, err := v.groups(c, in)
	if err != nil {
		return nil, err
	}
	sortRows(rows)
	page, next, err := paged(rows, in.PageSize, in.Marker)
	return &elbapi.DescribeTargetGroupsOutput{TargetGroups: each(page, v.group), NextMarker: next}, err
}

// groups are the target groups asked for.
func (v *view) groups(c world.Caller, in *elbapi.DescribeTargetGroupsInput) (rows []world.TargetGroup, err error) {
	if in.LoadBalancerArn != nil {
		b, err := balancer(&v.w, c, in.LoadBalancerArn)
		if err != nil {
			return nil, err
		}
		return v.w.TargetGroups.Where(func(g world.TargetGroup) bool {
			return slices.ContainsFunc(slices.Collect(v.w.Listeners.In(string(g.ID))), func(l world.Listener) bool { return l.Balancer == b.ID })
		}), nil
	}
	for _, arn := range in.TargetGroupArns {
		g, err := group(&v.w, c, &arn)
		if err != nil {
			return nil, err
		}
		rows = append(rows, g)
	}
	for _, name := range in.Names {
		g, ok := v.w.GroupNamed(c, name)
		if !ok {
			return nil, awserr.ELBCode("TargetGroupNotFound", "One or more target groups not found")
		}
		rows = append(rows, g)
	}
	if len(in.TargetGroupArns)+len(in.Names) == 0 {
		rows = v.w.TargetGroups.Where(func(g world.TargetGroup) bool { return g.OwnedBy(c) })
	}
	return rows, nil
}

// DeleteTargetGroup deletes a group that no listener uses. One that is not there is no error.
func (s *Service) DeleteTargetGroup(ctx context.Context, c world.Caller, in *elbapi.DeleteTargetGroupInput) (*elbapi.DeleteTargetGroupOutput, error) {
	_, err := s.update(ctx, func(tx *world.Tx) error {
		g, err := group(&tx.World, c, in.TargetGroupArn)
		if absent, ok := err.(*awserr.Error); ok && absent.Code == "TargetGroupNotFound" {
			return nil
		}
		if err != nil {
			return err
		}
		if tx.Listeners.Some(string(g.ID)) {
			return awserr.ELBCode("ResourceInUse", "Target group '%s' is currently in use by a listener or a rule", g.ARN())
		}
		tx.TargetGroups.Delete(g.ID)
		return nil
	})
	return &elbapi.DeleteTargetGroupOutput{}, err
}
