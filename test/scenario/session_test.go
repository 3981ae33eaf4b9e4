package scenario

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"

	"kumiko/internal/session/guest/terminal"
	"kumiko/internal/testkit"
)

// terminalOwner makes a command the owner of the terminal it has as standard input.
func terminalOwner() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true, Setctty: true} }

// nodes is a cloud with a VPC that reaches Session Manager by endpoints alone, and one managed node.
type nodes struct {
	*shop
	endpoints string // their group
	node      instance
}

func newNodes(t *testing.T, args ...string) *nodes {
	l := newLab(t, "10.10.10.0/24", "us-east-1", args...)
	l.addManagedRole()
	n := &nodes{shop: l.addShop("10.20.0.0/16", "10.20.1.0/24", "10.20.2.0/24")}
	n.endpoints = n.addGroup(n.v, "endpoints")
	n.allow(n.endpoints, "443", "10.20.0.0/16")
	for _, service := range nodeServices() {
		n.endpoint(service, n.endpoints, "--private-dns-enabled", "--subnet-ids", n.v.subnets[0])
	}
	n.node = n.run(0, "10.20.1.10", append(withAgent(), "--key-name", "lab")...)
	n.running(n.node)
	n.connected(n.node)
	return n
}

// freePort is a port of the machine's loopback that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// Sessions with an instance by nothing but interface endpoints, with the stock aws command and with kumiko's own.
func TestSessions(t *testing.T) {
	t.Parallel()
	n := newNodes(t, "--listen", "127.0.0.1:"+freePort(t))
	quiet := n.quiet()
	for _, part := range []struct {
		name string
		f    func(*nodes)
	}{
		{"a shell", (*nodes).shell}, {"ports", (*nodes).ports}, {"SSH", (*nodes).ssh}, {"commands", (*nodes).commands},
		{"hostile frames", (*nodes).hostile}, {"many at once", (*nodes).crowd}, {"a log", (*nodes).log},
		{"without the role", (*nodes).without},
		{"a session in which nothing is said", func(n *nodes) {
			quiet.t = n.T
			quiet.expect("The session timed out because nothing was said.")
		}},
		{"a restart of the daemon", (*nodes).restart},
	} {
		ok := t.Run(part.name, func(t *testing.T) {
			in, s, l := *n, *n.shop, *n.lab
			l.Cloud = n.Cloud.For(t)
			s.lab, in.shop = &l, &s
			part.f(&in)
			n.Cloud = l.Cloud.For(n.T)
		})
		if !ok {
			return
		}
	}
}

// quiet begins a session that ends when nothing is said for a minute.
func (n *nodes) quiet() *console {
	n.T.Helper()
	n.AWS("ssm", "create-document", "--name", "quiet", "--document-type", "Session", "--document-format", "YAML", "--content",
		"schemaVersion: '1.0'\nsessionType: Standard_Stream\ninputs:\n  idleSessionTimeout: '1'\n")
	c := n.console(testkit.Binary(n.T), "ssm", "start-session", "--target", n.node.id, "--document-name", "quiet")
	c.expect("$ ")
	return c
}

// shell works in a terminal: its size, an interrupt, ten megabytes of output, the end.
func (n *nodes) shell() {
	c := n.console("aws", "ssm", "start-session", "--target", n.node.id, "--reason", "a look")
	c.expect("Starting session with SessionId: root-")
	c.expect("$ ")
	if got := c.run("hostname -i; id -un"); !strings.Contains(got, n.node.addr) || !strings.Contains(got, "ssm-user") {
		n.T.Errorf("the shell is on %q", got)
	}
	if got := c.run("stty size"); !strings.Contains(got, "24 80") {
		n.T.Errorf("the size is %q", got)
	}
	if err := terminal.Resize(c.master, 40, 132); err != nil {
		n.T.Fatal(err)
	}
	c.send("until test \"$(stty size)\" = '40 132'; do :; done; echo BIG''GER\r")
	c.expect("BIGGER")
	c.send("echo SLEEP''ING; sleep 1000\r")
	c.expect("SLEEPING")
	c.send("\x03")
	c.expect("$ ")
	if got := n.Pick("Sessions[0].[Target, Status, Owner, Reason, DocumentName]", "ssm", "describe-sessions", "--state", "Active"); got !=
		n.node.id+"\tConnected\tarn:aws:iam::000000000000:root\ta look\tSSM-SessionManagerRunShell" {
		n.T.Errorf("the session is told of as %q", got)
	}
	want := sha256.New()
	var lines int
	for size := 0; size < 10_000_000; lines++ {
		line := fmt.Sprintf("%d\n", lines+1)
		size += len(line)
		io.WriteString(want, line)
	}
	c.send(fmt.Sprintf("echo BEG''IN; seq 1 %d; echo D''ONE\r", lines))
	c.expect("BEGIN\r\n")
	got := strings.ReplaceAll(c.expect("DONE"), "\r", "")
	if sum := sha256.Sum256([]byte(got)); hex.EncodeToString(sum[:]) != hex.EncodeToString(want.Sum(nil)) {
		n.T.Errorf("of ten megabytes of output %d bytes came, and not the same", len(got))
	}
	c.send("exit\r")
	c.expect("Exiting session with sessionId: root-")
	if err := c.end(); err != nil {
		n.T.Error(err)
	}
	n.Eventually("the session is history", func() bool {
		return n.Pick("Sessions[0].Status", "ssm", "describe-sessions", "--state", "History", "--filters", "key=Target,value="+n.node.id) == "Terminated"
	})
}

