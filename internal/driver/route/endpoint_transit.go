package route

import (
	"errors"
	"fmt"
	"net/netip"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
)

// Priorities of the rules of an endpoint of Lattice, beside those of gateways: what comes in by an ENI goes to the gateway
// of the resource at its destination, or nowhere; what comes from gateways leaves by the ENI that has its source.
const (
	prefServed  = prefInbound   // plus the position of the ENI
	prefReturns = prefConsumers // plus a number
)

// transitTables lead packets through an endpoint.
func transitTables(e *fabric.Endpoint, index indexer) (tables, error) {
	t := newTables()
	var errs []error
	t.rules[prefOwn] = rule{in: "lo", refuse: true}
	hole, ok := index(kernel.HoleDevice)
	if !ok {
		return tables{}, fmt.Errorf("%s is not there", kernel.HoleDevice)
	}
	t.add(kernel.TableLattice, everywhere, hop{index: hole})
	for _, l := range e.Links {
		out, ok := index(kernel.LinkDevice(l.Gateway))
		if !ok {
			errs = append(errs, fmt.Errorf("no link to %s", l.Gateway))
			continue
		}
		for _, a := range l.Addrs {
			t.add(kernel.TableLattice, single(a), hop{index: out, via: kernel.LinkGateway})
		}
	}
	n := 0
	for i, p := range e.Ports {
		t.rules[prefServed+i] = rule{table: kernel.TableLattice, in: p.Device}
		out, ok := index(p.Device)
		if !ok {
			errs = append(errs, fmt.Errorf("%s is not there", p.Device))
			continue
		}
		table := kernel.TableConsumers + out // the index of an interface is another one's never again
		t.add(table, everywhere, hop{index: out, via: p.Router})
		for _, x := range held(p) {
			t.rules[prefReturns+n] = rule{table: table, src: x}
			n++
		}
	}
	t.rules[prefNoReply] = rule{refuse: true}
	return t, errors.Join(errs...)
}

// held are the addresses of an ENI, and its prefixes.
func held(p fabric.GatewayPort) []netip.Prefix {
	var out []netip.Prefix
	for _, a := range p.Addrs {
		out = append(out, single(a))
	}
	return append(out, p.Prefixes...)
}
