package guest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"kumiko/internal/kernel/remote"
	"kumiko/internal/kernel/sandbox"
	"kumiko/internal/session/guest/account"
)

// The SSH service of an instance.
const (
	sshAddress     = ":22"
	opensshServer  = "/usr/sbin/sshd"
	sshConfigFile  = "/etc/ssh/sshd_config"
	sshLog         = "/var/log/secure"
	maxConnections = 200                    // at once; further ones are closed
	acceptPause    = 100 * time.Millisecond // after running out of descriptors
)

// answerSSH gives each connection to port 22 a server of its own: OpenSSH's
// where the image has it, else the built-in one. Nothing waits in memory while
// nobody is connected, and a connection that goes wrong takes nobody along.
func (g *guest) answerSSH() error {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", sshAddress)
	if err != nil {
		return fmt.Errorf("guest: listen for ssh: %w", err)
	}
	path, argv := sandbox.ProgramPath, []string{"sshd", remote.InitArgument, "sshd"}
	if _, err := os.Stat(opensshServer); err == nil {
		path, argv = opensshServer, []string{opensshServer, "-i", "-e", "-f", sshConfigFile}
		if err := prepareOpenSSH(); err != nil {
			return err
		}
	}
	go g.acceptSSH(l.(*net.TCPListener), path, argv) // ends with the instance
	return nil
}

// sshdID is the number of the user and group OpenSSH's server gives its rights up to, where it has to be made.
// (Amazon Linux 2023.)
const sshdID = 74

// prepareOpenSSH makes the user and the folder that OpenSSH's server confines itself to.
func prepareOpenSSH() error {
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
		return fmt.Errorf("guest: prepare sshd: %w", err)
	}
	_, err := etc().Lookup("sshd")
	if errors.Is(err, account.ErrUnknown) {
		_, err = etc().Add(account.User{Name: "sshd", UID: sshdID, GID: sshdID, Home: "/run/sshd", Shell: "/usr/sbin/nologin"})
	}
	return err
}

func (g *guest) acceptSSH(l *net.TCPListener, path string, argv []string) {
	room := make(chan struct{}, maxConnections)
	for {
		c, err := l.AcceptTCP()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			<-time.After(acceptPause)
			continue
		}
		select {
		case room <- struct{}{}:
		default:
			c.Close()
			continue
		}
		status, err := g.serveSSH(c, path, argv)
		c.Close()
		if err != nil {
			g.log.Error("ssh", "err", err)
			<-room
			continue
		}
		go func() {
			<-status
			<-room
		}()
	}
}

// serveSSH starts the server of a connection.
func (g *guest) serveSSH(c *net.TCPConn, path string, argv []string) (<-chan syscall.WaitStatus, error) {
	f, err := c.File()
	if err != nil {
		return nil, fmt.Errorf("guest: serve ssh: %w", err)
	}
	defer f.Close()
	log, err := os.OpenFile(sshLog, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("guest: serve ssh: %w", err)
	}
	defer log.Close()
	root, err := etc().Lookup("root")
	if err != nil {
		return nil, err
	}
	_, status, err := g.procs.start(path, argv, &syscall.ProcAttr{
		Dir: "/", Env: root.Environment(nil), Files: []uintptr{f.Fd(), f.Fd(), log.Fd()}, Sys: &syscall.SysProcAttr{Setsid: true},
	})
	return status, err
}
