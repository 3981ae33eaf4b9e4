package flowlog

import (
	"net/netip"
	"time"

	"kumiko/internal/world"
)

// status says whether a record is whole. (Amazon VPC User Guide, "Flow log records", log-status.)
type status string

const (
	statusOK   status = "OK"
	statusNone status = "NODATA"
	statusSkip status = "SKIPDATA"
)

// key is what one record of a window is about.
type key struct {
	eni      world.ENIID
	egress   bool
	refused  bool
	protocol world.Protocol
	src, dst netip.AddrPort // of the packets
}

// sum is what a record counts.
type sum struct {
	packets, bytes uint64
	start, end     time.Time
	flags          uint8
	way            Way
}

// join adds what another sum of the same key counts.
func (s *sum) join(o sum) {
	if s.packets == 0 || o.start.Before(s.start) {
		s.start = o.start
	}
	if o.end.After(s.end) {
		s.end = o.end
	}
	s.packets, s.bytes, s.flags = s.packets+o.packets, s.bytes+o.bytes, s.flags|o.flags
	if o.way != "" {
		s.way = o.way
	}
}

// place is where an interface is.
type place struct {
	account, region, zoneID string
	vpc                     world.VPCID
	subnet                  world.SubnetID
	instance                world.InstanceID
	primary                 netip.Addr
}

// entry is a line to be printed.
type entry struct {
	version int
	status  status
	key     key
	sum     sum
	at      place
}

// srcAddr is the source of the packets; on the interface's own side it is its primary address, whatever the packets had.
func (r entry) srcAddr() netip.Addr {
	if r.key.egress {
		return r.at.primary
	}
	return r.key.src.Addr()
}

func (r entry) dstAddr() netip.Addr {
	if !r.key.egress {
		return r.at.primary
	}
	return r.key.dst.Addr()
}

func (r entry) action() string {
	if r.key.refused {
		return world.FlowReject
	}
	return world.FlowAccept
}

func (r entry) direction() string {
	if r.key.egress {
		return "egress"
	}
	return "ingress"
}

// tcpFlags are the flags AWS tells: FIN, SYN and RST, and ACK only together with SYN. (Amazon VPC User Guide, "Flow log
// records", tcp-flags.)
func (r entry) tcpFlags() uint8 {
	const fin, syn, rst, ack = 1, 2, 4, 16
	f := r.sum.flags & (fin | syn | rst)
	if f&syn != 0 {
		f |= r.sum.flags & ack
	}
	return f
}

// path is the number of the way that outgoing traffic took. (Amazon VPC User Guide, "Flow log records", traffic-path.)
func (r entry) path() string {
	if !r.key.egress || r.key.refused {
		return none
	}
	switch r.sum.way {
	case Inside:
		return "1"
	case Peering:
		return "4"
	case FarPeering:
		return "5"
	case Endpoint:
		return "7"
	case Internet:
		return "8"
	}
	return none
}
