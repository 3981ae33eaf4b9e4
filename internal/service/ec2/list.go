package ec2

import (
	"iter"
	"slices"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// query is what the Describe operations have in common.
type query struct {
	noun    string
	ids     []string
	filters []ec2api.Filter
	size    *int32
	token   *string
	dry     *bool
}

// list answers a query: the rows asked for by id, of which all must exist, that match the filters, one page of them.
func list[R world.Row](q query, rows []R, f listing.Filters[R], p listing.Pager) ([]R, *string, error) {
	rows, err := pick(q.noun, q.ids, rows)
	if err != nil {
		return nil, nil, err
	}
	if rows, err = f.Select(rows, q.filters); err != nil {
		return nil, nil, err
	}
	page, next, err := listing.Page(p, rows, R.RowID, q.size, q.token)
	if err != nil {
		return nil, nil, err
	}
	return page, next, dryRun(q.dry)
}

// source is a table's rows that can be described.
type source[K ~string, R world.Row] struct {
	table *world.Table[K, R]
	shows func(R) bool
}

// owned are the caller's rows of a table.
func owned[K ~string, R row](t *world.Table[K, R], c world.Caller) source[K, R] {
	return source[K, R]{t, func(r R) bool { return r.OwnedBy(c) }}
}

// rows are all of them, in the order of their ids.
func (s source[K, R]) rows() []R { return s.table.Where(s.shows) }

// from are those from an id on, and others.
func (s source[K, R]) from(id string) iter.Seq[R] { return s.table.From("", id) }

// named are those of the ids that there are, each once.
func (s source[K, R]) named(ids []string) []R {
	var out []R
	for _, id := range slices.Compact(slices.Sorted(slices.Values(ids))) {
		if r, ok := s.table.Get(K(id)); ok && s.shows(r) {
			out = append(out, r)
		}
	}
	return out
}

// listFrom answers a query of a table as list does, and looks at no more rows than the page needs.
func listFrom[K ~string, R world.Row](q query, s source[K, R], f listing.Filters[R], p listing.Pager) ([]R, *string, error) {
	if len(q.ids) > 0 {
		return list(q, s.named(q.ids), f, p)
	}
	match, err := f.Compile(q.filters)
	if err != nil {
		return nil, nil, err
	}
	page, next, err := listing.Walk(listing.Walker[R]{
		Pager: p, From: s.from, Key: R.RowID, Match: func(r R) bool { return s.shows(r) && match(r) },
	}, q.size, q.token)
	if err != nil {
		return nil, nil, err
	}
	return page, next, dryRun(q.dry)
}

// pick keeps the rows with the given ids, all rows if no ids are given. An id that no row has is an error.
func pick[R world.Row](noun string, ids []string, rows []R) ([]R, error) {
	if len(ids) == 0 {
		return rows, nil
	}
	have := map[string]R{}
	for _, r := range rows {
		have[r.RowID()] = r
	}
	var out []R
	var missing []string
	done := map[string]bool{}
	for _, id := range ids {
		if err := awserr.EC2CheckID(noun, id); err != nil {
			return nil, err
		}
		r, ok := have[id]
		switch {
		case done[id]:
		case ok:
			out = append(out, r)
		default:
			missing = append(missing, id)
		}
		done[id] = true
	}
	if len(missing) > 0 {
		return nil, awserr.EC2NotFound(noun, missing...)
	}
	return out, nil
}

// each makes an answer's list of rows. It is never nil: an empty list is present and empty.
func each[R, T any](rows []R, f func(R) T) []T {
	out := make([]T, 0, len(rows))
	for _, r := range rows {
		out = append(out, f(r))
	}
	return out
}

// one is the value of a filter that a row has one value for.
func one[R any, T ~string](f func(R) T) func(R) []string {
	return func(r R) []string { return []string{string(f(r))} }
}

// flag is the value of a filter that is true or false.
func flag[R any](f func(R) bool) func(R) []string {
	return func(r R) []string {
		if f(r) {
			return []string{"true"}
		}
		return []string{"false"}
	}
}

// never is a filter AWS has for what no row here has.
func never[R any](R) []string { return nil }

func ownTags[R any](meta func(R) world.Meta) func(R) []world.Tag {
	return func(r R) []world.Tag { return meta(r).Tags }
}

// tags is a row's tag list, nil when it has none.
func tags(m world.Meta) []ec2api.Tag {
	if len(m.Tags) == 0 {
		return nil
	}
	return allTags(m)
}

// allTags is a row's tag list, present even when it is empty.
func allTags(m world.Meta) []ec2api.Tag { return tagList(m.Tags) }

func tagList(ts []world.Tag) []ec2api.Tag {
	return each(ts, func(t world.Tag) ec2api.Tag { return ec2api.Tag{Key: new(t.Key), Value: new(t.Value)} })
}

// sorted is a copy of ids in their order.
func sorted[T ~string](ids []T) []T { return slices.Sorted(slices.Values(ids)) }

// count is the number of elements of a sequence.
func count[V any](seq iter.Seq[V]) int {
	n := 0
	for range seq {
		n++
	}
	return n
}
