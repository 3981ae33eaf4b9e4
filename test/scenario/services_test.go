package scenario

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"kumiko/internal/testkit"
)

// web is an HTTP server that tells who it is, whom it sees and what it was told; its health is that of a file.
const web = `use IO::Socket::INET; $SIG{CHLD} = 'IGNORE';
my $s = IO::Socket::INET->new(Listen => 64, LocalPort => $ARGV[0], ReuseAddr => 1) or die $!;
$| = 1; print "listening\n"; close STDOUT; close STDERR;
while (1) {
	my $c = $s->accept or next;
	next if fork;
	my $ask = <$c>; my ($said, $length) = ('', 0);
	while (<$c>) { s/\r?\n//; last if $_ eq ''; $said .= "$_\n"; $length = $1 if /^content-length: (\d+)/i }
	read $c, my $sent, $length;
	my $code = $ask =~ m{^GET /health } && -e '/tmp/ill' ? '500 Ill' : '200 OK';
	my $body = "$ARGV[1] sees ".$c->peerhost."\n$ask$said$sent\n";
	print $c "HTTP/1.1 $code\r\nContent-Length: ".length($body)."\r\nConnection: close\r\n\r\n$body"; exit;
}`

// services is the cast of the second half of the third journey, within one account.
type services struct {
	*lab
	a1, b1, b2, c1     instance
	service, name      string
	listener           string
	blue, green        string
	clients            string
	association, joins string // snsa-, snva-
}

// A service of Lattice, from clients in one VPC to targets in another one with the same CIDR.
func TestServices(t *testing.T) {
	t.Parallel()
	l := newLab(t, "10.10.10.0/24", "us-west-2")
	a, b, c := l.addVPC("a"), l.addVPC("b"), l.addVPC("c")
	s := &services{lab: l, a1: l.start(a, 36), b1: l.start(b, 53), b2: l.start(b, 54), c1: l.start(c, 36)}
	s.clients = s.addGroup(a, "clients")
	s.allow(s.clients, "80", l.cidr.String())
	network := s.Pick("id", "vpc-lattice", "create-service-network", "--name", "shops")
	s.running(s.a1, s.b1, s.b2, s.c1)
	s.web(s.b1)
	s.web(s.b2)
	s.blue, s.green = s.group("blue", "INSTANCE", b, s.b1.id), s.group("green", "IP", b, s.b2.addr)
	s.route()
	s.lonely()
	s.association = s.enter(network)
	s.joins = s.associate(a, network, s.clients)
	s.AWS("logs", "create-log-group", "--log-group-name", "/requests")
	s.AWS("vpc-lattice", "create-access-log-subscription", "--resource-identifier", network,
		"--destination-arn", "arn:aws:logs:us-west-2:000000000000:log-group:/requests")

	s.closed(b)
	s.rules()
	s.logged(network)
	s.headers(a)
	s.weights()
	s.ill()
	s.strangers()
	s.ends()
}

// web starts the server in an instance.
func (s *services) web(i instance) {
	s.T.Helper()
	s.Put(i.id, "/tmp/web.pl", web)
	if out := s.Inside(i.id, "sh", "-c", `mkfifo /tmp/up; setsid perl /tmp/web.pl 8080 $0 >/tmp/up 2>&1 </dev/null & head -n 1 /tmp/up`, i.id); out != "listening" {
		s.T.Fatalf("server in %s: %s", i.id, out)
	}
}

func (s *services) group(name, kind string, v *vpc, target string) string {
	s.T.Helper()
	id := s.Pick("id", "vpc-lattice", "create-target-group", "--name", name, "--type", kind, "--config",
		fmt.Sprintf(`{"port":8080,"protocol":"HTTP","vpcIdentifier":%q,"healthCheck":{"path":"/health","healthCheckIntervalSeconds":5,"healthCheckTimeoutSeconds":1,"healthyThresholdCount":2}}`, v.id))
	if bad := s.Pick("length(unsuccessful)", "vpc-lattice", "register-targets", "--target-group-identifier", id, "--targets", "id="+target); bad != "0" {
		s.T.Errorf("%s is no target of %s", target, name)
	}
	return id
}

