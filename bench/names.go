package main

import (
	"context"

	"kumiko/bench/dns"
	"kumiko/bench/measure"
)

// names compares the resolver with unbound.
func names(ctx context.Context, c config) ([]measure.Table, error) {
	t, err := dns.Compare(ctx, c.rounds)
	return []measure.Table{t}, err
}
