package route53

import (
	"net/netip"
	"slices"
	"strings"

	"kumiko/internal/api/route53api"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// Limits of health checks. (Amazon Route 53 API Reference, HealthCheckConfig.)
const (
	maxChildren     = 256
	usualInterval   = 30
	usualThreshold  = 3
	minRegions      = 3
	stringMatchType = "_STR_MATCH"
)

// configOf reads what a new check is to be.
func configOf(in *route53api.HealthCheckConfig) (world.HealthCheckConfig, error) {
	switch *in.Type {
	case "CLOUDWATCH_METRIC":
		return world.HealthCheckConfig{}, awserr.Route53NotBuilt("A health check of a CloudWatch alarm")
	case "RECOVERY_CONTROL":
		return world.HealthCheckConfig{}, awserr.Route53NotBuilt("A health check of a routing control")
	}
	cfg := world.HealthCheckConfig{
		Type: *in.Type, Address: value(in.IPAddress), Port: int(value(in.Port)), Path: value(in.ResourcePath), Domain: value(in.FullyQualifiedDomainName),
		Search: value(in.SearchString), Interval: int(value(in.RequestInterval)), FailureThreshold: int(value(in.FailureThreshold)),
		MeasureLatency: value(in.MeasureLatency), Inverted: value(in.Inverted), Disabled: value(in.Disabled),
		Regions: in.Regions, HealthThreshold: int(value(in.HealthThreshold)), Children: childrenOf(in.ChildHealthChecks),
	}
	secure := strings.HasPrefix(cfg.Type, "HTTPS")
	cfg.SNI = secure
	if in.EnableSNI != nil {
		cfg.SNI = *in.EnableSNI
	}
	if cfg.Type == "CALCULATED" {
		cfg.SNI = false
		return cfg, checkConfig(cfg)
	}
	if cfg.Port == 0 && cfg.Type != "TCP" {
		cfg.Port = map[bool]int{true: 443, false: 80}[secure]
	}
	if cfg.Interval == 0 {
		cfg.Interval = usualInterval
	}
	if cfg.FailureThreshold == 0 {
		cfg.FailureThreshold = usualThreshold
	}
	return cfg, checkConfig(cfg)
}

func childrenOf(ids []string) (out []world.HealthCheckID) {
	for _, id := range ids {
		out = append(out, world.HealthCheckID(id))
	}
	return out
}

// checkConfig holds the rules between the parts of a check.
func checkConfig(cfg world.HealthCheckConfig) error {
	if cfg.Type == "CALCULATED" {
		switch {
		case len(cfg.Children) > maxChildren:
			return awserr.Route53Invalid("A calculated health check has at most %d children.", maxChildren)
		case cfg.Address != "" || cfg.Domain != "" || cfg.Port != 0 || cfg.Search != "":
			return awserr.Route53Invalid("A calculated health check has no endpoint.")
		}
		return nil
	}
	matches := strings.HasSuffix(cfg.Type, stringMatchType)
	switch {
	case len(cfg.Children) > 0 || cfg.HealthThreshold != 0:
		return awserr.Route53Invalid("Only a calculated health check has children.")
	case cfg.Address == "" && cfg.Domain == "":
		return awserr.Route53Invalid("Invalid parameter : either IPAddress or FullyQualifiedDomainName must be specified.")
	case cfg.Port < 1 || cfg.Port > 65535:
		return awserr.Route53Invalid("Invalid parameter : Port must be specified.")
	case matches && cfg.Search == "":
		return awserr.Route53Invalid("Invalid parameter : SearchString must be specified for the type %s.", cfg.Type)
	case !matches && cfg.Search != "":
		return awserr.Route53Invalid("Invalid parameter : SearchString is not allowed for the type %s.", cfg.Type)
	case cfg.Type == "TCP" && cfg.Path != "":
		return awserr.Route53Invalid("Invalid parameter : ResourcePath is not allowed for the type TCP.")
	case cfg.Interval != 10 && cfg.Interval != 30:
		return awserr.Route53Invalid("Invalid parameter : RequestInterval must be 10 or 30.")
	case len(cfg.Regions) > 0 && len(cfg.Regions) < minRegions:
		return awserr.Route53Invalid("Invalid parameter : at least %d Regions must be specified.", minRegions)
	}
	if cfg.Domain != "" {
		if _, ok := world.ParseDNSName(cfg.Domain); !ok {
			return awserr.Route53Invalid("Invalid parameter : %s is not a valid domain name.", cfg.Domain)
		}
	}
	return checkAddress(cfg.Address)
}

// checkAddress refuses addresses that checkers, which are on the Internet, cannot reach.
func checkAddress(text string) error {
	if text == "" {
		return nil
	}
	a, err := netip.ParseAddr(text)
	switch {
	case err != nil:
		return awserr.Route53Invalid("Invalid parameter : %s is not a valid IP address.", text)
	case a.Is6():
		return awserr.Route53NotBuilt("A health check over IPv6")
	case a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified():
		return awserr.Route53Invalid("Invalid parameter : the IP address %s is in a local, private, nonroutable or multicast range.", text)
	}
	return nil
}

// reconfigure changes a check as asked.
func reconfigure(cfg *world.HealthCheckConfig, in *route53api.UpdateHealthCheckInput) error {
	if in.AlarmIdentifier != nil || in.InsufficientDataHealthStatus != nil && *in.InsufficientDataHealthStatus != "" {
		return awserr.Route53NotBuilt("A health check of a CloudWatch alarm")
	}
	for _, name := range in.ResetElements {
		switch name {
		case "FullyQualifiedDomainName":
			cfg.Domain = ""
		case "Regions":
			cfg.Regions = nil
		case "ResourcePath":
			cfg.Path = ""
		case "ChildHealthChecks":
			cfg.Children = nil
		}
	}
	set(&cfg.Address, in.IPAddress)
	set(&cfg.Path, in.ResourcePath)
	set(&cfg.Domain, in.FullyQualifiedDomainName)
	set(&cfg.Search, in.SearchString)
	set(&cfg.Inverted, in.Inverted)
	set(&cfg.Disabled, in.Disabled)
	setInt(&cfg.Port, in.Port)
	setInt(&cfg.FailureThreshold, in.FailureThreshold)
	setInt(&cfg.HealthThreshold, in.HealthThreshold)
	if cfg.Type != "CALCULATED" {
		set(&cfg.SNI, in.EnableSNI)
	}
	if in.Regions != nil {
		cfg.Regions = slices.Clone(in.Regions)
	}
	if in.ChildHealthChecks != nil {
		cfg.Children = childrenOf(in.ChildHealthChecks)
	}
	return checkConfig(*cfg)
}

func set[T any](v *T, p *T) {
	if p != nil {
		*v = *p
	}
}

func setInt(v *int, p *int32) {
	if p != nil {
		*v = int(*p)
	}
}
