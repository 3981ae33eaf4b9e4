package world

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
)

// ServiceAddresses is the part of PublicAddresses that AWS's services have: no interface gets one of these.
var ServiceAddresses = netip.MustParsePrefix("198.19.0.0/16")

// AWSService is a service of AWS as networks know it: a public name in every region, and kinds of VPC endpoints.
type AWSService struct {
	Name    string   // what follows com.amazonaws.REGION. in the name of its endpoints, e.g. ssm or ecr.api
	Host    string   // what stands before .REGION.amazonaws.com in its public name; empty: Name
	Scopes  []string // services its requests are signed for; nil: Name
	Global  string   // a public name without region, if it has one
	Gateway bool     // has gateway endpoints, beside interface endpoints
	Kept    bool     // has no endpoints: a public name only
}

// AWSServices are the services that have public names here. Their place in the list is part of their addresses: new
// ones are added at the end. (AWS General Reference, "Service endpoints and quotas"; AWS PrivateLink Guide, "AWS services
// that integrate with AWS PrivateLink".)
func AWSServices() []AWSService {
	return []AWSService{
		{Name: "s3", Global: "s3.amazonaws.com", Gateway: true},
		{Name: "dynamodb", Gateway: true},
		{Name: "ec2"},
		{Name: "ssm"},
		{Name: "ssmmessages"},
		{Name: "ec2messages"},
		{Name: "logs"},
		{Name: "sts", Global: "sts.amazonaws.com"},
		{Name: "iam", Global: "iam.amazonaws.com", Kept: true},
		{Name: "vpc-lattice"},
		{Name: "elasticloadbalancing"},
		{Name: "monitoring"},
		{Name: "kms"},
		{Name: "route53", Global: "route53.amazonaws.com", Kept: true},
		{Name: "ram"},
		{Name: "route53resolver"},
		{Name: "secretsmanager"},
		{Name: "sqs"},
		{Name: "sns"},
		{Name: "events"},
		{Name: "lambda"},
		{Name: "ecs"},
		{Name: "ecs-agent", Scopes: []string{"ecs"}},
		{Name: "ecs-telemetry", Scopes: []string{"ecs"}},
		{Name: "ecr.api", Host: "api.ecr", Scopes: []string{"ecr"}},
		{Name: "ecr.dkr", Host: "dkr.ecr", Scopes: []string{"ecr"}},
		{Name: "autoscaling"},
		{Name: "cloudformation"},
		{Name: "cloudtrail"},
		{Name: "config"},
		{Name: "codebuild"},
		{Name: "codecommit"},
		{Name: "execute-api"},
		{Name: "kinesis-streams", Host: "kinesis", Scopes: []string{"kinesis"}},
		{Name: "kinesis-firehose", Host: "firehose", Scopes: []string{"firehose"}},
		{Name: "states"},
		{Name: "xray"},
		{Name: "elasticfilesystem"},
		{Name: "rds"},
		{Name: "athena"},
		{Name: "glue"},
		{Name: "servicecatalog"},
		{Name: "acm-pca"},
		{Name: "tagging", Kept: true},
		{Name: "organizations", Global: "organizations.us-east-1.amazonaws.com", Kept: true},
		{Name: "acm", Kept: true},
		{Name: "ssm-contacts"},
		{Name: "ssm-incidents"},
		{Name: "sagemaker.api", Host: "api.sagemaker", Scopes: []string{"sagemaker"}},
		{Name: "bedrock-runtime", Scopes: []string{"bedrock"}},
	}
}

// FindAWSService finds the service whose endpoints have the name, com.amazonaws.REGION.ssm, and its region.
func FindAWSService(endpoint string) (s AWSService, region string, ok bool) {
	rest, ok := strings.CutPrefix(endpoint, "com.amazonaws.")
	if !ok {
		return AWSService{}, "", false
	}
	region, name, _ := strings.Cut(rest, ".")
	all := AWSServices()
	i := slices.IndexFunc(all, func(s AWSService) bool { return s.Name == name })
	if i < 0 || !known(region) {
		return AWSService{}, "", false
	}
	return all[i], region, true
}

// FindPublicName finds the service that has a public name, and its region.
func FindPublicName(name string) (s AWSService, region string, ok bool) {
	if !strings.HasSuffix(name, ".amazonaws.com") {
		return AWSService{}, "", false
	}
	for _, s := range AWSServices() {
		host := cmp.Or(s.Host, s.Name)
		if rest, ok := strings.CutPrefix(name, host+"."); ok {
			region := strings.TrimSuffix(rest, ".amazonaws.com")
			if known(region) {
				return s, region, true
			}
		}
		if name == s.Global {
			return s, "us-east-1", true
		}
	}
	return AWSService{}, "", false
}

func known(region string) bool {
	return slices.ContainsFunc(Regions(), func(r Region) bool { return r.Name == region })
}

// EndpointName is the name of the service's endpoints in a region.
func (s AWSService) EndpointName(region string) string {
	return "com.amazonaws." + region + "." + s.Name
}

// PublicName is the service's public name in a region.
func (s AWSService) PublicName(region string) string {
	return cmp.Or(s.Host, s.Name) + "." + region + ".amazonaws.com"
}

// Has tells whether the service has endpoints of a type.
func (s AWSService) Has(kind string) bool {
	return kind == EndpointInterface && !s.Kept || kind == EndpointGateway && s.Gateway
}

// Signed tells whether requests signed for the scope are meant for the service.
func (s AWSService) Signed(scope string) bool {
	if s.Scopes == nil {
		return scope == s.Name
	}
	return slices.Contains(s.Scopes, scope)
}

// Each region has 256 service addresses. Those of services with gateway endpoints are ranges, which prefix lists hold.
const (
	firstService = 1   // and following, by place in AWSServices
	gatewayRange = 128 // and following, gatewaySize each
	gatewaySize  = 32
)

// Address is the address of the service's public name in a region; invalid in a region nobody knows.
func (s AWSService) Address(region string) netip.Addr {
	r := slices.IndexFunc(Regions(), func(r Region) bool { return r.Name == region })
	i := slices.IndexFunc(AWSServices(), func(o AWSService) bool { return o.Name == s.Name })
	if r < 0 || i < 0 {
		return netip.Addr{}
	}
	last := firstService + i
	if s.Gateway {
		last = gatewayRange + i*gatewaySize + 1
	}
	b := ServiceAddresses.Addr().As4()
	return netip.AddrFrom4([4]byte{b[0], b[1], byte(r), byte(last)})
}

// Range is the range of public addresses of a service with gateway endpoints in a region.
func (s AWSService) Range(region string) netip.Prefix {
	a := s.Address(region)
	if !a.IsValid() {
		return netip.Prefix{}
	}
	return netip.PrefixFrom(a, 27).Masked()
}
