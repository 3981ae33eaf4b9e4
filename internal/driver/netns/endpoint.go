package netns

import (
	"context"
	"errors"

	"kumiko/internal/fabric"
	"kumiko/internal/kernel"
)

// layLinks makes the links of an endpoint to gateways. The endpoint has their near ends, as a router has.
func (d *Driver) layLinks(ctx context.Context, e *fabric.Endpoint) error {
	want, far := map[string]cable{}, map[string]bool{}
	for _, c := range linkCables(e.Links) {
		want[c.device] = c
	}
	for _, p := range e.Ports {
		far[p.Device] = true
	}
	if e.Range.IsValid() {
		far[kernel.EndpointUplink] = true
	}
	p := d.router(string(e.ID))
	p.mu.Lock()
	defer p.mu.Unlock()
	err := p.open()
	if err == nil {
		err = errors.Join(p.removeExcept(want, far), p.lay(ctx, want))
	}
	return p.done("apply "+string(e.ID), err)
}

// linkCables are the cables of links.
func linkCables(links []fabric.Link) []cable {
	var out []cable
	for _, l := range links {
		out = append(out, linkCable(l.Gateway, l.Index, l.MTU))
	}
	return out
}
