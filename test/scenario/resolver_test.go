package scenario

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"kumiko/internal/testkit"
)

// names is two joined VPCs: in y, names are asked for that x forwards.
type names struct {
	*core
	in, out    string // groups of the endpoints
	inbound    string // rslvr-in-
	outbound   string // rslvr-out-
	rule       string // rslvr-rr-
	at         []string
	from       []string
	name, addr string // a name of y that nobody else knows, and what it is
}

// Route 53 Resolver as the stock client sets it up, judged by what dig hears within instances.
func TestResolver(t *testing.T) {
	t.Parallel()
	c := &core{lab: newLab(t, "10.1.0.0/24", "us-east-1")}
	c.x = c.addVPC("x")
	c.x1 = c.start(c.x, 10)
	c.cidr = netip.MustParsePrefix("10.2.0.0/24")
	c.y = c.addVPC("y")
	c.y1 = c.start(c.y, 10)
	c.running(c.x1, c.y1)
	n := &names{core: c, name: "ip-10-2-0-10.ec2.internal", addr: "10.2.0.10"}
	for _, chapter := range []struct {
		name string
		tell func()
	}{
		{"instance names", n.instanceNames}, {"names of ids", n.idNames}, {"flood", n.flood}, {"endpoints", n.endpoints}, {"inbound over peering", n.inboundAnswers}, {"rule", n.forwards},
		{"groups refuse", n.groupsRefuse}, {"query log", n.queryLog}, {"daemon gone", n.comesBack}, {"system rule", n.systemRule}, {"refusals", n.refusals}, {"end", n.end},
	} {
		t.Run(chapter.name, func(t *testing.T) {
			whole := c.T
			defer func() { c.T = whole }()
			c.T = t
			chapter.tell()
		})
	}
}

// dig asks from within an instance and gives the status, and the answers in short form.
func (n *names) dig(from instance, args ...string) string {
	n.T.Helper()
	out, _, ok := n.Exec(from.id, append([]string{"dig", "+time=2", "+tries=1", "+noall", "+comments", "+answer"}, args...)...)
	if !ok {
		return "silence"
	}
	status := ""
	var answers []string
	for l := range strings.SplitSeq(out, "\n") {
		if _, rest, ok := strings.Cut(l, "status: "); ok {
			status, _, _ = strings.Cut(rest, ",")
		}
		if f := strings.Fields(l); len(f) > 4 && !strings.HasPrefix(l, ";") {
			answers = append(answers, f[len(f)-1])
		}
	}
	slices.Sort(answers)
	return strings.TrimSpace(status + " " + strings.Join(answers, " "))
}

func (n *names) hears(from instance, want string, args ...string) {
	n.T.Helper()
	if got := n.dig(from, args...); got != want {
		n.T.Errorf("%s asks %v: hears %q, want %q", from.id, args, got, want)
	}
}

// Each VPC knows its own instances, forward and back, and not the other's.
func (n *names) instanceNames() {
	n.hears(n.y1, "NOERROR "+n.addr, n.name)
	n.hears(n.y1, "NOERROR "+n.name+".", "-x", n.addr)
	n.hears(n.x1, "NXDOMAIN", n.name)
	n.hears(n.x1, "NXDOMAIN", "-x", n.addr)
}

// endpoint makes an endpoint with an address in each subnet and waits until it works.
func (n *names) endpoint(direction string, v *vpc, group string) (id string, addrs []string) {
	n.T.Helper()
	out := strings.Fields(n.Pick("ResolverEndpoint.[Id, Status]", "route53resolver", "create-resolver-endpoint", "--creator-request-id", "make-"+direction,
		"--name", direction, "--direction", direction, "--security-group-ids", group, "--ip-addresses", "SubnetId="+v.subnets[0], "SubnetId="+v.subnets[1]))
	id = out[0]
	n.Eventually(id+" operational", func() bool {
		return n.Pick("ResolverEndpoint.Status", "route53resolver", "get-resolver-endpoint", "--resolver-endpoint-id", id) == "OPERATIONAL"
	})
	addrs = strings.Fields(n.Pick("IpAddresses[].Ip", "route53resolver", "list-resolver-endpoint-ip-addresses", "--resolver-endpoint-id", id))
	if len(addrs) != 2 {
		n.T.Fatalf("%s has the addresses %v", id, addrs)
	}
	return id, addrs
}

