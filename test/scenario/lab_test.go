package scenario

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"

	"kumiko/internal/testkit"
)

// lab is a cloud with VPCs that all have the same CIDR, as the story has them.
type lab struct {
	*testkit.Cloud
	cidr netip.Prefix // a /24
	ami  string
	key  string // the private key of the key pair "lab"
	vpcs map[string]*vpc
	told []string // variables of Terraform's environment, besides those of the cloud
}

type vpc struct {
	id      string
	subnets []string // two halves, in two zones
	group   string   // of its instances
	gateway string   // rgw-
	out     string   // the gateway's group
	extra   []string // instances that come and go
}

type instance struct{ id, addr string }

func newLab(t testing.TB, cidr, region string, args ...string) *lab {
	t.Helper()
	testkit.Need(t, "aws", "ssh", "dig", "curl", "perl", "timeout")
	testkit.LeaveNothing(t)
	c := testkit.Start(t, args...).In("default", region)
	l := &lab{Cloud: c, cidr: netip.MustParsePrefix(cidr), vpcs: map[string]*vpc{}}
	l.key = c.Pick("KeyMaterial", "ec2", "create-key-pair", "--key-name", "lab", "--key-type", "ed25519") + "\n"
	l.ami = c.Pick("sort_by(Images, &CreationDate)[-1].ImageId", "ec2", "describe-images", "--owners", "amazon", "--filters", "Name=name,Values=al2023-ami-2023*", "Name=architecture,Values=x86_64")
	return l
}

// addr is the n-th address of the CIDR.
func (l *lab) addr(n byte) string {
	a := l.cidr.Addr().As4()
	a[3] += n
	return netip.AddrFrom4(a).String()
}

// addVPC makes a VPC with a subnet in each of two zones.
func (l *lab) addVPC(letter string) *vpc {
	l.T.Helper()
	v := &vpc{id: l.Pick("Vpc.VpcId", "ec2", "create-vpc", "--cidr-block", l.cidr.String())}
	for i, zone := range strings.Fields(l.Pick("AvailabilityZones[:2].ZoneName", "ec2", "describe-availability-zones")) {
		half := l.addr(byte(128*i)) + "/25"
		v.subnets = append(v.subnets, l.Pick("Subnet.SubnetId", "ec2", "create-subnet", "--vpc-id", v.id, "--cidr-block", half, "--availability-zone", zone))
	}
	v.group = l.addGroup(v, "instances")
	l.vpcs[letter] = v
	return v
}

func (l *lab) addGroup(v *vpc, name string) string {
	l.T.Helper()
	return l.Pick("GroupId", "ec2", "create-security-group", "--group-name", name, "--description", name, "--vpc-id", v.id)
}

// allow adds an ingress rule for tcp; from is a CIDR or a group.
func (l *lab) allow(group, ports, from string) {
	l.T.Helper()
	l.AWS(append([]string{"ec2", "authorize-security-group-ingress", "--group-id", group, "--protocol", "tcp", "--port", ports}, source(from)...)...)
}

// deny takes such a rule away.
func (l *lab) deny(group, ports, from string) {
	l.T.Helper()
	l.AWS(append([]string{"ec2", "revoke-security-group-ingress", "--group-id", group, "--protocol", "tcp", "--port", ports}, source(from)...)...)
}

func source(from string) []string {
	if strings.HasPrefix(from, "sg-") {
		return []string{"--source-group", from}
	}
	return []string{"--cidr", from}
}

// start runs an instance with the n-th address in the first subnet of v.
func (l *lab) start(v *vpc, n byte) instance {
	l.T.Helper()
	i := instance{addr: l.addr(n)}
	i.id = l.Pick("Instances[0].InstanceId", "ec2", "run-instances", "--image-id", l.ami, "--instance-type", "t3.micro", "--key-name", "lab",
		"--subnet-id", v.subnets[0], "--private-ip-address", i.addr, "--security-group-ids", v.group)
	return i
}

// running waits until the instances run.
func (l *lab) running(all ...instance) {
	l.T.Helper()
	args := []string{"ec2", "describe-instances", "--instance-ids"}
	for _, i := range all {
		args = append(args, i.id)
	}
	l.Eventually("instances running", func() bool {
		return l.Pick("length(Reservations[].Instances[?State.Name!='running'][])", args...) == "0"
	})
}

// addGateway makes a resource gateway in both subnets of v, with a group of its own.
func (l *lab) addGateway(v *vpc, name string) {
	l.T.Helper()
	v.out = l.addGroup(v, name)
	args := []string{"vpc-lattice", "create-resource-gateway", "--name", name, "--vpc-identifier", v.id, "--security-group-ids", v.out, "--ip-address-type", "IPV4", "--subnet-ids"}
	v.gateway = l.Pick("id", append(args, v.subnets...)...)
}

// resource is an instance as a service network knows it.
type resource struct {
	instance
	configuration, association string
	name                       string
}

