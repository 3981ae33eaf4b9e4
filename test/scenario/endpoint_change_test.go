package scenario

import (
	"bufio"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kumiko/internal/kernel"
	"kumiko/internal/testkit"
)

// errand is a TLS connection to a service that stays open for one request after another.
type errand struct {
	host    string
	in      io.WriteCloser
	answers <-chan string // status lines
}

// ask opens a connection to an address that answers for a service's name. The test ends it.
func (l *lab) ask(from instance, host, addr string) *errand {
	l.T.Helper()
	cmd := l.Command(testkit.Binary(l.T), "exec", "-T", from.id, "--", "openssl", "s_client", "-quiet", "-verify_return_error",
		"-servername", host, "-verify_hostname", host, "-connect", addr+":443")
	in, err := cmd.StdinPipe()
	if err != nil {
		l.T.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		l.T.Fatal(err)
	}
	l.T.Cleanup(func() {
		in.Close()
		_ = cmd.Process.Kill() // its way may be gone, and it never hear of the end
		_ = cmd.Wait()
	})
	answers := make(chan string)
	go func() {
		defer close(answers)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if strings.HasPrefix(lines.Text(), "HTTP/1.1 ") {
				answers <- lines.Text()
			}
		}
	}()
	return &errand{host, in, answers}
}

// requests sends a request, without waiting for the answer.
func (e *errand) requests() bool {
	_, err := io.WriteString(e.in, "HEAD / HTTP/1.1\r\nHost: "+e.host+"\r\n\r\n")
	return err == nil
}

// alive tells whether a request is answered.
func (e *errand) alive() bool {
	if !e.requests() {
		return false
	}
	_, ok := <-e.answers
	return ok
}

// changes are endpoints of all kinds in one VPC, two of each.
type changes struct {
	*shop
	client, target instance
	configuration  string
	network        string
	resource       *resource
}

// Endpoints of each kind lose groups and subnets and are deleted while traffic flows through them: states are true, what
// went through them ends, and nothing is left. Traffic through the endpoint beside it does not notice.
func TestEndpointsUnderChange(t *testing.T) {
	t.Parallel()
	l := newLab(t, "10.10.10.0/24", "us-east-1")
	s := &changes{shop: l.addShop("172.16.0.0/16", "172.16.1.0/24", "172.16.2.0/24")}
	b := l.addVPC("b")
	s.client, s.target = s.run(0, "172.16.1.10"), l.start(b, 53)
	l.addGateway(b, "changes")
	l.allow(b.group, "5432", b.out)
	s.network = l.Pick("id", "vpc-lattice", "create-service-network", "--name", "changes")
	s.resource = l.addResource(b, s.target, "5432", s.network, "changes")
	l.running(s.client, s.target)
	l.serve(s.target, "5432")
	for name, f := range map[string]func(*changes){
		"Interface": (*changes).ofInterface, "Gateway": (*changes).ofGateway,
		"Resource":       func(s *changes) { s.ofLattice("Resource", "--resource-configuration-arn", s.configurationARN()) },
		"ServiceNetwork": func(s *changes) { s.ofLattice("ServiceNetwork", "--service-network-arn", s.networkARN(s.network)) },
	} {
		t.Run(name, func(t *testing.T) {
			in, of := *s, *s.lab
			of.Cloud = l.Cloud.For(t)
			in.shop = &shop{&of, s.v}
			before := in.room()
			f(&in)
			if after := in.room(); !slices.Equal(before, after) {
				t.Errorf("free addresses were %v and are %v", before, after)
			}
			in.left(0)
		})
	}
}

func (s *changes) configurationARN() string {
	return "arn:aws:vpc-lattice:" + s.Region + ":000000000000:resourceconfiguration/" + s.resource.configuration
}

// room is how many addresses are free in each subnet.
func (s *changes) room() []string { return []string{s.free(s.v.subnets[0]), s.free(s.v.subnets[1])} }

