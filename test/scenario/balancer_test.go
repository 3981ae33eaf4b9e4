package scenario

import (
	"slices"
	"strings"
	"testing"

	"kumiko/internal/testkit"
)

// balancer is a Network Load Balancer before greeters in both zones of a VPC.
type balancer struct {
	*lab
	v        *vpc
	client   instance
	targets  []instance // one in each zone
	arn      string
	name     string
	own      string // its security group
	group    string // target group
	listener string
	nodes    []string // addresses, by zone
}

// elb calls Elastic Load Balancing and gives what the query picks.
func (l *lab) elb(query string, args ...string) string {
	l.T.Helper()
	return l.Pick(query, append([]string{"elbv2"}, args...)...)
}

// startIn runs an instance with the n-th address of the VPC's range in one of its subnets.
func (l *lab) startIn(v *vpc, subnet int, n byte) instance {
	l.T.Helper()
	i := instance{addr: l.addr(n)}
	i.id = l.Pick("Instances[0].InstanceId", "ec2", "run-instances", "--image-id", l.ami, "--instance-type", "t3.micro", "--key-name", "lab",
		"--subnet-id", v.subnets[subnet], "--private-ip-address", i.addr, "--security-group-ids", v.group)
	return i
}

// addBalancer makes the load balancer, with a listener at port 80 for targets at 8080 that are checked every five seconds.
func (l *lab) addBalancer(v *vpc, name string, args ...string) *balancer {
	l.T.Helper()
	b := &balancer{lab: l, v: v}
	b.group = l.elb("TargetGroups[0].TargetGroupArn", "create-target-group", "--name", name, "--protocol", "TCP", "--port", "8080", "--vpc-id", v.id,
		"--health-check-interval-seconds", "5", "--health-check-timeout-seconds", "2", "--healthy-threshold-count", "2", "--unhealthy-threshold-count", "2")
	out := strings.Fields(l.elb("LoadBalancers[0].[LoadBalancerArn, DNSName, State.Code]", append([]string{"create-load-balancer", "--name", name, "--type", "network",
		"--scheme", "internal", "--subnets", v.subnets[0], v.subnets[1]}, args...)...))
	b.arn, b.name = out[0], out[1]
	if out[2] != "provisioning" {
		l.T.Errorf("a new load balancer is %s", out[2])
	}
	b.listener = l.elb("Listeners[0].ListenerArn", "create-listener", "--load-balancer-arn", b.arn, "--protocol", "TCP", "--port", "80",
		"--default-actions", "Type=forward,TargetGroupArn="+b.group)
	l.AWS("elbv2", "wait", "load-balancer-available", "--load-balancer-arns", b.arn)
	for _, s := range v.subnets {
		b.nodes = append(b.nodes, l.Pick("NetworkInterfaces[0].PrivateIpAddress", "ec2", "describe-network-interfaces", "--filters",
			"Name=subnet-id,Values="+s, "Name=description,Values=ELB "+b.arn[strings.Index(b.arn, "net/"):]))
	}
	return b
}

// register adds instances to the target group.
func (b *balancer) register(all ...instance) {
	b.T.Helper()
	args := []string{"elbv2", "register-targets", "--target-group-arn", b.group, "--targets"}
	for _, i := range all {
		args = append(args, "Id="+i.id)
	}
	b.AWS(args...)
}

// health is the state and reason of a target.
func (b *balancer) health(i instance) string {
	b.T.Helper()
	return b.elb("TargetHealthDescriptions[0].TargetHealth.[State, Reason]", "describe-target-health", "--target-group-arn", b.group, "--targets", "Id="+i.id)
}

func (b *balancer) becomes(i instance, state string) {
	b.T.Helper()
	b.Eventually(i.id+" "+state, func() bool { return strings.HasPrefix(b.health(i), state) })
}