// route makes the service, its listener and its rules.
func (s *services) route() {
	s.T.Helper()
	if got := s.status(s.blue); got != "UNUSED" {
		s.T.Errorf("the target of a group that nothing sends to is %s", got)
	}
	out := strings.Fields(s.Pick("[id, status, dnsEntry.domainName]", "vpc-lattice", "create-service", "--name", "web"))
	s.service, s.name = out[0], out[2]
	if want := "web-" + strings.TrimPrefix(s.service, "svc-") + ".7d67968.vpc-lattice-svcs.us-west-2.on.aws"; s.name != want || out[1] != "CREATE_IN_PROGRESS" {
		s.T.Errorf("the service is %q, want the name %s", out, want)
	}
	s.listener = s.Pick("id", "vpc-lattice", "create-listener", "--service-identifier", s.service, "--name", "http", "--protocol", "HTTP",
		"--default-action", "fixedResponse={statusCode=404}")
	s.rule("api", 10, `{"pathMatch":{"match":{"prefix":"/api"}}}`, s.forward(s.blue, 100))
	s.rule("color", 20, `{"headerMatches":[{"name":"X-Color","match":{"exact":"green"}}]}`, s.forward(s.green, 100))
	s.rule("both", 30, `{"method":"GET","pathMatch":{"match":{"exact":"/both"}}}`,
		fmt.Sprintf(`{"forward":{"targetGroups":[{"targetGroupIdentifier":%q,"weight":30},{"targetGroupIdentifier":%q,"weight":10}]}}`, s.blue, s.green))
}

func (s *services) forward(group string, weight int) string {
	return fmt.Sprintf(`{"forward":{"targetGroups":[{"targetGroupIdentifier":%q,"weight":%d}]}}`, group, weight)
}

func (s *services) rule(name string, priority int, match, action string) {
	s.T.Helper()
	s.AWS("vpc-lattice", "create-rule", "--service-identifier", s.service, "--listener-identifier", s.listener, "--name", name,
		"--priority", fmt.Sprint(priority), "--match", `{"httpMatch":`+match+`}`, "--action", action)
}

// status is the state of the target of a group.
func (s *services) status(group string) string {
	s.T.Helper()
	return s.Pick("items[0].status", "vpc-lattice", "list-targets", "--target-group-identifier", group)
}

// lonely: without a network a service has a name, which has no address anywhere.
func (s *services) lonely() {
	s.T.Helper()
	if got := s.addrs(s.a1, s.name); len(got) != 0 {
		s.T.Errorf("the name of a service in no network has the addresses %v", got)
	}
}

// enter puts the service into the network and waits until that is done.
func (s *services) enter(network string) string {
	s.T.Helper()
	id := s.Pick("id", "vpc-lattice", "create-service-network-service-association", "--service-identifier", s.service, "--service-network-identifier", network)
	s.Eventually(id+" active", func() bool {
		return "ACTIVE" == s.Pick("status", "vpc-lattice", "get-service-network-service-association", "--service-network-service-association-identifier", id)
	})
	return id
}

// get asks the service, and gives the status and what was said.
func (s *services) get(from instance, path string, more ...string) (string, string) {
	s.T.Helper()
	out, errs, _ := s.Exec(from.id, append([]string{"curl", "-sS", "-m", "20", "--connect-timeout", "3", "-w", "\n%{http_code}", "http://" + s.name + path}, more...)...)
	i := strings.LastIndexByte(strings.TrimSpace(out), '\n')
	return strings.TrimSpace(out[i+1:]), out[:max(i, 0)] + errs
}

// says checks that explain says of a request what a packet found, and why.
func (s *services) says(from instance, path string, open bool, words string) {
	s.T.Helper()
	out, errs, _ := s.Try(testkit.Binary(s.T), "explain", from.id, "http://"+s.name+path)
	if strings.HasPrefix(out, "OPEN") != open || !strings.Contains(out, words) {
		s.T.Errorf("explain %s: %s%s\nwant open=%v and %q", path, out, errs, open, words)
	}
}

