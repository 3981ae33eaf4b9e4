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
my ($sent, $got, $began, $ready) = (0, 0, time, ''); vec($ready, 0, 1) = 1;
while (1) {
	for (1 .. 256) { $sent++ if defined $s->send($q); $got++ while defined $s->recv(my $r, 512) && length $r }
	print "flooding\n" if $sent > 50000 && !$told++;
	last if select(my $r = $ready, undef, undef, 0);
}
print join(' ', $sent, $got, time - $began), "\n";`

// flood: who asks too much is answered 1,024 times a second at most, and the interface beside it does not notice.
func (n *names) flood() {
	beside := n.start(n.x, 11)
	n.running(beside)
	n.Put(n.x1.id, "/tmp/flooder.pl", flooder)
	cmd := n.Command(testkit.Binary(n.T), "exec", "-T", n.x1.id, "--", "perl", "/tmp/flooder.pl", "ip-10-1-0-10.ec2.internal")
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
		n.hears(beside, "NOERROR 10.1.0.10", "ip-10-1-0-10.ec2.internal")
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
