package lattice

import (
	"context"

	"kumiko/internal/api/latticeapi"
	"kumiko/internal/awserr"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// CreateServiceNetworkResourceAssociation puts a resource configuration into a service network.
func (s *Service) CreateServiceNetworkResourceAssociation(ctx context.Context, c world.Caller, in *latticeapi.CreateServiceNetworkResourceAssociationInput) (*latticeapi.CreateServiceNetworkResourceAssociationOutput, error) {
	tags, err := tagsOf(in.Tags)
	if err != nil {
		return nil, err
	}
	q := request{c, "CreateServiceNetworkResourceAssociation", in.ClientToken, in}
	a, v, err := create(ctx, s, q, resourceAssociations, func(tx *world.Tx) (world.ResourceAssociation, error) {
		return newResourceAssociation(tx, c, in, tags)
	})
	if err != nil {
		return nil, err
	}
	return &latticeapi.CreateServiceNetworkResourceAssociationOutput{
		Id: new(string(a.ID)), Arn: new(seenARN(c, resourceAssociationKind(), string(a.ID))), Status: new(v.status(a.Meta, v.resourceAssociationScopes(a))),
		CreatedBy: new(string(a.CreatedBy)), PrivateDnsEnabled: &a.PrivateDNS,
	}, nil
}

func newResourceAssociation(tx *world.Tx, c world.Caller, in *latticeapi.CreateServiceNetworkResourceAssociationInput, tags []world.Tag) (world.ResourceAssociation, error) {
	const op = "CreateServiceNetworkResourceAssociation"
	var none world.ResourceAssociation
	n, err := find(&tx.World, &tx.ServiceNetworks, c, networkKind().to(op), in.ServiceNetworkIdentifier)
	if err != nil {
		return none, err
	}
	cfg, err := find(&tx.World, &tx.ResourceConfigurations, c, configurationKind().to(op), in.ResourceConfigurationIdentifier)
	if err != nil {
		return none, err
	}
	if !n.OwnedBy(c) && !cfg.OwnedBy(c) { // what was shared with the caller is not shared on
		return none, denied(c, networkKind().to(op), n.ARN())
	}
	if err := associable(tx, n, cfg); err != nil {
		return none, err
	}
	a := world.ResourceAssociation{
		ID: world.ResourceAssociationID(tx.NewID("snra")), Meta: tx.NewMeta(c, tags), Network: n.ID, Configuration: cfg.ID,
		CreatedBy: c.Account, PrivateDNS: value(in.PrivateDnsEnabled),
	}
	if cfg.Type != world.ConfigurationGroup {
		a.Addr, err = tx.AllocateResourceAddress(c.Region)
		return a, err
	}
	for _, child := range childrenOf(&tx.World, cfg.ID) {
		if err := associateChild(tx, a, child); err != nil {
			return none, err
		}
	}
	return a, nil
}

// associable tells whether the configuration may join the network.
func associable(tx *world.Tx, n world.ServiceNetwork, cfg world.ResourceConfiguration) error {
	k := configurationKind()
	switch {
	case cfg.Deleting:
		return awserr.LatticeConflict(k.noun, string(cfg.ID), "ResourceConfiguration %s is in state %s", cfg.ID, deleting)
	case cfg.Type == world.ConfigurationChild:
		return awserr.LatticeValidation("Resource configuration %s is of type CHILD and cannot be associated by itself; associate its group %s.", cfg.ID, cfg.Group)
	case (value(n.Sharing) || len(tx.SharesOf(n.ARN())) > 0) && !cfg.AllowShareable:
		return awserr.LatticeValidation("Resource configuration %s does not allow association to the shareable service network %s.", cfg.ID, n.ID)
	}
	for a := range tx.ResourceAssociations.All() {
		if a.Network == n.ID && a.Configuration == cfg.ID {
			return awserr.LatticeConflict("SERVICE_NETWORK_RESOURCE_ASSOCIATION", string(a.ID),
				"ResourceConfiguration %s is already associated with ServiceNetwork %s", cfg.ID, n.ID)
		}
	}
	_, resources := view{w: tx.World}.members(n.ID)
	return resourcesPerNetwork().leaves(int(resources))
}

// associateChild makes the managed association of a child, under the association of its group.
func associateChild(tx *world.Tx, parent world.ResourceAssociation, child world.ResourceConfiguration) error {
	addr, err := tx.AllocateResourceAddress(parent.Region)
	if err != nil {
		return err
	}
	m := world.Meta{Account: parent.Account, Region: parent.Region}
	tx.Touch(&m)
	tx.ResourceAssociations.Put(world.ResourceAssociation{
		ID: world.ResourceAssociationID(tx.NewID("snra")), Meta: m, Network: parent.Network, Configuration: child.ID,
		CreatedBy: parent.CreatedBy, Addr: addr, PrivateDNS: parent.PrivateDNS, Parent: parent.ID,
	})
	return nil
}

func resourceAssociations(tx *world.Tx) *world.Table[world.ResourceAssociationID, world.ResourceAssociation] {
	return &tx.ResourceAssociations
}

// dnsEntry is the generated name of what the association gives access to. A group has none: its children do.
func dnsEntry(a world.ResourceAssociation) *latticeapi.DnsEntry {
	if !a.Addr.IsValid() {
		return nil
	}
	return &latticeapi.DnsEntry{DomainName: new(a.Name()), HostedZoneId: new(world.ResourceHostedZone(a.Region))}
}

// GetServiceNetworkResourceAssociation describes one association.
func (s *Service) GetServiceNetworkResourceAssociation(_ context.Context, c world.Caller, in *latticeapi.GetServiceNetworkResourceAssociationInput) (*latticeapi.GetServiceNetworkResourceAssociationOutput, error) {
	v := s.look()
	a, err := findAssociation(&v.w, &v.w.ResourceAssociations, c, resourceAssociationKind(), in.ServiceNetworkResourceAssociationIdentifier)
	if err != nil {
		return nil, err
	}
	n, _ := v.w.ServiceNetworks.Get(a.Network)
	cfg, _ := v.w.ResourceConfigurations.Get(a.Configuration)
	scopes := v.resourceAssociationScopes(a)
	return &latticeapi.GetServiceNetworkResourceAssociationOutput{
		Id: new(string(a.ID)), Arn: new(seenARN(c, resourceAssociationKind(), string(a.ID))), Status: new(v.status(a.Meta, scopes)), CreatedBy: new(string(a.CreatedBy)),
		CreatedAt: &a.Created, LastUpdatedAt: &a.Updated,
		ResourceConfigurationId: new(string(cfg.ID)), ResourceConfigurationArn: new(cfg.OwnARN()), ResourceConfigurationName: &cfg.Name,
		ServiceNetworkId: new(string(n.ID)), ServiceNetworkArn: new(n.ARN()), ServiceNetworkName: &n.Name,
		FailureReason: given(v.failure(scopes)), PrivateDnsEnabled: &a.PrivateDNS, DnsEntry: dnsEntry(a), IsManagedAssociation: new(a.Parent != ""),
	}, nil
}

// ListServiceNetworkResourceAssociations lists associations; those of a group's children only when they are asked for.
func (s *Service) ListServiceNetworkResourceAssociations(_ context.Context, c world.Caller, in *latticeapi.ListServiceNetworkResourceAssociationsInput) (*latticeapi.ListServiceNetworkResourceAssociationsOutput, error) {
	v := s.look()
	rows, err := v.selectResourceAssociations(c, in)
	if err != nil {
		return nil, err
	}
	rows, next, err := listing.Page(listing.Lattice(), rows, world.ResourceAssociation.RowID, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &latticeapi.ListServiceNetworkResourceAssociationsOutput{Items: []latticeapi.ServiceNetworkResourceAssociationSummary{}, NextToken: next}
	for _, a := range rows {
		n, _ := v.w.ServiceNetworks.Get(a.Network)
		cfg, _ := v.w.ResourceConfigurations.Get(a.Configuration)
		out.Items = append(out.Items, latticeapi.ServiceNetworkResourceAssociationSummary{
			Id: new(string(a.ID)), Arn: new(seenARN(c, resourceAssociationKind(), string(a.ID))), Status: new(v.status(a.Meta, v.resourceAssociationScopes(a))),
			CreatedBy: new(string(a.CreatedBy)), CreatedAt: &a.Created,
			ResourceConfigurationId: new(string(cfg.ID)), ResourceConfigurationArn: new(cfg.OwnARN()), ResourceConfigurationName: &cfg.Name,
			ServiceNetworkId: new(string(n.ID)), ServiceNetworkArn: new(n.ARN()), ServiceNetworkName: &n.Name,
			DnsEntry: dnsEntry(a), IsManagedAssociation: new(a.Parent != ""), PrivateDnsEnabled: &a.PrivateDNS,
		})
	}
	return out, nil
}

func (v view) selectResourceAssociations(c world.Caller, in *latticeapi.ListServiceNetworkResourceAssociationsInput) ([]world.ResourceAssociation, error) {
	network, someNetwork, err := filterID(c, networkKind(), in.ServiceNetworkIdentifier)
	if err != nil {
		return nil, err
	}
	text, someConfiguration, err := filterID(c, configurationKind(), in.ResourceConfigurationIdentifier)
	if err != nil {
		return nil, err
	}
	configuration := world.ResourceConfigurationID(text)
	children := value(in.IncludeChildren)
	return v.w.ResourceAssociations.Where(func(a world.ResourceAssociation) bool {
		if a.Region != c.Region || !v.w.Sees(c, a) {
			return false
		}
		n, _ := v.w.ServiceNetworks.Get(a.Network)
		cfg, _ := v.w.ResourceConfigurations.Get(a.Configuration)
		of := configuration == "" || a.Configuration == configuration || children && cfg.Group == configuration
		listed := a.Parent == "" || children || configuration != "" && a.Configuration == configuration
		return someNetwork && someConfiguration && of && listed &&
			(network == "" || a.Network == world.ServiceNetworkID(network) && named(in.ServiceNetworkIdentifier, n.ARN()))
	}), nil
}

// DeleteServiceNetworkResourceAssociation takes a resource out of a network; with a group go its children.
func (s *Service) DeleteServiceNetworkResourceAssociation(ctx context.Context, c world.Caller, in *latticeapi.DeleteServiceNetworkResourceAssociationInput) (*latticeapi.DeleteServiceNetworkResourceAssociationOutput, error) {
	var a world.ResourceAssociation
	_, err := s.update(ctx, func(tx *world.Tx) (err error) {
		k := resourceAssociationKind().to("DeleteServiceNetworkResourceAssociation")
		if a, err = findAssociation(&tx.World, &tx.ResourceAssociations, c, k, in.ServiceNetworkResourceAssociationIdentifier); err != nil || a.Deleting {
			return err
		}
		if !tx.Ends(c, a) {
			return denied(c, k, seenARN(c, k, string(a.ID)))
		}
		if a.Parent != "" {
			return awserr.LatticeConflict(k.noun, string(a.ID), "ServiceNetworkResourceAssociation %s is managed; delete %s or the child resource configuration", a.ID, a.Parent)
		}
		if v := (view{tx.World, s.store.Seen()}); !v.settled(a.Meta) {
			return awserr.LatticeConflict(k.noun, string(a.ID), "ServiceNetworkResourceAssociation %s is in state %s", a.ID, v.status(a.Meta, nil))
		}
		dissociate(tx, func(r world.ResourceAssociation) bool { return r.ID == a.ID || r.Parent == a.ID })
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &latticeapi.DeleteServiceNetworkResourceAssociationOutput{Id: new(string(a.ID)), Arn: new(seenARN(c, resourceAssociationKind(), string(a.ID))), Status: new(deleting)}, nil
}

// dissociate marks associations for deletion.
func dissociate(tx *world.Tx, which func(world.ResourceAssociation) bool) {
	for _, a := range tx.ResourceAssociations.Where(which) {
		if !a.Deleting {
			a.Deleting = true
			tx.Touch(&a.Meta)
			tx.ResourceAssociations.Put(a)
		}
	}
}
