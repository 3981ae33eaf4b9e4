package scenario

import (
	"strings"
	"syscall"
	"testing"
)

// terminalOwner makes a command the owner of the terminal it has as standard input.
func terminalOwner() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true, Setctty: true} }

// nodes is a cloud with a VPC that reaches Session Manager by endpoints alone, and one managed node.
type nodes struct {
	*shop
	endpoints string // their group
	node      instance
}

func newNodes(t *testing.T) *nodes {
	l := newLab(t, "10.10.10.0/24", "us-east-1")
	l.addManagedRole()
	n := &nodes{shop: l.addShop("10.20.0.0/16", "10.20.1.0/24", "10.20.2.0/24")}
	n.endpoints = n.addGroup(n.v, "endpoints")
	n.allow(n.endpoints, "443", "10.20.0.0/16")
	for _, service := range []string{"ssm", "ssmmessages", "ec2messages"} {
		n.endpoint(service, n.endpoints, "--private-dns-enabled", "--subnet-ids", n.v.subnets[0])
	}
	n.node = n.run(0, "10.20.1.10", withAgent()...)
	n.running(n.node)
	n.connected(n.node)
	return n
}

// A session with an instance by nothing but interface endpoints, with the stock aws command in a terminal.
func TestSession(t *testing.T) {
	n := newNodes(t)
	c := n.console("aws", "ssm", "start-session", "--target", n.node.id)
	c.expect("Starting session with SessionId: root-")
	c.expect("$ ")
	if got := c.run("hostname -i"); !strings.Contains(got, n.node.addr) {
		t.Errorf("the shell is on %q", got)
	}
	if got := c.run("id -un"); !strings.Contains(got, "ssm-user") {
		t.Errorf("the shell is that of %q", got)
	}
	c.send("exit\r")
	c.expect("Exiting session with sessionId: root-")
	if err := c.end(); err != nil {
		t.Error(err)
	}
}