// sender gives whoever connects a file, and ends.
const sender = `use IO::Socket::INET; my $s = IO::Socket::INET->new(Listen => 8, LocalPort => 8000, ReuseAddr => 1) or die $!;
$| = 1; print "listening\n"; close STDOUT; my $c = $s->accept; open(my $f, '<', '/var/tmp/much'); my $b; print $c $b while read($f, $b, 65536); close $c;`

// ports carries a hundred megabytes.
func (n *nodes) ports() {
	n.Put(n.node.id, "/tmp/sender.pl", sender)
	n.Inside(n.node.id, "sh", "-c", "head -c 100M /dev/urandom > /var/tmp/much; mkfifo /tmp/up; setsid perl /tmp/sender.pl >/tmp/up 2>&1 </dev/null & head -n 1 /tmp/up")
	sum, _, _ := strings.Cut(n.Inside(n.node.id, "sha256sum", "/var/tmp/much"), " ")
	port := freePort(n.T.(*testing.T))
	c := n.console("aws", "ssm", "start-session", "--target", n.node.id, "--document-name", "AWS-StartPortForwardingSession",
		"--parameters", "portNumber=8000,localPortNumber="+port)
	c.expect("Waiting for connections...")
	conn, err := net.Dial("tcp", "127.0.0.1:"+port)
	if err != nil {
		n.T.Fatal(err)
	}
	defer conn.Close()
	h := sha256.New()
	if err := conn.SetDeadline(time.Now().Add(2 * testkit.Patience)); err != nil { // it may stop in the middle
		n.T.Fatal(err)
	}
	size, err := io.Copy(h, conn)
	if got := hex.EncodeToString(h.Sum(nil)); err != nil || size != 100<<20 || got != sum {
		n.T.Errorf("%d bytes with the sum %s came, want %s: %v", size, got, sum, err)
	}
	c.send("\x03")
	c.expect("Exiting session with sessionId: ")
	out := n.Refused("ssm", "start-session", "--target", n.node.id, "--document-name", "AWS-StartPortForwardingSession", "--parameters", "portNumber=none")
	if !strings.Contains(out, "InvalidParameters") {
		n.T.Errorf("a port that is none: %s", out)
	}
}

// ssh logs in through a session.
func (n *nodes) ssh() {
	key := filepath.Join(n.T.(*testing.T).TempDir(), "key")
	if err := os.WriteFile(key, []byte(n.key), 0o600); err != nil {
		n.T.Fatal(err)
	}
	out, errs, ok := n.Try("ssh", "-i", key, "-F", "/dev/null", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o",
		"ProxyCommand=aws ssm start-session --target %h --document-name AWS-StartSSHSession --parameters portNumber=%p", "ec2-user@"+n.node.id, "hostname -i")
	if !ok || !strings.Contains(out, n.node.addr) {
		n.T.Errorf("ssh through a session: %s%s", out, errs)
	}
}

// commands runs commands, with their output and their failure.
func (n *nodes) commands() {
	run := func(script string) []string {
		id := n.Pick("Command.CommandId", "ssm", "send-command", "--instance-ids", n.node.id, "--document-name", "AWS-RunShellScript", "--parameters", `{"commands":["`+script+`"]}`)
		var got []string
		n.Eventually("the command is done", func() bool {
			got = strings.Split(n.Pick("[Status, ResponseCode, StandardOutputContent]", "ssm", "get-command-invocation", "--command-id", id, "--instance-id", n.node.id), "\t")
			return got[0] != "Pending" && got[0] != "InProgress"
		})
		return got
	}
	if got := run("hostname -i"); got[0] != "Success" || got[1] != "0" || !strings.Contains(got[2], n.node.addr) {
		n.T.Errorf("a command: %q", got)
	}
	if got := run("exit 7"); got[0] != "Failed" || got[1] != "7" {
		n.T.Errorf("a command that fails: %q", got)
	}
	id := n.Pick("Command.CommandId", "ssm", "send-command", "--targets", "Key=InstanceIds,Values="+n.node.id, "--document-name", "AWS-RunShellScript", "--parameters", `commands=echo $$ > /tmp/pid; exec sleep 1000`)
	n.Eventually("the command runs", func() bool { _, _, ok := n.Exec(n.node.id, "test", "-s", "/tmp/pid"); return ok })
	n.AWS("ssm", "cancel-command", "--command-id", id)
	n.Eventually("the command has ended", func() bool {
		_, _, ok := n.Exec(n.node.id, "sh", "-c", "kill -0 $(cat /tmp/pid)")
		return !ok
	})
	if got := n.Pick("CommandInvocations[0].Status", "ssm", "list-command-invocations", "--command-id", id); got != "Cancelled" {
		n.T.Errorf("a command that was cancelled is %s", got)
	}
	if got := n.Refused("ssm", "send-command", "--instance-ids", "i-0123456789abcdef0", "--document-name", "AWS-RunShellScript", "--parameters", "commands=true"); !strings.Contains(got, "InvalidInstanceId") {
		n.T.Errorf("a command for nobody: %s", got)
	}
}

