package host

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"kumiko/internal/kernel"
)

// copied are the files of the machine's /etc that belong to its userland
// rather than to the machine: how programs find libraries, certificates,
// terminals, services. Nothing that names its users, hosts, keys or tasks.
func copied() []string {
	return []string{
		"alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d",
		"ssl/certs", "ssl/openssl.cnf", "ca-certificates", "ca-certificates.conf", "pki/tls/certs", "crypto-policies",
		"ssh/ssh_config", "ssh/ssh_config.d", "ssh/moduli",
		"profile", "bash.bashrc", "bashrc", "inputrc", "terminfo", "shells", "login.defs", "pam.d", "pam.conf", "security",
		"protocols", "services", "rpc", "ethertypes", "networks", "iproute2", "host.conf", "gai.conf", "bindresvport.blacklist",
		"os-release", "debian_version", "redhat-release", "system-release", "issue", "localtime", "timezone", "locale.alias", "locale.conf",
		"mime.types", "magic", "vim", "nanorc", "wgetrc", "screenrc", "manpath.config", "xattr.conf", "libaudit.conf", "nftables.conf",
		"python3", "perl", "nsswitch.conf",
	}
}

// firstUser is the first user id that people have; ids below belong to the userland. (login.defs(5), UID_MIN.)
const firstUser = 1000

// nobody is the id of the user without rights.
const nobody = 65534

// defaultUID is the number of an image's default user and of its group.
const defaultUID = 1000

