package api

import (
	"regexp"
	"strings"
	"sync"
	"testing"
)

// tokenOf is the member of an operation that makes calls idempotent.
func (o *operation) tokenOf() (string, bool) {
	for _, m := range o.members() {
		if name := m.String(); len(m.path) == 1 && strings.EqualFold(name, "clientToken") {
			return name, true
		}
	}
	return "", false
}

// made is the id of what a call made.
var made = regexp.MustCompile(`(<(?:reservation|routeTable|prefixList|natGateway|egressOnlyInternetGateway|networkAcl|networkInterface|vpcEndpoint|networkInsights\w+|service)Id>|<flowLogIdSet><item>|"id":")([a-z]+(?:-svc)?-[0-9a-f]{17})`)

func (a answer) made() string {
	if m := made.FindStringSubmatch(a.body); m != nil {
		return m[2]
	}
	return ""
}

// others are parameters that make a call another one.
var others = map[string]string{
	"ec2 CreateEgressOnlyInternetGateway":                 "VpcId=$vpcFree",
	"ec2 CreateFlowLogs":                                  "TrafficType=REJECT",
	"ec2 CreateVpcEndpoint":                               "ServiceName=com.amazonaws.us-east-1.kms",
	"ec2 CreateVpcEndpointServiceConfiguration":           "NetworkLoadBalancerArn=[\"$balancer\"]",
	"ec2 CreateNatGateway":                                "SubnetId=$subnetPeer",
	"ec2 CreateNetworkAcl":                                "VpcId=$vpcFree",
	"ec2 CreateNetworkInsightsAccessScope":                `MatchPath=[{"Source":{"ResourceStatement":{"ResourceType":["AWS::EC2::VPC"]}}}]`,
	"ec2 CreateNetworkInsightsPath":                       "Protocol=udp",
	"ec2 CreateNetworkInterface":                          "SubnetId=$subnetFar",
	"ec2 StartNetworkInsightsAccessScopeAnalysis":         "NetworkInsightsAccessScopeId=$nis",
	"ec2 StartNetworkInsightsAnalysis":                    "NetworkInsightsPathId=$nip",
	"ec2 CreateManagedPrefixList":                         "MaxEntries=6",
	"ec2 CreateRouteTable":                                "VpcId=$vpcFree",
	"ec2 RunInstances":                                    "MaxCount=1",
	"vpc-lattice CreateAccessLogSubscription":             "resourceIdentifier=$rcfgFree",
	"vpc-lattice CreateListener":                          "name=another",
	"vpc-lattice CreateResourceConfiguration":             "name=another",
	"vpc-lattice CreateResourceGateway":                   "name=another",
	"vpc-lattice CreateRule":                              "name=another",
	"vpc-lattice CreateService":                           "name=another",
	"vpc-lattice CreateServiceNetwork":                    "name=another",
	"vpc-lattice CreateServiceNetworkResourceAssociation": "resourceConfigurationIdentifier=$rcfgGroup",
	"vpc-lattice CreateServiceNetworkServiceAssociation":  "serviceIdentifier=$svc",
	"vpc-lattice CreateTargetGroup":                       "name=another",
	"vpc-lattice CreateServiceNetworkVpcAssociation":      "vpcIdentifier=$vpcBare",
}

// value is the value of a parameter in a text: a list, or the text with the names of the site.
func (s *site) value(text string) any {
	if strings.HasPrefix(text, "[") {
		return s.parse(`{"v":` + text + `}`)["v"]
	}
	return s.fill(text)
}

// TestIdempotency: a call with a client token that was used gives what the first one made; with other parameters, or by
// other callers, it does not.
func TestIdempotency(t *testing.T) {
	found := 0
	c := newCloud(t)
	s, other := c.populate(t, ann, "ann"), c.populate(t, bob, "bob")
	for _, name := range s.sortedOps() {
		token, ok := s.ops[name].tokenOf()
		if !ok || name == "ec2 ModifyInstanceCreditSpecification" { // which makes nothing
			continue
		}
		found++
		t.Run(strings.ReplaceAll(name, " ", "/"), func(t *testing.T) {
			then := c.store.World()
			in := with(s.base(name), []any{token}, "token-1").(object)
			first := s.call(name, in)
			c.settle()
			rev := c.store.World().Rev
			if again := s.call(name, in); first.made() == "" || again.made() != first.made() || c.store.World().Rev != rev {
				t.Errorf("the same call twice:\n%v\n%v", first.body, again.body)
			}
			member, value, _ := strings.Cut(others[name], "=")
			changed := with(in, []any{member}, s.value(value)).(object)
			if a := s.call(name, changed); a.code != map[bool]string{true: "IdempotentParameterMismatch", false: "ConflictException"}[s.ops[name].service == "ec2"] ||
				!strings.Contains(a.message, "token-1") || c.store.World().Rev != rev {
				t.Errorf("with another %s: %v", member, a)
			}
			theirs := with(other.base(name), []any{token}, "token-1").(object)
			if a := other.call(name, theirs); !a.ok() || a.made() == first.made() {
				t.Errorf("another account: %v", a)
			}
			if a := s.call(name, with(in, []any{token}, "token-2").(object)); a.ok() && a.made() == first.made() {
				t.Errorf("another token gives the same: %v", a)
			}
			s.restore(then)
			refused := with(with(s.base(name), []any{token}, "token-1"), []any{member}, "").(object)
			_ = s.call(name, refused) // a refused call does not use the token up
			if a := s.call(name, in); !a.ok() {
				t.Errorf("after a refused call: %v", a)
			}
			s.restore(then)
		})
	}
	if found != len(others) {
		t.Errorf("%d operations have a client token, %d are known", found, len(others))
	}
}

// TestIdempotencyAtOnce: of twenty equal calls at once, one makes the resource and all answer it.
func TestIdempotencyAtOnce(t *testing.T) {
	c := newCloud(t)
	s := c.populate(t, ann, "ann")
	for name := range others {
		token, _ := s.ops[name].tokenOf()
		then := c.store.World()
		in := with(s.base(name), []any{token}, "token-1").(object)
		ids := make([]string, 20)
		var wg sync.WaitGroup
		for i := range ids {
			wg.Go(func() { ids[i] = s.call(name, in).made() })
		}
		wg.Wait()
		for _, id := range ids {
			if id == "" || id != ids[0] {
				t.Errorf("%s: answers differ: %q", name, ids)
				break
			}
		}
		if rev := c.store.World().Rev; rev != then.Rev+1 {
			t.Errorf("%s: %d commits", name, rev-then.Rev)
		}
		s.restore(then)
	}
}
