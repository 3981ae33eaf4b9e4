package cloudinit

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"kumiko/internal/session/guest/account"
)

// User is a user to be made.
type User struct {
	Name   string
	Groups []string
	Shell  string   // empty for bash
	Home   string   // empty for /home/NAME
	Sudo   []string // rules without the name, e.g. "ALL=(ALL) NOPASSWD:ALL"
	Keys   []string // authorized_keys lines
}

// Folders of users.
const (
	skeleton = "/etc/skel"
	sudoers  = "/etc/sudoers.d/90-cloud-init-users"
)

// MakeUser makes a user with home folder, keys and sudo rules.
func MakeUser(db account.Database, u User) error {
	if u.Shell == "" {
		u.Shell = "/bin/bash"
	}
	if u.Home == "" {
		u.Home = "/home/" + u.Name
	}
	a, err := db.Add(account.User{Name: u.Name, Home: u.Home, Shell: u.Shell, Groups: u.Groups})
	if err != nil {
		return err
	}
	if err := makeHome(a); err != nil {
		return err
	}
	if err := addKeys(a, u.Keys); err != nil {
		return err
	}
	var rules strings.Builder
	for _, r := range u.Sudo {
		fmt.Fprintf(&rules, "%s %s\n", u.Name, r)
	}
	if rules.Len() == 0 {
		return nil
	}
	return appendFile(sudoers, rules.String(), 0o440)
}

// makeHome makes the home folder with copies of the skeleton's files.
func makeHome(a account.User) error {
	if _, err := os.Stat(a.Home); err == nil {
		return nil
	}
	if err := os.MkdirAll(a.Home, 0o700); err != nil {
		return fmt.Errorf("cloudinit: make home: %w", err)
	}
	entries, err := os.ReadDir(skeleton)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("cloudinit: make home: %w", err)
	}
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		b, err := os.ReadFile(filepath.Join(skeleton, e.Name()))
		if err != nil {
			return fmt.Errorf("cloudinit: make home: %w", err)
		}
		to := filepath.Join(a.Home, e.Name())
		if err := os.WriteFile(to, b, 0o644); err != nil {
			return fmt.Errorf("cloudinit: make home: %w", err)
		}
		if err := os.Chown(to, a.UID, a.GID); err != nil {
			return fmt.Errorf("cloudinit: make home: %w", err)
		}
	}
	if err := os.Chown(a.Home, a.UID, a.GID); err != nil {
		return fmt.Errorf("cloudinit: make home: %w", err)
	}
	return nil
}

// addKeys adds lines to the user's authorized_keys.
func addKeys(a account.User, keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	dir := filepath.Join(a.Home, ".ssh")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("cloudinit: add keys: %w", err)
	}
	file := filepath.Join(dir, "authorized_keys")
	if err := appendFile(file, strings.Join(keys, "\n")+"\n", 0o600); err != nil {
		return err
	}
	return errors.Join(os.Chown(dir, a.UID, a.GID), os.Chown(file, a.UID, a.GID))
}

func appendFile(path, text string, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("cloudinit: append to %s: %w", path, err)
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, mode)
	if err != nil {
		return fmt.Errorf("cloudinit: append to %s: %w", path, err)
	}
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("cloudinit: append to %s: %w", path, err)
	}
	return nil
}

// userEntry is an entry of users: the word "default", or a description.
type userEntry struct {
	Name       string   `yaml:"name"`
	Groups     words    `yaml:"groups"`
	Primary    string   `yaml:"primary_group"`
	Shell      string   `yaml:"shell"`
	Home       string   `yaml:"homedir"`
	Sudo       words    `yaml:"sudo"`
	Keys       []string `yaml:"ssh_authorized_keys"`
	Lock       setting  `yaml:"lock_passwd"`
	HashedPass string   `yaml:"passwd"`
	PlainPass  string   `yaml:"plain_text_passwd"`
}

// UnmarshalYAML takes a name or a description.
func (u *userEntry) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		u.Name = n.Value
		return nil
	}
	type plain userEntry
	return n.Decode((*plain)(u))
}

// changePasswords is chpasswd.
type changePasswords struct {
	Expire setting `yaml:"expire"`
	List   lines   `yaml:"list"`
	Users  []struct {
		Name     string `yaml:"name"`
		Password string `yaml:"password"`
		Type     string `yaml:"type"` // hash or text
	} `yaml:"users"`
}

// lines is a list, or a string with line ends.
type lines []string

// UnmarshalYAML takes a string or a list.
func (l *lines) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*l = strings.Fields(n.Value)
		return nil
	}
	var list []string
	if err := n.Decode(&list); err != nil {
		return err
	}
	*l = list
	return nil
}

// setPassword stores a password, given as text or as a hash.
func setPassword(db account.Database, name, password string, expire bool) error {
	hash := password
	if !strings.HasPrefix(password, "$6$") && !strings.HasPrefix(password, "$y$") && !strings.HasPrefix(password, "$5$") {
		hash = account.Hash(password)
	}
	day := int(time.Now().Unix() / (24 * 3600))
	if expire {
		day = 0
	}
	if err := db.SetPassword(name, hash, day); err != nil {
		return fmt.Errorf("cloudinit: password of %s: %w", name, err)
	}
	return nil
}
