package nfnetlink

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Packet is a packet that a rule logged.
type Packet struct {
	Prefix  string // of the rule
	In, Out uint32 // interface indexes in the namespace; 0: none yet or any more
	Mark    uint32
	Payload []byte // from the IP header on, as much as was asked for
}

// LogReader reads the packets of one NFLOG group of a namespace. A group has one reader at a time.
type LogReader struct{ *reader }

// Numbers of nfnetlink_log.h that x/sys lacks.
const (
	logMessagePacket = 0 // NFULNL_MSG_PACKET
	logMessageConfig = 1

	logConfigCommand   = 1 // NFULA_CFG_CMD
	logConfigMode      = 2
	logConfigThreshold = 5
	logCommandBind     = 1 // NFULNL_CFG_CMD_BIND
	logCopyPacket      = 2 // NFULNL_COPY_PACKET

	logAttrMark    = 2 // NFULA_MARK
	logAttrIn      = 4
	logAttrOut     = 5
	logAttrPayload = 9
	logAttrPrefix  = 10
)

// OpenLog becomes the reader of the group in the namespace mounted at path. Packets are handed over one by one, at
// once, with at most snaplen bytes of each. It is an error (EBUSY) when the group has a reader.
func OpenLog(namespace string, group uint16, snaplen uint32) (*LogReader, error) {
	r, err := open(namespace)
	if err != nil {
		return nil, err
	}
	mode := append(binary.BigEndian.AppendUint32(nil, snaplen), logCopyPacket, 0)
	for _, a := range []netlink.Attribute{
		{Type: logConfigCommand, Data: []byte{logCommandBind}},
		{Type: logConfigMode, Data: mode},
		{Type: logConfigThreshold, Data: binary.BigEndian.AppendUint32(nil, 1)},
	} {
		if err := configure(r.conn, group, a); err != nil {
			r.Close()
			return nil, fmt.Errorf("nfnetlink: read log group %d of %s: %w", group, namespace, err)
		}
	}
	return &LogReader{r}, nil
}

func configure(c *netlink.Conn, group uint16, a netlink.Attribute) error {
	data, err := netlink.MarshalAttributes([]netlink.Attribute{a})
	if err != nil {
		return err
	}
	m := netlink.Message{
		Header: netlink.Header{Type: unix.NFNL_SUBSYS_ULOG<<8 | logMessageConfig, Flags: netlink.Request | netlink.Acknowledge},
		Data:   append(header(unix.AF_UNSPEC, group), data...),
	}
	sent, err := c.Send(m)
	if err != nil {
		return err
	}
	// Packets may come before the answer does.
	for {
		answers, err := c.Receive()
		if err != nil {
			return err
		}
		for _, a := range answers {
			if a.Header.Type == netlink.Error && a.Header.Sequence == sent.Header.Sequence {
				return nil
			}
		}
	}
}

// Read waits for packets. Its error is ErrClosed after Close.
func (r *LogReader) Read() ([]Packet, error) {
	messages, err := r.receive()
	if err != nil {
		return nil, err
	}
	var out []Packet
	for _, m := range messages {
		if m.Header.Type != unix.NFNL_SUBSYS_ULOG<<8|logMessagePacket || len(m.Data) < headerLen {
			continue
		}
		p, err := parsePacket(m.Data[headerLen:])
		if err != nil {
			return out, err
		}
		out = append(out, p)
	}
	return out, nil
}

func parsePacket(b []byte) (Packet, error) {
	d, err := netlink.NewAttributeDecoder(b)
	if err != nil {
		return Packet{}, fmt.Errorf("nfnetlink: parse log message: %w", err)
	}
	d.ByteOrder = binary.BigEndian
	var p Packet
	for d.Next() {
		switch d.Type() {
		case logAttrMark:
			p.Mark = d.Uint32()
		case logAttrIn:
			p.In = d.Uint32()
		case logAttrOut:
			p.Out = d.Uint32()
		case logAttrPayload:
			p.Payload = d.Bytes()
		case logAttrPrefix:
			p.Prefix = strings.TrimRight(d.String(), "\x00")
		}
	}
	if d.Err() != nil {
		return p, fmt.Errorf("nfnetlink: parse log message: %w", d.Err())
	}
	return p, nil
}
