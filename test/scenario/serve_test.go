package scenario

import (
	"bufio"
	"io"
	"os/exec"
	"strings"

	"kumiko/internal/testkit"
)

// greeter is a server that tells each client who it is and whom it sees, and then gives back each line.
const greeter = `use IO::Socket::INET; $SIG{CHLD} = 'IGNORE';
my $s = IO::Socket::INET->new(Listen => 64, LocalPort => $ARGV[0], ReuseAddr => 1) or die $!;
$| = 1; print "listening\n"; close STDOUT; close STDERR;
while (1) {
	my $c = $s->accept or next;
	next if fork;
	$c->autoflush; print $c "$ARGV[1] sees ".$c->peerhost.":".$c->peerport."\n"; print $c $_ while <$c>; exit;
}`

// visitor connects from a chosen port, prints what it is told, and passes each line of its input on and the reply back.
const visitor = `use IO::Socket::INET; $| = 1;
my $s = IO::Socket::INET->new(PeerHost => $ARGV[0], PeerPort => $ARGV[1], LocalPort => $ARGV[2], ReuseAddr => 1, Timeout => 5) or die "$!\n";
$s->autoflush; print scalar <$s>;
while (<STDIN>) { print $s $_; defined(my $r = <$s>) or die "cut off\n"; print $r }`

// serve starts a greeter in an instance and returns when it listens.
func (l *lab) serve(i instance, port string) {
	l.T.Helper()
	l.Put(i.id, "/tmp/greeter.pl", greeter)
	out := l.Inside(i.id, "sh", "-c", `mkfifo /tmp/up.$0; setsid perl /tmp/greeter.pl $0 $1 >/tmp/up.$0 2>&1 </dev/null & head -n 1 /tmp/up.$0; rm /tmp/up.$0`, port, i.id)
	if out != "listening" {
		l.T.Fatalf("greeter in %s: %s", i.id, out)
	}
}

// visit connects to a greeter, from a source port or from any when it is 0, and gives its words.
func (l *lab) visit(from instance, to, port, sourcePort string) (string, bool) {
	l.T.Helper()
	l.Put(from.id, "/tmp/visitor.pl", visitor)
	out, errs, ok := l.Exec(from.id, "perl", "/tmp/visitor.pl", to, port, sourcePort)
	return out + errs, ok
}

// conversation is a connection to a greeter that stays open.
type conversation struct {
	greeting string
	cmd      *exec.Cmd
	in       io.WriteCloser
	out      *bufio.Scanner
}

// talk opens a conversation; the test ends it.
func (l *lab) talk(from instance, to, port, sourcePort string) *conversation {
	l.T.Helper()
	l.Put(from.id, "/tmp/visitor.pl", visitor)
	cmd := l.Command(testkit.Binary(l.T), "exec", "-T", from.id, "--", "perl", "/tmp/visitor.pl", to, port, sourcePort)
	in, err := cmd.StdinPipe()
	if err != nil {
		l.T.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		l.T.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		l.T.Fatal(err)
	}
	c := &conversation{cmd: cmd, in: in, out: bufio.NewScanner(out)}
	if c.out.Scan() {
		c.greeting = c.out.Text()
	}
	return c
}

// alive tells whether a line comes back.
func (c *conversation) alive() bool {
	if _, err := io.WriteString(c.in, "are you there?\n"); err != nil {
		return false
	}
	return c.out.Scan() && c.out.Text() == "are you there?"
}

// end hangs up.
func (c *conversation) end() error {
	c.in.Close()
	return c.cmd.Wait()
}

// greetings: each name leads to its machine, which sees an address of the gateway.
func (s *story) greetings() {
	for i, r := range s.resources {
		got, ok := s.visit(s.a1, r.name, "5432", "0")
		who, peer, _ := strings.Cut(got, " sees ")
		gateway := s.vpcs["b"].gateway
		if i == 2 {
			gateway = s.vpcs["c"].gateway
		}
		addr, _, _ := strings.Cut(peer, ":")
		if !ok || who != r.id || !s.ofGateway(gateway, addr) {
			s.T.Errorf("behind %s: %q", r.name, got)
		}
	}
}
