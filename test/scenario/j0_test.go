package scenario

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

const logGroup = "/aws/resource-configuration/"

// story is the cast of the journey.
type story struct {
	*lab
	a1, b1, b2, c1 instance
	resources      []*resource // B1, B2, C1
	network        string
	clients        string // the group of the VPC association
	vpcJoin        string // snva-
	ports          string // of the resources
}

// The transcript's journey: SSH through VPC Lattice between VPCs with the same CIDR.
func TestJ0(t *testing.T) {
	t.Parallel()
	s := setScene(t, "10.10.10.0/24", "us-east-1", "22")
	s.play(
		step{"6 names", (*story).names},
		step{"7 logins", (*story).logins},
		step{"8 access logs", (*story).accessLogs},
		step{"9 endpoints without room", (*story).endpointsWithoutRoom},
		step{"9 to 12 an endpoint", (*story).endpoint},
		step{"closed groups", (*story).closedGroups},
		step{"ports outside", (*story).portsOutside},
		step{"validation", (*story).validation},
		step{"wrong order", (*story).wrongOrder},
		step{"right order", (*story).rightOrder},
	)
}

// The same story with another CIDR, region and port, served by something else than SSH.
func TestJ0Elsewhere(t *testing.T) {
	t.Parallel()
	s := setScene(t, "192.168.77.0/24", "eu-central-1", "5430-5440")
	for _, r := range s.resources {
		s.serve(r.instance, "5432")
	}
	s.play(
		step{"6 names", (*story).names},
		step{"greetings", (*story).greetings},
		step{"8 access logs", (*story).accessLogs},
		step{"ports outside", (*story).portsOutside},
	)
}

type step struct {
	name string
	f    func(*story)
}

// play runs steps as subtests, one after the other, and stops at the first that fails.
func (s *story) play(steps ...step) {
	t := s.T.(*testing.T)
	for _, st := range steps {
		ok := t.Run(st.name, func(t *testing.T) {
			in := *s
			l := *s.lab
			l.Cloud = s.Cloud.For(t)
			in.lab = &l
			st.f(&in)
			in.lab = s.lab
			*s = in // what a step made anew is there for the next
		})
		if !ok {
			return
		}
	}
}

// setScene plays steps 1 to 5.
func setScene(t *testing.T, cidr, region, ports string) *story {
	s := &story{lab: newLab(t, cidr, region), ports: ports}
	a, b, c := s.addVPC("a"), s.addVPC("b"), s.addVPC("c")
	s.a1, s.b1, s.b2, s.c1 = s.start(a, 36), s.start(b, 53), s.start(b, 117), s.start(c, 7)
	s.addGateway(b, "test-rgw-b")
	s.addGateway(c, "test-rgw-c")
	s.allow(b.group, ports, b.out)
	s.allow(c.group, ports, c.out)

	s.network = s.Pick("id", "vpc-lattice", "create-service-network", "--name", "test-service-network-a", "--auth-type", "NONE", "--sharing-config", "enabled=true")
	s.resources = []*resource{
		s.addResource(b, s.b1, ports, s.network, "test-rcfg-b1"),
		s.addResource(b, s.b2, ports, s.network, "test-rcfg-b2"),
		s.addResource(c, s.c1, ports, s.network, "test-rcfg-c1"),
	}
	s.AWS("logs", "create-log-group", "--log-group-name", logGroup)
	for _, of := range [][]string{{s.network, "--service-network-log-type", "RESOURCE"}, {s.resources[0].configuration}} {
		s.AWS(append([]string{"vpc-lattice", "create-access-log-subscription", "--destination-arn",
			fmt.Sprintf("arn:aws:logs:%s:000000000000:log-group:%s:*", region, logGroup), "--resource-identifier"}, of...)...)
	}
	for _, r := range s.resources {
		s.joined(r)
	}
	s.clients = s.addGroup(a, "clients")
	s.allow(s.clients, ports, cidr)
	s.vpcJoin = s.associate(a, s.network, s.clients)
	if routes := s.Pick("RouteTables[].Routes[?GatewayId=='VpcLattice'].DestinationCidrBlock[]", "ec2", "describe-route-tables", "--filters", "Name=vpc-id,Values="+a.id); !strings.Contains(routes, "129.224.0.0/17") {
		t.Errorf("the routes of A lack the Lattice range: %q", routes)
	}
	s.running(s.a1, s.b1, s.b2, s.c1)
	return s
}