// closed: the targets' group does not let Lattice in yet.
func (s *services) closed(b *vpc) {
	s.T.Helper()
	if code, _ := s.get(s.a1, "/api"); code != "502" {
		s.T.Errorf("a target whose group is closed: %s", code)
	}
	s.says(s.a1, "/api", false, "sg-in")
	s.Eventually("unhealthy", func() bool { return s.status(s.blue) == "UNHEALTHY" })
	list := s.Pick("PrefixLists[0].PrefixListId", "ec2", "describe-prefix-lists", "--filters", "Name=prefix-list-name,Values=com.amazonaws.us-west-2.vpc-lattice")
	s.AWS("ec2", "authorize-security-group-ingress", "--group-id", b.group, "--ip-permissions",
		"IpProtocol=tcp,FromPort=8080,ToPort=8080,PrefixListIds=[{PrefixListId="+list+"}]")
	s.Eventually("healthy", func() bool { return s.status(s.blue) == "HEALTHY" && s.status(s.green) == "HEALTHY" })
}

// rules: each request goes where the first rule that matches says, or is answered by default.
func (s *services) rules() {
	s.T.Helper()
	for _, x := range []struct {
		path, want string
		more       []string
	}{
		{"/api/v1?q=1", s.b1.id, nil}, {"/API", s.b1.id, []string{"-H", "X-Color: green"}},
		{"/", s.b2.id, []string{"-H", "x-color: GREEN"}}, {"/api", "POST /api HTTP/1.1", []string{"-d", "sent"}},
	} {
		if code, body := s.get(s.a1, x.path, x.more...); code != "200" || !strings.Contains(body, x.want) {
			s.T.Errorf("%s %v: %s %s, want %s", x.path, x.more, code, body, x.want)
		}
	}
	if code, _ := s.get(s.a1, "/"); code != "404" {
		s.T.Errorf("what no rule is for: %s", code)
	}
	if code, _ := s.get(s.a1, "/api", "-H", "Host: other.example"); code != "404" {
		s.T.Errorf("a name of nobody: %s", code)
	}
	s.says(s.a1, "/api/v1", true, s.b1.id)
	s.says(s.a1, "/", false, "404")
}

// logged: what was asked is told in the access log of the network.
func (s *services) logged(network string) {
	s.T.Helper()
	for path, want := range map[string]string{
		"/api/v1?q=1": fmt.Sprintf(`"responseCode":200 "targetIpPort":"%s:8080" "failureReason":"-" "sourceIpPort":"%s: "requestMethod":"GET"`, s.b1.addr, s.a1.addr),
		"/":           `"responseCode":404 "targetIpPort":"-"`,
	} {
		s.Eventually("a record of "+path, func() bool {
			out := s.AWS("logs", "filter-log-events", "--log-group-name", "/requests", "--log-stream-names", "/aws/vpc-lattice/access-logs/"+network, "--query", "events[].message", "--output", "text")
			for line := range strings.FieldsFuncSeq(out, func(r rune) bool { return r == '\t' || r == '\n' }) {
				if strings.Contains(line, `"requestPath":"`+path+`"`) && !slices.ContainsFunc(strings.Fields(want), func(w string) bool { return !strings.Contains(line, w) }) {
					return true
				}
			}
			return false
		})
	}
}

// headers: a target sees Lattice, and is told of the client.
func (s *services) headers(a *vpc) {
	s.T.Helper()
	_, body := s.get(s.a1, "/api", "-H", "X-Amzn-Lattice-Identity: Principal=me", "-H", "X-Forwarded-For: 1.2.3.4")
	low := strings.ToLower(body)
	for _, want := range []string{"sees 169.254.171.", "x-forwarded-for: " + s.a1.addr + "\n", "x-forwarded-port: 80", "x-forwarded-proto: http\n",
		"vpc/" + a.id, s.blue, s.service, "host: " + s.name, "x-amzn-requestid: "} {
		if !strings.Contains(low, want) {
			s.T.Errorf("the target was not told %q: %s", want, body)
		}
	}
	if strings.Contains(low, "principal=me") {
		s.T.Errorf("what a client says of itself got through: %s", body)
	}
}

