package lattice

import (
	"context"
	"strconv"
	"strings"

	"kumiko/internal/api/latticeapi"
	"kumiko/internal/awserr"
	"kumiko/internal/fabric"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// CreateTargetGroup makes a target group without targets.
func (s *Service) CreateTargetGroup(ctx context.Context, c world.Caller, in *latticeapi.CreateTargetGroupInput) (*latticeapi.CreateTargetGroupOutput, error) {
	name, err := checkName(targetGroupKind(), in.Name, 128)
	if err != nil {
		return nil, err
	}
	draft, err := draftTargetGroup(in)
	if err != nil {
		return nil, err
	}
	tags, err := tagsOf(in.Tags)
	if err != nil {
		return nil, err
	}
	q := request{c, "CreateTargetGroup", in.ClientToken, in}
	g, v, err := create(ctx, s, q, targetGroups, func(tx *world.Tx) (world.LatticeTargetGroup, error) {
		g := draft
		vpc, err := findVPC(&tx.World, c, in.Config.VpcIdentifier)
		if err != nil {
			return g, err
		}
		have := owned(&tx.LatticeTargetGroups, c, func(world.LatticeTargetGroup) bool { return true })
		for _, o := range have {
			if o.Name == name {
				return g, taken(targetGroupKind(), string(o.ID), name)
			}
		}
		g.ID, g.Meta, g.Name, g.VPC = world.LatticeTargetGroupID(tx.NewID("tg")), tx.NewMeta(c, tags), name, vpc.ID
		return g, targetGroupsPerRegion().leaves(len(have))
	})
	if err != nil {
		return nil, err
	}
	d := v.targetGroup(g)
	return &latticeapi.CreateTargetGroupOutput{Id: d.Id, Arn: d.Arn, Name: d.Name, Type: d.Type, Config: d.Config, Status: d.Status}, nil
}

// draftTargetGroup reads what a new target group is to be, as far as no World is needed.
func draftTargetGroup(in *latticeapi.CreateTargetGroupInput) (world.LatticeTargetGroup, error) {
	g := world.LatticeTargetGroup{Type: value(in.Type)}
	switch g.Type {
	case world.LatticeInstances, world.LatticeAddresses:
	case "ALB":
		return g, awserr.LatticeValidation("Target groups of type ALB are not supported here: there are no Application Load Balancers.")
	case "LAMBDA":
		return g, awserr.LatticeValidation("Target groups of type LAMBDA are not supported here: there are no Lambda functions.")
	default:
		return g, invalidField("type", "must be INSTANCE, IP, ALB or LAMBDA")
	}
	cfg := in.Config
	if cfg == nil {
		return g, invalidField("config", "must not be empty")
	}
	switch {
	case value(cfg.Protocol) == "":
		return g, invalidField("config.protocol", "must not be empty")
	case *cfg.Protocol != "HTTP":
		return g, awserr.LatticeValidation("Targets of protocol %s are not supported here, only HTTP.", *cfg.Protocol)
	case cfg.ProtocolVersion != nil && *cfg.ProtocolVersion != "HTTP1":
		return g, awserr.LatticeValidation("Protocol version %s is not supported here, only HTTP1.", *cfg.ProtocolVersion)
	case cfg.IpAddressType != nil && g.Type != world.LatticeAddresses:
		return g, awserr.LatticeValidation("Unexpected attribute ipAddressType for type %s", g.Type)
	case value(cfg.IpAddressType) == "IPV6":
		return g, awserr.LatticeValidation("IP address type IPV6 is not supported here for targets.")
	case cfg.LambdaEventStructureVersion != nil:
		return g, awserr.LatticeValidation("Unexpected attribute lambdaEventStructureVersion for type %s", g.Type)
	}
	if g.Port = 80; cfg.Port != nil {
		g.Port = uint16(*cfg.Port)
	}
	g.Check = usualCheck()
	return g, amendCheck(&g.Check, cfg.HealthCheck)
}

// usualCheck is how targets are asked when nothing else is said. (VPC Lattice User Guide, "Health checks".)
func usualCheck() world.LatticeCheck {
	return world.LatticeCheck{Enabled: true, Path: "/", Interval: 30, Timeout: 5, Healthy: 5, Unhealthy: 2, Codes: "200"}
}

// amendCheck sets what is given of a health check; 0 and the empty string bring back what is usual.
func amendCheck(h *world.LatticeCheck, in *latticeapi.HealthCheckConfig) error {
	if in == nil {
		return nil
	}
	if p := value(in.Protocol); p != "" && p != "HTTP" {
		return awserr.LatticeValidation("Health checks of protocol %s are not supported here, only HTTP.", p)
	}
	if p := value(in.ProtocolVersion); p != "" && p != "HTTP1" {
		return awserr.LatticeValidation("Health checks of protocol version %s are not supported here, only HTTP1.", p)
	}
	usual := usualCheck()
	for _, f := range []struct {
		name        string
		in          *int32
		to          *int
		usual       int
		least, most int
	}{
		{"healthCheckIntervalSeconds", in.HealthCheckIntervalSeconds, &h.Interval, usual.Interval, 5, 300},
		{"healthCheckTimeoutSeconds", in.HealthCheckTimeoutSeconds, &h.Timeout, usual.Timeout, 1, 120},
		{"healthyThresholdCount", in.HealthyThresholdCount, &h.Healthy, usual.Healthy, 2, 10},
		{"unhealthyThresholdCount", in.UnhealthyThresholdCount, &h.Unhealthy, usual.Unhealthy, 2, 10},
	} {
		switch {
		case f.in == nil:
		case *f.in == 0:
			*f.to = f.usual
		case int(*f.in) < f.least || int(*f.in) > f.most:
			return invalidField("healthCheck."+f.name, "must be "+strconv.Itoa(f.least)+" to "+strconv.Itoa(f.most))
		default:
			*f.to = int(*f.in)
		}
	}
	if in.Enabled != nil {
		h.Enabled = *in.Enabled
	}
	if in.Port != nil {
		h.Port = uint16(*in.Port)
	}
	if in.Path != nil {
		if h.Path = *in.Path; h.Path == "" {
			h.Path = usual.Path
		}
	}
	if in.Matcher != nil && in.Matcher.HttpCode != nil {
		if h.Codes = *in.Matcher.HttpCode; h.Codes == "" {
			h.Codes = usual.Codes
		}
		if !validCodes(h.Codes) {
			return invalidField("healthCheck.matcher.httpCode", "must be codes from 200 to 499, or ranges of them, with commas between")
		}
	}
	return nil
}

func validCodes(text string) bool {
	for part := range strings.SplitSeq(text, ",") {
		lo, hi, ranged := strings.Cut(part, "-")
		if !ranged {
			hi = lo
		}
		a, errA := strconv.Atoi(lo)
		b, errB := strconv.Atoi(hi)
		if errA != nil || errB != nil || a < 200 || b > 499 || a > b {
			return false
		}
	}
	return true
}

func targetGroups(tx *world.Tx) *world.Table[world.LatticeTargetGroupID, world.LatticeTargetGroup] {
	return &tx.LatticeTargetGroups
}

// targetGroup is what answers say of a target group.
func (v view) targetGroup(g world.LatticeTargetGroup) latticeapi.GetTargetGroupOutput {
	h := g.Check
	check := &latticeapi.HealthCheckConfig{
		Enabled: &h.Enabled, Protocol: new("HTTP"), ProtocolVersion: new("HTTP1"), Path: &h.Path,
		HealthCheckIntervalSeconds: new(int32(h.Interval)), HealthCheckTimeoutSeconds: new(int32(h.Timeout)),
		HealthyThresholdCount: new(int32(h.Healthy)), UnhealthyThresholdCount: new(int32(h.Unhealthy)), Matcher: &latticeapi.Matcher{HttpCode: &h.Codes},
	}
	if h.Port != 0 {
		check.Port = new(int32(h.Port))
	}
	out := latticeapi.GetTargetGroupOutput{
		Id: new(string(g.ID)), Arn: new(targetGroupKind().arn(g.Meta, string(g.ID))), Name: &g.Name, Type: &g.Type, CreatedAt: &g.Created, LastUpdatedAt: &g.Updated,
		Status: new(v.groupStatus(g)), ServiceArns: []string{},
		Config: &latticeapi.TargetGroupConfig{
			Port: new(int32(g.Port)), Protocol: new("HTTP"), ProtocolVersion: new("HTTP1"), VpcIdentifier: new(string(g.VPC)), HealthCheck: check,
		},
	}
	if g.Type == world.LatticeAddresses {
		out.Config.IpAddressType = new("IPV4")
	}
	for _, id := range v.w.UsersOf(g.ID) {
		r, _ := v.w.LatticeServices.Get(id)
		out.ServiceArns = append(out.ServiceArns, serviceARN(r))
	}
	return out
}

// groupStatus is the state of a target group, which knows no updates.
func (v view) groupStatus(g world.LatticeTargetGroup) string {
	if st := v.status(g.Meta, append(pointScopes(g.VPC), fabric.ProxyScope)); st != updating {
		return st
	}
	return creating
}

// GetTargetGroup describes one target group.
func (s *Service) GetTargetGroup(_ context.Context, c world.Caller, in *latticeapi.GetTargetGroupInput) (*latticeapi.GetTargetGroupOutput, error) {
	v := s.look()
	g, err := find(&v.w, &v.w.LatticeTargetGroups, c, targetGroupKind(), in.TargetGroupIdentifier)
	if err != nil {
		return nil, err
	}
	out := v.targetGroup(g)
	return &out, nil
}

// ListTargetGroups lists target groups, of a VPC or a type.
func (s *Service) ListTargetGroups(_ context.Context, c world.Caller, in *latticeapi.ListTargetGroupsInput) (*latticeapi.ListTargetGroupsOutput, error) {
	v := s.look()
	all := owned(&v.w.LatticeTargetGroups, c, func(g world.LatticeTargetGroup) bool {
		return (in.VpcIdentifier == nil || *in.VpcIdentifier == string(g.VPC)) && (in.TargetGroupType == nil || *in.TargetGroupType == g.Type)
	})
	all, next, err := listing.Page(listing.Lattice(), all, world.LatticeTargetGroup.RowID, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &latticeapi.ListTargetGroupsOutput{Items: []latticeapi.TargetGroupSummary{}, NextToken: next}
	for _, g := range all {
		d := v.targetGroup(g)
		out.Items = append(out.Items, latticeapi.TargetGroupSummary{
			Id: d.Id, Arn: d.Arn, Name: d.Name, Type: d.Type, CreatedAt: d.CreatedAt, LastUpdatedAt: d.LastUpdatedAt, Port: d.Config.Port, Protocol: d.Config.Protocol,
			IpAddressType: d.Config.IpAddressType, VpcIdentifier: d.Config.VpcIdentifier, Status: d.Status, ServiceArns: d.ServiceArns,
		})
	}
	return out, nil
}

// UpdateTargetGroup changes how targets are asked whether they are well.
func (s *Service) UpdateTargetGroup(ctx context.Context, c world.Caller, in *latticeapi.UpdateTargetGroupInput) (*latticeapi.UpdateTargetGroupOutput, error) {
	if in.HealthCheck == nil {
		return nil, invalidField("healthCheck", "must not be empty")
	}
	var g world.LatticeTargetGroup
	v, err := s.update(ctx, func(tx *world.Tx) (err error) {
		if g, err = findTargetGroup(&tx.World, c, in.TargetGroupIdentifier); err != nil {
			return err
		}
		if err := amendCheck(&g.Check, in.HealthCheck); err != nil {
			return err
		}
		g.Updated = tx.Now
		tx.LatticeTargetGroups.Put(g)
		return nil
	})
	if err != nil {
		return nil, err
	}
	d := v.targetGroup(g)
	return &latticeapi.UpdateTargetGroupOutput{Id: d.Id, Arn: d.Arn, Name: d.Name, Type: d.Type, Config: d.Config, Status: d.Status}, nil
}

// findTargetGroup is the target group that is named, unless it is going.
func findTargetGroup(w *world.World, c world.Caller, identifier *string) (world.LatticeTargetGroup, error) {
	g, err := find(w, &w.LatticeTargetGroups, c, targetGroupKind(), identifier)
	if err == nil && g.Deleting {
		err = awserr.LatticeConflict(targetGroupKind().noun, string(g.ID), "TargetGroup %s is in state %s", g.ID, deleting)
	}
	return g, err
}

// DeleteTargetGroup takes a target group that nothing sends to away. Doing it again changes nothing.
func (s *Service) DeleteTargetGroup(ctx context.Context, c world.Caller, in *latticeapi.DeleteTargetGroupInput) (*latticeapi.DeleteTargetGroupOutput, error) {
	k := targetGroupKind()
	var g world.LatticeTargetGroup
	_, err := s.update(ctx, func(tx *world.Tx) (err error) {
		if g, err = find(&tx.World, &tx.LatticeTargetGroups, c, k, in.TargetGroupIdentifier); err != nil || g.Deleting {
			return err
		}
		if len(tx.UsersOf(g.ID)) > 0 {
			return awserr.LatticeConflict(k.noun, string(g.ID), "TargetGroup is referenced in routing configuration, listeners or rules of service.")
		}
		g.Deleting = true
		tx.Touch(&g.Meta)
		tx.LatticeTargetGroups.Put(g)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &latticeapi.DeleteTargetGroupOutput{Id: new(string(g.ID)), Arn: new(k.arn(g.Meta, string(g.ID))), Status: new(deleting)}, nil
}
