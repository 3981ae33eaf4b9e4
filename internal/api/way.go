package api

import (
	"context"
	"net/http"
	"net/netip"

	"kumiko/internal/world"
)

// Way is how a request came to the API: which policies and condition keys apply to it depends on that. The zero value
// is a request from the machine itself.
type Way struct {
	Endpoint world.EndpointID // the VPC endpoint it came through, if any
	VPC      world.VPCID      // the VPC of that endpoint
	Service  string           // the name of that endpoint's service, com.amazonaws.REGION.ssm: it serves no other
	Source   netip.Addr       // the client's address: a private one behind an endpoint, a public one otherwise
	Secure   bool             // it was encrypted
	Agent    string           // the client's name for itself
}

type wayKey struct{}

// WithWay notes in a request's context how it came. Listeners other than the machine's own do so.
func WithWay(ctx context.Context, w Way) context.Context { return context.WithValue(ctx, wayKey{}, w) }

// wayOf is how a request came: what its listener noted, completed by what the request itself tells.
func wayOf(r *http.Request) Way {
	w := WayOf(r.Context())
	if !w.Source.IsValid() {
		if from, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
			w.Source = from.Addr().Unmap()
		}
	}
	w.Secure, w.Agent = w.Secure || r.TLS != nil, r.UserAgent()
	return w
}

// serves tells whether requests signed for a service and region are served on the way.
func (w Way) serves(scope, region string) bool {
	if w.Service == "" {
		return true
	}
	s, at, ok := world.FindAWSService(w.Service)
	return ok && s.Signed(scope) && at == region
}

// Reaches tells whether the way leads to a service at all: that of an endpoint leads to the endpoint's own.
func (w Way) Reaches(service string) bool {
	if w.Service == "" {
		return true
	}
	s, _, ok := world.FindAWSService(w.Service)
	return ok && s.Signed(service)
}

// WayOf is how the request with this context came.
func WayOf(ctx context.Context) Way {
	w, _ := ctx.Value(wayKey{}).(Way)
	return w
}
