package nfnetlink

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Numbers of nfnetlink_conntrack.h and nf_internals.h that x/sys lacks.
const (
	ctMessageDelete = 2 // IPCTNL_MSG_CT_DELETE

	ctAttrMarkMask = 21 // CTA_MARK_MASK
	ctAttrFilter   = 25 // CTA_FILTER

	ctFilterOriginal = 1 // CTA_FILTER_ORIG_FLAGS
	ctFilterReply    = 2

	ctFilterSrc = 1 << 0 // CTA_FILTER_FLAG(CTA_IP_SRC)
)

// Tracker forgets tracked connections of one network namespace.
type Tracker struct{ conn *netlink.Conn }

// OpenTracker connects to the namespace mounted at path.
func OpenTracker(namespace string) (*Tracker, error) {
	r, err := open(namespace)
	if err != nil {
		return nil, err
	}
	return &Tracker{r.conn}, nil
}

// Close ends the connection.
func (t *Tracker) Close() error { return t.conn.Close() }

// ForgetAddress makes the kernel forget the connections from and to an address, as either side sees it: their next
// packets are judged like those of new ones.
func (t *Tracker) ForgetAddress(a netip.Addr) error {
	kind, family := uint16(ctIPv4Src), byte(unix.AF_INET)
	if !a.Is4() {
		kind, family = ctIPv6Src, unix.AF_INET6
	}
	// Who answers is the source of the reply direction.
	for tuple, flags := range map[uint16]uint16{ctAttrOriginal: ctFilterOriginal, ctAttrReply: ctFilterReply} {
		other := ctFilterOriginal + ctFilterReply - flags
		e := netlink.NewAttributeEncoder()
		e.ByteOrder = binary.BigEndian
		e.Nested(tuple, func(e *netlink.AttributeEncoder) error {
			e.Nested(ctTupleIP, func(e *netlink.AttributeEncoder) error { e.Bytes(kind, a.AsSlice()); return nil })
			return nil
		})
		e.Nested(ctAttrFilter, func(e *netlink.AttributeEncoder) error {
			e.Bytes(flags, binary.NativeEndian.AppendUint32(nil, ctFilterSrc))
			e.Bytes(other, binary.NativeEndian.AppendUint32(nil, 0))
			return nil
		})
		if err := t.delete(family, e); err != nil {
			return fmt.Errorf("nfnetlink: forget connections of %s: %w", a, err)
		}
	}
	return nil
}

// ForgetMark makes the kernel forget the connections whose mark has the value in the bits of the mask.
func (t *Tracker) ForgetMark(value, mask uint32) error {
	e := netlink.NewAttributeEncoder()
	e.ByteOrder = binary.BigEndian
	e.Uint32(ctAttrMark, value)
	e.Uint32(ctAttrMarkMask, mask)
	if err := t.delete(unix.AF_INET, e); err != nil {
		return fmt.Errorf("nfnetlink: forget connections with mark %#x: %w", value, err)
	}
	return nil
}

func (t *Tracker) delete(family byte, e *netlink.AttributeEncoder) error {
	data, err := e.Encode()
	if err != nil {
		return err
	}
	h := header(family, 0)
	h[1] = 1 // the kernel reads the family from version 1 on
	_, err = t.conn.Execute(netlink.Message{
		Header: netlink.Header{Type: unix.NFNL_SUBSYS_CTNETLINK<<8 | ctMessageDelete, Flags: netlink.Request | netlink.Acknowledge},
		Data:   append(h, data...),
	})
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	return err
}
