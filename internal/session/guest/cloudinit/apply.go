package cloudinit

import (
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"kumiko/internal/session/guest/account"
)

// sshdDropIn is where cloud-init tells sshd about passwords.
const sshdDropIn = "/etc/ssh/sshd_config.d/50-cloud-init.conf"

// File is an entry of write_files.
type File struct {
	Path        string      `yaml:"path"`
	Content     string      `yaml:"content"`
	Permissions permissions `yaml:"permissions"`
	Owner       string      `yaml:"owner"`
	Encoding    string      `yaml:"encoding"`
	Append      bool        `yaml:"append"`
	Defer       bool        `yaml:"defer"`
}

// permissions is a file mode in octal digits.
type permissions os.FileMode

// UnmarshalYAML takes octal digits, quoted or not.
func (p *permissions) UnmarshalYAML(n *yaml.Node) error {
	v, err := strconv.ParseUint(strings.TrimPrefix(n.Value, "0o"), 8, 32)
	if err != nil {
		return fmt.Errorf("line %d: permissions %q: %w", n.Line, n.Value, err)
	}
	*p = permissions(v)
	return nil
}

// Apply carries out the configuration but for its commands. It goes on after
// an error and returns all of them.
func (c Config) Apply(db account.Database, defaultUser string) error {
	errs := []error{c.applyUsers(db)}
	if defaultUser != "" && len(c.SSHKeys) > 0 {
		a, err := db.Lookup(defaultUser)
		if err == nil {
			err = addKeys(a, c.SSHKeys)
		}
		errs = append(errs, err)
	}
	errs = append(errs, c.applyPasswords(db, defaultUser))
	if c.SSHPasswordAuth.set {
		word := "no"
		if c.SSHPasswordAuth.value {
			word = "yes"
		}
		errs = append(errs, replaceFile(sshdDropIn, []byte("PasswordAuthentication "+word+"\n"), 0o600))
	}
	for _, deferred := range []bool{false, true} {
		for _, f := range c.Files {
			if f.Defer == deferred {
				errs = append(errs, f.write(db))
			}
		}
	}
	return errors.Join(errs...)
}

func (c Config) applyUsers(db account.Database) error {
	var errs []error
	for _, u := range c.Users {
		if u.Name == "" || u.Name == "default" {
			continue
		}
		groups := u.Groups
		if u.Primary != "" {
			groups = append(groups, u.Primary)
		}
		err := MakeUser(db, User{Name: u.Name, Groups: groups, Shell: u.Shell, Home: u.Home, Sudo: u.Sudo, Keys: u.Keys})
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if u.Lock.or(true) {
			continue
		}
		if p := u.PlainPass + u.HashedPass; p != "" {
			errs = append(errs, setPassword(db, u.Name, p, false))
		}
	}
	return errors.Join(errs...)
}

func (c Config) applyPasswords(db account.Database, defaultUser string) error {
	expire := c.ChangePasswords.Expire.or(true)
	var errs []error
	if c.Password != "" && defaultUser != "" {
		errs = append(errs, setPassword(db, defaultUser, c.Password, expire))
	}
	for _, l := range c.ChangePasswords.List {
		if name, password, ok := strings.Cut(l, ":"); ok {
			errs = append(errs, setPassword(db, name, password, expire))
		}
	}
	for _, u := range c.ChangePasswords.Users {
		errs = append(errs, setPassword(db, u.Name, u.Password, expire))
	}
	return errors.Join(errs...)
}

func (f File) write(db account.Database) error {
	content := []byte(f.Content)
	switch f.Encoding {
	case "", "text/plain":
	case "b64", "base64":
		b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(f.Content), ""))
		if err != nil {
			return fmt.Errorf("cloudinit: write %s: %w", f.Path, err)
		}
		content = b
	case "gz", "gzip", "gz+b64", "gz+base64", "gzip+b64", "gzip+base64":
		b := content
		if strings.Contains(f.Encoding, "b") && strings.Contains(f.Encoding, "+") {
			var err error
			if b, err = base64.StdEncoding.DecodeString(strings.Join(strings.Fields(f.Content), "")); err != nil {
				return fmt.Errorf("cloudinit: write %s: %w", f.Path, err)
			}
		}
		var err error
		if content, err = unzip(b); err != nil {
			return fmt.Errorf("cloudinit: write %s: %w", f.Path, err)
		}
	default:
		return fmt.Errorf("cloudinit: write %s: unknown encoding %q", f.Path, f.Encoding)
	}
	mode := os.FileMode(0o644)
	if f.Permissions != 0 {
		mode = os.FileMode(f.Permissions)
	}
	if f.Append {
		if err := appendFile(f.Path, string(content), mode); err != nil {
			return err
		}
	} else if err := replaceFile(f.Path, content, mode); err != nil {
		return err
	}
	return f.chown(db)
}

// chown gives the file to its owner, "user" or "user:group".
func (f File) chown(db account.Database) error {
	if f.Owner == "" {
		return nil
	}
	user, group, _ := strings.Cut(f.Owner, ":")
	u, err := db.Lookup(user)
	if err != nil {
		return fmt.Errorf("cloudinit: owner %s of %s: %w", f.Owner, f.Path, err)
	}
	gid := u.GID
	if group != "" {
		if g, err := db.Lookup(group); err == nil { // users have groups of their own name
			gid = g.GID
		}
	}
	if err := os.Chown(f.Path, u.UID, gid); err != nil {
		return fmt.Errorf("cloudinit: owner of %s: %w", f.Path, err)
	}
	return nil
}

func replaceFile(path string, content []byte, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("cloudinit: write %s: %w", path, err)
	}
	if err := os.WriteFile(path, content, mode); err != nil {
		return fmt.Errorf("cloudinit: write %s: %w", path, err)
	}
	if err := os.Chmod(path, mode); err != nil {
		return fmt.Errorf("cloudinit: write %s: %w", path, err)
	}
	return nil
}
