package host

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kumiko/internal/fabric"
)

// TestIsolation is the root of an instance trying to reach the machine.
func TestIsolation(t *testing.T) {
	p := newPlace(t)
	p.namespace(idA)
	d := p.driver()
	defer d.Close()
	ctx := context.Background()
	p.must(d.Apply(ctx, []*fabric.Host{p.want(idA, "10.9.0.53", "")}))
	defer d.Down(ctx)

	secret := filepath.Join(p.state, "secret")
	p.must(os.WriteFile(secret, []byte("of the machine"), 0o644))
	for name, script := range map[string]string{
		"mount tmpfs":            "mount -t tmpfs x /mnt",
		"mount proc":             "mount -t proc x /mnt",
		"remount proc sys":       "mount -o remount,rw,bind /proc/sys",
		"unmount mask":           "umount /proc/keys",
		"make disk node":         "mknod /tmp/disk b 254 0",
		"make disk node on root": "mknod /root/disk b 254 0",
		"user namespace":         "unshare -U true",
		"mount namespace":        "unshare -m true",
		"trigger sysrq":          "echo h > /proc/sysrq-trigger && test -s /proc/sysrq-trigger",
		"core pattern":           "echo '|/tmp/x' > /proc/sys/kernel/core_pattern",
		"kernel log":             "dmesg",
		"kernel keys":            "grep . /proc/keys",
		"kernel memory":          "head -c1 /proc/kcore",
		"module":                 "modprobe dummy || insmod /x.ko",
		"clock":                  "date -s '2001-01-01'",
		"reboot":                 "/usr/bin/systemctl --force --force reboot",
		"init's root":            "ls /proc/1/root" + secret,
		"state folder":           "cat " + secret,
		"namespaces' folder":     "ls " + p.run,
		"other pid 1":            "nsenter -t 1 -m -- ls " + secret,
		"overwrite init":         "echo x > /proc/1/exe",
		"overwrite init's file":  "echo x > /run/kumiko/guest",
		"sys is read-only":       "echo 1 > /sys/kernel/uevent_seqnum || touch /sys/x",
		"cgroups":                "ls /sys/fs/cgroup/*/kumiko*",
		"machine's disk":         "test -e /dev/vda || ls /dev/sd* /dev/nvme*",
	} {
		if got, code := p.exec(idA, "bash", "-c", script); code == 0 {
			t.Errorf("%s: possible: %q", name, got)
		}
	}
	shadow, err := os.ReadFile("/etc/shadow")
	p.must(err)
	inside, _ := p.exec(idA, "cat", "/etc/shadow")
	for l := range strings.Lines(string(shadow)) {
		if f := strings.Split(l, ":"); len(f) > 1 && len(f[1]) > 3 && strings.Contains(inside, f[1]) {
			t.Errorf("a hash of the machine's %s is in the instance", f[0])
		}
	}
	if got, _ := p.exec(idA, "ls", "-A", "/root"); strings.TrimSpace(got) != ".bash_logout\n.bash_profile\n.bashrc" {
		t.Errorf("/root holds %q", got)
	}
	// What the instance's root must still be able to do.
	for name, script := range map[string]string{
		"addresses": "ip addr add 10.99.0.1/24 dev lo && ip link add d0 type veth peer name d1 && ip link set d0 up",
		"forward":   "echo 1 > /proc/sys/net/ipv4/ip_forward",
		"low port":  "timeout 5 bash -c 'nc -l -p 80 & sleep 0.2; echo | nc -q0 127.0.0.1 80; wait'",
		"chown":     "touch /tmp/x && chown nobody /tmp/x && su -s /bin/sh nobody -c 'id -un'",
		"shm":       "echo x > /dev/shm/x",
		"terminal":  "script -qc tty /dev/null",
		"processes": "test $(ls -d /proc/[0-9]* | wc -l) -lt 12",
	} {
		if got, code := p.exec(idA, "bash", "-c", script); code != 0 {
			t.Errorf("%s: %q, status %d", name, got, code)
		}
	}
}

// TestNeighbours is the root of an instance trying to change the network namespace at the other end of its cable.
func TestNeighbours(t *testing.T) {
	p := newPlace(t)
	p.namespace(idA)
	p.namespace(idB)
	p.join(idA, idB, "10.9.0.53/24", "10.9.0.117/24")
	d := p.driver()
	defer d.Close()
	ctx := context.Background()
	p.must(d.Apply(ctx, []*fabric.Host{p.want(idA, "10.9.0.53", ""), p.want(idB, "10.9.0.117", "")}))
	defer d.Down(ctx)
	p.expect(idB, "", "ip", "link", "add", "victim", "type", "veth", "peer", "name", "other")
	if got, _ := p.exec(idA, "ip", "link", "show", "eth0"); !strings.Contains(got, "link-netnsid 0") {
		t.Errorf("the other end has no number here, so nothing is tried: %s", got)
	}
	p.expect(idA, "errno -13", "python3", "-c", deleteInPeer) // EACCES
	if got, code := p.exec(idB, "ip", "link", "show", "victim"); code != 0 {
		t.Errorf("an instance deleted its neighbour's interface: %s", got)
	}
}

// deleteInPeer asks the kernel to delete the link "victim" in the namespace with the local id 0: RTM_DELLINK with
// IFLA_TARGET_NETNSID (linux/if_link.h) and IFLA_IFNAME.
const deleteInPeer = `
import socket, struct
s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
def attr(t, d): return struct.pack("HH", 4 + len(d), t) + d + b"\0" * (-len(d) % 4)
body = struct.pack("BxHiII", 0, 0, 0, 0, 0) + attr(46, struct.pack("i", 0)) + attr(3, b"victim\0")
s.send(struct.pack("IHHII", 16 + len(body), 17, 5, 1, 0) + body)
r = s.recv(4096)
print("errno", struct.unpack("i", r[16:20])[0])
`