// addResource makes a resource configuration of an instance and puts it into a network.
func (l *lab) addResource(v *vpc, i instance, ports, network, name string) *resource {
	l.T.Helper()
	r := &resource{instance: i}
	r.configuration = l.Pick("id", "vpc-lattice", "create-resource-configuration", "--name", name, "--type", "SINGLE", "--protocol", "TCP",
		"--allow-association-to-shareable-service-network", "--port-ranges", ports, "--resource-gateway-identifier", v.gateway,
		"--resource-configuration-definition", "ipResource={ipAddress="+i.addr+"}")
	out := strings.Fields(l.Pick("[id, status]", "vpc-lattice", "create-service-network-resource-association",
		"--resource-configuration-identifier", r.configuration, "--service-network-identifier", network))
	r.association = out[0]
	if out[1] != "CREATE_IN_PROGRESS" {
		l.T.Errorf("a new resource association is %s", out[1])
	}
	return r
}

// joined waits until a resource association is active and gives its DNS name.
func (l *lab) joined(r *resource) {
	l.T.Helper()
	var got []string
	l.Eventually(r.association+" active", func() bool {
		got = strings.Fields(l.Pick("[status, dnsEntry.domainName, dnsEntry.hostedZoneId]", "vpc-lattice", "get-service-network-resource-association",
			"--service-network-resource-association-identifier", r.association))
		return got[0] == "ACTIVE"
	})
	r.name = got[1]
	if want := fmt.Sprintf("%s.%s.4232ccc.vpc-lattice-rsc.%s.on.aws", r.association, r.configuration, l.Region); r.name != want {
		l.T.Errorf("name %s, want %s", r.name, want)
	}
	if !strings.HasPrefix(got[2], "Z") {
		l.T.Errorf("hosted zone id %s", got[2])
	}
}

// associate joins a VPC to a network under a group, and waits until it is active.
func (l *lab) associate(v *vpc, network string, group string) string {
	l.T.Helper()
	out := strings.Fields(l.Pick("[id, status]", "vpc-lattice", "create-service-network-vpc-association", "--service-network-identifier", network,
		"--vpc-identifier", v.id, "--security-group-ids", group))
	if out[1] != "CREATE_IN_PROGRESS" {
		l.T.Errorf("a new VPC association is %s", out[1])
	}
	l.Eventually(out[0]+" active", func() bool {
		return "ACTIVE" == l.Pick("status", "vpc-lattice", "get-service-network-vpc-association", "--service-network-vpc-association-identifier", out[0])
	})
	return out[0]
}

// opens tells whether a TCP connection from an instance can be made.
func (l *lab) opens(from instance, to, port string) bool {
	l.T.Helper()
	_, _, ok := l.Exec(from.id, dial(to, port)...)
	return ok
}

// dial is a command that connects, and fails when it could not for three seconds.
func dial(to, port string) []string {
	return []string{"timeout", "3", "bash", "-c", `exec 3<>/dev/tcp/"$0"/"$1"`, to, port}
}

// agree checks that a connection is open, or closed at a station, in packets – the refusal is told by the kernel, not
// guessed from silence – and that explain says the same.
func (l *lab) agree(from instance, to, port, station string) {
	l.T.Helper()
	if got := l.probe(from, to, port, station); got != station {
		l.T.Errorf("%s → %s:%s: refused by %q, want %q", from.id, to, port, got, station)
	}
	out, errs, _ := l.Try(testkit.Binary(l.T), "explain", from.id, to+":"+port, "--output", "json")
	open := station == ""
	said := strings.Contains(out, `"open": true`)
	if said != open || !open && !strings.Contains(out, `"refusal": "`+station+":") {
		l.T.Errorf("%s → %s:%s: explain says %s%s, want station %q", from.id, to, port, out, errs, station)
	}
}

// probe tries a connection, and gives the station that refused it, or nothing when it is open. With a station expected,
// it returns as soon as the refusal is told.
func (l *lab) probe(from instance, to, port, station string) string {
	l.T.Helper()
	if station == "" {
		if !l.opens(from, to, port) {
			return "unknown"
		}
		return ""
	}
	refused, stop := l.refusals(port)
	defer stop()
	try := l.Command(testkit.Binary(l.T), append([]string{"exec", "-T", from.id, "--"}, dial(to, port)...)...)
	if err := try.Start(); err != nil {
		l.T.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- try.Wait() }()
	select {
	case by := <-refused:
		if err := try.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			l.T.Error(err)
		}
		<-ended
		return by
	case err := <-ended:
		if err == nil {
			return ""
		}
		return "unknown"
	}
}

// refusals gives the stations that refuse packets to a port, and answers from it, from now on, until it is stopped.
func (l *lab) refusals(port string) (<-chan string, func()) {
	l.T.Helper()
	watch := l.Command(testkit.Binary(l.T), "debug", "flows")
	out, err := watch.StdoutPipe()
	if err == nil {
		err = watch.Start()
	}
	if err != nil {
		l.T.Fatal(err)
	}
	told := make(chan string, 1)
	lines := bufio.NewScanner(out)
	lines.Scan() // says that it watches
	done := make(chan struct{})
	go func() {
		defer close(done)
		for lines.Scan() {
			var e struct{ Flow, RefusedBy string }
			if json.Unmarshal(lines.Bytes(), &e) == nil && e.RefusedBy != "" && strings.Contains(e.Flow+" ", ":"+port+" ") {
				station, _, _ := strings.Cut(e.RefusedBy, ":")
				select {
				case told <- station:
				default: // the first one was enough
				}
			}
		}
	}()
	return told, func() {
		if err := watch.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
			l.T.Error(err)
		}
		<-done
		_ = watch.Wait() // interrupted, as it should be
	}
}
