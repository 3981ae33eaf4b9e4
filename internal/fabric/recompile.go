package fabric

import (
	"iter"
	"maps"
	"reflect"
	"slices"

	"kumiko/internal/world"
)

// Recompile is Compile(w), made of prev where w differs from old, the World of prev, only in the given rows: what they do
// not touch is taken over. It costs what was touched, not what there is. What comes out as it was is the same value as
// before, so that who has it need not compare; see [Same].
func Recompile(prev *Fabric, old, w world.World, changed []world.Change) *Fabric {
	s := &stale{vpcs: map[world.VPCID]*staleVPC{}, old: &old, now: &w}
	for _, ch := range changed {
		s.mark(ch)
	}
	return newCompilation(w, prev, old, s).compile()
}

// Same tells whether two lists of fabrics are one and the same. Since a Fabric is never changed, nothing in them differs.
func Same[T any](a, b []T) bool { return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0]) }

// SameNetwork tells whether routers of v and o are one and the same, but for the names that resolve in them.
func (v *VPC) SameNetwork(o *VPC) bool {
	return v.ID == o.ID && v.Account == o.Account && v.Region == o.Region && Same(v.CIDRs, o.CIDRs) && Same(v.Subnets, o.Subnets) &&
		Same(v.Ports, o.Ports) && Same(v.Links, o.Links) && Same(v.Groups, o.Groups) && Same(v.Tables, o.Tables) && Same(v.ACLs, o.ACLs) &&
		Same(v.Peerings, o.Peerings) && Same(v.Gates, o.Gates) && v.Uplink == o.Uplink &&
		v.Point == o.Point && v.Network == o.Network && v.Signed == o.Signed && v.NetworkARN == o.NetworkARN &&
		v.Resolver.Enabled == o.Resolver.Enabled && Same(v.Resolver.Addrs, o.Resolver.Addrs)
}

// ChangedPorts are the ports of a VPC that are not the same any more, as they were, and those in their place: what was taken over is not
// among them.
func ChangedPorts(was, now []Port) (gone, fresh []Port) {
	if Same(was, now) {
		return nil, nil
	}
	for len(was) > 0 && len(now) > 0 {
		switch a, b := &was[0], &now[0]; {
		case a.Index < b.Index:
			gone, was = append(gone, *a), was[1:]
			continue
		case a.Index > b.Index:
			fresh, now = append(fresh, *b), now[1:]
			continue
		case !a.same(b):
			gone, fresh = append(gone, *a), append(fresh, *b)
		}
		was, now = was[1:], now[1:]
	}
	return append(gone, was...), append(fresh, now...)
}

// same tells whether two ports of an index are one and the same.
func (p *Port) same(o *Port) bool {
	return p.ENI == o.ENI && p.Subnet == o.Subnet && p.Table == o.Table && p.Mask == o.Mask && p.Router == o.Router && p.MAC == o.MAC &&
		p.Unfiltered == o.Unfiltered && p.SourceDestCheck == o.SourceDestCheck && p.MTU == o.MTU && p.Peer == o.Peer &&
		Same(p.Addrs, o.Addrs) && Same(p.Prefixes, o.Prefixes) && Same(p.Groups, o.Groups)
}

// patched is a sorted list with the fresh values in place of the stale ones. A fresh value that is equal to the stale one
// gives way to it, and when nothing differs the list is the one before.
func patched[T any](before []T, stale func(T) bool, fresh []T, compare func(a, b T) int) []T {
	return replaced(before, stale, fresh, compare, func(a, b T) bool { return reflect.DeepEqual(a, b) })
}

// replaced is patched, where the values tell by themselves whether they are equal.
func replaced[T any](before []T, stale func(T) bool, fresh []T, compare func(a, b T) int, equal func(a, b T) bool) []T {
	slices.SortFunc(fresh, compare)
	out, same := make([]T, 0, len(before)+len(fresh)), true
	for _, was := range before {
		for len(fresh) > 0 && compare(fresh[0], was) < 0 {
			out, fresh, same = append(out, fresh[0]), fresh[1:], false
		}
		switch {
		case !stale(was):
			out = append(out, was)
		case len(fresh) == 0 || compare(fresh[0], was) != 0:
			same = false
		default:
			now := fresh[0]
			fresh = fresh[1:]
			if equal(now, was) {
				now = was
			} else {
				same = false
			}
			out = append(out, now)
		}
	}
	switch out = append(out, fresh...); {
	case same && len(fresh) == 0:
		return before
	case len(out) == 0:
		return nil
	}
	return out
}

// kept is the list before, if now is equal to it.
func kept[T comparable](before, now []T) []T {
	if slices.Equal(before, now) {
		return before
	}
	return now
}

// rowsOf walks all rows of an owner, or, when not all are stale, those of the ids given; without an owner, those of the table.
func rowsOf[K ~string, V world.Row, S any](t *world.Table[K, V], owner string, all bool, ids map[K]S) iter.Seq[V] {
	switch {
	case all && owner == "":
		return t.All()
	case all:
		return t.In(owner)
	}
	return func(yield func(V) bool) {
		for _, id := range slices.Sorted(maps.Keys(ids)) {
			if row, ok := t.Get(id); ok && !yield(row) {
				return
			}
		}
	}
}
