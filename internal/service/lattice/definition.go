package lattice

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"kumiko/internal/api/latticeapi"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// draftConfiguration reads a request for a new configuration, as far as no World is needed.
func draftConfiguration(in *latticeapi.CreateResourceConfigurationInput) (world.ResourceConfiguration, error) {
	cfg := world.ResourceConfiguration{
		Type: value(in.Type), AllowShareable: value(in.AllowAssociationToShareableServiceNetwork),
		CustomDomainName: value(in.CustomDomainName), GroupDomain: value(in.GroupDomain),
	}
	var err error
	if cfg.Name, err = checkName(configurationKind(), in.Name, 40); err != nil {
		return cfg, err
	}
	for field, name := range map[string]*string{"customDomainName": in.CustomDomainName, "groupDomain": in.GroupDomain} {
		if name != nil && !validName(strings.TrimSuffix(*name, ".")) {
			return cfg, invalidField(field, "'"+*name+"' is no domain name")
		}
	}
	if err := checkARN(in.ResourceConfigurationDefinition); err != nil {
		return cfg, err
	}
	if err := checkAttributes(in); err != nil {
		return cfg, err
	}
	if p := value(in.Protocol); p != "" && p != "TCP" {
		return cfg, invalidField("protocol", "must be TCP")
	}
	if cfg.Type == world.ConfigurationGroup {
		cfg.Protocol = value(in.Protocol)
		return cfg, nil
	}
	cfg.Protocol = "TCP"
	if err := define(&cfg, in.ResourceConfigurationDefinition); err != nil {
		return cfg, err
	}
	cfg.PortRanges, err = parsePorts(in.PortRanges)
	return cfg, err
}

// checkARN refuses resources named by ARN: AWS takes RDS databases only, and there are none here.
func checkARN(d *latticeapi.ResourceConfigurationDefinition) error {
	if d == nil || d.ArnResource == nil {
		return nil
	}
	arn := value(d.ArnResource.Arn)
	if parts := strings.Split(arn, ":"); len(parts) < 6 || parts[2] != "rds" {
		return awserr.LatticeValidation("ARN-based integration is only supported for RDS and not %s", arn)
	}
	return awserr.LatticeValidation("The RDS resource %s cannot be reached: there are no RDS databases here. Use an ipResource or a dnsResource.", arn)
}

// checkAttributes holds which members belong to which type. (VPC Lattice User Guide, "Resource configurations".)
func checkAttributes(in *latticeapi.CreateResourceConfigurationInput) error {
	t := value(in.Type)
	members := []struct {
		name   string
		given  bool
		types  []string // that may have it
		needed bool     // by those types
	}{
		{"resourceConfigurationDefinition", in.ResourceConfigurationDefinition != nil, []string{"SINGLE", "CHILD", "ARN"}, true},
		{"portRanges", in.PortRanges != nil, []string{"SINGLE", "CHILD"}, false},
		{"customDomainName", in.CustomDomainName != nil, []string{"SINGLE", "CHILD", "ARN"}, false},
		{"groupDomain", in.GroupDomain != nil, []string{"GROUP"}, false},
		{"resourceGatewayIdentifier", in.ResourceGatewayIdentifier != nil, []string{"SINGLE", "GROUP", "ARN"}, true},
		{"resourceConfigurationGroupIdentifier", in.ResourceConfigurationGroupIdentifier != nil, []string{"CHILD"}, true},
		{"protocol", in.Protocol != nil, []string{"SINGLE", "CHILD", "GROUP"}, false},
	}
	if !slices.Contains([]string{"SINGLE", "GROUP", "CHILD", "ARN"}, t) {
		return invalidField("type", "must be SINGLE, GROUP, CHILD or ARN")
	}
	for _, m := range members {
		may := slices.Contains(m.types, t)
		if m.given && !may {
			return awserr.LatticeValidation("Unexpected attribute %s for type %s", m.name, t)
		}
		if !m.given && may && m.needed {
			return awserr.LatticeValidation("Missing attribute %s for type %s", m.name, t)
		}
	}
	if t == world.ConfigurationARN {
		return awserr.LatticeValidation("Missing attribute arnResource for type ARN")
	}
	return nil
}

// define sets what the configuration stands for.
func define(cfg *world.ResourceConfiguration, d *latticeapi.ResourceConfigurationDefinition) error {
	cfg.IP, cfg.DomainName, cfg.DomainAddressType = netip.Addr{}, "", ""
	switch {
	case d.IpResource != nil && d.DnsResource == nil:
		return defineIP(cfg, value(d.IpResource.IpAddress))
	case d.DnsResource != nil && d.IpResource == nil:
		return defineName(cfg, d.DnsResource)
	}
	return invalidField("resourceConfigurationDefinition", "exactly one of ipResource, dnsResource and arnResource must be set")
}