// generateEtc writes the files that are the same for all instances.
func generateEtc(etc, user string, ca []byte) error {
	passwd, shadow, err := systemUsers()
	if err != nil {
		return err
	}
	group, gshadow, err := systemGroups(user)
	if err != nil {
		return err
	}
	if user != "" {
		passwd += fmt.Sprintf("%s:x:%d:%d::/home/%s:/bin/bash\n", user, defaultUID, defaultUID, user)
		shadow += user + ":*:19700:0:99999:7:::\n" // no password, yet not locked, which OpenSSH would refuse keys for
		group += fmt.Sprintf("%s:x:%d:\n", user, defaultUID)
		gshadow += user + ":!::\n"
	}
	bundle, err := trust(ca)
	if err != nil {
		return err
	}
	rule, motd := "", ""
	if user != "" {
		rule = user + " ALL=(ALL) NOPASSWD:ALL\n"
	}
	if user == amazonUser {
		motd = amazonMotd
	}
	type file struct {
		name, text string
		mode       fs.FileMode
	}
	files := []file{
		{"passwd", passwd, 0o644}, {"shadow", shadow, 0o640}, {"group", group, 0o644}, {"gshadow", gshadow, 0o640},
		{"subuid", "", 0o644}, {"subgid", "", 0o644}, {"fstab", "", 0o644}, {"environment", strings.Join(kernel.Trust(), "\n") + "\n", 0o644},
		{"profile.d/kumiko-trust.sh", "export " + strings.Join(kernel.Trust(), " ") + "\n", 0o644},
		{"nsswitch.conf", "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\nnetworks: files\nprotocols: files\nservices: files\nethers: files\nrpc: files\n", 0o644},
		{"ssh/sshd_config", sshdConfig + "SetEnv " + strings.Join(kernel.Trust(), " ") + "\n", 0o600},
		{"ssl/certs/ca-certificates.crt", bundle, 0o644}, {"pki/tls/certs/ca-bundle.crt", bundle, 0o644},
		{"pki/ca-trust/extracted/pem/tls-ca-bundle.pem", bundle, 0o644},
		{"sudoers.d/90-cloud-init-users", rule, 0o440}, {"motd", motd, 0o644},
		{"sudoers", "Defaults env_reset\nroot ALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n", 0o440},
	}
	for name, text := range homeFiles() {
		files = append(files, file{"skel/" + name, text, 0o644})
	}
	for _, f := range files {
		path := filepath.Join(etc, f.name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.Remove(path); err != nil && !os.IsNotExist(err) { // may be a link that was copied
			return err
		}
		if err := os.WriteFile(path, []byte(f.text), f.mode); err != nil {
			return err
		}
		if err := os.Chmod(path, f.mode); err != nil {
			return err
		}
	}
	if err := os.Symlink("/proc/self/mounts", filepath.Join(etc, "mtab")); err != nil {
		return err
	}
	return rewriteHashes(etc)
}

// trust is the machine's bundle of public certificates with ours.
func trust(ca []byte) (string, error) {
	for _, name := range []string{"ssl/certs/ca-certificates.crt", "pki/tls/certs/ca-bundle.crt"} {
		b, err := os.ReadFile(filepath.Join("/etc", name))
		if err == nil {
			return string(b) + string(ca), nil
		}
		if !os.IsNotExist(err) {
			return "", err
		}
	}
	return string(ca), nil
}

// rewriteHashes makes passwd(1) in instances use the kind of hash that the built-in SSH server understands.
func rewriteHashes(etc string) error {
	for name, change := range map[string][2]string{
		"pam.d/common-password": {"yescrypt", "sha512"},
		"login.defs":            {"ENCRYPT_METHOD YESCRYPT", "ENCRYPT_METHOD SHA512"},
	} {
		path := filepath.Join(etc, name)
		b, err := os.ReadFile(path)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return err
		}
		if err := os.WriteFile(path, bytes.ReplaceAll(b, []byte(change[0]), []byte(change[1])), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// systemUsers are the machine's users that its programs need, without passwords.
func systemUsers() (passwd, shadow string, err error) {
	var p, s strings.Builder
	err = eachLine("/etc/passwd", 7, func(f []string) {
		if f[0] == "root" {
			f[5], f[6] = "/root", "/bin/bash"
		} else {
			f[6] = "/usr/sbin/nologin"
		}
		f[1], f[4] = "x", f[0]
		fmt.Fprintln(&p, strings.Join(f, ":"))
		fmt.Fprintf(&s, "%s:*:19700:0:99999:7:::\n", f[0])
	})
	return p.String(), s.String(), err
}

// freeGroups is from where numbers of groups are taken that no distribution assigns. (login.defs(5), SYS_GID_MIN.)
const freeGroups = 500

// systemGroups are the machine's groups that its programs need, without members, and those an instance's default user is in.
func systemGroups(user string) (group, gshadow string, err error) {
	var g, s strings.Builder
	missing := map[string]string{"adm": "4", "wheel": "10", "systemd-journal": "190"} // with their numbers on Amazon Linux 2023
	taken := map[string]bool{}
	add := func(name, id string, joined bool) {
		member := ""
		if joined {
			member = user
		}
		fmt.Fprintf(&g, "%s:x:%s:%s\n", name, id, member)
		fmt.Fprintf(&s, "%s:*::%s\n", name, member)
	}
	err = eachLine("/etc/group", 4, func(f []string) {
		_, joined := missing[f[0]]
		delete(missing, f[0])
		taken[f[2]] = true
		add(f[0], f[2], joined)
	})
	for _, name := range slices.Sorted(maps.Keys(missing)) {
		id := missing[name]
		for n := freeGroups; taken[id]; n++ { // some distributions mean another group by it
			id = strconv.Itoa(n)
		}
		taken[id] = true
		add(name, id, true)
	}
	return g.String(), s.String(), err
}

// eachLine calls f with the fields of each line whose third field is an id of the system.
func eachLine(file string, fields int, f func([]string)) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	for l := range strings.Lines(string(b)) {
		p := strings.Split(strings.TrimSpace(l), ":")
		if len(p) != fields {
			continue
		}
		if id, err := strconv.Atoi(p[2]); err == nil && (id < firstUser || id == nobody) {
			f(slices.Clone(p))
		}
	}
	return nil
}

// sshdConfig is read by OpenSSH's server and, as far as passwords go, by the built-in one.
const sshdConfig = `Include /etc/ssh/sshd_config.d/*.conf
HostKey /etc/ssh/ssh_host_ed25519_key
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
X11Forwarding no
PrintMotd yes
PrintLastLog yes
LoginGraceTime 30
AcceptEnv LANG LC_*
Subsystem sftp internal-sftp
`

// homeFiles are what a new home folder holds: the prompt of Amazon Linux.
func homeFiles() map[string]string {
	return map[string]string{
		".bashrc":       "[ -f /etc/bash.bashrc ] && . /etc/bash.bashrc\nPS1='[\\u@\\h \\W]\\$ '\n",
		".bash_profile": "[ -f ~/.bashrc ] && . ~/.bashrc\n",
		".bash_logout":  "",
	}
}

// amazonUser is the default user of Amazon Linux images.
const amazonUser = "ec2-user"

// amazonMotd is what Amazon Linux 2023 shows at login.
const amazonMotd = `   ,     #_
   ~\_  ####_        Amazon Linux 2023
  ~~  \_#####\
  ~~     \###|
  ~~       \#/ ___   https://aws.amazon.com/linux/amazon-linux-2023
   ~~       V~' '->
    ~~~         /
      ~~._.   _/
         _/ _/
       _/m/'
`
