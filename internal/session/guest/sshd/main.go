package sshd

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"kumiko/internal/session/guest/account"
)

// Limits of a connection.
const (
	loginTime   = 30 * time.Second // from connecting to being logged in
	maxTries    = 6                // of authentication
	maxSessions = 32               // channels at once
	hostKeyFile = "/etc/ssh/ssh_host_ed25519_key"
)

// server is a connection being served.
type server struct {
	log   *slog.Logger
	users account.Database
	peer  net.Addr
	local net.Addr
	user  account.User // once logged in
	// restricted by options of the key used
	command      string
	noPTY, noFwd bool
	mustChange   bool // the password has expired
}

// Main serves the connection on standard input and returns the exit status.
func Main() int {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	f := os.NewFile(0, "connection")
	c, err := net.FileConn(f)
	if err != nil {
		log.Error("ssh", "err", err)
		return 1
	}
	f.Close()
	s := &server{log: log, users: account.Database{Folder: "/etc"}, peer: c.RemoteAddr(), local: c.LocalAddr()}
	if err := s.serve(c); err != nil {
		log.Info("ssh", "from", s.peer.String(), "err", err)
		return 1
	}
	return 0
}

func (s *server) serve(c net.Conn) error {
	defer c.Close()
	config, err := s.config()
	if err != nil {
		return err
	}
	if err := c.SetDeadline(time.Now().Add(loginTime)); err != nil {
		return fmt.Errorf("sshd: set deadline: %w", err)
	}
	conn, channels, requests, err := ssh.NewServerConn(c, config)
	if err != nil {
		return fmt.Errorf("sshd: %w", err)
	}
	defer conn.Close()
	if err := c.SetDeadline(time.Time{}); err != nil {
		return fmt.Errorf("sshd: set deadline: %w", err)
	}
	if s.user, err = s.users.Lookup(conn.User()); err != nil {
		return err
	}
	s.restrict(conn.Permissions)
	s.log.Info("login", "user", s.user.Name, "from", s.peer.String())
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { ssh.DiscardRequests(requests) }) // answers keepalives; nothing else is offered
	room := make(chan struct{}, maxSessions)
	for nc := range channels {
		select {
		case room <- struct{}{}:
		default:
			nc.Reject(ssh.ResourceShortage, "too many channels")
			continue
		}
		wg.Go(func() {
			defer func() { <-room }()
			s.channel(nc)
		})
	}
	return nil
}

func (s *server) config() (*ssh.ServerConfig, error) {
	pem, err := os.ReadFile(hostKeyFile)
	if err != nil {
		return nil, fmt.Errorf("sshd: read host key: %w", err)
	}
	key, err := ssh.ParsePrivateKey(pem)
	if err != nil {
		return nil, fmt.Errorf("sshd: read host key: %w", err)
	}
	c := &ssh.ServerConfig{MaxAuthTries: maxTries, ServerVersion: "SSH-2.0-kumiko", PublicKeyCallback: s.publicKey}
	if passwordsAllowed() {
		c.PasswordCallback = s.password
	}
	c.AddHostKey(key)
	return c, nil
}

// channel serves a channel until it is closed.
func (s *server) channel(nc ssh.NewChannel) {
	switch nc.ChannelType() {
	case "session":
		s.session(nc)
	case "direct-tcpip":
		s.forward(nc)
	default:
		nc.Reject(ssh.UnknownChannelType, "not offered")
	}
}

// dialTime is how long a forwarded connection may take to be made.
const dialTime = 20 * time.Second

// forward connects a channel with an address the client names. (RFC 4254, 7.2.)
func (s *server) forward(nc ssh.NewChannel) {
	var to struct {
		Host     string
		Port     uint32
		FromHost string
		FromPort uint32
	}
	if err := ssh.Unmarshal(nc.ExtraData(), &to); err != nil || s.noFwd {
		nc.Reject(ssh.Prohibited, "forwarding is not allowed")
		return
	}
	out, err := net.DialTimeout("tcp", net.JoinHostPort(to.Host, fmt.Sprint(to.Port)), dialTime)
	if err != nil {
		nc.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	defer out.Close()
	ch, requests, err := nc.Accept()
	if err != nil {
		return
	}
	defer ch.Close()
	var wg sync.WaitGroup
	wg.Go(func() { ssh.DiscardRequests(requests) })
	wg.Go(func() {
		io.Copy(out, ch)
		out.(*net.TCPConn).CloseWrite()
	})
	io.Copy(ch, out)
	ch.CloseWrite()
	ch.Close()
	wg.Wait()
}

// errDenied is what a client that may not log in hears.
var errDenied = errors.New("sshd: denied")
