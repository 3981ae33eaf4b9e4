package host

import (
	"context"
	"os"
	"regexp"
	"strings"
	"testing"

	"kumiko/internal/fabric"
	"kumiko/internal/world"
)

// seedUserData is the user data of journey J1.
const seedUserData = "#cloud-config\nssh_pwauth: True\npassword: PassW0rd!\nchpasswd: { expire: False }\n"

// passwordLogin logs in with the password of the user data; a program answers the prompt.
const passwordLogin = `printf '#!/bin/sh\necho PassW0rd!\n' > /tmp/ask; chmod +x /tmp/ask
SSH_ASKPASS=/tmp/ask SSH_ASKPASS_REQUIRE=force setsid ssh -o PubkeyAuthentication=no ec2-user@10.9.0.117 id -un`

// placeKey gives an instance's root the private key that opens the others.
func (p *place) placeKey(id world.InstanceID) {
	p.Helper()
	key, err := os.ReadFile(p.keyFile)
	p.must(err)
	if _, code := p.execInput(id, string(key), "sh", "-c", "umask 077; cat > /root/key"); code != 0 {
		p.Fatal("cannot place the key")
	}
}

// TestSSH logs in from one instance to another with the stock client.
func TestSSH(t *testing.T) {
	p := newPlace(t)
	p.hide(idB, "/usr/sbin/sshd") // so that the built-in server is tested
	p.namespace(idA)
	p.namespace(idB)
	p.join(idA, idB, "10.9.0.53/24", "10.9.0.117/24")
	d := p.driver()
	defer d.Close()
	ctx := context.Background()
	p.must(d.Apply(ctx, []*fabric.Host{p.want(idA, "10.9.0.53", ""), p.want(idB, "10.9.0.117", seedUserData)}))
	defer d.Down(ctx)

	p.placeKey(idA)
	ssh := func(options string, command string) (string, int) {
		return p.exec(idA, "sh", "-c", "ssh -i /root/key -o BatchMode=yes -o StrictHostKeyChecking=accept-new -o LogLevel=ERROR "+options+" ec2-user@10.9.0.117 "+command)
	}
	for _, c := range []struct {
		name, options, command, want string
		status                       int
	}{
		{"address", "", "hostname -i", "10.9.0.117", 0},
		{"user", "", "'id -un; pwd'", "ec2-user\n/home/ec2-user", 0},
		{"status", "", "exit 42", "", 42},
		{"signal", "", "'kill -TERM $$'", "", 255},
		{"stderr", "", "'echo err >&2' 2>&1 >/dev/null", "err", 0},
		{"sudo", "", "'sudo id -u; sudo -u nobody id -un; sudo -i pwd'", "0\nnobody\n/root", 0},
		{"origin", "", "'echo ${SSH_CONNECTION% *}'", "10.9.0.53", 0},
	} {
		got, code := ssh(c.options, c.command)
		if c.name == "origin" {
			got = strings.Fields(got + " ?")[0]
		}
		if code != c.status || strings.TrimSpace(got) != c.want {
			t.Errorf("%s: %q, status %d; want %q, %d", c.name, got, code, c.want, c.status)
		}
	}
	if got, code := p.execInput(idA, strings.Repeat("y", 1<<20), "sh", "-c", "ssh -i /root/key -o BatchMode=yes ec2-user@10.9.0.117 'cat | wc -c'"); strings.TrimSpace(got) != "1048576" {
		t.Errorf("1 MiB through ssh: %q, status %d", got, code)
	}
	first, _ := p.execInput(idA, "tty; exit\n", "sh", "-c", "ssh -tt -i /root/key ec2-user@10.9.0.117")
	if !strings.Contains(first, "Amazon Linux 2023") || !strings.Contains(first, "/dev/pts/0") || strings.Contains(first, "Last login") {
		t.Errorf("first login: %q", first)
	}
	second, _ := p.execInput(idA, "exit\n", "sh", "-c", "ssh -tt -i /root/key ec2-user@10.9.0.117")
	if !regexp.MustCompile(`Last login: \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4} from 10\.9\.0\.53`).MatchString(second) {
		t.Errorf("second login: %q", second)
	}
	p.expect(idA, "hello", "sh", "-c", "echo hello > /tmp/f && scp -q -i /root/key /tmp/f ec2-user@10.9.0.117:g && ssh -i /root/key ec2-user@10.9.0.117 cat g")
	p.expect(idA, "ec2-user", "sh", "-c", passwordLogin)
	if got, code := p.exec(idA, "sh", "-c", "ssh -o BatchMode=yes -o PubkeyAuthentication=no ec2-user@10.9.0.117 true"); code == 0 {
		t.Errorf("no key, no password, but in: %q", got)
	}
	p.expect(idA, "10.9.0.117", "bash", "-c", "ssh -f -N -L 2222:127.0.0.1:22 -i /root/key ec2-user@10.9.0.117 && "+
		"ssh -p 2222 -i /root/key -o StrictHostKeyChecking=no -o LogLevel=ERROR ec2-user@127.0.0.1 hostname -i; pkill ssh")
}