// weights: of each four requests three go to the group with three times the weight.
func (s *services) weights() {
	s.T.Helper()
	n := map[string]int{}
	for range 8 {
		_, body := s.get(s.a1, "/both")
		who, _, _ := strings.Cut(body, " ")
		n[who]++
	}
	if n[s.b1.id] != 6 || n[s.b2.id] != 2 {
		s.T.Errorf("eight requests went to %v", n)
	}
}

// ill: what is asked of an ill target goes to the others of its group.
func (s *services) ill() {
	s.T.Helper()
	s.AWS("vpc-lattice", "register-targets", "--target-group-identifier", s.green, "--targets", "id="+s.b1.addr)
	s.Inside(s.b2.id, "touch", "/tmp/ill")
	s.Eventually("one of two ill", func() bool {
		return "HEALTHY UNHEALTHY" == strings.Join(strings.Fields(s.Pick("sort(items[].status)", "vpc-lattice", "list-targets", "--target-group-identifier", s.green)), " ")
	})
	for range 3 {
		if _, body := s.get(s.a1, "/", "-H", "X-Color: green"); !strings.HasPrefix(body, s.b1.id) {
			s.T.Errorf("an ill target was asked: %s", body)
		}
	}
}

// strangers: a service carries nothing but HTTP, to nobody but who is let in.
func (s *services) strangers() {
	s.T.Helper()
	addr := s.addrs(s.a1, s.name)
	if len(addr) != 1 || !strings.HasPrefix(addr[0], "169.254.171.") {
		s.T.Fatalf("the service is at %v", addr)
	}
	if got := s.addrs(s.c1, s.name); len(got) != 0 {
		s.T.Errorf("in a VPC without association the service is at %v", got)
	}
	if s.opens(s.c1, addr[0], "80") {
		s.T.Error("a VPC without association reaches the service")
	}
	if _, _, ok := s.Exec(s.a1.id, "ping", "-c", "1", "-W", "1", addr[0]); ok {
		s.T.Error("the service answers pings")
	}
	s.agree(s.a1, addr[0], "22", "sg-association")
	s.allow(s.clients, "22", s.cidr.String())
	s.agree(s.a1, addr[0], "22", "listener")
	s.agree(s.a1, addr[0], "80", "")
	s.deny(s.clients, "80", s.cidr.String())
	s.agree(s.a1, addr[0], "80", "sg-association")
	s.says(s.a1, "/api", false, "sg-association")
	s.allow(s.clients, "80", s.cidr.String())
}

// ends: what is used is not deleted; what is deleted is gone from the kernel.
func (s *services) ends() {
	s.T.Helper()
	for _, args := range [][]string{{"delete-service", "--service-identifier", s.service}, {"delete-target-group", "--target-group-identifier", s.blue}} {
		if said := s.Refused(append([]string{"vpc-lattice"}, args...)...); !strings.Contains(said, "ConflictException") {
			s.T.Errorf("%v: %s", args, said)
		}
	}
	s.AWS("vpc-lattice", "deregister-targets", "--target-group-identifier", s.blue, "--targets", "id="+s.b1.id)
	s.Eventually("drained", func() bool {
		return "0" == s.Pick("length(items)", "vpc-lattice", "list-targets", "--target-group-identifier", s.blue)
	})
	if code, _ := s.get(s.a1, "/api"); code != "503" {
		s.T.Errorf("without targets: %s", code)
	}
	s.AWS("vpc-lattice", "delete-service-network-service-association", "--service-network-service-association-identifier", s.association)
	s.Eventually("dissociated", func() bool {
		return "0" == s.Pick("length(items)", "vpc-lattice", "list-service-network-service-associations", "--service-identifier", s.service)
	})
	if got := s.addrs(s.a1, s.name); len(got) != 0 {
		s.T.Errorf("after the end the service is at %v", got)
	}
	s.AWS("vpc-lattice", "delete-service", "--service-identifier", s.service)
	for _, g := range []string{s.blue, s.green} {
		s.AWS("vpc-lattice", "delete-target-group", "--target-group-identifier", g)
	}
	s.Eventually("nothing left", func() bool {
		return "0" == s.Pick("length(items)", "vpc-lattice", "list-target-groups") && "0" == s.Pick("length(items)", "vpc-lattice", "list-services")
	})
}
