package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"time"

	"golang.org/x/crypto/ssh"

	"kumiko/bench/client"
	"kumiko/bench/measure"
	"kumiko/internal/kernel"
)

// instances measures how long after the call of RunInstances an instance greets an SSH client in its subnet, and has
// let it in and run a command.
func instances(ctx context.Context, c config) (tables []measure.Table, err error) {
	d, err := newCloud(ctx, c)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	y, err := newYard(ctx, d, "10.0.0.0/24")
	if err != nil {
		return nil, err
	}
	from, _, err := y.start(ctx, "1")
	if err != nil {
		return nil, err
	}
	if err := y.running(ctx, 1); err != nil {
		return nil, err
	}
	var answered, greeted, in measure.Sample
	for range c.rounds {
		begun := time.Now()
		_, addr, err := y.start(ctx, "1")
		if err != nil {
			return nil, err
		}
		answered.Milliseconds(time.Since(begun))
		conn, err := y.await(from, addr)
		if err != nil {
			return nil, err
		}
		greeted.Milliseconds(time.Since(begun))
		if err := y.login(conn); err != nil {
			return nil, err
		}
		in.Milliseconds(time.Since(begun))
	}
	return []measure.Table{{Title: "From the call of RunInstances", Rows: []measure.Row{
		{What: "to the answer", Unit: "ms", Ours: answered},
		{What: "to the greeting of its SSH server", Unit: "ms", Ours: greeted, Target: "< 1000 ms"},
		{What: "to the end of the first command over SSH", Unit: "ms", Ours: in, Target: "< 1000 ms"},
	}}}, nil
}

// yard is a subnet for instances, open to SSH, with a key pair.
type yard struct {
	*cloud
	subnet, group, ami string
	key                ssh.Signer
}

func newYard(ctx context.Context, d *cloud, cidr string) (*yard, error) {
	y := &yard{cloud: d}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	if y.key, err = ssh.NewSignerFromKey(private); err != nil {
		return nil, err
	}
	line, err := ssh.NewPublicKey(public)
	if err != nil {
		return nil, err
	}
	material := base64.StdEncoding.EncodeToString(ssh.MarshalAuthorizedKey(line))
	do := func(element, operation string, pairs ...string) (out string) {
		if err == nil {
			out, err = d.call(ctx, element, operation, pairs...)
		}
		return out
	}
	do("keyPairId", "ImportKeyPair", "KeyName", "bench", "PublicKeyMaterial", material)
	y.ami = do("imageId", "DescribeImages", "Owner.1", "amazon", "Filter.1.Name", "name", "Filter.1.Value.1", "al2023-ami-2023*")
	vpc := do("vpcId", "CreateVpc", "CidrBlock", cidr)
	y.subnet = do("subnetId", "CreateSubnet", "VpcId", vpc, "CidrBlock", cidr)
	y.group = do("groupId", "CreateSecurityGroup", "VpcId", vpc, "GroupName", "bench", "GroupDescription", "bench")
	do("return", "AuthorizeSecurityGroupIngress", "GroupId", y.group, "IpPermissions.1.IpProtocol", "tcp", "IpPermissions.1.FromPort", "22",
		"IpPermissions.1.ToPort", "22", "IpPermissions.1.IpRanges.1.CidrIp", cidr)
	return y, err
}

// start runs a number of instances and gives one of them with its address.
func (y *yard) start(ctx context.Context, n string) (id, addr string, err error) {
	xml, err := y.api.Call(ctx, "RunInstances", "ImageId", y.ami, "InstanceType", "t3.micro", "MinCount", n, "MaxCount", n, "KeyName", "bench",
		"SubnetId", y.subnet, "SecurityGroupId.1", y.group)
	return client.Element(xml, "instanceId"), client.Element(xml, "privateIpAddress"), err
}

// runningWait bounds how long instances may take to start.
const runningWait = time.Minute

// running waits until there are n running instances.
func (y *yard) running(ctx context.Context, n int) error {
	for deadline := time.Now().Add(runningWait); ; time.Sleep(5 * time.Millisecond) {
		xml, err := y.api.Call(ctx, "DescribeInstances", "Filter.1.Name", "instance-state-name", "Filter.1.Value.1", "running")
		if err != nil {
			return err
		}
		if client.Count(xml, "instanceId") >= n {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%d of %d instances are running", client.Count(xml, "instanceId"), n)
		}
	}
}

// greeting is a connection whose first byte, of the server's greeting, was read already.
type greeting struct {
	net.Conn
	first []byte
}

// Read gives the first byte again.
func (g *greeting) Read(p []byte) (int, error) {
	if len(g.first) > 0 && len(p) > 0 {
		n := copy(p, g.first)
		g.first = g.first[n:]
		return n, nil
	}
	return g.Conn.Read(p)
}

// dialWait is how long one attempt to connect waits for an answer.
const dialWait = 20 * time.Millisecond

// await connects from an instance's namespace to the SSH port of an address until it greets.
func (y *yard) await(from, addr string) (*greeting, error) {
	if _, err := netip.ParseAddr(addr); err != nil {
		return nil, err
	}
	ns := kernel.Path(filepath.Join(y.conf.State, "run"), from)
	for deadline := time.Now().Add(runningWait); ; time.Sleep(time.Millisecond) {
		var conn net.Conn
		err := kernel.In(ns, func() (err error) {
			d := net.Dialer{Timeout: dialWait}
			conn, err = d.Dial("tcp4", net.JoinHostPort(addr, "22"))
			return err
		})
		if err == nil {
			g := &greeting{Conn: conn, first: make([]byte, 1)}
			if _, err = conn.Read(g.first); err == nil {
				return g, nil
			}
			conn.Close()
		}
		if time.Now().After(deadline) {
			return nil, fmt.Errorf("no greeting from %s: %w", addr, err)
		}
	}
}

// login logs in over the connection, runs a command and closes it.
func (y *yard) login(conn net.Conn) error {
	c, chans, reqs, err := ssh.NewClientConn(conn, "instance", &ssh.ClientConfig{
		User: "ec2-user", Auth: []ssh.AuthMethod{ssh.PublicKeys(y.key)}, HostKeyCallback: ssh.InsecureIgnoreHostKey(),
	})
	if err != nil {
		conn.Close()
		return fmt.Errorf("login: %w", err)
	}
	s := ssh.NewClient(c, chans, reqs)
	defer s.Close()
	session, err := s.NewSession()
	if err != nil {
		return fmt.Errorf("login: %w", err)
	}
	defer session.Close()
	return session.Run("true")
}
