package route

import (
	"errors"
	"fmt"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
	"kumiko/internal/world"
)

// endpointTables are the tables of a VPC endpoint, by its type.
func endpointTables(e *fabric.Endpoint, index indexer) (tables, error) {
	switch {
	case e.Onward:
		return transitTables(e, index)
	case e.Type == world.EndpointInterface:
		return interfaceTables(e, index)
	case e.Type == world.EndpointGateway, e.Type == fabric.EndpointServices:
		return gateTables(e, index)
	}
	return newTables(), nil
}

// interfaceTables lead the answers of what listens in an endpoint out by the ENI whose address they come from; nothing
// else leaves, and nothing goes through.
func interfaceTables(e *fabric.Endpoint, index indexer) (tables, error) {
	t := newTables()
	t.rules[prefNoReply] = rule{refuse: true}
	var errs []error
	for n, p := range e.Ports {
		out, ok := index(p.Device)
		if !ok || len(p.Addrs) == 0 {
			errs = append(errs, fmt.Errorf("%s is not there", p.Device))
			continue
		}
		table := kernel.TableConsumers + out // the index of an interface is another one's never again
		t.add(table, everywhere, hop{index: out, via: p.Router})
		t.rules[prefEgress+n] = rule{table: table, src: single(p.Addrs[0])}
	}
	return t, errors.Join(errs...)
}

// gateTables lead the answers of what listens in a gateway endpoint back to its VPC's router.
func gateTables(e *fabric.Endpoint, index indexer) (tables, error) {
	t := newTables()
	t.rules[prefEgress] = rule{table: kernel.TableEgress}
	t.rules[prefNoReply] = rule{refuse: true}
	out, ok := index(kernel.EndpointUplink)
	if !ok {
		return t, fmt.Errorf("%s is not there", kernel.EndpointUplink)
	}
	t.add(kernel.TableEgress, everywhere, hop{index: out, via: kernel.EndpointRouter})
	return t, nil
}

// point leads to Lattice's services.
func (r *vpcRender) point(v *fabric.VPC) {
	if v.Point == nil {
		return
	}
	out, ok := r.index(kernel.EndpointDevice(v.Point.Endpoint))
	if !ok {
		r.errs = append(r.errs, fmt.Errorf("%s has no cable", v.Point.Endpoint))
		return
	}
	r.add(kernel.TableServices, everywhere, hop{index: out, via: kernel.EndpointHop})
	r.rules[prefServices] = rule{table: kernel.TableServices, dst: world.LatticeServices}
}

// findGates finds the cables to the VPC's gateway endpoints.
func (r *vpcRender) findGates(v *fabric.VPC) {
	for _, g := range v.Gates {
		out, ok := r.index(kernel.EndpointDevice(g.Endpoint))
		if !ok {
			r.errs = append(r.errs, fmt.Errorf("%s has no cable", g.Endpoint))
			continue
		}
		r.gates[g.Endpoint] = hop{index: out, via: kernel.EndpointHop}
	}
}
