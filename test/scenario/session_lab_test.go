package scenario

import (
	"bytes"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kumiko/internal/session/guest/terminal"
	"kumiko/internal/testkit"
)

// quickAgent makes an SSM agent notice within seconds what otherwise takes it minutes.
const quickAgent = `{"Kumiko":{"HealthSeconds":2,"DialSeconds":1,"Attempts":1}}`

// withAgent are the arguments of run-instances for an instance with the role of managed nodes and a quick agent.
// The lines are added to its user data.
func withAgent(lines ...string) []string {
	data := append([]string{"#cloud-config"}, lines...)
	data = append(data, "write_files:", "- path: /etc/amazon/ssm/amazon-ssm-agent.json", "  content: '"+quickAgent+"'")
	return []string{"--iam-instance-profile", "Name=managed", "--user-data", strings.Join(data, "\n") + "\n"}
}

// addManagedRole makes the role and the instance profile of managed nodes.
func (l *lab) addManagedRole() {
	l.T.Helper()
	l.addRole("managed", "AmazonSSMManagedInstanceCore")
}

// ping is the state of a managed node, None when it is none.
func (l *lab) ping(i instance) string {
	l.T.Helper()
	return l.Pick("InstanceInformationList[0].PingStatus", "ssm", "describe-instance-information", "--filters", "Key=InstanceIds,Values="+i.id)
}

// connected waits until sessions with an instance can be begun.
func (l *lab) connected(i instance) {
	l.T.Helper()
	l.Eventually(i.id+" connected", func() bool {
		return l.Pick("Status", "ssm", "get-connection-status", "--target", i.id) == "connected"
	})
	if got := l.ping(i); got != "Online" {
		l.T.Errorf("%s is connected and %s", i.id, got)
	}
}

// console is a client in a terminal.
type console struct {
	t      testing.TB
	cmd    *exec.Cmd
	master *os.File
	ended  chan error

	mu     sync.Mutex
	text   []byte
	read   int // how much of it has been expected
	closed bool
	more   chan struct{}
}

// console starts a client in a terminal of 24 lines and 80 columns.
func (l *lab) console(name string, args ...string) *console {
	l.T.Helper()
	master, slave, err := terminal.Open(24, 80)
	if err != nil {
		l.T.Fatal(err)
	}
	c := &console{t: l.T, cmd: l.Command(name, args...), master: master, ended: make(chan error, 1), more: make(chan struct{}, 1)}
	c.cmd.Stdin, c.cmd.Stdout, c.cmd.Stderr = slave, slave, slave
	c.cmd.SysProcAttr = terminalOwner()
	err = c.cmd.Start()
	slave.Close()
	if err != nil {
		l.T.Fatal(err)
	}
	reading := make(chan struct{})
	go func() {
		defer close(reading)
		c.listen()
	}()
	go func() { c.ended <- c.cmd.Wait() }()
	l.T.Cleanup(func() {
		_ = c.cmd.Process.Kill() // it may have ended
		master.Close()
		<-reading
	})
	return c
}

func (c *console) listen() {
	buf := make([]byte, 32<<10)
	for {
		n, err := c.master.Read(buf)
		c.mu.Lock()
		c.text, c.closed = append(c.text, buf[:n]...), err != nil
		c.mu.Unlock()
		select {
		case c.more <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// either waits until one of several texts is shown, and tells whether it is the first.
func (c *console) either(first string, others ...string) bool {
	c.t.Helper()
	patience := time.NewTimer(testkit.Patience)
	defer patience.Stop()
	for {
		c.mu.Lock()
		rest := string(c.text[c.read:])
		c.mu.Unlock()
		other := slices.ContainsFunc(others, func(o string) bool { return strings.Contains(rest, o) })
		if other || strings.Contains(rest, first) {
			return !other
		}
		select {
		case <-c.more:
		case <-patience.C:
			c.t.Fatalf("the terminal shows none of %q, %q: %q", first, others, rest)
		}
	}
}

// expect waits until the text is shown behind what was expected before, and gives what came in front of it.
func (c *console) expect(text string) string {
	c.t.Helper()
	patience := time.NewTimer(testkit.Patience)
	defer patience.Stop()
	for {
		c.mu.Lock()
		at, closed := bytes.Index(c.text[c.read:], []byte(text)), c.closed
		if at >= 0 {
			before := string(c.text[c.read : c.read+at])
			c.read += at + len(text)
			c.mu.Unlock()
			return before
		}
		rest := string(c.text[c.read:])
		c.mu.Unlock()
		if closed {
			c.t.Fatalf("the terminal was closed before it showed %q: %q", text, rest)
		}
		select {
		case <-c.more:
		case <-patience.C:
			c.t.Fatalf("the terminal never shows %q: %q", text, rest)
		}
	}
}

// send types.
func (c *console) send(keys string) {
	c.t.Helper()
	if _, err := c.master.WriteString(keys); err != nil {
		c.t.Fatal(err)
	}
}

// run types a command and gives what it prints.
func (c *console) run(command string) string {
	c.t.Helper()
	c.send(command + "; echo E''ND\r")
	out := c.expect("END")
	if _, after, ok := strings.Cut(out, "E''ND"); ok {
		out = after
	}
	return strings.TrimSpace(strings.ReplaceAll(out, "\r", ""))
}

// end waits until the client has ended.
func (c *console) end() error {
	c.t.Helper()
	patience := time.NewTimer(testkit.Patience)
	defer patience.Stop()
	select {
	case err := <-c.ended:
		return err
	case <-patience.C:
		c.t.Fatal("the client does not end")
		return nil
	}
}
