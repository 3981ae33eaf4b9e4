package route53

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"slices"

	"kumiko/internal/api/route53api"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// checksOf are the caller's health checks, by id.
func checksOf(w *world.World, c world.Caller) []world.HealthCheck {
	return w.HealthChecks.Where(func(h world.HealthCheck) bool { return h.Account == c.Account })
}

// ownCheck is a health check of the caller's.
func ownCheck(w *world.World, c world.Caller, id *string) (world.HealthCheck, error) {
	h, ok := w.HealthChecks.Get(world.HealthCheckID(value(id)))
	if !ok || h.Account != c.Account {
		return h, awserr.Route53NoHealthCheck(value(id))
	}
	return h, nil
}

// describedCheck is a health check as answers have it.
func describedCheck(h world.HealthCheck) *route53api.HealthCheck {
	cfg := &route53api.HealthCheckConfig{
		Type: &h.Type, IPAddress: unless(h.Address), Port: unless(int32(h.Port)), ResourcePath: unless(h.Path), FullyQualifiedDomainName: unless(h.Domain),
		SearchString: unless(h.Search), RequestInterval: unless(int32(h.Interval)), FailureThreshold: unless(int32(h.FailureThreshold)),
		Inverted: &h.Inverted, Disabled: &h.Disabled,
	}
	if h.Calculated() {
		cfg.HealthThreshold = new(int32(h.HealthThreshold))
		for _, id := range h.Children {
			cfg.ChildHealthChecks = append(cfg.ChildHealthChecks, string(id))
		}
	} else {
		cfg.MeasureLatency, cfg.EnableSNI = &h.MeasureLatency, &h.SNI
		if len(h.Regions) > 0 {
			cfg.Regions = h.Regions
		}
	}
	return &route53api.HealthCheck{Id: new(string(h.ID)), CallerReference: &h.Reference, HealthCheckConfig: cfg, HealthCheckVersion: &h.Version}
}

