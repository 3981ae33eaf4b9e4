package sshd

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

// Files that say whether passwords are taken: the first setting counts, as in sshd_config(5).
const (
	mainConfig = "/etc/ssh/sshd_config"
	dropIns    = "/etc/ssh/sshd_config.d/*.conf"
)

// Names under which the options of a key travel from authentication to the sessions.
const (
	optionCommand = "command"
	optionNoPTY   = "no-pty"
	optionNoFwd   = "no-port-forwarding"
	optionExpired = "expired"
)

// passwordsAllowed tells whether logins by password are on.
func passwordsAllowed() bool {
	files, err := filepath.Glob(dropIns)
	if err != nil {
		return false
	}
	slices.Sort(files)
	for _, f := range append(files, mainConfig) {
		b, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		for l := range strings.Lines(string(b)) {
			if w := strings.Fields(l); len(w) == 2 && strings.EqualFold(w[0], "PasswordAuthentication") {
				return strings.EqualFold(w[1], "yes")
			}
		}
	}
	return false
}

// publicKey looks the key up in the user's authorized_keys.
func (s *server) publicKey(meta ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
	u, err := s.users.Lookup(meta.User())
	if err != nil {
		return nil, errDenied
	}
	rest, err := os.ReadFile(filepath.Join(u.Home, ".ssh", "authorized_keys"))
	if err != nil {
		return nil, errDenied
	}
	for len(rest) > 0 {
		known, _, options, after, err := ssh.ParseAuthorizedKey(rest)
		if err != nil {
			break // no further key
		}
		rest = after
		if bytes.Equal(known.Marshal(), key.Marshal()) {
			return permissions(options)
		}
	}
	return nil, errDenied
}

// permissions turns the options of an authorized_keys line into permissions. A
// key with a restriction that is not understood opens nothing. (sshd(8),
// "AUTHORIZED_KEYS FILE FORMAT".)
func permissions(options []string) (*ssh.Permissions, error) {
	p := &ssh.Permissions{Extensions: map[string]string{}}
	for _, o := range options {
		name, value, _ := strings.Cut(o, "=")
		switch strings.ToLower(name) {
		case "command":
			p.Extensions[optionCommand] = strings.ReplaceAll(strings.Trim(value, `"`), `\"`, `"`)
		case "no-pty":
			p.Extensions[optionNoPTY] = "yes"
		case "no-port-forwarding":
			p.Extensions[optionNoFwd] = "yes"
		case "restrict":
			p.Extensions[optionNoPTY], p.Extensions[optionNoFwd] = "yes", "yes"
		case "pty":
			delete(p.Extensions, optionNoPTY)
		case "port-forwarding":
			delete(p.Extensions, optionNoFwd)
		case "no-agent-forwarding", "no-x11-forwarding", "no-user-rc": // not offered anyway
		default:
			return nil, errDenied
		}
	}
	return p, nil
}

// password checks a password. Root does not log in by password.
func (s *server) password(meta ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
	u, err := s.users.Lookup(meta.User())
	if err != nil || u.UID == 0 {
		return nil, errDenied
	}
	have, err := s.users.Password(u.Name)
	if err != nil || !have.Matches(string(password)) {
		return nil, errDenied
	}
	p := &ssh.Permissions{Extensions: map[string]string{}}
	if have.Expired {
		p.Extensions[optionExpired] = "yes"
	}
	return p, nil
}

// restrict applies the permissions of the key that was used.
func (s *server) restrict(p *ssh.Permissions) {
	if p == nil {
		return
	}
	s.command = p.Extensions[optionCommand]
	s.noPTY = p.Extensions[optionNoPTY] != ""
	s.noFwd = p.Extensions[optionNoFwd] != ""
	s.mustChange = p.Extensions[optionExpired] != ""
}
