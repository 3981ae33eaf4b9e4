package scenario

import (
	"slices"
	"strings"
	"testing"

	"kumiko/internal/testkit"
)

// website is a web server with an access log.
const website = `use IO::Socket::INET; $SIG{CHLD} = 'IGNORE';
my $s = IO::Socket::INET->new(Listen => 64, LocalPort => $ARGV[0], ReuseAddr => 1) or die $!;
$| = 1; print "listening\n"; close STDOUT; close STDERR;
while (1) {
	my $c = $s->accept or next;
	next if fork;
	my $first = <$c> or exit; while (<$c>) { last if /^\r?$/ }
	open my $log, '>>', '/var/log/access_log'; print $log $c->peerhost." $first"; close $log;
	print $c "HTTP/1.1 200 OK\r\nContent-Length: 33\r\nConnection: close\r\n\r\nAWS PrivateLink Connect Success.\n"; exit;
}`

// tenant is the same lab in an account of its own.
func (l *lab) tenant(name string) *lab {
	l.T.Helper()
	if _, errs, ok := l.Try(testkit.Binary(l.T), "account", "create", name); !ok {
		l.T.Fatal(errs)
	}
	t := &lab{Cloud: l.In(name, l.Region), cidr: l.cidr, ami: l.ami, vpcs: map[string]*vpc{}}
	t.key = t.Pick("KeyMaterial", "ec2", "create-key-pair", "--key-name", "lab", "--key-type", "ed25519") + "\n"
	return t
}

// host starts a website in an instance.
func (l *lab) host(i instance, port string) {
	l.T.Helper()
	l.Put(i.id, "/tmp/website.pl", website)
	out := l.Inside(i.id, "sh", "-c", `mkfifo /tmp/up.$0; setsid perl /tmp/website.pl $0 >/tmp/up.$0 2>&1 </dev/null & head -n 1 /tmp/up.$0; rm /tmp/up.$0`, port)
	if out != "listening" {
		l.T.Fatalf("website in %s: %s", i.id, out)
	}
}

// private is a consumer's VPC with an endpoint to the service.
type private struct {
	*lab
	v        *vpc
	client   instance
	group    string // of the endpoint
	endpoint string
	name     string
}

// service is the story: a provider's load balancer, and the endpoint service before it.
type service struct {
	*balancer
	id, service string
	sides       []*private
}

// A service of an account's own, behind a load balancer that crosses zones, is reached by whom its owner allows and
// accepts: from VPCs with the provider's own range, by an address in each subnet. The target sees the load balancer.
func TestJ4(t *testing.T) {
	t.Parallel()
	l := newLab(t, "10.0.128.0/24", "ap-northeast-1")
	b := l.addBalancer(l.addVPC("provider"), "httpd")
	b.AWS("elbv2", "modify-load-balancer-attributes", "--load-balancer-arn", b.arn, "--attributes", "Key=load_balancing.cross_zone.enabled,Value=true")
	b.targets = []instance{l.startIn(b.v, 1, 142)}
	s := &service{balancer: b}
	s.offer()
	consumer := l.tenant("consumer")
	for _, name := range []string{"one", "two"} {
		v := consumer.addVPC(name)
		s.sides = append(s.sides, &private{lab: consumer, v: v, client: consumer.startIn(v, 0, 25), group: consumer.addGroup(v, "endpoint")})
	}
	l.running(b.targets[0])
	l.host(b.targets[0], "8080")
	l.allow(b.v.group, "8080", b.nodes[0]+"/32")
	l.allow(b.v.group, "8080", b.nodes[1]+"/32")
	b.register(b.targets...)
	b.becomes(b.targets[0], "healthy")
	consumer.running(s.sides[0].client, s.sides[1].client)
	s.verify(consumer)
	for _, p := range s.sides {
		s.connect(p)
	}
	s.twins()
	s.rejects(s.sides[0])
	s.ends()
}

// offer makes the service.
func (s *service) offer() {
	s.T.Helper()
	out := strings.Fields(s.Pick("ServiceConfiguration.[ServiceId, ServiceName, ServiceState]", "ec2", "create-vpc-endpoint-service-configuration",
		"--network-load-balancer-arns", s.arn, "--acceptance-required"))
	s.id, s.service = out[0], out[1]
	if s.service != "com.amazonaws.vpce.ap-northeast-1."+s.id || out[2] != "Available" {
		s.T.Errorf("the service is %v", out)
	}
}