func (n *names) endpoints() {
	n.pcx = n.Pick("VpcPeeringConnection.VpcPeeringConnectionId", "ec2", "create-vpc-peering-connection", "--vpc-id", n.x.id, "--peer-vpc-id", n.y.id)
	n.AWS("ec2", "accept-vpc-peering-connection", "--vpc-peering-connection-id", n.pcx)
	n.route(n.table(n.x), "10.2.0.0/24", "--vpc-peering-connection-id", n.pcx)
	n.route(n.table(n.y), "10.1.0.0/24", "--vpc-peering-connection-id", n.pcx)
	n.in, n.out = n.addGroup(n.y, "inbound"), n.addGroup(n.x, "outbound")
	n.inbound, n.at = n.endpoint("INBOUND", n.y, n.in)
	n.outbound, n.from = n.endpoint("OUTBOUND", n.x, n.out)
	said := n.Pick("NetworkInterfaces[].[InterfaceType, RequesterManaged, Groups[0].GroupId]", "ec2", "describe-network-interfaces",
		"--filters", "Name=private-ip-address,Values="+n.at[0])
	if said != "interface\tTrue\t"+n.in {
		n.T.Errorf("the interface of an endpoint is described as %q", said)
	}
}

// The inbound endpoint answers as y's own resolver does, to whom its group lets in.
func (n *names) inboundAnswers() {
	n.hears(n.x1, "silence", n.name, "@"+n.at[0]) // no rule lets anybody in
	n.allowDNS(n.in, n.x1.addr+"/32")
	for _, at := range n.at {
		n.hears(n.x1, "NOERROR "+n.addr, n.name, "@"+at)
		n.hears(n.x1, "silence", n.name, "@"+at, "+tcp") // only UDP is let in
	}
	n.hears(n.y1, "silence", n.name, "@"+n.at[0])
	if out, _, ok := n.Exec(n.x1.id, "nslookup", n.name, n.at[1]); !ok || !strings.Contains(out, "Address: "+n.addr) {
		n.T.Errorf("nslookup: %s", out)
	}
	n.agreeUDP(n.x1, n.at[0], "")
	n.agreeUDP(n.y1, n.at[0], "sg-in")
}

func (n *names) allowDNS(group, from string) {
	n.T.Helper()
	n.AWS("ec2", "authorize-security-group-ingress", "--group-id", group, "--protocol", "udp", "--port", "53", "--cidr", from)
}

// agreeUDP checks what explain says of a question to an endpoint.
func (n *names) agreeUDP(from instance, at, station string) {
	n.T.Helper()
	out, errs, _ := n.Try(testkit.Binary(n.T), "explain", from.id, at+":53", "--protocol", "udp", "--output", "json")
	var x struct {
		Open    bool
		Refusal string
	}
	if err := json.Unmarshal([]byte(out), &x); err != nil || x.Open != (station == "") || !strings.HasPrefix(x.Refusal, station) {
		n.T.Errorf("explain %s: %v %s%s", at, err, out, errs)
	}
}

// A rule sends x's questions from the outbound endpoint over the peering to y's inbound one.
func (n *names) forwards() {
	to := []string{}
	for _, a := range n.at {
		to = append(to, fmt.Sprintf("Ip=%s,Port=53", a))
	}
	n.rule = n.Pick("ResolverRule.Id", append([]string{"route53resolver", "create-resolver-rule", "--creator-request-id", "rule", "--rule-type", "FORWARD",
		"--domain-name", "ip-10-2-0-10.ec2.internal", "--resolver-endpoint-id", n.outbound, "--target-ips"}, to...)...)
	n.hears(n.x1, "NXDOMAIN", n.name) // a rule does nothing by itself
	a := n.Pick("ResolverRuleAssociation.Id", "route53resolver", "associate-resolver-rule", "--resolver-rule-id", n.rule, "--vpc-id", n.x.id)
	n.Eventually(a+" complete", func() bool {
		return n.Pick("ResolverRuleAssociation.Status", "route53resolver", "get-resolver-rule-association", "--resolver-rule-association-id", a) == "COMPLETE"
	})
	n.hears(n.x1, "silence", n.name) // y's group lets in x1, not the outbound endpoint; dig gives up before the resolver does
	for _, from := range n.from {
		n.allowDNS(n.in, from+"/32")
	}
	n.Eventually("the question that was under way ended", func() bool { return n.dig(n.x1, n.name) == "NOERROR "+n.addr })
	n.hears(n.x1, "NOERROR "+n.addr, n.name, "+tcp")
	n.hears(n.x1, "NXDOMAIN", "ip-10-2-0-11.ec2.internal") // another domain
	out, errs, ok := n.Try(testkit.Binary(n.T), "explain", n.x1.id, n.name+":22")
	if !strings.Contains(out, n.rule) || !strings.Contains(out, n.addr) {
		n.T.Errorf("explain says nothing of the rule: %s%s (%v)", out, errs, ok)
	}
}

