package account

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// ErrUnknown says that there is no such user.
var ErrUnknown = errors.New("account: unknown user")

// firstUID is the id of the first ordinary user. (login.defs(5), UID_MIN.)
const firstUID = 1000

// Database is the user database in a folder, which is /etc but for tests.
type Database struct{ Folder string }

// User is a line of passwd with the names of the user's supplementary groups.
type User struct {
	Name     string
	UID, GID int
	Comment  string
	Home     string
	Shell    string
	Groups   []string
}

func (d Database) lines(file string) ([]string, error) {
	b, err := os.ReadFile(filepath.Join(d.Folder, file))
	if err != nil {
		return nil, fmt.Errorf("account: read: %w", err)
	}
	return strings.Split(strings.TrimRight(string(b), "\n"), "\n"), nil
}

func (d Database) write(file string, lines []string, mode os.FileMode) error {
	path := filepath.Join(d.Folder, file)
	next := path + ".new"
	if err := os.WriteFile(next, []byte(strings.Join(lines, "\n")+"\n"), mode); err != nil {
		return fmt.Errorf("account: write: %w", err)
	}
	if err := os.Chmod(next, mode); err != nil {
		return fmt.Errorf("account: write: %w", err)
	}
	if err := os.Rename(next, path); err != nil {
		return fmt.Errorf("account: write: %w", err)
	}
	return nil
}

// find looks for the passwd line for which ok is true of its fields.
func (d Database) find(ok func([]string) bool) (User, error) {
	lines, err := d.lines("passwd")
	if err != nil {
		return User{}, err
	}
	for _, l := range lines {
		f := strings.Split(l, ":")
		if len(f) != 7 || !ok(f) {
			continue
		}
		uid, err := strconv.Atoi(f[2])
		if err != nil {
			continue
		}
		gid, err := strconv.Atoi(f[3])
		if err != nil {
			continue
		}
		u := User{Name: f[0], UID: uid, GID: gid, Comment: f[4], Home: f[5], Shell: f[6]}
		u.Groups, err = d.groupsOf(u.Name)
		return u, err
	}
	return User{}, ErrUnknown
}

// Lookup finds a user by name.
func (d Database) Lookup(name string) (User, error) {
	return d.find(func(f []string) bool { return f[0] == name })
}

// LookupUID finds a user by number.
func (d Database) LookupUID(uid int) (User, error) {
	n := strconv.Itoa(uid)
	return d.find(func(f []string) bool { return f[2] == n })
}

func (d Database) groupsOf(user string) ([]string, error) {
	lines, err := d.lines("group")
	if err != nil {
		return nil, err
	}
	var names []string
	for _, l := range lines {
		if f := strings.Split(l, ":"); len(f) == 4 && slices.Contains(strings.Split(f[3], ","), user) {
			names = append(names, f[0])
		}
	}
	return names, nil
}

// GroupIDs are the numbers of all the user's groups, the primary one first.
func (d Database) GroupIDs(u User) ([]uint32, error) {
	lines, err := d.lines("group")
	if err != nil {
		return nil, err
	}
	ids := []uint32{uint32(u.GID)}
	for _, l := range lines {
		f := strings.Split(l, ":")
		if len(f) != 4 || !slices.Contains(u.Groups, f[0]) {
			continue
		}
		if id, err := strconv.Atoi(f[2]); err == nil && id != u.GID {
			ids = append(ids, uint32(id))
		}
	}
	return ids, nil
}

// Add makes a user with a group of its own name, without password, and puts it
// into its groups, which are made if missing. UID and GID are chosen when UID
// is zero. A user that exists only joins the groups.
func (d Database) Add(u User) (User, error) {
	if strings.ContainsAny(u.Name+u.Comment+u.Home+u.Shell, ":\n") || u.Name == "" {
		return User{}, fmt.Errorf("account: add %q: not a valid user", u.Name)
	}
	have, err := d.Lookup(u.Name)
	if err == nil {
		have.Groups = append(have.Groups, u.Groups...)
		return have, d.join(u.Name, u.Groups)
	}
	if !errors.Is(err, ErrUnknown) {
		return User{}, err
	}
	if u.UID == 0 {
		lines, err := d.lines("passwd")
		if err != nil {
			return User{}, err
		}
		u.UID = free(lines, firstUID)
		u.GID = u.UID
	}
	if err := d.append("group", fmt.Sprintf("%s:x:%d:", u.Name, u.GID), 0o644); err != nil {
		return User{}, err
	}
	if err := d.append("passwd", fmt.Sprintf("%s:x:%d:%d:%s:%s:%s", u.Name, u.UID, u.GID, u.Comment, u.Home, u.Shell), 0o644); err != nil {
		return User{}, err
	}
	// An asterisk is no password, yet not a locked account, which OpenSSH would refuse keys for.
	if err := d.append("shadow", u.Name+":*:19700:0:99999:7:::", 0o640); err != nil {
		return User{}, err
	}
	return u, d.join(u.Name, u.Groups)
}

func (d Database) append(file, line string, mode os.FileMode) error {
	lines, err := d.lines(file)
	if err != nil {
		return err
	}
	return d.write(file, append(lines, line), mode)
}

// free is the lowest number from first that no line has.
func free(lines []string, first int) int {
	taken := map[string]bool{}
	for _, l := range lines {
		if f := strings.Split(l, ":"); len(f) > 2 {
			taken[f[2]] = true
		}
	}
	for taken[strconv.Itoa(first)] {
		first++
	}
	return first
}

// firstSystemGID is where numbers of groups made for others than users start. (login.defs(5), SYS_GID_MIN.)
const firstSystemGID = 500

func (d Database) join(user string, groups []string) error {
	lines, err := d.lines("group")
	if err != nil {
		return err
	}
	changed := false
	for _, g := range groups {
		if g == "" || g == user || strings.ContainsAny(g, ":,\n") {
			continue
		}
		at := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, g+":") })
		if at < 0 {
			lines = append(lines, fmt.Sprintf("%s:x:%d:%s", g, free(lines, firstSystemGID), user))
			changed = true
			continue
		}
		f := strings.Split(lines[at], ":")
		if len(f) != 4 || slices.Contains(strings.Split(f[3], ","), user) {
			continue
		}
		if f[3] != "" {
			f[3] += ","
		}
		f[3] += user
		lines[at] = strings.Join(f, ":")
		changed = true
	}
	if !changed {
		return nil
	}
	return d.write("group", lines, 0o644)
}
