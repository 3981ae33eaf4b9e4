package scenario

import (
	"bufio"
	"fmt"
	"strings"

	"kumiko/internal/testkit"
)

// flooder asks for a name as fast as sockets take it until its input ends, then says how often it asked, how many answers came, and in
// how many seconds.
const flooder = `use IO::Socket::INET; use Time::HiRes 'time'; $| = 1;
my $s = IO::Socket::INET->new(Proto => 'udp', PeerHost => '169.254.169.253', PeerPort => 53, Blocking => 0) or die $!;
my $q = pack('n6', 7, 256, 1, 0, 0, 0).join('', map { pack('C/a*', $_) } split /\./, $ARGV[0]).pack('Cnn', 0, 1, 1);
my ($sent, $got, $began, $ready, $in) = (0, 0, time, ''); vec($ready, 0, 1) = 1;
while (1) {
	for (1 .. 256) { $sent++ if defined $s->send($q); $got++ while defined $s->recv($in, 512) && length $in }
	print "flooding\n" if $sent > 50000 && !$told++;
	last if select(my $r = $ready, undef, undef, 0);
}
print join(' ', $sent, $got, time - $began), "\n";`

// idNames: an instance may be named by its id, there and in the resolver, forward and back; names of addresses can be turned off.
func (n *names) idNames() {
	i := n.Pick("Instances[0].InstanceId", "ec2", "run-instances", "--image-id", n.ami, "--subnet-id", n.y.subnets[0], "--private-ip-address", "10.2.0.12",
		"--private-dns-name-options", "HostnameType=resource-name,EnableResourceNameDnsARecord=true")
	name := i + ".ec2.internal"
	n.running(instance{id: i})
	if got := n.Pick("Reservations[0].Instances[0].[PrivateDnsName, PrivateDnsNameOptions.HostnameType]", "ec2", "describe-instances", "--filters", "Name=private-dns-name,Values="+name); got != name+"\tresource-name" {
		n.T.Errorf("an instance named by its id is %q", got)
	}
	if got := n.Inside(i, "hostname"); got != name {
		n.T.Errorf("it calls itself %q", got)
	}
	if got := n.metadata(i, "local-hostname"); got != name+"\n200" {
		n.T.Errorf("its metadata calls it %q", got)
	}
	n.hears(n.y1, "NOERROR 10.2.0.12", name)
	n.hears(n.y1, "NOERROR 10.2.0.12", "ip-10-2-0-12.ec2.internal")
	n.hears(n.y1, "NOERROR "+name+".", "-x", "10.2.0.12")
	n.hears(n.x1, "NXDOMAIN", name)
	n.hears(n.y1, "NXDOMAIN", n.y1.id+".ec2.internal")
	n.AWS("ec2", "modify-private-dns-name-options", "--instance-id", i, "--no-enable-resource-name-dns-a-record")
	n.Eventually("the name of the id is gone", func() bool { return n.dig(n.y1, name) == "NXDOMAIN" })
	if got := n.Refused("ec2", "modify-private-dns-name-options", "--instance-id", i, "--private-dns-hostname-type", "ip-name"); !strings.Contains(got, "(IncorrectInstanceState)") {
		n.T.Errorf("another name while it runs: %s", got)
	}
	config := func(verb, want string, more ...string) {
		n.T.Helper()
		n.AWS(append([]string{"route53resolver", verb, "--resource-id", n.y.id}, more...)...)
		n.Eventually("reverse names "+want, func() bool {
			return want == n.Pick("ResolverConfig.AutodefinedReverse", "route53resolver", "get-resolver-config", "--resource-id", n.y.id)
		})
	}
	config("update-resolver-config", "DISABLED", "--autodefined-reverse-flag", "DISABLE")
	n.hears(n.y1, "NXDOMAIN", "-x", "10.2.0.12")
	n.hears(n.y1, "NOERROR 10.2.0.12", "ip-10-2-0-12.ec2.internal")
	config("update-resolver-config", "ENABLED", "--autodefined-reverse-flag", "ENABLE")
	n.hears(n.y1, "NOERROR "+name+".", "-x", "10.2.0.12")
	n.AWS("ec2", "terminate-instances", "--instance-ids", i)
}

// flood: who asks too much is answered 1,024 times a second at most, and the interface beside it does not notice.
func (n *names) flood() {
	beside := n.start(n.y, 11)
	n.running(beside)
	n.Put(n.y1.id, "/tmp/flooder.pl", flooder)
	cmd := n.Command(testkit.Binary(n.T), "exec", "-T", n.y1.id, "--", "perl", "/tmp/flooder.pl", "ip-10-2-0-10.ec2.internal")
	in, err := cmd.StdinPipe()
	if err != nil {
		n.T.Fatal(err)
	}
	pipe, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		n.T.Fatal(err)
	}
	out := bufio.NewScanner(pipe)
	if !out.Scan() || out.Text() != "flooding" {
		n.T.Errorf("the flood began with %q", out.Text())
	}
	for range 20 {
		n.hears(beside, "NOERROR 10.2.0.10", "ip-10-2-0-10.ec2.internal")
	}
	in.Close()
	out.Scan()
	var sent, got int
	var seconds float64
	_, err = fmt.Sscan(out.Text(), &sent, &got, &seconds)
	if most := int(1024 * (seconds + 1.5)); err != nil || got < 1024 || got > most || sent < 10*got {
		n.T.Errorf("a flood was answered so: %s (%v), of at most %d", strings.TrimSpace(out.Text()), err, most)
	}
	if err := cmd.Wait(); err != nil {
		n.T.Error(err)
	}
}