// CreateHealthCheck makes a health check. The same call again answers with the one there is.
func (s *Service) CreateHealthCheck(ctx context.Context, c world.Caller, in *route53api.CreateHealthCheckInput) (*route53api.CreateHealthCheckOutput, error) {
	cfg, err := configOf(in.HealthCheckConfig)
	if err != nil {
		return nil, err
	}
	var h world.HealthCheck
	_, _, err = s.update(ctx, c, nil, func(tx *world.Tx) error {
		have := checksOf(&tx.World, c)
		for _, o := range have {
			if o.Reference != *in.CallerReference {
				continue
			}
			if h = o; o.Version == 1 && reflect.DeepEqual(o.HealthCheckConfig, cfg) {
				return nil
			}
			return awserr.New("HealthCheckAlreadyExists", http.StatusConflict, "The health check has already been created with the caller reference %s and other settings.", o.Reference)
		}
		if len(have) >= healthChecksPerAccount {
			return awserr.Route53Refused("TooManyHealthChecks", "Limits Exceeded: MAX_HEALTH_CHECKS_BY_OWNER - Cannot create more health checks.")
		}
		if err := knownChildren(&tx.World, c, "", cfg); err != nil {
			return err
		}
		h = world.HealthCheck{ID: world.HealthCheckID(tx.UUID()), Meta: tx.NewMeta(c, nil), Reference: *in.CallerReference, Version: 1, HealthCheckConfig: cfg}
		tx.HealthChecks.Put(h)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &route53api.CreateHealthCheckOutput{HealthCheck: describedCheck(h), Location: new("https://route53.amazonaws.com/2013-04-01/healthcheck/" + string(h.ID))}, nil
}

// knownChildren checks that the children of a calculated check are the caller's, and ask endpoints.
func knownChildren(w *world.World, c world.Caller, self world.HealthCheckID, cfg world.HealthCheckConfig) error {
	for _, id := range cfg.Children {
		h, ok := w.HealthChecks.Get(id)
		if !ok || h.Account != c.Account || h.Calculated() || id == self {
			return awserr.Route53Invalid("The child health check %s does not exist or is a calculated one.", id)
		}
	}
	return nil
}

// GetHealthCheck describes a health check.
func (s *Service) GetHealthCheck(_ context.Context, c world.Caller, in *route53api.GetHealthCheckInput) (*route53api.GetHealthCheckOutput, error) {
	w := s.store.World()
	h, err := ownCheck(&w, c, in.HealthCheckId)
	if err != nil {
		return nil, err
	}
	return &route53api.GetHealthCheckOutput{HealthCheck: describedCheck(h)}, nil
}

// ListHealthChecks lists the caller's health checks.
func (s *Service) ListHealthChecks(_ context.Context, c world.Caller, in *route53api.ListHealthChecksInput) (*route53api.ListHealthChecksOutput, error) {
	w := s.store.World()
	rows, next, err := page(checksOf(&w, c), world.HealthCheck.RowID, in.Marker, in.MaxItems, pageSize)
	if err != nil {
		return nil, err
	}
	out := &route53api.ListHealthChecksOutput{
		HealthChecks: []route53api.HealthCheck{}, Marker: new(value(in.Marker)), IsTruncated: new(next != nil), NextMarker: next, MaxItems: maxItems(in.MaxItems, pageSize),
	}
	for _, h := range rows {
		out.HealthChecks = append(out.HealthChecks, *describedCheck(h))
	}
	return out, nil
}

// GetHealthCheckCount counts the caller's health checks.
func (s *Service) GetHealthCheckCount(_ context.Context, c world.Caller, _ *route53api.GetHealthCheckCountInput) (*route53api.GetHealthCheckCountOutput, error) {
	w := s.store.World()
	return &route53api.GetHealthCheckCountOutput{HealthCheckCount: new(int64(len(checksOf(&w, c))))}, nil
}

// UpdateHealthCheck changes what a check asks, or how answers count.
func (s *Service) UpdateHealthCheck(ctx context.Context, c world.Caller, in *route53api.UpdateHealthCheckInput) (*route53api.UpdateHealthCheckOutput, error) {
	var h world.HealthCheck
	_, _, err := s.update(ctx, c, nil, func(tx *world.Tx) (err error) {
		if h, err = ownCheck(&tx.World, c, in.HealthCheckId); err != nil {
			return err
		}
		if v := in.HealthCheckVersion; v != nil && *v != h.Version {
			return awserr.New("HealthCheckVersionMismatch", http.StatusConflict, "The value of HealthCheckVersion %d does not match the version of the health check, %d.", *v, h.Version)
		}
		if err := reconfigure(&h.HealthCheckConfig, in); err != nil {
			return err
		}
		if err := knownChildren(&tx.World, c, h.ID, h.HealthCheckConfig); err != nil {
			return err
		}
		h.Version++
		tx.Touch(&h.Meta)
		tx.HealthChecks.Put(h)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &route53api.UpdateHealthCheckOutput{HealthCheck: describedCheck(h)}, nil
}

// DeleteHealthCheck takes a check away. Records that have it are answered as if they had none.
func (s *Service) DeleteHealthCheck(ctx context.Context, c world.Caller, in *route53api.DeleteHealthCheckInput) (*route53api.DeleteHealthCheckOutput, error) {
	_, _, err := s.update(ctx, c, nil, func(tx *world.Tx) error {
		h, err := ownCheck(&tx.World, c, in.HealthCheckId)
		if err != nil {
			return err
		}
		tx.HealthChecks.Delete(h.ID)
		tx.HealthObservations.Delete(h.ID)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &route53api.DeleteHealthCheckOutput{}, nil
}

// GetHealthCheckStatus tells what the checkers found last.
func (s *Service) GetHealthCheckStatus(_ context.Context, c world.Caller, in *route53api.GetHealthCheckStatusInput) (*route53api.GetHealthCheckStatusOutput, error) {
	found, err := s.findings(c, in.HealthCheckId, func(Finding) bool { return true })
	if err != nil {
		return nil, err
	}
	return &route53api.GetHealthCheckStatusOutput{HealthCheckObservations: found}, nil
}

// GetHealthCheckLastFailureReason tells which checkers failed last, and why.
func (s *Service) GetHealthCheckLastFailureReason(_ context.Context, c world.Caller, in *route53api.GetHealthCheckLastFailureReasonInput) (*route53api.GetHealthCheckLastFailureReasonOutput, error) {
	found, err := s.findings(c, in.HealthCheckId, func(f Finding) bool { return f.Failed })
	if err != nil {
		return nil, err
	}
	return &route53api.GetHealthCheckLastFailureReasonOutput{HealthCheckObservations: found}, nil
}

// findings are what was found, of what is to be told.
func (s *Service) findings(c world.Caller, id *string, keep func(Finding) bool) ([]route53api.HealthCheckObservation, error) {
	w := s.store.World()
	h, err := ownCheck(&w, c, id)
	if err != nil {
		return nil, err
	}
	if h.Calculated() {
		return nil, awserr.Route53Invalid("The operation is not supported for calculated health checks.")
	}
	out := []route53api.HealthCheckObservation{}
	if s.checker == nil {
		return out, nil
	}
	for _, f := range s.checker.Last(h.ID) {
		if keep(f) {
			out = append(out, route53api.HealthCheckObservation{
				Region: &f.Region, IPAddress: &f.Address, StatusReport: &route53api.StatusReport{Status: &f.Status, CheckedTime: &f.Time},
			})
		}
	}
	return out, nil
}

// GetCheckerIpRanges tells where checkers ask from.
func (s *Service) GetCheckerIpRanges(context.Context, world.Caller, *route53api.GetCheckerIpRangesInput) (*route53api.GetCheckerIpRangesOutput, error) {
	out := &route53api.GetCheckerIpRangesOutput{}
	for _, region := range world.CheckerRegions() {
		out.CheckerIpRanges = append(out.CheckerIpRanges, fmt.Sprintf("%s/32", world.CheckerAddress(region)))
	}
	slices.Sort(out.CheckerIpRanges)
	return out, nil
}