// left checks how many endpoints the kernel has namespaces of, once it is so.
func (s *changes) left(n int) {
	s.T.Helper()
	s.Eventually("only the endpoints there are", func() bool {
		s.AWS("ec2", "describe-vpc-endpoints")
		found, _ := filepath.Glob(kernel.Path(filepath.Join(s.State, "run"), "vpce-*")) // the pattern is right
		return len(found) == n
	})
}

// interfaces are the addresses of an endpoint's interfaces, sorted.
func (s *changes) interfaces(id string) []string {
	s.T.Helper()
	out := strings.Fields(s.Pick("NetworkInterfaces[?contains(Description, '"+id+"')].PrivateIpAddress", "ec2", "describe-network-interfaces"))
	slices.Sort(out)
	return out
}

// cutOff checks that what is asked over a connection does not get on any more.
func (s *changes) cutOff(e *errand) {
	s.T.Helper()
	s.told("443", "route", func() {
		if !e.requests() {
			s.T.Errorf("the conversation with %s has ended", e.host)
		}
	})
	select {
	case got, open := <-e.answers:
		s.T.Errorf("%s answers %q, still open: %v", e.host, got, open)
	default:
	}
}

// told checks that a refusal at a station is told once something was sent.
func (s *changes) told(port, station string, send func()) {
	s.T.Helper()
	refused, stop := s.lab.refusals(port)
	defer stop()
	send()
	select {
	case got := <-refused:
		if got != station {
			s.T.Errorf("what goes on is refused by %s, want %s", got, station)
		}
	case <-time.After(testkit.Patience):
		s.T.Errorf("nobody refuses what goes on, want %s", station)
	}
}

// ofInterface: the group, a subnet, and the endpoint itself are taken away.
func (s *changes) ofInterface() {
	const name, other = "ec2.us-east-1.amazonaws.com", "sts.us-east-1.amazonaws.com"
	group, closed := s.addGroup(s.v, "open"), s.addGroup(s.v, "closed")
	s.allow(group, "443", "172.16.0.0/16")
	e := s.endpoint("ec2", group, "--subnet-ids", s.v.subnets[0], s.v.subnets[1])
	beside := s.endpoint("sts", group, "--subnet-ids", s.v.subnets[0], s.v.subnets[1])
	at := s.interfaces(e)
	first, second, neighbour := s.ask(s.client, name, at[0]), s.ask(s.client, name, at[1]), s.ask(s.client, other, s.interfaces(beside)[0])
	still := func(when string, all ...*errand) {
		s.T.Helper()
		for _, c := range append(all, neighbour) {
			if !c.alive() {
				s.T.Errorf("%s: the conversation with %s has ended", when, c.host)
			}
		}
	}
	still("at first", first, second)
	modify := []string{"ec2", "modify-vpc-endpoint", "--vpc-endpoint-id", e}
	s.AWS(append(modify, "--add-security-group-ids", closed, "--remove-security-group-ids", group)...)
	s.available(e)
	s.agree(s.client, name, "443", "sg-in")
	s.agree(s.client, other, "443", "")
	still("with another group", first, second)
	s.AWS(append(modify, "--add-security-group-ids", group, "--remove-subnet-ids", s.v.subnets[0])...)
	s.available(e)
	s.cutOff(first)
	still("without the first subnet", second)
	if got := s.interfaces(e); !slices.Equal(got, at[1:]) || !slices.Equal(s.addrs(s.client, name), at[1:]) {
		s.T.Errorf("without the first subnet %s has %v, want %v", e, got, at[1:])
	}
	s.deleteEndpoint(e)
	s.cutOff(second)
	still("after the other was deleted")
	s.left(1)
	if got := s.addrs(s.client, name); len(got) != 1 || !strings.HasPrefix(got[0], "198.19.") {
		s.T.Errorf("after the endpoint was deleted %s is %q", name, got)
	}
	s.deleteEndpoint(beside)
}

