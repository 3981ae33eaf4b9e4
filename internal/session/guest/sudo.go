package guest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"kumiko/internal/kernel/remote"
)

// Where sudo asks, and where the users who may are listed. (sudoers(5))
const (
	sudoSocket  = "/run/kumiko/sudo"
	sudoersGlob = "/etc/sudoers.d/*"
)

// answerSudo serves the instance's sudo, where the image has none.
func (g *guest) answerSudo() error {
	text, err := os.ReadFile("/usr/bin/sudo")
	if err != nil || !strings.HasPrefix(string(text[:min(2, len(text))]), "#!") {
		return nil // the image has a real one
	}
	f, err := remote.Listen(sudoSocket)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := os.Chmod(sudoSocket, 0o666); err != nil {
		return fmt.Errorf("guest: open sudo: %w", err)
	}
	l, err := net.FileListener(f)
	if err != nil {
		return fmt.Errorf("guest: open sudo: %w", err)
	}
	go g.accept(l.(*net.UnixListener), maySudo) // ends with the instance
	return nil
}

// maySudo allows root and the users listed.
func maySudo(c *remote.Conn) error {
	uid, err := c.PeerUID()
	if err != nil {
		return err
	}
	if uid == 0 {
		return nil
	}
	user, err := etc().LookupUID(uid)
	if err != nil {
		return err
	}
	files, err := filepath.Glob(sudoersGlob)
	if err != nil {
		return err
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		for l := range strings.Lines(string(b)) {
			who, what, _ := strings.Cut(strings.TrimSpace(l), " ")
			if strings.HasSuffix(what, "NOPASSWD:ALL") && (who == user.Name || strings.HasPrefix(who, "%") && slices.Contains(user.Groups, who[1:])) {
				return nil
			}
		}
	}
	return fmt.Errorf("sudo: %s is not in the sudoers file", user.Name)
}

// sudo is the client: the usual options, then settings, then the command.
func sudo(args []string) int {
	req, err := sudoRequest(args)
	if err != nil {
		fmt.Fprintln(os.Stderr, "sudo:", err)
		return 1
	}
	ctx := context.Background()
	c, err := remote.Dial(ctx, sudoSocket)
	if err != nil {
		fmt.Fprintln(os.Stderr, "sudo:", err)
		return 1
	}
	defer c.Close()
	code, err := remote.Run(ctx, c, req, remote.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return code
}

func sudoRequest(args []string) (remote.Request, error) {
	req := remote.Request{TTY: remote.IsTerminal(os.Stdin) && remote.IsTerminal(os.Stdout)}
	for _, name := range []string{"TERM", "LANG"} {
		if v, ok := os.LookupEnv(name); ok {
			req.Env = append(req.Env, name+"="+v)
		}
	}
	var login, shell bool
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		option := args[0]
		args = args[1:]
		if option == "--" {
			break
		}
		switch option {
		case "-u", "--user":
			if len(args) == 0 {
				return req, errors.New("-u needs a user")
			}
			req.User, args = args[0], args[1:]
		case "-i", "--login":
			login = true
		case "-s", "--shell":
			shell = true
		case "-E", "--preserve-env":
			req.Env = append(req.Env, keptEnvironment()...)
		case "-n", "-H", "-S", "-b", "--non-interactive", "--set-home":
		case "-k", "-K", "-v":
			req.Argv = []string{"true"}
			return req, nil
		default:
			return req, fmt.Errorf("option %s is not known here", option)
		}
	}
	for len(args) > 0 && strings.Contains(args[0], "=") && !strings.HasPrefix(args[0], "=") {
		req.Env, args = append(req.Env, args[0]), args[1:]
	}
	req.Argv = args
	if !login {
		req.Dir, _ = os.Getwd() // empty: home
	}
	if login || shell {
		sh := []string{"/bin/bash"}
		if login {
			sh = append(sh, "-l")
		}
		if len(args) > 0 {
			sh = append(sh, "-c", quoted(args))
		}
		req.Argv = sh
	}
	if len(req.Argv) == 0 {
		return req, errors.New("usage: sudo [-i|-s] [-u user] [-E] [NAME=value] command")
	}
	return req, nil
}

// keptEnvironment is the caller's without what belongs to its user.
func keptEnvironment() []string {
	return slices.DeleteFunc(os.Environ(), func(e string) bool {
		name, _, _ := strings.Cut(e, "=")
		return slices.Contains([]string{"HOME", "USER", "LOGNAME", "SHELL", "PATH"}, name)
	})
}

// quoted joins arguments so that a shell takes them apart again.
func quoted(args []string) string {
	out := make([]string, len(args))
	for i, a := range args {
		out[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
	}
	return strings.Join(out, " ")
}
