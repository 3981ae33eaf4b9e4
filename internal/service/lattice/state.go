package lattice

import (
	"strings"

	"kumiko/internal/fabric"
	"kumiko/internal/store"
	"kumiko/internal/world"
)

// The states of resources. (VPC Lattice API Reference.)
const (
	active   = "ACTIVE"
	creating = "CREATE_IN_PROGRESS"
	updating = "UPDATE_IN_PROGRESS"
	deleting = "DELETE_IN_PROGRESS"
)

// view is what answers are made of.
type view struct {
	w    world.World
	seen store.Seen
}

// status is the state of a row whose packets need the given scopes. A row whose scope fails stays in progress,
// because it is tried again.
func (v view) status(m world.Meta, scopes []string) string {
	switch {
	case m.Deleting:
		return deleting
	case v.seen.Ready(m.Rev, scopes...):
		return active
	case m.Updated.Equal(m.Created):
		return creating
	}
	return updating
}

// settled tells whether the kernel was brought to the row's revision, be it with success or not.
func (v view) settled(m world.Meta) bool { return v.seen.Rev >= m.Rev }

// failure says why the scopes do not work, if they do not.
func (v view) failure(scopes []string) string {
	var out []string
	for _, sc := range scopes {
		if e := v.seen.Failing[sc]; e != "" {
			out = append(out, sc+": "+e)
		}
	}
	return strings.Join(out, "; ")
}

// gatewayScopes are the scopes a gateway needs: its own and its VPC's.
func gatewayScopes(g world.ResourceGateway) []string { return []string{string(g.ID), string(g.VPC)} }

// vpcAssociationScopes are those of the VPC and of the gateways of everything in the network.
func (v view) vpcAssociationScopes(a world.VPCAssociation) []string {
	scopes := append(pointScopes(a.VPC), fabric.ProxyScope)
	for r := range v.w.ResourceAssociations.All() {
		if r.Network == a.Network && r.Parent == "" {
			scopes = append(scopes, v.configurationScopes(r.Configuration)...)
		}
	}
	return scopes
}

// resourceAssociationScopes are those of the gateway and of the VPCs that use the network.
func (v view) resourceAssociationScopes(a world.ResourceAssociation) []string {
	scopes := v.configurationScopes(a.Configuration)
	for c := range v.w.VPCAssociations.All() {
		if c.Network == a.Network {
			scopes = append(scopes, string(c.VPC))
		}
	}
	return scopes
}

// configurationScopes are those of the configuration's gateway.
func (v view) configurationScopes(id world.ResourceConfigurationID) []string {
	c, _ := v.w.ResourceConfigurations.Get(id)
	g, ok := v.w.GatewayOf(c)
	if !ok {
		return nil
	}
	return gatewayScopes(g)
}
