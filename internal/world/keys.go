package world

import (
	"encoding/hex"
	"net/netip"
	"strconv"
)

// This file says by which keys rows can be found besides their owners: the ids of what they refer to, and words with
// values that must be unique or are looked for.

// Words that keys begin with.
const (
	keyPublic    = "public "     // a public address
	keyPeer      = "peer "       // a group that rules name as their peer
	keyName      = "name "       // of a key pair, a load balancer or a target group
	keyAddress   = "address "    // of a resource association
	keyConsumer  = "consumer "   // the index of a consumer of resource gateways
	keyDeleting  = "deleting"    // rows whose deletion was asked for
	keyDetaching = "detaching"   // interfaces whose attachment was asked to end
	keyEnding    = "terminating" // instances that are to be, or were, terminated
	keyPlace     = "place "      // an account and a region
	keyShared    = "shared "     // the ARN of a resource that is in a resource share
	keyPast      = "past "       // sessions that are over, with their place
)

// add appends the ids that are not empty.
func add[T ~string](keys []string, ids ...T) []string {
	for _, id := range ids {
		if id != "" {
			keys = append(keys, string(id))
		}
	}
	return keys
}

func publicKey(a netip.Addr) string { return keyPublic + hex.EncodeToString(a.AsSlice()) }

// publicOfKey is the address in a key that publicKey has made; invalid if the key is none.
func publicOfKey(key string) netip.Addr {
	if len(key) <= len(keyPublic) {
		return netip.Addr{}
	}
	raw, _ := hex.DecodeString(key[len(keyPublic):])
	a, _ := netip.AddrFromSlice(raw)
	return a
}

// Keys are the ids of its subnet, groups, instance, attachment and managing service, and its public address.
func (e ENI) Keys() []string {
	keys := add(add(make([]string, 0, 6), e.Subnet), e.Groups...)
	keys = add(add(keys, e.Attachment.Instance), e.Attachment.ID)
	keys = add(add(add(add(add(keys, e.Gateway), e.NAT), e.Endpoint), e.Balancer), e.Resolver)
	if e.Public.IsValid() {
		keys = append(keys, publicKey(e.Public))
	}
	if e.Attachment.Detaching {
		keys = append(keys, keyDetaching)
	}
	return keys
}

// Detaching are the interfaces whose attachment was asked to end.
func (w *World) Detaching() []ENI { return collect(w.ENIs.In(keyDetaching)) }

// Keys are the ids of its reservation and volume.
func (i Instance) Keys() []string {
	keys := add(add([]string(nil), i.Reservation), i.Volume.ID)
	if i.Power == Terminated {
		keys = append(keys, keyEnding)
	}
	return keys
}

// Ending are the instances that were asked to end for ever, whether they have or not.
func (w *World) Ending() []Instance { return collect(w.Instances.In(keyEnding)) }

// Keys is the id of its ACL.
func (s Subnet) Keys() []string { return add([]string(nil), s.NetworkACL) }

// Keys is the id of its DHCP options.
func (v VPC) Keys() []string { return add([]string(nil), v.DHCPOptions) }

// Keys are the ids of its associations and of the subnets associated, and of the prefix lists and targets of its routes.
func (r RouteTable) Keys() []string {
	var keys []string
	for _, a := range r.Associations {
		keys = add(add(keys, a.ID), a.Subnet)
	}
	for _, x := range r.Routes {
		keys = add(add(add(add(add(keys, x.List), x.ENI), x.Internet), x.NAT), x.Peering)
	}
	return keys
}

// Keys is the id of its rule.
func (a ResolverRuleAssociation) Keys() []string { return add([]string(nil), a.Rule) }

// Keys are the group or the prefix list it names.
func (r SecurityGroupRule) Keys() []string {
	if r.PeerGroup != "" {
		return []string{keyPeer + string(r.PeerGroup)}
	}
	return add([]string(nil), r.PeerList)
}

// RulesNaming are the rules of any group that have the group as their peer.
func (w *World) RulesNaming(g SecurityGroupID) []SecurityGroupRule {
	return collect(w.SecurityGroupRules.In(keyPeer + string(g)))
}

// Keys are its public address, and the id of the interface it is associated with.
func (a Address) Keys() []string { return append(add([]string(nil), a.ENI), publicKey(a.Public)) }

// Keys is its name.
func (k KeyPair) Keys() []string { return []string{keyName + keyPairKey(k.Account, k.Region, k.Name)} }

func keyPairKey(a AccountID, region, name string) string {
	return string(a) + "/" + region + "/" + name
}

func placeKey(a AccountID, region string) string { return keyPlace + string(a) + "/" + region }

// KeyPairNamed is the key pair with the name in an account and region.
func (w *World) KeyPairNamed(c Caller, name string) (KeyPair, bool) {
	for k := range w.KeyPairs.In(keyName + keyPairKey(c.Account, c.Region, name)) {
		return k, true
	}
	return KeyPair{}, false
}

// Keys are the ids of the VPCs that see it.
func (z HostedZone) Keys() (keys []string) {
	for _, a := range z.VPCs {
		keys = add(keys, a.VPC)
	}
	return keys
}

// Keys are the ids of its two VPCs.
func (p Peering) Keys() []string { return add([]string(nil), p.Requester.VPC, p.Accepter.VPC) }

func consumerKey(index uint16) string { return keyConsumer + strconv.Itoa(int(index)) }

// Keys are the ids of its network and groups, and its index.
func (a VPCAssociation) Keys() []string {
	return append(deleting(add(add([]string(nil), a.Network), a.Groups...), a.Meta), consumerKey(a.Index))
}

// Keys are the id of its configuration and its address.
func (a ResourceAssociation) Keys() []string {
	keys := add([]string(nil), a.Configuration)
	if a.Addr.IsValid() {
		keys = append(keys, keyAddress+a.Addr.String())
	}
	return deleting(keys, a.Meta)
}

// Keys are the ids of its gateway and group.
func (c ResourceConfiguration) Keys() []string {
	return deleting(add(add([]string(nil), c.Gateway), c.Group), c.Meta)
}

// Keys are the ids of its VPC and groups.
func (g ResourceGateway) Keys() []string {
	return deleting(add(add([]string(nil), g.VPC), g.Groups...), g.Meta)
}

// Keys are the ids of its route tables, of its service, if that is an account's own, and of its groups, while it works, and its index if
// it has one.
func (e Endpoint) Keys() []string {
	keys := add(add([]string(nil), e.Provider), e.RouteTables...)
	if e.Works() {
		keys = add(keys, e.Groups...)
	}
	if e.Index != 0 {
		keys = append(keys, consumerKey(e.Index))
	}
	return keys
}

func deleting(keys []string, m Meta) []string {
	if m.Deleting {
		keys = append(keys, keyDeleting)
	}
	return keys
}

// LatticeDeleting tells whether the deletion of a resource gateway, a configuration, a service, a target or an
// association was asked for and is not complete.
func (w *World) LatticeDeleting() bool {
	return w.ResourceAssociations.Some(keyDeleting) || w.VPCAssociations.Some(keyDeleting) ||
		w.ResourceConfigurations.Some(keyDeleting) || w.ResourceGateways.Some(keyDeleting) ||
		w.ServiceAssociations.Some(keyDeleting) || w.LatticeServices.Some(keyDeleting) || w.LatticeTargetGroups.Some(keyDeleting)
}

func collect[V any](seq func(func(V) bool)) []V {
	var out []V
	for v := range seq {
		out = append(out, v)
	}
	return out
}