// names: an address of its own for each resource, TTL 60, from base+2; nothing in another VPC.
func (s *story) names() {
	resources := netip.MustParsePrefix("129.224.0.0/17")
	seen := map[string]bool{}
	for _, r := range s.resources {
		out := s.Inside(s.a1.id, "dig", r.name)
		var addr string
		for l := range strings.Lines(out) {
			if f := strings.Fields(l); len(f) == 5 && f[0] == r.name+"." && f[3] == "A" {
				if f[1] != "60" {
					s.T.Errorf("%s has TTL %s", r.name, f[1])
				}
				addr = f[4]
			}
		}
		a, err := netip.ParseAddr(addr)
		if err != nil || !resources.Contains(a) || seen[addr] {
			s.T.Errorf("%s has address %q in\n%s", r.name, addr, out)
		}
		seen[addr] = true
		if !strings.Contains(out, ";; SERVER: "+s.addr(2)+"#53") {
			s.T.Errorf("not answered by base+2:\n%s", out)
		}
		for _, elsewhere := range []instance{s.b1, s.c1} {
			if got := s.Inside(elsewhere.id, "dig", "+short", r.name); got != "" {
				s.T.Errorf("%s has the address %s in a VPC that is not associated", r.name, got)
			}
		}
	}
}

const visit = `hostname -i
TOKEN=$(curl -s -X PUT http://169.254.169.254/latest/api/token -H "X-aws-ec2-metadata-token-ttl-seconds: 21600")
curl -s -H "X-aws-ec2-metadata-token: $TOKEN" http://169.254.169.254/latest/meta-data/instance-id
echo; curl -s -o /dev/null -w '%{http_code}' http://169.254.169.254/latest/meta-data/instance-id`

// logins: each name leads to its machine; the client it sees is the resource gateway.
func (s *story) logins() {
	s.Put(s.a1.id, "/home/ec2-user/lab.pem", s.key)
	for _, r := range s.resources {
		got := strings.Fields(s.Inside(s.a1.id, "ssh", "-i", "/home/ec2-user/lab.pem", "-o", "StrictHostKeyChecking=accept-new", "-o", "ConnectTimeout=10", "ec2-user@"+r.name, visit))
		if len(got) != 3 || got[0] != r.addr || got[1] != r.id || got[2] != "401" {
			s.T.Errorf("behind %s is %v, want %s %s, and 401 without a token", r.name, got, r.addr, r.id)
		}
	}
	r := s.resources[0]
	login := []string{"sh", "-c", `(echo 'echo "term=$TERM user=$(id -un)"'; echo exit) | ssh -tt -i /home/ec2-user/lab.pem ec2-user@` + r.name}
	s.Inside(s.a1.id, login...)
	out := s.Inside(s.a1.id, login...)
	_, from, ok := strings.Cut(out, "Last login: ")
	if _, from, ok2 := strings.Cut(from, " from "); !ok || !ok2 || !s.ofGateway(s.vpcs["b"].gateway, strings.Fields(from)[0]) {
		s.T.Errorf("the second login does not show the gateway's address as the last one's:\n%s", out)
	}
	if !strings.Contains(out, "user=ec2-user") {
		s.T.Errorf("no shell of ec2-user:\n%s", out)
	}
	if _, errs, ok := s.Exec(s.a1.id, "ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "ec2-user@"+r.name, "true"); ok || !strings.Contains(errs, "Permission denied") {
		s.T.Errorf("a login without the key: ok=%v %s", ok, errs)
	}
}

