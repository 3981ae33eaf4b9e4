package resolver

import (
	"slices"
	"strings"

	"kumiko/internal/api/resolverapi"
	"kumiko/internal/awserr"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// fields are what a list of R can be filtered by. Names are compared without case and underscores, since AWS takes
// CreatorRequestId and CREATOR_REQUEST_ID for the same.
type fields[R any] map[string]func(R) []string

func plainName(s string) string { return strings.ToLower(strings.ReplaceAll(s, "_", "")) }

func one[R any, S ~string](f func(R) S) func(R) []string {
	return func(r R) []string { return []string{string(f(r))} }
}

// selected are the rows of the caller's that match all filters.
func selected[K ~string, R mine](t *world.Table[K, R], c world.Caller, by fields[R], filters []resolverapi.Filter) ([]R, error) {
	for _, f := range filters {
		if by.of(value(f.Name)) == nil {
			return nil, awserr.ResolverInvalid("Filters", "The filter name %q is not valid.", value(f.Name))
		}
	}
	return t.Where(func(r R) bool {
		return r.OwnedBy(c) && !slices.ContainsFunc(filters, func(f resolverapi.Filter) bool {
			has := by.of(value(f.Name))(r)
			return !slices.ContainsFunc(f.Values, func(v string) bool { return slices.Contains(has, v) })
		})
	}), nil
}

// sortable refuses to sort by what is no field of a list. Lists are in the order of their ids, whatever else is asked for.
func (f fields[R]) sortable(by *string) error {
	if value(by) != "" && f.of(*by) == nil && plainName(*by) != "creationtime" && plainName(*by) != "status" {
		return awserr.ResolverInvalid("SortBy", "The sort key %q is not valid.", *by)
	}
	return nil
}

func (f fields[R]) of(name string) func(R) []string {
	for n, get := range f {
		if plainName(n) == plainName(name) {
			return get
		}
	}
	return nil
}

// pager is 1 to 100 a page. (Route 53 Resolver API Reference, MaxResults.)
func pager() listing.Pager {
	return listing.Pager{
		Least: 1, Most: 100, Usual: 100,
		BadSize: func(size int32) error {
			return awserr.ResolverInvalid("MaxResults", "MaxResults must be between 1 and 100, not %d.", size)
		},
		BadToken: func() error { return awserr.New("InvalidNextTokenException", 400, "The next token is not valid.") },
	}
}

// page cuts one page out of rows and describes it.
func page[R world.Row, D any](rows []R, describe func(R) D, size *int32, token *string) ([]D, *string, error) {
	rows, next, err := listing.Page(pager(), rows, R.RowID, size, token)
	if err != nil {
		return nil, nil, err
	}
	out := make([]D, len(rows))
	for i, r := range rows {
		out[i] = describe(r)
	}
	return out, next, nil
}