// ofGateway: the route table and the endpoint itself are taken away.
func (s *changes) ofGateway() {
	const name, other = "s3.us-east-1.amazonaws.com", "dynamodb.us-east-1.amazonaws.com"
	table := s.mainTable()
	gateway := func(service string) string {
		id := s.Pick("VpcEndpoint.VpcEndpointId", "ec2", "create-vpc-endpoint", "--vpc-id", s.v.id, "--service-name", "com.amazonaws.us-east-1."+service, "--route-table-ids", table)
		s.available(id)
		return id
	}
	e, beside := gateway("s3"), gateway("dynamodb")
	s.agree(s.client, name, "443", "")
	first, neighbour := s.ask(s.client, name, name), s.ask(s.client, other, other)
	if !first.alive() || !neighbour.alive() {
		s.T.Fatal("the services do not answer")
	}
	modify := []string{"ec2", "modify-vpc-endpoint", "--vpc-endpoint-id", e}
	s.AWS(append(modify, "--remove-route-table-ids", table)...)
	s.available(e)
	s.cutOff(first)
	s.agree(s.client, name, "443", "route")
	s.AWS(append(modify, "--add-route-table-ids", table)...)
	s.available(e)
	s.agree(s.client, name, "443", "")
	again := s.ask(s.client, name, name)
	if !again.alive() || !neighbour.alive() {
		s.T.Error("with the route again the services do not answer")
	}
	s.deleteEndpoint(e)
	s.cutOff(again)
	if !neighbour.alive() {
		s.T.Error("the conversation through the other gateway endpoint has ended")
	}
	s.deleteEndpoint(beside)
	if got := s.Pick("length(RouteTables[0].Routes)", "ec2", "describe-route-tables", "--route-table-ids", table); got != "1" {
		s.T.Errorf("%s routes are left", got)
	}
}

// ofLattice: the group and the endpoint itself are taken away; subnets cannot be.
func (s *changes) ofLattice(kind string, to ...string) {
	group, closed := s.addGroup(s.v, kind+"-open"), s.addGroup(s.v, kind+"-closed")
	s.allow(group, "5432", "172.16.0.0/16")
	create := func() (id, name string) {
		id = s.Pick("VpcEndpoint.VpcEndpointId", append([]string{"ec2", "create-vpc-endpoint", "--vpc-endpoint-type", kind, "--vpc-id", s.v.id,
			"--security-group-ids", group, "--subnet-ids", s.v.subnets[0], s.v.subnets[1]}, to...)...)
		if e := s.settled(id); e.State != "Available" {
			s.T.Fatalf("%s is %+v", id, e)
		}
		return id, s.atEndpoint(id, 1)[s.resource.configuration]
	}
	e, name := create()
	beside, other := create()
	at := s.addrs(s.client, name)
	first, neighbour := s.talk(s.client, name, "5432", "40010"), s.talk(s.client, other, "5432", "40011")
	defer neighbour.end()
	if !first.alive() || !neighbour.alive() {
		s.T.Fatal("the resource does not answer")
	}
	modify := []string{"ec2", "modify-vpc-endpoint", "--vpc-endpoint-id", e}
	s.AWS(append(modify, "--add-security-group-ids", closed, "--remove-security-group-ids", group)...)
	s.settled(e)
	s.agree(s.client, name, "5432", "sg-in")
	s.agree(s.client, other, "5432", "")
	if !first.alive() || !neighbour.alive() {
		s.T.Error("another group cuts off what was open")
	}
	if got := s.Refused(append(modify, "--remove-subnet-ids", s.v.subnets[0])...); !strings.Contains(got, "(InvalidParameter)") {
		s.T.Errorf("a subnet is taken away: %s", got)
	}
	s.AWS(append(modify, "--add-security-group-ids", group, "--remove-security-group-ids", closed)...)
	s.settled(e)
	s.agree(s.client, name, "5432", "")
	s.deleteEndpoint(e)
	s.told("5432", "route", func() { _, _ = io.WriteString(first.in, "are you there?\n") }) // refused, or cut off
	if s.opens(s.client, at[0], "5432") || !neighbour.alive() {
		s.T.Error("the wrong endpoint was deleted")
	}
	s.left(1)
	if got := s.digs(s.client, name, "A"); strings.Contains(got, ", A ") {
		s.T.Errorf("the name of what was deleted: %s", got)
	}
	s.deleteEndpoint(beside)
	_ = first.cmd.Process.Kill()
	_ = first.cmd.Wait() // killed
}