// served are the instances that answer some visits in a row at an address, and whom they see.
func (b *balancer) served(from instance, to string) (by, seen []string) {
	b.T.Helper()
	for range 4 {
		got, ok := b.visit(from, to, "80", "0")
		words := strings.Fields(got)
		if !ok || len(words) != 3 {
			b.T.Fatalf("%s → %s: %q", from.id, to, got)
		}
		addr, _, _ := strings.Cut(words[2], ":")
		by, seen = append(by, words[0]), append(seen, addr)
	}
	slices.Sort(by)
	slices.Sort(seen)
	return slices.Compact(by), slices.Compact(seen)
}

// A Network Load Balancer takes connections at an address in each zone and passes them on, from that address, to targets
// that answer its checks: those of the zone, or all when it crosses zones. Its own groups and those of the targets hold.
func TestNetworkLoadBalancer(t *testing.T) {
	t.Parallel()
	l := newLab(t, "10.0.128.0/24", "ap-northeast-1")
	v := l.addVPC("a")
	group := l.addGroup(v, "balancer")
	b := l.addBalancer(v, "web", "--security-groups", group)
	b.own = group
	b.client = l.startIn(v, 0, 10)
	b.targets = []instance{l.startIn(v, 0, 11), l.startIn(v, 1, 140)}
	l.running(b.client, b.targets[0], b.targets[1])
	for _, i := range b.targets {
		l.serve(i, "8080")
	}
	b.names()
	b.agree(b.client, b.nodes[0], "80", "sg-in")
	l.allow(group, "80", b.client.addr+"/32")
	b.refuses(b.client, b.nodes[0], "80") // nobody is registered
	b.register(b.targets...)
	b.becomes(b.targets[0], "unhealthy\tTarget.FailedHealthChecks") // their group is closed
	l.allow(v.group, "8080", group)
	for _, i := range b.targets {
		b.becomes(i, "healthy")
	}
	b.spreads()
	b.fails()
	b.ends()
}

// names looks the names up: an address a zone.
func (b *balancer) names() {
	b.T.Helper()
	got := strings.Split(b.Inside(b.client.id, "dig", "+noall", "+answer", b.name), "\n")
	for i, line := range got {
		f := strings.Fields(line)
		if len(got) != 2 || f[1] != "60" || !slices.Contains(b.nodes, f[4]) {
			b.T.Errorf("answer %d of %s: %q, want the nodes %v", i, b.name, line, b.nodes)
		}
	}
	for i, s := range b.v.subnets {
		zone := b.Pick("Subnets[0].AvailabilityZone", "ec2", "describe-subnets", "--subnet-ids", s)
		if got := b.Inside(b.client.id, "dig", "+short", zone+"."+b.name); got != b.nodes[i] {
			b.T.Errorf("in %s the load balancer is %q, want %s", zone, got, b.nodes[i])
		}
	}
}

// refuses checks that a connection is reset where nothing listens, and that the kernel and explain say so.
func (b *balancer) refuses(from instance, to, port string) {
	b.T.Helper()
	told, stop := b.refusals(port)
	defer stop()
	_, errs, ok := b.Exec(from.id, dial(to, port)...)
	if ok || !strings.Contains(errs, "refused") {
		b.T.Errorf("%s → %s:%s: %v %s, want a reset", from.id, to, port, ok, errs)
	}
	if by := <-told; by != "listener" {
		b.T.Errorf("%s → %s:%s: refused by %q", from.id, to, port, by)
	}
	if out := b.explain(from, to, port); !strings.Contains(out, `"refusal": "listener:`) {
		b.T.Errorf("%s → %s:%s: %s", from.id, to, port, out)
	}
}