// verify looks for the service as one who is not allowed, and then as one who is.
func (s *service) verify(c *lab) {
	s.T.Helper()
	look := []string{"ec2", "describe-vpc-endpoint-services", "--service-names", s.service}
	make := []string{"ec2", "create-vpc-endpoint", "--vpc-id", s.sides[0].v.id, "--vpc-endpoint-type", "Interface", "--service-name", s.service}
	for _, args := range [][]string{look, make} {
		if got := c.Refused(args...); !strings.Contains(got, "(InvalidServiceName)") {
			s.T.Errorf("who is not allowed: %s", got)
		}
	}
	account := c.Pick("Account", "sts", "get-caller-identity")
	s.AWS("ec2", "modify-vpc-endpoint-service-permissions", "--service-id", s.id, "--add-allowed-principals", "arn:aws:iam::"+account+":root")
	if got := c.Pick("ServiceDetails[0].[ServiceId, AcceptanceRequired]", look...); got != s.id+"\tTrue" {
		s.T.Errorf("who is allowed sees %q", got)
	}
	if got := s.tenant("stranger").Refused(look...); !strings.Contains(got, "(InvalidServiceName)") {
		s.T.Errorf("a stranger: %s", got)
	}
}

func (p *private) state() string {
	p.T.Helper()
	return p.Pick("VpcEndpoints[0].State", "ec2", "describe-vpc-endpoints", "--vpc-endpoint-ids", p.endpoint)
}

// connect makes an endpoint, has it accepted, and asks for the page.
func (s *service) connect(p *private) {
	s.T.Helper()
	out := strings.Fields(p.Pick("VpcEndpoint.[VpcEndpointId, State, DnsEntries[0].DnsName]", "ec2", "create-vpc-endpoint", "--vpc-id", p.v.id, "--vpc-endpoint-type", "Interface",
		"--service-name", s.service, "--security-group-ids", p.group, "--subnet-ids", p.v.subnets[0], p.v.subnets[1]))
	p.endpoint, p.name = out[0], out[2]
	if out[1] != "pendingAcceptance" || p.state() != "pendingAcceptance" {
		s.T.Errorf("a new endpoint is %s", out[1])
	}
	nodes := strings.Fields(p.Pick("NetworkInterfaces[].PrivateIpAddress", "ec2", "describe-network-interfaces", "--filters", "Name=description,Values=VPC Endpoint Interface "+p.endpoint))
	p.allow(p.group, "80", p.client.addr+"/32")
	p.agree(p.client, nodes[0], "80", "listener")
	s.AWS("ec2", "accept-vpc-endpoint-connections", "--service-id", s.id, "--vpc-endpoint-ids", p.endpoint)
	p.Eventually(p.endpoint+" available", func() bool { return p.state() == "available" })
	s.answers(p, nodes)
	p.agree(p.client, p.name, "80", "")
	for range 2 {
		if got := p.Inside(p.client.id, "curl", "-sS", "--connect-timeout", "3", "http://"+p.name+"/"); got != "AWS PrivateLink Connect Success." {
			s.T.Errorf("the page at %s is %q", p.name, got)
		}
	}
	for line := range strings.Lines(s.Inside(s.targets[0].id, "cat", "/var/log/access_log")) {
		if seen, _, _ := strings.Cut(line, " "); !slices.Contains(s.nodes, seen) {
			s.T.Errorf("the access log has %q, want an address of the load balancer: %v", line, s.nodes)
		}
	}
	p.deny(p.group, "80", p.client.addr+"/32")
	p.agree(p.client, p.name, "80", "sg-in")
	p.allow(p.group, "80", p.client.addr+"/32")
}

// answers looks the endpoint's names up: one address a subnet, for a minute.
func (s *service) answers(p *private, nodes []string) {
	s.T.Helper()
	got := strings.Split(p.Inside(p.client.id, "dig", "+noall", "+answer", p.name), "\n")
	for _, line := range got {
		if f := strings.Fields(line); len(got) != 2 || len(f) != 5 || f[1] != "60" || !slices.Contains(nodes, f[4]) {
			s.T.Errorf("%s is %q, want %v", p.name, got, nodes)
		}
	}
	head, rest, _ := strings.Cut(p.name, ".")
	if got := p.Inside(p.client.id, "dig", "+short", head+"-ap-northeast-1a."+rest); !slices.Contains(nodes, got) {
		s.T.Errorf("in its zone the endpoint is %q", got)
	}
}

