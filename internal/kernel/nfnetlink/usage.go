package nfnetlink

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Usage is a tracked connection with what has passed over it.
type Usage struct {
	Connection
	ID             uint32 // of the kernel's entry
	Sent, Answered Counter
	Start          time.Time // zero when the kernel does not note it (nf_conntrack_timestamp)
	TCP            TCPState
}

// Counter is what passed in one direction, with the IP headers.
type Counter struct{ Packets, Bytes uint64 }

// TCPState is how far a TCP connection is. (linux/netfilter/nf_conntrack_tcp.h, enum tcp_conntrack)
type TCPState struct {
	State                       uint8
	OriginalCloses, ReplyCloses bool // who began to close it
}

// States of TCP connections.
const (
	TCPFinWait   = 4 // TCP_CONNTRACK_FIN_WAIT
	TCPCloseWait = 5
	TCPLastAck   = 6
	TCPTimeWait  = 7
	TCPClosed    = 8
)

// Numbers of nfnetlink_conntrack.h that x/sys lacks.
const (
	ctMessageGet   = 1 // IPCTNL_MSG_CT_GET
	ctGroupDestroy = 3 // NFNLGRP_CONNTRACK_DESTROY

	ctAttrProtocol        = 4 // CTA_PROTOINFO
	ctAttrCounterOriginal = 9
	ctAttrCounterReply    = 10
	ctAttrID              = 12
	ctAttrTimestamp       = 20

	ctCounterPackets = 1 // CTA_COUNTERS_PACKETS
	ctCounterBytes   = 2
	ctTimestampStart = 1 // CTA_TIMESTAMP_START
	ctProtocolTCP    = 1 // CTA_PROTOINFO_TCP
	ctTCPState       = 1 // CTA_PROTOINFO_TCP_STATE
	ctTCPOriginal    = 4 // CTA_PROTOINFO_TCP_FLAGS_ORIGINAL
	ctTCPReply       = 5
	ctTCPCloses      = 4 // IP_CT_TCP_FLAG_CLOSE_INIT
)

// EndReader reads the end of a namespace's tracked connections, with what passed over them.
type EndReader struct{ *reader }

// OpenEnds subscribes to ends in the namespace mounted at path. Connections that began while events were switched off
// (nf_conntrack_events) end without one.
func OpenEnds(namespace string) (*EndReader, error) {
	r, err := open(namespace)
	if err != nil {
		return nil, err
	}
	if err := r.conn.JoinGroup(ctGroupDestroy); err != nil {
		r.Close()
		return nil, fmt.Errorf("nfnetlink: subscribe to ends of connections of %s: %w", namespace, err)
	}
	return &EndReader{r}, nil
}

// Read waits for ends. Its error is ErrClosed after Close.
func (r *EndReader) Read() ([]Usage, error) {
	messages, err := r.receive()
	if err != nil {
		return nil, err
	}
	return parseUsages(messages, ctMessageDelete)
}

// Connections are the tracked IPv4 connections there are.
func (t *Tracker) Connections() ([]Usage, error) {
	answers, err := t.conn.Execute(netlink.Message{
		Header: netlink.Header{Type: unix.NFNL_SUBSYS_CTNETLINK<<8 | ctMessageGet, Flags: netlink.Request | netlink.Dump},
		Data:   header(unix.AF_INET, 0),
	})
	if err != nil {
		return nil, fmt.Errorf("nfnetlink: list connections: %w", err)
	}
	return parseUsages(answers, ctMessageNew)
}

func parseUsages(messages []netlink.Message, kind uint16) ([]Usage, error) {
	out := make([]Usage, 0, len(messages))
	var errs []error
	for _, m := range messages {
		if uint16(m.Header.Type) != unix.NFNL_SUBSYS_CTNETLINK<<8|kind || len(m.Data) < headerLen {
			continue
		}
		u, err := parseUsage(m.Data[headerLen:])
		if err != nil {
			errs = append(errs, err)
			continue
		}
		out = append(out, u)
	}
	return out, errors.Join(errs...)
}

func parseUsage(b []byte) (Usage, error) {
	c, err := parseConnection(b)
	if err != nil {
		return Usage{}, err
	}
	u := Usage{Connection: c}
	d, err := netlink.NewAttributeDecoder(b)
	if err != nil {
		return u, fmt.Errorf("nfnetlink: parse connection: %w", err)
	}
	d.ByteOrder = binary.BigEndian
	for d.Next() {
		switch d.Type() {
		case ctAttrID:
			u.ID = d.Uint32()
		case ctAttrCounterOriginal:
			d.Nested(u.Sent.parse)
		case ctAttrCounterReply:
			d.Nested(u.Answered.parse)
		case ctAttrTimestamp:
			d.Nested(u.parseStart)
		case ctAttrProtocol:
			d.Nested(u.TCP.parse)
		}
	}
	if d.Err() != nil {
		return u, fmt.Errorf("nfnetlink: parse connection: %w", d.Err())
	}
	return u, nil
}

func (c *Counter) parse(d *netlink.AttributeDecoder) error {
	d.ByteOrder = binary.BigEndian
	for d.Next() {
		switch d.Type() {
		case ctCounterPackets:
			c.Packets = d.Uint64()
		case ctCounterBytes:
			c.Bytes = d.Uint64()
		}
	}
	return d.Err()
}

func (u *Usage) parseStart(d *netlink.AttributeDecoder) error {
	d.ByteOrder = binary.BigEndian
	for d.Next() {
		if d.Type() == ctTimestampStart {
			u.Start = time.Unix(0, int64(d.Uint64()))
		}
	}
	return d.Err()
}

func (s *TCPState) parse(d *netlink.AttributeDecoder) error {
	for d.Next() {
		if d.Type() != ctProtocolTCP {
			continue
		}
		d.Nested(func(d *netlink.AttributeDecoder) error {
			for d.Next() {
				b := d.Bytes()
				if len(b) == 0 {
					continue
				}
				switch d.Type() {
				case ctTCPState:
					s.State = b[0]
				case ctTCPOriginal:
					s.OriginalCloses = b[0]&ctTCPCloses != 0
				case ctTCPReply:
					s.ReplyCloses = b[0]&ctTCPCloses != 0
				}
			}
			return d.Err()
		})
	}
	return d.Err()
}