// What the outbound endpoint's group does not let out, does not go.
func (n *names) groupsRefuse() {
	n.AWS("ec2", "revoke-security-group-egress", "--group-id", n.out, "--protocol", "all", "--cidr", "0.0.0.0/0")
	out, _, _ := n.Exec(n.x1.id, "dig", "+time=10", "+tries=1", n.name)
	if !strings.Contains(out, "SERVFAIL") {
		n.T.Errorf("with closed egress: %s", out)
	}
	n.AWS("ec2", "authorize-security-group-egress", "--group-id", n.out, "--protocol", "udp", "--port", "53", "--cidr", "10.2.0.0/24")
	n.hears(n.x1, "NOERROR "+n.addr, n.name)
}

// Queries are written down with who asked and what was said.
func (n *names) queryLog() {
	n.AWS("logs", "create-log-group", "--log-group-name", "dns")
	group := n.Pick("logGroups[0].arn", "logs", "describe-log-groups", "--log-group-name-prefix", "dns")
	q := n.Pick("ResolverQueryLogConfig.Id", "route53resolver", "create-resolver-query-log-config", "--creator-request-id", "log", "--name", "log", "--destination-arn", group)
	n.hears(n.x1, "NOERROR 127.0.0.1", "localhost")
	a := n.Pick("ResolverQueryLogConfigAssociation.Id", "route53resolver", "associate-resolver-query-log-config", "--resolver-query-log-config-id", q, "--resource-id", n.x.id)
	n.Eventually(a+" active", func() bool {
		return n.Pick("ResolverQueryLogConfigAssociation.Status", "route53resolver", "get-resolver-query-log-config-association", "--resolver-query-log-config-association-id", a) == "ACTIVE"
	})
	n.hears(n.x1, "NOERROR "+n.addr, n.name)
	n.hears(n.y1, "NOERROR "+n.addr, n.name) // another VPC
	n.hears(n.x1, "NXDOMAIN", "none.example")
	var text string
	n.Eventually("two records", func() bool {
		text = n.Pick("events[].message", "logs", "filter-log-events", "--log-group-name", "dns")
		return strings.Count(text, "query_name") >= 2
	})
	for _, want := range []string{
		`"query_name":"` + n.name + `.","query_type":"A","query_class":"IN","rcode":"NOERROR","answers":[{"Rdata":"` + n.addr + `","Type":"A","Class":"IN"}],"srcaddr":"10.1.0.10"`,
		`"srcids":{"instance":"` + n.x1.id + `"}`, `"rcode":"NXDOMAIN"`, `"vpc_id":"` + n.x.id + `"`,
	} {
		if !strings.Contains(text, want) {
			n.T.Errorf("no %s in %s", want, text)
		}
	}
	if strings.Contains(text, "localhost") || strings.Contains(text, n.y.id) || strings.Count(text, "query_name") != 2 {
		n.T.Errorf("too much is written down: %s", text)
	}
	n.AWS("route53resolver", "disassociate-resolver-query-log-config", "--resolver-query-log-config-id", q, "--resource-id", n.x.id)
	n.Eventually(q+" deleted", func() bool {
		_, _, ok := n.Try("aws", "route53resolver", "delete-resolver-query-log-config", "--resolver-query-log-config-id", q)
		return ok
	})
}

// comesBack: the daemon answers for endpoints again after it was killed.
func (n *names) comesBack() {
	n.Kill()
	n.Up()
	n.Eventually("names again", func() bool { return n.dig(n.x1, n.name) == "NOERROR "+n.addr })
}

