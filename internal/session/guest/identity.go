package guest

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/ssh"

	"kumiko/internal/session/guest/account"
	"kumiko/internal/session/guest/cloudinit"
)

// Files init keeps in the instance.
const (
	instanceIDFile = "/var/lib/cloud/data/instance-id" // whose first boot was done here, as cloud-init has it
	hostKeyFile    = "/etc/ssh/ssh_host_ed25519_key"
)

// etc is the instance's user database.
func etc() account.Database { return account.Database{Folder: "/etc"} }

// identify gives the instance its names, and at its first boot its users and
// keys. It reports whether this is the first boot.
func (g *guest) identify() (first bool, err error) {
	if err := g.writeNames(); err != nil {
		return false, err
	}
	done, err := os.ReadFile(instanceIDFile)
	if err == nil && strings.TrimSpace(string(done)) == g.orders.ID {
		return false, nil
	}
	sum := sha256.Sum256([]byte(g.orders.ID))
	if err := write("/etc/machine-id", hex.EncodeToString(sum[:16])+"\n", 0o444); err != nil {
		return false, err
	}
	if err := makeHostKey(); err != nil {
		return false, err
	}
	if err := g.makeDefaultUser(); err != nil {
		return false, err
	}
	return true, write(instanceIDFile, g.orders.ID+"\n", 0o644)
}

// writeNames writes what depends on names and addresses, at each boot.
func (g *guest) writeNames() error {
	o := g.orders
	if err := write("/run/utmp", "", 0o664); err != nil { // who is logged in: nobody yet
		return err
	}
	if err := write("/etc/hostname", o.FQDN()+"\n", 0o644); err != nil {
		return err
	}
	names := o.FQDN()
	if names != o.Hostname {
		names += " " + o.Hostname
	}
	if err := addToHosts(fmt.Sprintf("%s %s", o.Addr, names)); o.Addr.IsValid() && err != nil {
		return err
	}
	var resolv strings.Builder
	if o.Domain != "" {
		fmt.Fprintf(&resolv, "search %s\n", o.Domain)
	}
	for _, r := range o.Resolver {
		fmt.Fprintf(&resolv, "nameserver %s\n", r)
	}
	resolv.WriteString("options timeout:2 attempts:5\n")
	return write("/etc/resolv.conf", resolv.String(), 0o644)
}

// addToHosts puts the line into /etc/hosts, which otherwise is the instance's own after the first boot.
func addToHosts(line string) error {
	b, err := os.ReadFile("/etc/hosts")
	if err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("guest: read hosts: %w", err)
	}
	if strings.Contains("\n"+string(b), "\n"+line+"\n") {
		return nil
	}
	if len(b) == 0 {
		b = []byte("127.0.0.1 localhost localhost.localdomain\n::1 localhost6 localhost6.localdomain6\n")
	}
	return write("/etc/hosts", string(b)+line+"\n", 0o644)
}

// makeHostKey makes the SSH host key of the instance.
func makeHostKey() error {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return fmt.Errorf("guest: make host key: %w", err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		return fmt.Errorf("guest: make host key: %w", err)
	}
	if err := write(hostKeyFile, string(pem.EncodeToMemory(block)), 0o600); err != nil {
		return err
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		return fmt.Errorf("guest: make host key: %w", err)
	}
	return write(hostKeyFile+".pub", string(ssh.MarshalAuthorizedKey(key)), 0o644)
}

// makeDefaultUser makes the user of the image, who may do all by sudo and logs in with the key pair.
func (g *guest) makeDefaultUser() error {
	if g.orders.User == "" {
		return nil
	}
	u := cloudinit.User{Name: g.orders.User, Keys: g.orders.Keys}
	if _, err := etc().Lookup(u.Name); errors.Is(err, account.ErrUnknown) { // the image is not ours
		u.Groups, u.Sudo = []string{"adm", "wheel", "systemd-journal"}, []string{"ALL=(ALL) NOPASSWD:ALL"}
	}
	return cloudinit.MakeUser(etc(), u)
}

// write replaces a file and makes its folder.
func write(path, text string, mode fs.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("guest: write %s: %w", path, err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		return fmt.Errorf("guest: write %s: %w", path, err)
	}
	if err := os.Chmod(path, mode); err != nil {
		return fmt.Errorf("guest: write %s: %w", path, err)
	}
	return nil
}