// defineIP takes private addresses: those of RFC 1918 and of RFC 6598. (VPC Lattice User Guide.)
func defineIP(cfg *world.ResourceConfiguration, text string) error {
	const field = "resourceConfigurationDefinition.ipResource.ipAddress"
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" {
		return invalidField(field, "'"+text+"' is no IP address")
	}
	if a.Is6() {
		return awserr.LatticeValidation("IP address %s is not valid because the resource gateway has the IP address type IPV4.", text)
	}
	if shared := netip.MustParsePrefix("100.64.0.0/10"); !a.IsPrivate() && !shared.Contains(a) {
		return awserr.LatticeValidation("IP address %s is not valid. Specify an address of 10.0.0.0/8, 100.64.0.0/10, 172.16.0.0/12 or 192.168.0.0/16.", text)
	}
	cfg.IP = a
	return nil
}

func defineName(cfg *world.ResourceConfiguration, d *latticeapi.DnsResource) error {
	name := strings.TrimSuffix(value(d.DomainName), ".")
	if !validName(name) {
		return invalidField("resourceConfigurationDefinition.dnsResource.domainName", "'"+name+"' is no domain name")
	}
	switch t := value(d.IpAddressType); t {
	case "", "IPV4":
	case "IPV6":
		return awserr.LatticeValidation("IP address type IPV6 is not valid because the resource gateway has the IP address type IPV4.")
	default:
		return awserr.LatticeValidation("IP address type %s is not supported for DNS resources.", t)
	}
	cfg.DomainName, cfg.DomainAddressType = strings.ToLower(name), "IPV4"
	return nil
}

// validName tells whether s is a host name with at least two labels. (RFC 1123 section 2.1; underscores as DNS has them.)
func validName(s string) bool {
	labels := strings.Split(s, ".")
	if len(s) < 3 || len(s) > 253 || len(labels) < 2 {
		return false
	}
	for _, l := range labels {
		if l == "" || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' ||
			strings.Trim(strings.ToLower(l), "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return true
}

// within tells whether name is a sub-domain of domain.
func within(name, domain string) bool {
	return strings.HasSuffix(strings.ToLower(name), "."+strings.ToLower(strings.TrimSuffix(domain, ".")))
}

// parsePorts reads ranges such as 22 and 8000-8080; none is 1-65535.
func parsePorts(texts []string) ([]world.PortRange, error) {
	if len(texts) == 0 {
		return []world.PortRange{{From: 1, To: 65535}}, nil
	}
	var out []world.PortRange
	for _, t := range texts {
		from, to, isRange := strings.Cut(t, "-")
		if !isRange {
			to = from
		}
		lo, errLo := strconv.ParseUint(from, 10, 16)
		hi, errHi := strconv.ParseUint(to, 10, 16)
		if errLo != nil || errHi != nil || lo == 0 || lo > hi {
			return nil, invalidField("portRanges", "'"+t+"' is no port or range of ports between 1 and 65535")
		}
		r := world.PortRange{From: uint16(lo), To: uint16(hi)}
		if slices.ContainsFunc(out, func(o world.PortRange) bool { return o.From <= r.To && r.From <= o.To }) {
			return nil, invalidField("portRanges", "'"+t+"' overlaps another range")
		}
		out = append(out, r)
	}
	return out, nil
}

func portTexts(ranges []world.PortRange) []string {
	var out []string
	for _, r := range ranges {
		t := strconv.Itoa(int(r.From))
		if r.From != r.To {
			t += "-" + strconv.Itoa(int(r.To))
		}
		out = append(out, t)
	}
	return out
}

// amend is the configuration with what an update asks for.
func amend(cfg world.ResourceConfiguration, in *latticeapi.UpdateResourceConfigurationInput) (world.ResourceConfiguration, error) {
	if in.AllowAssociationToShareableServiceNetwork != nil {
		cfg.AllowShareable = *in.AllowAssociationToShareableServiceNetwork
	}
	group := cfg.Type == world.ConfigurationGroup
	if in.ResourceConfigurationDefinition != nil {
		if group {
			return cfg, awserr.LatticeValidation("Unexpected attribute resourceConfigurationDefinition for type GROUP")
		}
		if err := checkARN(in.ResourceConfigurationDefinition); err != nil {
			return cfg, err
		}
		if err := define(&cfg, in.ResourceConfigurationDefinition); err != nil {
			return cfg, err
		}
	}
	if in.PortRanges != nil {
		if group {
			return cfg, awserr.LatticeValidation("Unexpected attribute portRanges for type GROUP")
		}
		var err error
		if cfg.PortRanges, err = parsePorts(in.PortRanges); err != nil {
			return cfg, err
		}
	}
	return cfg, nil
}
