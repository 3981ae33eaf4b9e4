package main

import (
	"context"

	"kumiko/bench/dns"
	"kumiko/bench/measure"
)

// names compares the resolver with unbound, and measures how soon it knows of a change.
func names(ctx context.Context, c config) ([]measure.Table, error) {
	t, err := dns.Compare(ctx, c.rounds)
	if err != nil {
		return []measure.Table{t}, err
	}
	changed, err := dns.Changes(ctx)
	return []measure.Table{t, changed}, err
}
