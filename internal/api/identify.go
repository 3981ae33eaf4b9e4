package api

import (
	"net/http"

	"kumiko/internal/api/sigv4"
	"kumiko/internal/world"
)

// Action is something of a service that is done by others than this server's operations.
type Action struct{ Service, Name string }

// Identify says who signed a request, and whether that caller may do an action: requests that are answered elsewhere are
// held to the same rules as all others. The service must be one of the server's.
func (s *Server) Identify(r *http.Request, body []byte, a Action) (world.Caller, error) {
	r = r.WithContext(WithWay(r.Context(), wayOf(r)))
	x := &exchange{Request: r, id: requestID(), served: s.guess(r)}
	claim, e := s.find(x)
	if e == nil && claim.Service != a.Service {
		e = x.refuse(&sigv4.Error{Reason: sigv4.Mismatch, Text: "Credential should be scoped to correct service: '" + a.Service + "'."})
	}
	if e != nil {
		return world.Caller{}, e
	}
	caller, e := s.authenticate(x, claim, body)
	if e != nil {
		return world.Caller{}, e
	}
	if s.config.Authorize != nil {
		if err := s.config.Authorize(r.Context(), caller, a.Service, a.Name, nil); err != nil {
			return world.Caller{}, err
		}
	}
	return caller, nil
}