// spreads checks whom each node sends to, and that targets see the node.
func (b *balancer) spreads() {
	b.T.Helper()
	check := func(what, to string, by []instance, seen string) {
		b.T.Helper()
		var want []string
		for _, i := range by {
			want = append(want, i.id)
		}
		slices.Sort(want)
		if got, saw := b.served(b.client, to); !slices.Equal(got, want) || !slices.Equal(saw, []string{seen}) {
			b.T.Errorf("%s %s is served by %v, who see %v; want %v and %s", what, to, got, saw, want, seen)
		}
	}
	for i, n := range b.nodes {
		check("by zone", n, b.targets[i:i+1], n)
		b.agree(b.client, n, "80", "")
	}
	b.AWS("elbv2", "modify-load-balancer-attributes", "--load-balancer-arn", b.arn, "--attributes", "Key=load_balancing.cross_zone.enabled,Value=true")
	for _, n := range b.nodes {
		check("across zones", n, b.targets, n)
	}
	b.agree(b.client, b.name, "80", "")
	b.AWS("elbv2", "modify-target-group-attributes", "--target-group-arn", b.group, "--attributes", "Key=load_balancing.cross_zone.enabled,Value=false")
	check("by zone again", b.nodes[1], b.targets[1:], b.nodes[1])
	b.AWS("elbv2", "modify-target-group-attributes", "--target-group-arn", b.group, "--attributes", "Key=load_balancing.cross_zone.enabled,Value=use_load_balancer_configuration")
	b.allow(b.own, "81", b.client.addr+"/32")
	b.refuses(b.client, b.nodes[0], "81")
}

// fails stops a target: it is told, and connections go to the other one; what is deregistered gets none, and keeps those it has.
func (b *balancer) fails() {
	b.T.Helper()
	b.AWS("ec2", "stop-instances", "--instance-ids", b.targets[0].id)
	b.becomes(b.targets[0], "unused\tTarget.InvalidState")
	if by, _ := b.served(b.client, b.nodes[0]); !slices.Equal(by, []string{b.targets[1].id}) {
		b.T.Errorf("with one target stopped %v serve", by)
	}
	open := b.talk(b.client, b.nodes[0], "80", "40000")
	b.AWS("elbv2", "deregister-targets", "--target-group-arn", b.group, "--targets", "Id="+b.targets[1].id)
	if got := b.health(b.targets[1]); got != "draining\tTarget.DeregistrationInProgress" {
		b.T.Errorf("a target that was deregistered is %q", got)
	}
	if !open.alive() {
		b.T.Error("the connection of a draining target was cut off")
	}
	b.refuses(b.client, b.nodes[1], "80")
	open.quit(b.T)
}

// ends deletes the load balancer, and what it leaves.
func (b *balancer) ends() {
	b.T.Helper()
	b.deny(b.v.group, "8080", b.own)
	if got := b.Refused("elbv2", "delete-target-group", "--target-group-arn", b.group); !strings.Contains(got, "(ResourceInUse)") {
		b.T.Errorf("a target group in use: %s", got)
	}
	if got := b.Refused("ec2", "delete-security-group", "--group-id", b.own); !strings.Contains(got, "(DependencyViolation)") {
		b.T.Errorf("a group in use: %s", got)
	}
	b.AWS("elbv2", "delete-load-balancer", "--load-balancer-arn", b.arn)
	b.AWS("elbv2", "wait", "load-balancers-deleted", "--load-balancer-arns", b.arn)
	b.Eventually("no interface of the load balancer", func() bool {
		return "0" == b.Pick("length(NetworkInterfaces)", "ec2", "describe-network-interfaces", "--filters", "Name=description,Values=ELB net/*")
	})
	b.agree(b.client, b.nodes[1], "80", "route")
	if got := b.Inside(b.client.id, "dig", "+short", b.name); got != "" {
		b.T.Errorf("%s is still %s", b.name, got)
	}
	b.AWS("elbv2", "delete-target-group", "--target-group-arn", b.group)
	b.AWS("ec2", "delete-security-group", "--group-id", b.own)
}

// explain asks why a connection opens or not.
func (l *lab) explain(from instance, to, port string) string {
	l.T.Helper()
	out, errs, _ := l.Try(testkit.Binary(l.T), "explain", from.id, to+":"+port, "--output", "json")
	return out + errs
}

