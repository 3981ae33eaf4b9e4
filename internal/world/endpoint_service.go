package world

import (
	"slices"
	"strings"
	"time"
)

// EndpointService is a service of an account's own, behind a load balancer, that others reach by VPC endpoints.
type EndpointService struct {
	ID EndpointServiceID
	Meta
	Balancer   LoadBalancerID
	Acceptance bool         // new connections wait until they are accepted
	Allowed    []Permission // who else may connect, sorted by Principal
}

// Permission lets a principal connect to a service.
type Permission struct {
	ID        string // vpce-svc-perm-
	Principal string // ARN, or *
	Created   time.Time
}

// What became of a connection to a service.
const (
	ConnectionPending  = "pendingAcceptance"
	ConnectionAccepted = "accepted"
	ConnectionRejected = "rejected"
)

// RowID is the service's id.
func (s EndpointService) RowID() string { return string(s.ID) }

// Keys is the id of its load balancer.
func (s EndpointService) Keys() []string { return add([]string(nil), s.Balancer) }

// Name is the name that endpoints to the service are made with.
func (s EndpointService) Name() string {
	return "com.amazonaws.vpce." + s.Region + "." + string(s.ID)
}

// Base is what the names of the service's endpoints end in.
func (s EndpointService) Base() string {
	return string(s.ID) + "." + s.Region + "." + EndpointDomain
}

// ServiceNamed is the service with the name.
func (w *World) ServiceNamed(name string) (EndpointService, bool) {
	s, ok := w.EndpointServices.Get(EndpointServiceID(name[strings.LastIndex(name, ".")+1:]))
	return s, ok && s.Name() == name
}

// ZonesOfService are the zones in which endpoints to a service can have subnets: those of its load balancer.
func (w *World) ZonesOfService(s EndpointService) []string {
	b, _ := w.LoadBalancers.Get(s.Balancer)
	return slices.Sorted(slices.Values(w.ZonesOfBalancer(b)))
}

// Connections are the endpoints to a service, those that were rejected among them.
func (w *World) Connections(s EndpointServiceID) []Endpoint {
	return collect(w.Endpoints.In(string(s)))
}

// endpointService checks that a service has its load balancer, and that for itself.
func (c *checker) endpointService(id EndpointServiceID) error {
	s, _ := c.w.EndpointServices.Get(id)
	if b, ok := c.w.LoadBalancers.Get(s.Balancer); !ok || b.Deleting {
		return missing("load-balancer", string(s.Balancer))
	}
	for o := range c.w.EndpointServices.In(string(s.Balancer)) {
		if o.ID != id {
			return clash("vpc-endpoint-service", string(id), string(o.ID), "they have the same load balancer")
		}
	}
	return nil
}
