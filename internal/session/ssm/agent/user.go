package agent

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"kumiko/internal/session/guest/account"
)

// defaultUser is whose the shells of sessions are. (AWS Systems Manager User Guide, "Turn off or turn on ssm-user account
// administrative permissions".)
const (
	defaultUser = "ssm-user"
	sudoersFile = "/etc/sudoers.d/ssm-agent-users"
)

func users() account.Database { return account.Database{Folder: "/etc"} }

// runAs is the user a session's programs run as. ssm-user is made when it is first needed.
func runAs(t, preferred string) (account.User, error) {
	name := t
	if name == "" {
		name = preferred
	}
	if name != "" {
		u, err := users().Lookup(name)
		if err != nil {
			return u, fmt.Errorf("failed to start pty since RunAs user %s does not exist", name)
		}
		return u, nil
	}
	u, err := users().Lookup(defaultUser)
	if err == nil {
		return u, nil
	}
	u, err = users().Add(account.User{Name: defaultUser, Home: "/home/" + defaultUser, Shell: "/bin/bash"})
	if err != nil {
		return u, err
	}
	if err := os.MkdirAll(u.Home, 0o700); err != nil {
		return u, err
	}
	if err := os.Chown(u.Home, u.UID, u.GID); err != nil {
		return u, err
	}
	if err := os.MkdirAll(filepath.Dir(sudoersFile), 0o750); err != nil {
		return u, err
	}
	return u, os.WriteFile(sudoersFile, []byte("# User rules for ssm-user\n"+defaultUser+" ALL=(ALL) NOPASSWD:ALL\n"), 0o440)
}

// attributes start a program as the user.
func attributes(u account.User) (*syscall.SysProcAttr, error) {
	groups, err := users().GroupIDs(u)
	if err != nil {
		return nil, err
	}
	return &syscall.SysProcAttr{Setsid: true, Credential: &syscall.Credential{Uid: uint32(u.UID), Gid: uint32(u.GID), Groups: groups}}, nil
}

// home is where the user's programs begin.
func home(u account.User) string {
	if info, err := os.Stat(u.Home); err == nil && info.IsDir() {
		return u.Home
	}
	return "/"
}
