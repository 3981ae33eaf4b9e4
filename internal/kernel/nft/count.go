package nft

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Counted is what a meter counted under one key.
type Counted struct {
	Key            string // as [Concat] makes it
	Packets, Bytes uint64 // with IP headers
}

// Counts reads what a meter of [Count] holds; nothing when there is no such table or meter.
func (c *Conn) Counts(table, meter string) ([]Counted, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	rows, err := c.dump(unix.NFT_MSG_GETSETELEM, func(a *attrs) {
		a.str(unix.NFTA_SET_ELEM_LIST_TABLE, table)
		a.str(unix.NFTA_SET_ELEM_LIST_SET, meter)
	})
	if errors.Is(err, unix.ENOENT) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []Counted
	for _, r := range rows {
		list, err := decoder(r[unix.NFTA_SET_ELEM_LIST_ELEMENTS])
		for err == nil && list.Next() {
			var n Counted
			list.Nested(n.parse)
			out = append(out, n)
		}
		if err == nil {
			err = list.Err()
		}
		if err != nil {
			return nil, fmt.Errorf("nft: counts of %s: %w", meter, err)
		}
	}
	return out, nil
}

func decoder(b []byte) (*netlink.AttributeDecoder, error) {
	d, err := netlink.NewAttributeDecoder(b)
	if err == nil {
		d.ByteOrder = binary.BigEndian
	}
	return d, err
}

func (n *Counted) parse(d *netlink.AttributeDecoder) error {
	for d.Next() {
		switch d.Type() {
		case unix.NFTA_SET_ELEM_KEY:
			d.Nested(func(d *netlink.AttributeDecoder) error {
				for d.Next() {
					if d.Type() == unix.NFTA_DATA_VALUE {
						n.Key = string(d.Bytes())
					}
				}
				return nil
			})
		case unix.NFTA_SET_ELEM_EXPR:
			d.Nested(n.parseExpression)
		}
	}
	return nil
}

func (n *Counted) parseExpression(d *netlink.AttributeDecoder) error {
	for d.Next() {
		if d.Type() != unix.NFTA_EXPR_DATA {
			continue
		}
		d.Nested(func(d *netlink.AttributeDecoder) error {
			d.ByteOrder = binary.BigEndian
			for d.Next() {
				switch d.Type() {
				case unix.NFTA_COUNTER_PACKETS:
					n.Packets = d.Uint64()
				case unix.NFTA_COUNTER_BYTES:
					n.Bytes = d.Uint64()
				}
			}
			return nil
		})
	}
	return nil
}