// A SYSTEM rule takes a name back from a rule above it.
func (n *names) systemRule() {
	wide := n.Pick("ResolverRule.Id", "route53resolver", "create-resolver-rule", "--creator-request-id", "wide", "--rule-type", "FORWARD", "--domain-name", ".",
		"--resolver-endpoint-id", n.outbound, "--target-ips", "Ip="+n.at[0])
	own := n.Pick("ResolverRule.Id", "route53resolver", "create-resolver-rule", "--creator-request-id", "own", "--rule-type", "SYSTEM", "--domain-name", "example.org")
	for _, r := range []string{wide, own} {
		n.AWS("route53resolver", "associate-resolver-rule", "--resolver-rule-id", r, "--vpc-id", n.x.id)
	}
	n.hears(n.x1, "NOERROR ip-10-1-0-10.ec2.internal.", "-x", "10.1.0.10") // what AWS defines goes before the root
	begin := time.Now()
	n.hears(n.x1, "NXDOMAIN", "www.example.org")
	n.hears(n.x1, "NXDOMAIN", "www.example.com")
	if took := time.Since(begin); took > 10*time.Second {
		n.T.Errorf("the answers took %s", took)
	}
	for _, r := range []string{wide, own} {
		n.AWS("route53resolver", "disassociate-resolver-rule", "--resolver-rule-id", r, "--vpc-id", n.x.id)
		n.Eventually(r+" deleted", func() bool {
			_, _, ok := n.Try("aws", "route53resolver", "delete-resolver-rule", "--resolver-rule-id", r)
			return ok
		})
	}
}

// What is wrong, or not built, is refused by its code.
func (n *names) refusals() {
	group := []string{"--security-group-ids", n.in, "--creator-request-id", "r", "--direction"}
	for want, args := range map[string][]string{
		"ResourceExistsException":   append([]string{"associate-resolver-rule", "--resolver-rule-id", n.rule, "--vpc-id", n.x.id}, ""),
		"ResourceInUseException":    {"delete-resolver-rule", "--resolver-rule-id", n.rule},
		"RSLVR-00601":               {"delete-resolver-endpoint", "--resolver-endpoint-id", n.outbound},
		"ResourceNotFoundException": {"get-resolver-rule", "--resolver-rule-id", "rslvr-rr-none"},
		"UnsupportedOperation":      append(append([]string{"create-resolver-endpoint"}, group...), "INBOUND_DELEGATION", "--ip-addresses", "SubnetId="+n.y.subnets[0], "SubnetId="+n.y.subnets[1]),
		"InvalidParameterException": append(append([]string{"create-resolver-endpoint"}, group...), "INBOUND", "--ip-addresses", "SubnetId="+n.x.subnets[0], "SubnetId="+n.x.subnets[1]),
		"is not built":              {"list-firewall-rule-groups"},
	} {
		args = slices.DeleteFunc(args, func(a string) bool { return a == "" })
		if got := n.Refused(append([]string{"route53resolver"}, args...)...); !strings.Contains(got, want) {
			n.T.Errorf("%v: %s, want %s", args, got, want)
		}
	}
}

// Everything can be taken away, and nothing of it is left.
func (n *names) end() {
	n.AWS("route53resolver", "disassociate-resolver-rule", "--resolver-rule-id", n.rule, "--vpc-id", n.x.id)
	n.Eventually(n.rule+" deleted", func() bool {
		_, _, ok := n.Try("aws", "route53resolver", "delete-resolver-rule", "--resolver-rule-id", n.rule)
		return ok
	})
	n.hears(n.x1, "NXDOMAIN", n.name)
	for _, id := range []string{n.inbound, n.outbound} {
		n.AWS("route53resolver", "delete-resolver-endpoint", "--resolver-endpoint-id", id)
	}
	n.Eventually("endpoints gone", func() bool {
		return n.Pick("length(ResolverEndpoints)", "route53resolver", "list-resolver-endpoints") == "0"
	})
	n.hears(n.x1, "silence", n.name, "@"+n.at[0])
	if left := n.Pick("length(NetworkInterfaces[?RequesterManaged])", "ec2", "describe-network-interfaces"); left != "0" {
		n.T.Errorf("%s interfaces are left", left)
	}
}
