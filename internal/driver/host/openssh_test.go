package host

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"kumiko/internal/fabric"
	"kumiko/internal/world"
)

// opensshFolder may name a folder with an unpacked OpenSSH server (usr/sbin/sshd and its libraries), so that the
// machine need not have one installed.
const opensshFolder = "KUMIKO_TEST_OPENSSH"

// hide makes a file of the machine's /usr missing in an instance that has not started yet.
func (p *place) hide(id world.InstanceID, path string) {
	p.Helper()
	if _, err := os.Stat(path); err != nil {
		return
	}
	at := filepath.Join(p.state, "instances", string(id), path)
	p.must(os.MkdirAll(filepath.Dir(at), 0o755))
	p.must(unix.Mknod(at, unix.S_IFCHR, 0)) // a whiteout (Linux kernel, overlayfs.rst)
}

// addOpenSSH puts an OpenSSH server into an instance that has not started yet. It reports whether there is one.
func (p *place) addOpenSSH(id world.InstanceID) bool {
	p.Helper()
	if _, err := os.Stat("/usr/sbin/sshd"); err == nil {
		return true
	}
	from := os.Getenv(opensshFolder)
	if from == "" {
		return false
	}
	p.must(filepath.WalkDir(filepath.Join(from, "usr"), func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := filepath.Join(p.state, "instances", string(id), strings.TrimPrefix(path, from))
		if e.IsDir() {
			return os.MkdirAll(to, 0o755)
		}
		if e.Type()&fs.ModeSymlink != 0 {
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			return os.Symlink(target, to)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(to, b, 0o755)
	}))
	return true
}

// TestOpenSSH logs in to an instance whose image has OpenSSH's server.
func TestOpenSSH(t *testing.T) {
	p := newPlace(t)
	if !p.addOpenSSH(idB) {
		t.Logf("no OpenSSH server on this machine and no %s: only the built-in server is tested", opensshFolder)
		return
	}
	p.namespace(idA)
	p.namespace(idB)
	p.join(idA, idB, "10.9.0.53/24", "10.9.0.117/24")
	d := p.driver()
	defer d.Close()
	ctx := context.Background()
	p.must(d.Apply(ctx, []*fabric.Host{p.want(idA, "10.9.0.53", ""), p.want(idB, "10.9.0.117", seedUserData)}))
	defer d.Down(ctx)
	p.placeKey(idA)
	p.expect(idA, "10.9.0.117", "sh", "-c", "ssh -i /root/key -o BatchMode=yes -o StrictHostKeyChecking=accept-new -o LogLevel=ERROR ec2-user@10.9.0.117 hostname -i")
	if got, _ := p.exec(idA, "bash", "-c", "exec 3<>/dev/tcp/10.9.0.117/22; head -n1 <&3"); !strings.HasPrefix(got, "SSH-2.0-OpenSSH") {
		t.Errorf("the server is %q", got)
	}
	p.exec(idA, "sh", "-c", "echo exit | ssh -tt -i /root/key ec2-user@10.9.0.117")
	second, _ := p.exec(idA, "sh", "-c", "echo exit | ssh -tt -i /root/key ec2-user@10.9.0.117")
	if !strings.Contains(second, "from 10.9.0.53") || !strings.Contains(second, "Amazon Linux 2023") {
		t.Errorf("second login: %q", second)
	}
	p.expect(idA, "ec2-user", "sh", "-c", passwordLogin)
	log, _ := p.exec(idB, "cat", "/var/log/secure")
	t.Log(log)
}
