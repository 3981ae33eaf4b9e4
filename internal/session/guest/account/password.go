package account

import (
	"crypto/subtle"
	"strconv"
	"strings"
)

// Password is what shadow says about a user's password.
type Password struct {
	Hash    string
	Expired bool // must be changed at the next login
}

// Password reads a user's shadow line.
func (d Database) Password(name string) (Password, error) {
	lines, err := d.lines("shadow")
	if err != nil {
		return Password{}, err
	}
	for _, l := range lines {
		if f := strings.Split(l, ":"); len(f) == 9 && f[0] == name {
			return Password{Hash: f[1], Expired: f[2] == "0"}, nil
		}
	}
	return Password{}, ErrUnknown
}

// SetPassword stores the hash of a user's password, last changed on a day
// counted from 1970; day 0 makes it expired.
func (d Database) SetPassword(name, hash string, day int) error {
	lines, err := d.lines("shadow")
	if err != nil {
		return err
	}
	for i, l := range lines {
		f := strings.Split(l, ":")
		if len(f) != 9 || f[0] != name {
			continue
		}
		f[1], f[2] = hash, strconv.Itoa(day)
		lines[i] = strings.Join(f, ":")
		return d.write("shadow", lines, 0o640)
	}
	return ErrUnknown
}

// Matches tells whether the password is the right one. Only hashes of [Hash]
// are understood; others, and accounts without password, match nothing.
func (p Password) Matches(password string) bool {
	salt, ok := saltOf(p.Hash)
	if !ok {
		return false
	}
	return subtle.ConstantTimeCompare([]byte(p.Hash), []byte(crypt(password, salt))) == 1
}
