package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"kumiko/internal/cli/admin"
	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
	"kumiko/internal/reach"
	"kumiko/internal/world"
)

// probeTime is how long a probe waits for something to come of its packet. The first copy of a refused packet is told
// within milliseconds.
const probeTime = 3 * time.Second

// probe is a packet that is sent from within an instance.
type probe struct {
	space    string // path of the instance's network namespace
	from, to netip.AddrPort
	protocol world.Protocol
	beyond   bool // it goes out to the public side, where nobody need be
}

// live sends the first packet of a flow from the instance it begins at and tells what came of it.
func (d *daemon) live(ctx context.Context, host world.InstanceID, a reach.Answer) (*admin.Probe, error) {
	f := a.Asked
	if f.Protocol != world.TCP && f.Protocol != world.UDP {
		return nil, fmt.Errorf("%w: only tcp and udp can be tried live", admin.ErrUnusable)
	}
	if host == "" {
		return nil, fmt.Errorf("%w: the source is no running instance, so no packet can be sent from it", admin.ErrUnusable)
	}
	n, err := rand.Int(rand.Reader, big.NewInt(20000))
	if err != nil {
		return nil, err
	}
	p := probe{
		space: kernel.Path(d.folder.run(), string(host)), protocol: f.Protocol,
		from: netip.AddrPortFrom(f.Src, uint16(40000+n.Int64())), to: netip.AddrPortFrom(f.Dst, f.DstPort), beyond: outside(a),
	}
	events, remove := d.drivers.watchers.add()
	defer remove()
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	sent := make(chan error, 1)
	go func() { sent <- p.send(ctx) }()
	out, waiting := &admin.Probe{}, true
	for waiting {
		select {
		case e := <-events:
			if e.RefusedBy == "" || !strings.Contains(e.Flow, p.from.String()) {
				continue
			}
			out.Result, out.Refusal, out.Open, waiting = "refused on the way", e.RefusedBy, new(false), false
		case err := <-sent:
			sent <- nil // it has ended
			p.judge(out, err)
			waiting = false
		}
	}
	cancel()
	<-sent
	agree(out, a.Open)
	return out, nil
}

// outside tells whether the conversation is with an address of the public side that is no interface's.
func outside(a reach.Answer) bool {
	return a.Open && a.Trace.To == "" && a.Hops[len(a.Hops)-1].Origin.Station != fabric.Router
}

// send sends the packet and waits for what comes back.
func (p probe) send(ctx context.Context) error {
	network := map[world.Protocol]string{world.TCP: "tcp4", world.UDP: "udp4"}[p.protocol]
	var conn net.Conn
	err := kernel.In(p.space, func() (err error) {
		d := net.Dialer{LocalAddr: net.UDPAddrFromAddrPort(p.from)}
		if p.protocol == world.TCP {
			d.LocalAddr = net.TCPAddrFromAddrPort(p.from)
		}
		d.SetMultipathTCP(false)
		conn, err = d.DialContext(ctx, network, p.to.String())
		return err
	})
	if err != nil {
		return err
	}
	defer conn.Close()
	if p.protocol == world.TCP {
		return nil
	}
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if _, err := conn.Write([]byte("kumiko")); err != nil {
		return err
	}
	_, err = conn.Read(make([]byte, 1))
	return err
}

// judge says what an error of sending means, or that there was none.
func (p probe) judge(out *admin.Probe, err error) {
	switch {
	case err == nil && p.protocol == world.TCP:
		out.Result, out.Open = "connected", new(true)
	case err == nil:
		out.Result, out.Open = "answered", new(true)
	case errors.Is(err, syscall.ECONNREFUSED):
		out.Result, out.Open = "refused by the receiver: nothing listens there", new(true)
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, net.ErrClosed) || isTimeout(err):
		out.Result = "silence"
		if p.protocol == world.TCP && !p.beyond { // a receiver would have answered
			out.Open = new(false)
		}
	default:
		out.Result = "not sent: " + err.Error()
	}
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

// agree compares what came of the packet with the answer that was computed.
func agree(out *admin.Probe, open bool) {
	out.Text = out.Result
	if out.Refusal != "" {
		out.Text += " by " + out.Refusal
	}
	if out.Open == nil {
		out.Text += "; whether it arrived cannot be told"
		return
	}
	out.Agrees = new(*out.Open == open)
	if *out.Agrees {
		out.Text += "; the kernel agrees"
	} else {
		out.Text += "; the kernel does NOT agree"
	}
}
