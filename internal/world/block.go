package world

import (
	"iter"
	"net/netip"
)

// Blocks are the blocks of the given prefix length that a range is made of, the highest first: single addresses are
// given out from the other end, so both last longest.
func Blocks(p netip.Prefix, bits int) iter.Seq[netip.Prefix] {
	return func(yield func(netip.Prefix) bool) {
		if bits < p.Bits() {
			return
		}
		block := netip.PrefixFrom(LastAddr(p), bits).Masked()
		for p.Contains(block.Addr()) {
			if !yield(block) {
				return
			}
			before := block.Addr().Prev()
			if !before.IsValid() {
				return
			}
			block = netip.PrefixFrom(before, bits).Masked()
		}
	}
}

// PrefixFree tells whether every address of the block can be given out: none is used, and AWS keeps none for itself.
func PrefixFree(s Subnet, block netip.Prefix, used map[netip.Addr]bool) bool {
	for a := block.Masked().Addr(); block.Contains(a); a = a.Next() {
		if used[a] || s.Reserved(a) {
			return false
		}
	}
	return true
}
