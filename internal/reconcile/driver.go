package reconcile

import (
	"context"

	"kumiko/internal/fabric"
	"kumiko/internal/store"
	"kumiko/internal/world"
)

// Drivers are the hands of the reconciler. Each method is told everything, every time, and is idempotent.
type Drivers struct {
	Namespaces Namespaces
	Rules      Scoped // packet filter and translation
	Routes     Scoped
	Flows      Whole // readers of refusals and connections
	Names      Whole // resolvers
	Metadata   Metadata
	Doors      Whole // the AWS APIs within networks
	Proxy      Whole // what Lattice's services carry
	Hosts      Hosts
}

// Scoped applies its part of one VPC, gateway, NAT gateway or VPC endpoint, or of the public side.
type Scoped interface {
	ApplyVPC(context.Context, *fabric.VPC) error
	ApplyGateway(context.Context, *fabric.Gateway) error
	ApplyNAT(context.Context, *fabric.NAT) error
	ApplyEndpoint(context.Context, *fabric.Endpoint) error
	ApplyPublic(context.Context, *fabric.Public) error
}

// Namespaces makes the namespaces and cables.
type Namespaces interface {
	Scoped
	// Ensure makes the namespaces of all scopes of the fabric.
	Ensure(context.Context, *fabric.Fabric) error
	// Sweep removes the namespaces that the fabric lacks.
	Sweep(context.Context, *fabric.Fabric) error
}

// Forgetter is a Scoped driver that remembers what it applied and must be told when a scope has gone.
type Forgetter interface{ Forget(scope string) }

// Whole applies its part of the whole fabric.
type Whole interface {
	Apply(context.Context, *fabric.Fabric) error
}

// Metadata serves instances what the World says of them.
type Metadata interface {
	Apply(context.Context, *fabric.Fabric, world.World) error
}

// Hosts runs instances.
type Hosts interface {
	// Apply starts the hosts that are missing and stops those that are not among them. It returns when that is done.
	Apply(context.Context, []*fabric.Host) error
	// Observe is what is known of the hosts now.
	Observe() map[world.InstanceID]store.Host
	// Changed has a value whenever Observe would answer differently.
	Changed() <-chan struct{}
}
