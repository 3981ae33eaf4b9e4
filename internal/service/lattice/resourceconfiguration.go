package lattice

import (
	"context"
	"slices"

	"kumiko/internal/api/latticeapi"
	"kumiko/internal/awserr"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// CreateResourceConfiguration describes a resource, or a group of them, behind a gateway.
func (s *Service) CreateResourceConfiguration(ctx context.Context, c world.Caller, in *latticeapi.CreateResourceConfigurationInput) (*latticeapi.CreateResourceConfigurationOutput, error) {
	tags, err := tagsOf(in.Tags)
	if err != nil {
		return nil, err
	}
	draft, err := draftConfiguration(in)
	if err != nil {
		return nil, err
	}
	q := request{c, "CreateResourceConfiguration", in.ClientToken, in}
	cfg, v, err := create(ctx, s, q, configurations, func(tx *world.Tx) (world.ResourceConfiguration, error) {
		cfg := draft
		cfg.ID, cfg.Meta = world.ResourceConfigurationID(tx.NewID("rcfg")), tx.NewMeta(c, tags)
		err := placeConfiguration(tx, c, in, &cfg)
		return cfg, err
	})
	if err != nil {
		return nil, err
	}
	v = s.settle(ctx, v, cfg.Rev)
	a := v.configuration(cfg)
	return &latticeapi.CreateResourceConfigurationOutput{
		Id: a.Id, Name: a.Name, Arn: a.Arn, ResourceGatewayId: a.ResourceGatewayId, ResourceConfigurationGroupId: a.ResourceConfigurationGroupId,
		Type: a.Type, PortRanges: a.PortRanges, Protocol: a.Protocol, Status: a.Status, ResourceConfigurationDefinition: a.ResourceConfigurationDefinition,
		AllowAssociationToShareableServiceNetwork: a.AllowAssociationToShareableServiceNetwork, CreatedAt: a.CreatedAt, FailureReason: a.FailureReason,
		CustomDomainName: a.CustomDomainName, GroupDomain: a.GroupDomain,
	}, nil
}

// placeConfiguration finds the gateway or the group of a new configuration, and associates a child with the networks
// its group is in.
func placeConfiguration(tx *world.Tx, c world.Caller, in *latticeapi.CreateResourceConfigurationInput, cfg *world.ResourceConfiguration) error {
	k := configurationKind()
	others := owned(&tx.ResourceConfigurations, c, func(world.ResourceConfiguration) bool { return true })
	for _, o := range others {
		if o.Name == cfg.Name {
			return taken(k, string(o.ID), cfg.Name)
		}
	}
	if err := configurationsPerRegion().leaves(len(others)); err != nil {
		return err
	}
	if in.DomainVerificationIdentifier != nil {
		return awserr.LatticeNotFound("DOMAIN_VERIFICATION", *in.DomainVerificationIdentifier)
	}
	if cfg.Type == world.ConfigurationChild {
		return placeChild(tx, c, in, cfg)
	}
	g, err := find(&tx.World, &tx.ResourceGateways, c, gatewayKind(), in.ResourceGatewayIdentifier)
	if err != nil {
		return err
	}
	if g.Deleting {
		return awserr.LatticeConflict("RESOURCE_GATEWAY", string(g.ID), "ResourceGateway %s is in state %s", g.ID, deleting)
	}
	cfg.Gateway = g.ID
	return nil
}

func placeChild(tx *world.Tx, c world.Caller, in *latticeapi.CreateResourceConfigurationInput, cfg *world.ResourceConfiguration) error {
	group, err := find(&tx.World, &tx.ResourceConfigurations, c, configurationKind().called("resourceConfigurationGroupIdentifier").to("CreateResourceConfiguration"), in.ResourceConfigurationGroupIdentifier)
	if err != nil {
		return err
	}
	switch {
	case group.Type != world.ConfigurationGroup:
		return awserr.LatticeValidation("Resource configuration %s is of type %s and not GROUP.", group.ID, group.Type)
	case group.GroupDomain != "" && cfg.CustomDomainName != "" && !within(cfg.CustomDomainName, group.GroupDomain):
		return awserr.LatticeValidation("Custom domain name %s is not a sub-domain of the group domain %s.", cfg.CustomDomainName, group.GroupDomain)
	}
	if err := childrenPerGroup().leaves(len(childrenOf(&tx.World, group.ID))); err != nil {
		return err
	}
	cfg.Group = group.ID
	for _, a := range tx.ResourceAssociations.Where(func(a world.ResourceAssociation) bool { return a.Configuration == group.ID && !a.Deleting }) {
		if err := associateChild(tx, a, *cfg); err != nil {
			return err
		}
	}
	return nil
}

// childrenOf are the children of a group that stay.
func childrenOf(w *world.World, group world.ResourceConfigurationID) []world.ResourceConfiguration {
	return w.ResourceConfigurations.Where(func(c world.ResourceConfiguration) bool { return c.Group == group && !c.Deleting })
}

func configurations(tx *world.Tx) *world.Table[world.ResourceConfigurationID, world.ResourceConfiguration] {
	return &tx.ResourceConfigurations
}

// configuration is what answers say of a configuration.
func (v view) configuration(c world.ResourceConfiguration) *latticeapi.GetResourceConfigurationOutput {
	scopes := v.configurationScopes(c.ID)
	out := &latticeapi.GetResourceConfigurationOutput{
		Id: new(string(c.ID)), Name: &c.Name, Arn: new(c.OwnARN()), Type: &c.Type, Status: new(v.status(c.Meta, scopes)),
		ResourceConfigurationGroupId: given(c.Group), PortRanges: portTexts(c.PortRanges), Protocol: given(c.Protocol),
		AllowAssociationToShareableServiceNetwork: &c.AllowShareable, CustomDomainName: given(c.CustomDomainName), GroupDomain: given(c.GroupDomain),
		ResourceConfigurationDefinition: definition(c), AmazonManaged: new(false), FailureReason: given(v.failure(scopes)),
		CreatedAt: &c.Created, LastUpdatedAt: &c.Updated,
	}
	if g, ok := v.w.GatewayOf(c); ok {
		out.ResourceGatewayId = new(string(g.ID))
	}
	return out
}

func definition(c world.ResourceConfiguration) *latticeapi.ResourceConfigurationDefinition {
	switch {
	case c.IP.IsValid():
		return &latticeapi.ResourceConfigurationDefinition{IpResource: &latticeapi.IpResource{IpAddress: new(c.IP.String())}}
	case c.DomainName != "":
		return &latticeapi.ResourceConfigurationDefinition{DnsResource: &latticeapi.DnsResource{DomainName: &c.DomainName, IpAddressType: &c.DomainAddressType}}
	}
	return nil
}

// GetResourceConfiguration describes one configuration.
func (s *Service) GetResourceConfiguration(_ context.Context, c world.Caller, in *latticeapi.GetResourceConfigurationInput) (*latticeapi.GetResourceConfigurationOutput, error) {
	v := s.look()
	cfg, err := find(&v.w, &v.w.ResourceConfigurations, c, configurationKind().to("GetResourceConfiguration"), in.ResourceConfigurationIdentifier)
	if err != nil {
		return nil, err
	}
	return v.shownConfiguration(c, cfg), nil
}

// shownConfiguration is what the caller is shown of a configuration: the gateway is its owner's business.
func (v view) shownConfiguration(c world.Caller, cfg world.ResourceConfiguration) *latticeapi.GetResourceConfigurationOutput {
	out := v.configuration(cfg)
	if !cfg.OwnedBy(c) {
		out.ResourceGatewayId, out.FailureReason = nil, nil
	}
	return out
}

// ListResourceConfigurations lists configurations, of a gateway or of a group, with those that are shared with the caller.
func (s *Service) ListResourceConfigurations(_ context.Context, c world.Caller, in *latticeapi.ListResourceConfigurationsInput) (*latticeapi.ListResourceConfigurationsOutput, error) {
	gateway, someGateway, err := filterID(c, gatewayKind(), in.ResourceGatewayIdentifier)
	if err != nil {
		return nil, err
	}
	group, someGroup, err := filterID(c, configurationKind().called("resourceConfigurationGroupIdentifier"), in.ResourceConfigurationGroupIdentifier)
	if err != nil {
		return nil, err
	}
	v := s.look()
	rows := slices.DeleteFunc(shown(&v.w, &v.w.ResourceConfigurations, c, configurationKind().to("GetResourceConfiguration")), func(r world.ResourceConfiguration) bool {
		g, _ := v.w.GatewayOf(r)
		o, _ := v.w.ResourceConfigurations.Get(r.Group)
		return !someGateway || !someGroup || in.DomainVerificationIdentifier != nil ||
			gateway != "" && (g.ID != world.ResourceGatewayID(gateway) || !g.OwnedBy(c)) ||
			group != "" && (r.Group != world.ResourceConfigurationID(group) || !named(in.ResourceConfigurationGroupIdentifier, o.OwnARN()))
	})
	rows, next, err := listing.Page(listing.Lattice(), rows, world.ResourceConfiguration.RowID, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &latticeapi.ListResourceConfigurationsOutput{Items: []latticeapi.ResourceConfigurationSummary{}, NextToken: next}
	for _, r := range rows {
		a := v.shownConfiguration(c, r)
		out.Items = append(out.Items, latticeapi.ResourceConfigurationSummary{
			Id: a.Id, Name: a.Name, Arn: a.Arn, ResourceGatewayId: a.ResourceGatewayId, ResourceConfigurationGroupId: a.ResourceConfigurationGroupId,
			Type: a.Type, Status: a.Status, AmazonManaged: a.AmazonManaged, CreatedAt: a.CreatedAt, LastUpdatedAt: a.LastUpdatedAt,
			CustomDomainName: a.CustomDomainName, GroupDomain: a.GroupDomain,
		})
	}
	return out, nil
}

// UpdateResourceConfiguration changes the definition, the ports and what networks may have it.
func (s *Service) UpdateResourceConfiguration(ctx context.Context, c world.Caller, in *latticeapi.UpdateResourceConfigurationInput) (*latticeapi.UpdateResourceConfigurationOutput, error) {
	var cfg world.ResourceConfiguration
	v, err := s.update(ctx, func(tx *world.Tx) (err error) {
		k := configurationKind().to("UpdateResourceConfiguration")
		if cfg, err = find(&tx.World, &tx.ResourceConfigurations, c, k, in.ResourceConfigurationIdentifier); err != nil {
			return err
		}
		if cfg.Deleting {
			return awserr.LatticeConflict(k.noun, string(cfg.ID), "ResourceConfiguration %s is in state %s", cfg.ID, deleting)
		}
		if cfg, err = amend(cfg, in); err != nil {
			return err
		}
		tx.Touch(&cfg.Meta)
		tx.ResourceConfigurations.Put(cfg)
		return nil
	})
	if err != nil {
		return nil, err
	}
	v = s.settle(ctx, v, cfg.Rev)
	a := v.configuration(cfg)
	return &latticeapi.UpdateResourceConfigurationOutput{
		Id: a.Id, Name: a.Name, Arn: a.Arn, ResourceGatewayId: a.ResourceGatewayId, ResourceConfigurationGroupId: a.ResourceConfigurationGroupId,
		Type: a.Type, PortRanges: a.PortRanges, Protocol: a.Protocol, Status: a.Status, ResourceConfigurationDefinition: a.ResourceConfigurationDefinition,
		AllowAssociationToShareableServiceNetwork: a.AllowAssociationToShareableServiceNetwork,
	}, nil
}

// DeleteResourceConfiguration takes a configuration away that no network has. A child leaves the networks its group is
// in, and goes when it has left.
func (s *Service) DeleteResourceConfiguration(ctx context.Context, c world.Caller, in *latticeapi.DeleteResourceConfigurationInput) (*latticeapi.DeleteResourceConfigurationOutput, error) {
	_, err := s.update(ctx, func(tx *world.Tx) error {
		k := configurationKind().to("DeleteResourceConfiguration")
		cfg, err := find(&tx.World, &tx.ResourceConfigurations, c, k, in.ResourceConfigurationIdentifier)
		if err != nil || cfg.Deleting {
			return err
		}
		here := func(a world.ResourceAssociation) bool { return a.Configuration == cfg.ID }
		switch {
		case cfg.Type == world.ConfigurationGroup && tx.ResourceConfigurations.Any(func(o world.ResourceConfiguration) bool { return o.Group == cfg.ID }):
			return awserr.LatticeConflict(k.noun, string(cfg.ID), "ResourceConfiguration %s has child resource configuration(s)", cfg.ID)
		case tx.Endpoints.Any(func(e world.Endpoint) bool { return e.Configuration == cfg.ID && (e.Works() || e.Deleting) }):
			return awserr.LatticeConflict(k.noun, string(cfg.ID), "ResourceConfiguration %s has VPC endpoint(s) associated", cfg.ID)
		case !tx.ResourceAssociations.Any(here) && !tx.EndpointAssociations.Any(func(a world.EndpointAssociation) bool { return a.Configuration == cfg.ID }):
			removeConfiguration(tx, cfg)
			return nil
		case cfg.Type != world.ConfigurationChild:
			return awserr.LatticeConflict(k.noun, string(cfg.ID), "ResourceConfiguration %s has service network(s) associated", cfg.ID)
		}
		dissociate(tx, here)
		cfg.Deleting = true
		tx.Touch(&cfg.Meta)
		tx.ResourceConfigurations.Put(cfg)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &latticeapi.DeleteResourceConfigurationOutput{}, nil
}

// removeConfiguration deletes the row with its log subscriptions and its policy.
func removeConfiguration(tx *world.Tx, cfg world.ResourceConfiguration) {
	removeSubscriptions(tx, func(a world.AccessLogSubscription) bool { return a.Configuration == cfg.ID })
	tx.Unshare(cfg.OwnARN())
	tx.ResourcePolicies.Delete(cfg.OwnARN())
	tx.ResourceConfigurations.Delete(cfg.ID)
}
