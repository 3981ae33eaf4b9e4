package nft

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// List reads the table back from the kernel as sorted lines: chains with their hooks, rules in their order, sets, and
// elements, as the bytes the kernel gives. Two tables that do the same thing list the same, however they came to be.
// A table that does not exist lists as nothing.
func (c *Conn) List(table string) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	sets, err := c.dump(unix.NFT_MSG_GETSET, func(a *attrs) { a.str(unix.NFTA_SET_TABLE, table) })
	if errors.Is(err, unix.ENOENT) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	var lines []string
	for _, s := range sets {
		name := s.text(unix.NFTA_SET_NAME)
		lines = append(lines, fmt.Sprintf("set %s key %x value %x flags %x", name, s[unix.NFTA_SET_KEY_TYPE], s[unix.NFTA_SET_DATA_TYPE], s[unix.NFTA_SET_FLAGS]))
		if flags := s[unix.NFTA_SET_FLAGS]; len(flags) == 4 && flags[3]&unix.NFT_SET_EVAL != 0 {
			continue // what a meter holds is the kernel's
		}
		elements, err := c.elements(table, name)
		if err != nil {
			return "", err
		}
		lines = append(lines, elements...)
	}
	for _, kind := range []uint16{unix.NFT_MSG_GETCHAIN, unix.NFT_MSG_GETRULE} {
		found, err := c.dump(kind, func(a *attrs) { a.str(unix.NFTA_RULE_TABLE, table) })
		if err != nil {
			return "", err
		}
		position := map[string]int{}
		for _, f := range found {
			if f.text(unix.NFTA_RULE_TABLE) != table {
				continue
			}
			if kind == unix.NFT_MSG_GETCHAIN {
				lines = append(lines, fmt.Sprintf("chain %s type %x hook %x policy %x", f.text(unix.NFTA_CHAIN_NAME),
					f[unix.NFTA_CHAIN_TYPE], f[unix.NFTA_CHAIN_HOOK], f[unix.NFTA_CHAIN_POLICY]))
				continue
			}
			chain := f.text(unix.NFTA_RULE_CHAIN)
			position[chain]++
			lines = append(lines, fmt.Sprintf("rule %s %d %x %x", chain, position[chain], f[unix.NFTA_RULE_EXPRESSIONS], f[unix.NFTA_RULE_USERDATA]))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n"), nil
}

// row is the attributes of a message, by type.
type row map[uint16][]byte

func (r row) text(kind uint16) string { return strings.TrimRight(string(r[kind]), "\x00") }

// dump asks for all objects of a kind.
func (c *Conn) dump(kind uint16, f func(a *attrs)) ([]row, error) {
	request := attrs{unix.NFPROTO_INET, unix.NFNETLINK_V0, 0, 0}
	f(&request)
	messages, err := c.conn.Execute(netlink.Message{
		Header: netlink.Header{Type: netlink.HeaderType(unix.NFNL_SUBSYS_NFTABLES<<8 | kind), Flags: netlink.Request | netlink.Dump},
		Data:   request,
	})
	if err != nil {
		return nil, fmt.Errorf("nft: list: %w", err)
	}
	var out []row
	for _, m := range messages {
		r, err := decode(m.Data[4:])
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

func decode(b []byte) (row, error) {
	d, err := netlink.NewAttributeDecoder(b)
	if err != nil {
		return nil, fmt.Errorf("nft: list: %w", err)
	}
	d.ByteOrder = binary.BigEndian
	r := row{}
	for d.Next() {
		r[d.Type()] = d.Bytes()
	}
	if d.Err() != nil {
		return nil, fmt.Errorf("nft: list: %w", d.Err())
	}
	return r, nil
}

// elements lists the elements of a set, one a line.
func (c *Conn) elements(table, set string) ([]string, error) {
	rows, err := c.dump(unix.NFT_MSG_GETSETELEM, func(a *attrs) {
		a.str(unix.NFTA_SET_ELEM_LIST_TABLE, table)
		a.str(unix.NFTA_SET_ELEM_LIST_SET, set)
	})
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, r := range rows {
		d, err := netlink.NewAttributeDecoder(r[unix.NFTA_SET_ELEM_LIST_ELEMENTS])
		if err != nil {
			return nil, fmt.Errorf("nft: list: %w", err)
		}
		for d.Next() {
			lines = append(lines, "element "+set+" "+hex.EncodeToString(d.Bytes()))
		}
	}
	return lines, nil
}