// hostile sends what is no message: that session ends, and no other.
func (n *nodes) hostile() {
	other := n.console(testkit.Binary(n.T), "ssm", "start-session", "--target", n.node.id)
	other.expect("$ ")
	victim := n.console(testkit.Binary(n.T), "ssm", "start-session", "--target", n.node.id)
	victim.expect("Starting session with SessionId: ")
	victim.expect("$ ")
	ids := strings.Fields(n.Pick("Sessions[?DocumentName=='SSM-SessionManagerRunShell'].SessionId", "ssm", "describe-sessions", "--state", "Active"))
	if len(ids) != 2 {
		n.T.Fatalf("two sessions are told of as %q", ids)
	}
	// Whoever has not got a token gets nowhere.
	url := "ws" + strings.TrimPrefix(n.URL(), "http") + "/v1/data-channel/" + ids[0]
	conn, _, err := websocket.Dial(n.T.Context(), url, nil)
	if err != nil {
		n.T.Fatal(err)
	}
	defer conn.CloseNow()
	if err := conn.Write(n.T.Context(), websocket.MessageText, []byte(`{"TokenValue":"AAAA"}`)); err != nil {
		n.T.Fatal(err)
	}
	if _, _, err := conn.Read(n.T.Context()); websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
		n.T.Errorf("without a token: %v", err)
	}
	n.garbage(ids[0])
	if got := n.Pick("Sessions[?SessionId=='"+ids[0]+"'].[Status, Details]", "ssm", "describe-sessions", "--state", "History"); got != "Terminated\tA message was malformed." {
		n.T.Errorf("the session is told of as %q", got)
	}
	for _, c := range []*console{other, victim} {
		c.send("echo AL''IVE\r")
	}
	ended, alive := 0, 0
	for _, c := range []*console{other, victim} {
		if c.either("ALIVE", "Exiting session", "A message was malformed.", "timed out.") {
			alive++
			c.send("exit\r")
			c.expect("Exiting session")
		} else {
			ended++
		}
	}
	if ended != 1 || alive != 1 {
		n.T.Errorf("after a malformed message %d sessions have ended and %d go on", ended, alive)
	}
}

