package host

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kumiko/internal/fabric"
	"kumiko/internal/world"
)

// TestLife starts an instance, uses it, stops it, starts it again and ends all.
func TestLife(t *testing.T) {
	p := newPlace(t)
	p.namespace(idA)
	before := p.machine()
	d := p.driver()
	defer d.Close()
	ctx := context.Background()
	h := p.want(idA, "10.9.0.53", "")
	p.must(d.Apply(ctx, []*fabric.Host{h}))
	if got := d.Observe()[idA]; got != (Status{Running, 1}) {
		t.Fatalf("after Apply: %v", got)
	}
	p.expect(idA, "10.9.0.53", "hostname", "-i")
	p.expect(idA, "ip-10-9-0-53.ec2.internal", "uname", "-n")
	p.expect(idA, "0 /root", "sh", "-c", "echo $(id -u) $PWD")
	p.expect(idA, "search ec2.internal\nnameserver 10.9.0.2\noptions timeout:2 attempts:5", "cat", "/etc/resolv.conf")
	p.expect(idA, "adm\nec2-user\nsystemd-journal\nwheel", "sh", "-c", "id -Gn ec2-user | tr ' ' '\\n' | sort")
	for status, script := range map[int]string{0: "true", 7: "exit 7", 137: "kill -9 $$"} {
		if _, got := p.exec(idA, "sh", "-c", script); got != status {
			t.Errorf("%s: status %d, want %d", script, got, status)
		}
	}
	if _, got := p.exec(idA, "no-such-program"); got != 127 {
		t.Errorf("unknown program: status %d, want 127", got)
	}
	if got, _ := p.execInput(idA, strings.Repeat("x", 1<<20), "wc", "-c"); strings.TrimSpace(got) != "1048576" {
		t.Errorf("input of 1 MiB arrived as %s bytes", got)
	}
	p.expect(idA, "", "sh", "-c", "echo kept > /home/ec2-user/file; echo kept > /usr/local/file")
	p.must(d.Apply(ctx, []*fabric.Host{h})) // nothing to do
	h2 := *h
	h2.Boot = 2
	p.must(d.Apply(ctx, []*fabric.Host{&h2}))
	if got := d.Observe()[idA]; got != (Status{Running, 2}) {
		t.Fatalf("after reboot: %v", got)
	}
	p.expect(idA, "kept\nkept", "cat", "/home/ec2-user/file", "/usr/local/file")
	p.must(d.Down(ctx))
	if after := p.machine(); after != before {
		t.Errorf("the machine differs after Down:\nbefore %s\nafter  %s", before, after)
	}
	p.must(d.Prune(func(world.InstanceID) bool { return false }))
	if _, err := os.Stat(filepath.Join(p.state, "instances", string(idA))); !os.IsNotExist(err) {
		t.Errorf("after Prune: %v", err)
	}
}

// machine is what instances may not leave behind: mounts, cgroups and children of this process.
func (p *place) machine() string {
	p.Helper()
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	p.must(err)
	var ours []string
	for l := range strings.Lines(string(mounts)) {
		if strings.Contains(l, p.state) { // others may be at work on this machine
			ours = append(ours, l)
		}
	}
	if c := findCgroups(p.state); c != "" {
		if _, err := os.Stat(string(c)); err == nil {
			ours = append(ours, string(c))
		}
	}
	children, err := os.ReadFile("/proc/thread-self/children")
	p.must(err)
	return strings.Join(append(ours, string(children)), "")
}
