package host

import (
	"context"
	"strings"
	"testing"
	"time"

	"kumiko/internal/fabric"
	"kumiko/internal/world"
)

// reaches waits until the host has the status.
func (p *place) reaches(d *Driver, id world.InstanceID, want Status) {
	p.Helper()
	deadline := time.After(10 * time.Second)
	for d.Observe()[id] != want {
		select {
		case <-d.Changed():
		case <-deadline:
			p.Fatalf("%s is %v, want %v", id, d.Observe()[id], want)
		}
	}
}

// TestTakeOver has a second driver find what the first one, which stops like a killed one, has started.
func TestTakeOver(t *testing.T) {
	p := newPlace(t)
	p.namespace(idA)
	p.namespace(idB)
	ctx := context.Background()
	a, b := p.want(idA, "10.9.0.53", ""), p.want(idB, "10.9.0.54", "")
	d := p.driver()
	p.must(d.Apply(ctx, []*fabric.Host{a, b}))
	p.expect(idA, "", "sh", "-c", "sleep 1000 >/dev/null 2>&1 & echo $! > /tmp/pid")
	d.Close()

	d = p.driver()
	p.reaches(d, idA, Status{Running, 1})
	p.must(d.Apply(ctx, []*fabric.Host{a, b}))
	p.expect(idA, "", "sh", "-c", "kill -0 $(cat /tmp/pid)") // the same instance, not another one
	d.Close()

	if _, code := p.exec(idB, "sh", "-c", "poweroff"); code != 0 && code < 125 {
		t.Errorf("poweroff: status %d", code) // while no driver runs
	}
	d = p.driver()
	defer d.Close()
	p.reaches(d, idB, Status{Exited, 1})
	p.must(d.Apply(ctx, []*fabric.Host{a, b}))
	if got := d.Observe()[idB]; got != (Status{Exited, 1}) {
		t.Errorf("after it was powered off: %v, want it to stay so in this boot", got)
	}
	b.Boot = 2
	p.must(d.Apply(ctx, []*fabric.Host{a, b}))
	p.reaches(d, idB, Status{Running, 2})
	if got, code := p.exec(idB, "reboot"); code != 0 && code < 125 {
		t.Errorf("reboot: %q, status %d", got, code)
	}
	out := ""
	for code := 1; code != 0 || out == ""; { // a command may still meet the init that is going down
		out, code = p.exec(idB, "hostname")
	}
	if !strings.HasPrefix(out, "ip-10-9-0-54.ec2.internal") {
		t.Errorf("after reboot: %q", out)
	}
	p.must(d.Down(ctx))
	p.must(d.Down(ctx)) // twice is once
}

// TestUserData has an instance carry out a document with all that is understood.
func TestUserData(t *testing.T) {
	p := newPlace(t)
	p.namespace(idA)
	p.namespace(idB)
	d := p.driver()
	defer d.Close()
	ctx := context.Background()
	a := p.want(idA, "10.9.0.53", strings.Join([]string{
		"Content-Type: multipart/mixed; boundary=x", "", "--x", "Content-Type: text/cloud-config", "",
		"#cloud-config", "password: first", "chpasswd: {expire: false}", "ssh_pwauth: true",
		"users: [default, {name: alice, groups: 'adm, dev', sudo: 'ALL=(ALL) NOPASSWD:ALL', ssh_authorized_keys: [ssh-ed25519 AAAA alice]}]",
		"write_files: [{path: /etc/app.conf, content: 'a: 1', permissions: '0640', owner: 'alice:alice'}]",
		"runcmd: ['echo $((40+2)) > /run/shell', [touch, '/run/with space']]", "packages: [httpd]", "password: second",
		"--x", "Content-Type: text/x-shellscript", "", "#!/bin/bash", "echo script on $(hostname -i)", "echo ran >> /var/tmp/runs", "--x--", "",
	}, "\n"))
	p.must(d.Apply(ctx, []*fabric.Host{a, p.want(idB, "10.9.0.54", "nonsense")}))
	p.expect(idA, "", "timeout", "10", "bash", "-c", "until [ -e /var/lib/cloud/instance/boot-finished ]; do read -t 0.05 <> <(:); done; true")
	p.expect(idA, "42", "cat", "/run/shell")
	p.expect(idA, "", "test", "-e", "/run/with space")
	p.expect(idA, "script on 10.9.0.53", "cat", "/var/log/cloud-init-output.log")
	p.expect(idA, "640 alice alice", "stat", "-c", "%a %U %G", "/etc/app.conf")
	p.expect(idA, "alice adm dev", "id", "-Gn", "alice")
	p.expect(idA, "ssh-ed25519 AAAA alice", "cat", "/home/alice/.ssh/authorized_keys")
	p.expect(idA, "PasswordAuthentication yes", "cat", "/etc/ssh/sshd_config.d/50-cloud-init.conf")
	p.expect(idA, "", "perl", "-e", `exit 1 unless crypt("second", (getpwnam("ec2-user"))[1]) eq (getpwnam("ec2-user"))[1]`)
	console, err := d.Console(idA)
	p.must(err)
	for _, want := range []string{"script on 10.9.0.53", `#cloud-config key \"packages\" is not carried out`, "msg=ready"} {
		if !strings.Contains(string(console), want) {
			t.Errorf("console lacks %q:\n%s", want, console)
		}
	}
	if console, err := d.Console(idB); err != nil || !strings.Contains(string(console), "unknown kind") {
		t.Errorf("console of unknown user data: %q, %v", console, err)
	}
	a.Boot = 2
	p.must(d.Apply(ctx, []*fabric.Host{a}))
	p.expect(idA, "ran", "cat", "/var/tmp/runs") // only once
	p.must(d.Down(ctx))
}
