package nfnetlink

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"syscall"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Connection is a tracked connection: what it looks like on the side it came from, and, as replies are sent, on the
// side it went to.
type Connection struct {
	Original, Reply Tuple
	Mark            uint32
}

// Tuple is one direction of a connection.
type Tuple struct {
	Protocol uint8
	Src, Dst netip.AddrPort
	Zone     uint16 // in which the direction is looked up
}

// Numbers of nfnetlink_conntrack.h that x/sys lacks.
const (
	ctMessageNew = 0 // IPCTNL_MSG_CT_NEW
	ctGroup      = 2 // NFNLGRP_CONNTRACK_UPDATE

	ctAttrOriginal = 1 // CTA_TUPLE_ORIG
	ctAttrReply    = 2
	ctAttrMark     = 8
	ctAttrZone     = 18

	ctTupleIP    = 1 // CTA_TUPLE_IP
	ctTupleProto = 2
	ctTupleZone  = 3

	ctIPv4Src = 1 // CTA_IP_V4_SRC
	ctIPv4Dst = 2
	ctIPv6Src = 3
	ctIPv6Dst = 4

	ctProtoNumber = 1 // CTA_PROTO_NUM
	ctProtoSrc    = 2
	ctProtoDst    = 3
)

// EventReader reads the updates of a namespace's tracked connections: those the rules chose for each (ct event set).
type EventReader struct{ *burst }

// OpenEvents subscribes to updates in the namespace mounted at path.
func OpenEvents(namespace string) (*EventReader, error) {
	b, err := openBurst(namespace, ctGroup)
	if err != nil {
		return nil, err
	}
	return &EventReader{b}, nil
}

// Read waits for updates. Under load it gives those of some milliseconds together. Its error is ErrClosed after Close.
func (r *EventReader) Read() ([]Connection, error) {
	var out []Connection
	err := r.read(func(m syscall.NetlinkMessage) error {
		if m.Header.Type != unix.NFNL_SUBSYS_CTNETLINK<<8|ctMessageNew || len(m.Data) < headerLen {
			return nil
		}
		c, err := parseConnection(m.Data[headerLen:])
		if err == nil {
			out = append(out, c)
		}
		return err
	})
	return out, err
}

func parseConnection(b []byte) (Connection, error) {
	d, err := netlink.NewAttributeDecoder(b)
	if err != nil {
		return Connection{}, fmt.Errorf("nfnetlink: parse connection: %w", err)
	}
	d.ByteOrder = binary.BigEndian
	var c Connection
	for d.Next() {
		switch d.Type() {
		case ctAttrOriginal:
			d.Nested(c.Original.parse)
		case ctAttrReply:
			d.Nested(c.Reply.parse)
		case ctAttrMark:
			c.Mark = d.Uint32()
		case ctAttrZone:
			c.Original.Zone = d.Uint16()
			c.Reply.Zone = c.Original.Zone
		}
	}
	if d.Err() != nil {
		return c, fmt.Errorf("nfnetlink: parse connection: %w", d.Err())
	}
	return c, nil
}

func (t *Tuple) parse(d *netlink.AttributeDecoder) error {
	d.ByteOrder = binary.BigEndian
	var src, dst netip.Addr
	var srcPort, dstPort uint16
	for d.Next() {
		switch d.Type() {
		case ctTupleIP:
			d.Nested(func(d *netlink.AttributeDecoder) error {
				for d.Next() {
					switch a, _ := netip.AddrFromSlice(d.Bytes()); d.Type() {
					case ctIPv4Src, ctIPv6Src:
						src = a
					case ctIPv4Dst, ctIPv6Dst:
						dst = a
					}
				}
				return d.Err()
			})
		case ctTupleProto:
			d.Nested(func(d *netlink.AttributeDecoder) error {
				d.ByteOrder = binary.BigEndian
				for d.Next() {
					switch d.Type() {
					case ctProtoNumber:
						t.Protocol = d.Uint8()
					case ctProtoSrc:
						srcPort = d.Uint16()
					case ctProtoDst:
						dstPort = d.Uint16()
					}
				}
				return d.Err()
			})
		case ctTupleZone:
			t.Zone = d.Uint16()
		}
	}
	t.Src, t.Dst = netip.AddrPortFrom(src, srcPort), netip.AddrPortFrom(dst, dstPort)
	return d.Err()
}