// A load balancer that faces the Internet answers public addresses, which lead to its nodes from another VPC. Its target is an
// address, asked over HTTP: one that answers 500 is not well, and gets connections all the same while none is.
func TestPublicLoadBalancer(t *testing.T) {
	t.Parallel()
	l := newLab(t, "10.0.128.0/24", "us-east-1")
	v, other := l.addVPC("shop"), l.addVPC("customer")
	if got := l.Refused("elbv2", "create-load-balancer", "--name", "shop", "--type", "network", "--subnets", v.subnets[0]); !strings.Contains(got, "has no internet gateway") {
		t.Errorf("without an internet gateway: %s", got)
	}
	for _, p := range []*vpc{v, other} {
		gateway := l.Pick("InternetGateway.InternetGatewayId", "ec2", "create-internet-gateway")
		l.AWS("ec2", "attach-internet-gateway", "--internet-gateway-id", gateway, "--vpc-id", p.id)
		table := l.Pick("RouteTables[0].RouteTableId", "ec2", "describe-route-tables", "--filters", "Name=vpc-id,Values="+p.id)
		l.AWS("ec2", "create-route", "--route-table-id", table, "--destination-cidr-block", "0.0.0.0/0", "--gateway-id", gateway)
		l.AWS("ec2", "modify-subnet-attribute", "--subnet-id", p.subnets[0], "--map-public-ip-on-launch")
	}
	target, client := l.startIn(v, 0, 11), l.startIn(other, 0, 11)
	elastic := l.Pick("AllocationId", "ec2", "allocate-address", "--domain", "vpc")
	b := &balancer{lab: l, v: v, client: client, targets: []instance{target}}
	b.group = l.elb("TargetGroups[0].TargetGroupArn", "create-target-group", "--name", "shop", "--protocol", "TCP", "--port", "8080", "--vpc-id", v.id, "--target-type", "ip",
		"--health-check-protocol", "HTTP", "--health-check-path", "/health", "--health-check-interval-seconds", "5", "--health-check-timeout-seconds", "2", "--matcher", "HttpCode=200")
	out := strings.Fields(l.elb("LoadBalancers[0].[LoadBalancerArn, DNSName]", "create-load-balancer", "--name", "shop", "--type", "network",
		"--subnet-mappings", "SubnetId="+v.subnets[0]+",AllocationId="+elastic))
	b.arn, b.name = out[0], out[1]
	b.listener = l.elb("Listeners[0].ListenerArn", "create-listener", "--load-balancer-arn", b.arn, "--protocol", "TCP", "--port", "80",
		"--default-actions", "Type=forward,TargetGroupArn="+b.group)
	l.running(target, client)
	l.host(target, "8080")
	l.allow(v.group, "8080", l.cidr.String())
	l.AWS("elbv2", "register-targets", "--target-group-arn", b.group, "--targets", "Id="+target.addr)
	l.AWS("elbv2", "wait", "load-balancer-available", "--load-balancer-arns", b.arn)
	l.AWS("elbv2", "wait", "target-in-service", "--target-group-arn", b.group)
	public := l.Pick("Addresses[0].PublicIp", "ec2", "describe-addresses", "--allocation-ids", elastic)
	if got := l.Inside(client.id, "dig", "+short", b.name); got != public {
		t.Errorf("%s is %q, want %s", b.name, got, public)
	}
	l.agree(client, b.name, "80", "")
	if got := l.Inside(client.id, "curl", "-sS", "--connect-timeout", "3", "http://"+b.name+"/"); !strings.HasPrefix(got, "AWS PrivateLink") {
		t.Errorf("the page is %q", got)
	}
	l.AWS("elbv2", "modify-target-group", "--target-group-arn", b.group, "--matcher", "HttpCode=201-299")
	l.Eventually("unhealthy", func() bool {
		return "unhealthy" == l.elb("TargetHealthDescriptions[0].TargetHealth.State", "describe-target-health", "--target-group-arn", b.group)
	})
	l.agree(client, b.name, "80", "")
	l.AWS("elbv2", "delete-load-balancer", "--load-balancer-arn", b.arn)
	l.Eventually("the elastic address is free", func() bool {
		return "None" == l.Pick("Addresses[0].AssociationId", "ec2", "describe-addresses", "--allocation-ids", elastic)
	})
}