// garbage joins a session in its client's place and sends what is no message.
func (n *nodes) garbage(id string) {
	n.T.Helper()
	var s struct{ TokenValue, StreamUrl string }
	if err := json.Unmarshal([]byte(n.AWS("ssm", "resume-session", "--session-id", id)), &s); err != nil {
		n.T.Fatal(err)
	}
	conn, _, err := websocket.Dial(n.T.Context(), s.StreamUrl, nil)
	if err != nil {
		n.T.Fatal(err)
	}
	defer conn.CloseNow()
	open, err := json.Marshal(map[string]string{"MessageSchemaVersion": "1.0", "TokenValue": s.TokenValue})
	if err == nil {
		err = conn.Write(n.T.Context(), websocket.MessageText, open)
	}
	if err == nil {
		err = conn.Write(n.T.Context(), websocket.MessageBinary, []byte("\x00\x00\x00\x74 is no message"))
	}
	if err != nil {
		n.T.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(n.T.Context(), testkit.Patience)
	defer cancel()
	for err == nil {
		_, _, err = conn.Read(ctx)
	}
}

// crowd is fifty sessions at once.
func (n *nodes) crowd() {
	var all []*console
	for range 50 {
		all = append(all, n.console(testkit.Binary(n.T), "ssm", "start-session", "--target", n.node.id))
	}
	for i, c := range all {
		c.expect("$ ")
		c.send(fmt.Sprintf("echo I AM %d''TH\r", i))
	}
	for i, c := range all {
		c.expect(fmt.Sprintf("I AM %dTH", i))
	}
	for _, c := range all {
		c.send("exit\r")
	}
	for _, c := range all {
		c.expect("Exiting session with sessionId: ")
	}
}

// log keeps what sessions show in a log group, as the account's preferences want it and once the role may.
func (n *nodes) log() {
	n.AWS("logs", "create-log-group", "--log-group-name", "/sessions")
	n.endpoint("logs", n.endpoints, "--private-dns-enabled", "--subnet-ids", n.v.subnets[0])
	n.AWS("iam", "put-role-policy", "--role-name", "managed", "--policy-name", "logs", "--policy-document",
		`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["logs:CreateLogStream","logs:PutLogEvents"],"Resource":"arn:aws:logs:*:*:log-group:/sessions:*"}}`)
	n.AWS("ssm", "create-document", "--name", "SSM-SessionManagerRunShell", "--document-type", "Session", "--document-format", "JSON", "--content",
		`{"schemaVersion":"1.0","description":"preferences","sessionType":"Standard_Stream","inputs":{"cloudWatchLogGroupName":"/sessions","runAsEnabled":true,"runAsDefaultUser":"ec2-user"}}`)
	c := n.console("aws", "ssm", "start-session", "--target", n.node.id)
	c.expect("Starting session with SessionId: ")
	id, _, _ := strings.Cut(c.expect("$ "), "\r")
	if got := c.run("id -un; echo WRIT''TEN"); !strings.Contains(got, "ec2-user") {
		n.T.Errorf("the shell is that of %q", got)
	}
	c.send("exit\r")
	c.expect("Exiting session with sessionId: ")
	n.Eventually("the session is in the log", func() bool {
		out, _, ok := n.Try("aws", "logs", "get-log-events", "--log-group-name", "/sessions", "--log-stream-name", id, "--query", "events[].message")
		return ok && strings.Contains(out, "WRITTEN") && strings.Contains(out, "ec2-user")
	})
	n.AWS("ssm", "delete-document", "--name", "SSM-SessionManagerRunShell")
}

// restart goes on in a session over the sudden end of the daemon.
func (n *nodes) restart() {
	c := n.console("aws", "ssm", "start-session", "--target", n.node.id)
	c.expect("$ ")
	c.send("MARK=before; echo RE''ADY\r")
	c.expect("READY")
	n.Kill()
	c.send("echo still $MARK''.\r")
	n.Up()
	c.expect("still before.")
	c.send("exit\r")
	c.expect("Exiting session with sessionId: ")
	n.connected(n.node)
}

// without is an instance whose role may not be a managed node, and one without any role.
func (n *nodes) without() {
	for _, args := range [][]string{
		{"iam", "create-role", "--role-name", "poor", "--assume-role-policy-document", ec2Trust},
		{"iam", "create-instance-profile", "--instance-profile-name", "poor"},
		{"iam", "add-role-to-instance-profile", "--instance-profile-name", "poor", "--role-name", "poor"},
	} {
		n.AWS(args...)
	}
	poor, none := n.run(0, "10.20.1.11", replaced(withAgent(), "Name=managed", "Name=poor")...), n.run(0, "10.20.1.12", withAgent()[2:]...)
	n.running(poor, none)
	n.logged(poor, "is not authorized to perform: ssm:UpdateInstanceInformation on resource: arn:aws:ec2:us-east-1:000000000000:instance/"+poor.id)
	for _, i := range []instance{poor, none} {
		if got := n.ping(i); got != "None" {
			n.T.Errorf("%s is %s", i.id, got)
		}
		if got := n.Refused("ssm", "start-session", "--target", i.id); !strings.Contains(got, "(TargetNotConnected) when calling the StartSession operation: "+i.id+" is not connected.") {
			n.T.Errorf("a session with %s: %s", i.id, got)
		}
	}
	n.AWS("iam", "attach-role-policy", "--role-name", "poor", "--policy-arn", "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore")
	n.connected(poor)
	n.AWS("ec2", "associate-iam-instance-profile", "--instance-id", none.id, "--iam-instance-profile", "Name=managed")
	n.connected(none)
	n.AWS("iam", "detach-role-policy", "--role-name", "poor", "--policy-arn", "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore")
	n.Eventually("the node is lost with its permission", func() bool { return n.ping(poor) == "ConnectionLost" })
	c := n.console(testkit.Binary(n.T), "ssm", "start-session", "--target", none.id)
	c.expect("$ ")
	n.AWS("ec2", "terminate-instances", "--instance-ids", none.id)
	c.expect("SessionId: ")
	if err := c.end(); err != nil {
		n.T.Errorf("the session with a terminated instance: %v", err)
	}
	n.Eventually("the node is gone with its instance", func() bool { return n.ping(none) == "None" })
}

// replaced is a list with one of its words replaced.
func replaced(list []string, old, with string) []string {
	return strings.Split(strings.ReplaceAll(strings.Join(list, "\x00"), old, with), "\x00")
}