// ofGateway tells whether an address belongs to a resource gateway's interfaces.
func (s *story) ofGateway(gateway, addr string) bool {
	group := s.vpcs["b"].out
	if gateway == s.vpcs["c"].gateway {
		group = s.vpcs["c"].out
	}
	all := s.Pick("NetworkInterfaces[].PrivateIpAddresses[].PrivateIpAddress", "ec2", "describe-network-interfaces", "--filters", "Name=group-id,Values="+group)
	for _, a := range strings.Fields(all) {
		if a == addr {
			return true
		}
	}
	return false
}

// record is an entry of the access log.
type record struct {
	EventTimestamp, ServiceNetworkArn, SourceVpcArn, ResourceConfigurationArn, Protocol string
	ServiceNetworkResourceAssociationID                                                 string `json:"serviceNetworkResourceAssociationId"`
	SourceIPPort                                                                        string `json:"sourceIpPort"`
	DestinationIPPort                                                                   string `json:"destinationIpPort"`
	GatewayIPPort                                                                       string `json:"gatewayIpPort"`
	ResourceIPPort                                                                      string `json:"resourceIpPort"`
}

func (s *story) records(stream string) []record {
	s.T.Helper()
	var texts []string
	out := s.AWS("logs", "get-log-events", "--log-group-name", logGroup, "--log-stream-name", "/aws/vpc-lattice/resource-access-logs/"+stream,
		"--start-from-head", "--query", "events[].message", "--output", "json")
	if err := json.Unmarshal([]byte(out), &texts); err != nil {
		s.T.Fatal(err)
	}
	recs := make([]record, len(texts))
	for i, x := range texts {
		if err := json.Unmarshal([]byte(x), &recs[i]); err != nil {
			s.T.Fatalf("%v: %s", err, x)
		}
	}
	return recs
}

// accessLogs: one record a connection, in the network's stream and in that of B1's configuration; only the latter
// tells the gateway's and the resource's addresses.
func (s *story) accessLogs() {
	var ofNetwork, ofB1 []record
	s.Eventually("records of all three resources", func() bool {
		streams := s.Pick("logStreams[].logStreamName", "logs", "describe-log-streams", "--log-group-name", logGroup)
		if !strings.Contains(streams, s.network) || !strings.Contains(streams, s.resources[0].configuration) {
			return false
		}
		ofNetwork, ofB1 = s.records(s.network), s.records(s.resources[0].configuration)
		seen := map[string]bool{}
		for _, r := range ofNetwork {
			seen[r.ServiceNetworkResourceAssociationID] = true
		}
		return len(seen) == 3 && len(ofB1) > 0
	})
	b1 := s.resources[0]
	for _, r := range ofNetwork {
		if r.GatewayIPPort != "" || r.ResourceIPPort != "" {
			s.T.Errorf("the network's record tells what it should not: %+v", r)
		}
		s.checkRecord(r)
	}
	for _, r := range ofB1 {
		gw, err := netip.ParseAddrPort(r.GatewayIPPort)
		if err != nil || !s.ofGateway(s.vpcs["b"].gateway, gw.Addr().String()) || !strings.HasPrefix(r.ResourceIPPort, b1.addr+":") ||
			r.ServiceNetworkResourceAssociationID != b1.association {
			s.T.Errorf("B1's record: %+v", r)
		}
		s.checkRecord(r)
	}
}

func (s *story) checkRecord(r record) {
	s.T.Helper()
	if !strings.HasPrefix(r.SourceIPPort, s.a1.addr+":") || !strings.HasPrefix(r.DestinationIPPort, "129.224.") || r.Protocol != "tcp" ||
		!strings.HasSuffix(r.SourceVpcArn, "vpc/"+s.vpcs["a"].id) || !strings.HasSuffix(r.ServiceNetworkArn, "servicenetwork/"+s.network) {
		s.T.Errorf("record: %+v", r)
	}
}