// twins has both consumers talk at once from the same address and port: each gets its own answers.
func (s *service) twins() {
	s.T.Helper()
	s.serve(s.targets[0], "8081")
	s.AWS("elbv2", "register-targets", "--target-group-arn", s.group, "--targets", "Id="+s.targets[0].id+",Port=8081")
	s.AWS("elbv2", "deregister-targets", "--target-group-arn", s.group, "--targets", "Id="+s.targets[0].id+",Port=8080")
	for _, n := range s.nodes {
		s.allow(s.v.group, "8081", n+"/32")
	}
	s.AWS("elbv2", "wait", "target-in-service", "--target-group-arn", s.group, "--targets", "Id="+s.targets[0].id+",Port=8081")
	at := s.sides[0].Inside(s.sides[0].client.id, "dig", "+short", s.sides[0].name)
	at, _, _ = strings.Cut(at, "\n")
	a := s.sides[0].talk(s.sides[0].client, at, "80", "40000")
	b := s.sides[1].talk(s.sides[1].client, at, "80", "40000")
	for _, c := range []*conversation{a, b} {
		if !strings.HasPrefix(c.greeting, s.targets[0].id+" sees ") || !c.alive() {
			s.T.Errorf("a twin is told %q", c.greeting)
		}
		defer c.quit(s.T)
	}
	if a.greeting == b.greeting {
		s.T.Errorf("both twins are told %q", a.greeting)
	}
	s.Kill()
	s.Up()
	for _, p := range s.sides {
		p.Cloud = s.In(p.Account, p.Region)
	}
	if !a.alive() || !b.alive() {
		s.T.Error("a conversation did not outlive the daemon")
	}
}

// quit ends a conversation, whether it is alive or not.
func (c *conversation) quit(t testing.TB) {
	if err := c.cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = c.cmd.Wait() // killed
}

// rejects takes an endpoint's connection away; the other keeps its.
func (s *service) rejects(p *private) {
	s.T.Helper()
	open := p.talk(p.client, p.name, "80", "40001")
	at, _, _ := strings.Cut(p.Inside(p.client.id, "dig", "+short", p.name), "\n")
	s.AWS("ec2", "reject-vpc-endpoint-connections", "--service-id", s.id, "--vpc-endpoint-ids", p.endpoint)
	if got := p.state(); got != "rejected" {
		s.T.Errorf("a rejected endpoint is %s", got)
	}
	p.agree(p.client, at, "80", "listener")
	open.quit(s.T)
	if got := p.Inside(p.client.id, "dig", "+short", p.name); got != "" {
		s.T.Errorf("the name of a rejected endpoint is %q", got)
	}
	other := s.sides[1]
	other.agree(other.client, other.name, "80", "")
	if got := s.Pick("VpcEndpointConnections[].VpcEndpointState | sort(@)", "ec2", "describe-vpc-endpoint-connections", "--filters", "Name=service-id,Values="+s.id); got != "available\trejected" {
		s.T.Errorf("the connections are %q", got)
	}
}

// ends takes everything down, in the order that is allowed.
func (s *service) ends() {
	s.T.Helper()
	if got := s.Pick("Unsuccessful[0].Error.Code", "ec2", "delete-vpc-endpoint-service-configurations", "--service-ids", s.id); got != "ExistingVpcEndpointConnections" {
		s.T.Errorf("a service with connections: %s", got)
	}
	if got := s.Refused("elbv2", "delete-load-balancer", "--load-balancer-arn", s.arn); !strings.Contains(got, "(ResourceInUse)") {
		s.T.Errorf("a load balancer with a service: %s", got)
	}
	for _, p := range s.sides {
		p.AWS("ec2", "delete-vpc-endpoints", "--vpc-endpoint-ids", p.endpoint)
		p.Eventually(p.endpoint+" gone", func() bool {
			return "0" == p.Pick("length(VpcEndpoints)", "ec2", "describe-vpc-endpoints", "--filters", "Name=vpc-endpoint-id,Values="+p.endpoint)
		})
	}
	s.AWS("ec2", "delete-vpc-endpoint-service-configurations", "--service-ids", s.id)
	s.AWS("elbv2", "delete-load-balancer", "--load-balancer-arn", s.arn)
	s.AWS("elbv2", "wait", "load-balancers-deleted", "--load-balancer-arns", s.arn)
}
