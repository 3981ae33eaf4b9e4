package lattice

import (
	"context"

	"kumiko/internal/api/latticeapi"
	"kumiko/internal/awserr"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// CreateServiceNetwork makes a service network.
func (s *Service) CreateServiceNetwork(ctx context.Context, c world.Caller, in *latticeapi.CreateServiceNetworkInput) (*latticeapi.CreateServiceNetworkOutput, error) {
	k := networkKind()
	name, err := checkName(k, in.Name, 63)
	if err != nil {
		return nil, err
	}
	auth, err := checkAuthType(in.AuthType)
	if err != nil {
		return nil, err
	}
	tags, err := tagsOf(in.Tags)
	if err != nil {
		return nil, err
	}
	q := request{c, "CreateServiceNetwork", in.ClientToken, in}
	n, _, err := create(ctx, s, q, networks, func(tx *world.Tx) (world.ServiceNetwork, error) {
		var none world.ServiceNetwork
		have := owned(&tx.ServiceNetworks, c, func(n world.ServiceNetwork) bool { return true })
		for _, n := range have {
			if n.Name == name {
				return none, taken(k, string(n.ID), name)
			}
		}
		if err := networksPerRegion().leaves(len(have)); err != nil {
			return none, err
		}
		n := world.ServiceNetwork{ID: world.ServiceNetworkID(tx.NewID("sn")), Meta: tx.NewMeta(c, tags), Name: name, AuthType: auth}
		if in.SharingConfig != nil {
			n.Sharing = new(value(in.SharingConfig.Enabled))
		}
		return n, nil
	})
	if err != nil {
		return nil, err
	}
	return &latticeapi.CreateServiceNetworkOutput{
		Id: new(string(n.ID)), Name: &n.Name, Arn: new(n.ARN()), SharingConfig: sharing(n), AuthType: &n.AuthType,
	}, nil
}

func networks(tx *world.Tx) *world.Table[world.ServiceNetworkID, world.ServiceNetwork] {
	return &tx.ServiceNetworks
}

func sharing(n world.ServiceNetwork) *latticeapi.SharingConfig {
	if n.Sharing == nil {
		return nil
	}
	return &latticeapi.SharingConfig{Enabled: n.Sharing}
}

func checkAuthType(t *string) (string, error) {
	switch value(t) {
	case "", "NONE":
		return "NONE", nil
	case "AWS_IAM":
		return "AWS_IAM", nil
	}
	return "", invalidField("authType", "must be NONE or AWS_IAM")
}

// GetServiceNetwork describes one service network.
func (s *Service) GetServiceNetwork(_ context.Context, c world.Caller, in *latticeapi.GetServiceNetworkInput) (*latticeapi.GetServiceNetworkOutput, error) {
	v := s.look()
	n, err := find(&v.w, &v.w.ServiceNetworks, c, networkKind().to("GetServiceNetwork"), in.ServiceNetworkIdentifier)
	if err != nil {
		return nil, err
	}
	vpcs, _ := v.members(n.ID)
	services := v.services(n.ID)
	return &latticeapi.GetServiceNetworkOutput{
		Id: new(string(n.ID)), Name: &n.Name, Arn: new(n.ARN()), AuthType: &n.AuthType, SharingConfig: sharing(n),
		CreatedAt: &n.Created, LastUpdatedAt: &n.Updated,
		NumberOfAssociatedVPCs: &vpcs, NumberOfAssociatedServices: &services,
	}, nil
}

// members counts the VPCs and the resource configurations associated with a network.
func (v view) members(n world.ServiceNetworkID) (vpcs, resources int64) {
	for a := range v.w.VPCAssociations.All() {
		if a.Network == n {
			vpcs++
		}
	}
	for a := range v.w.ResourceAssociations.All() {
		if a.Network == n && a.Parent == "" {
			resources++
		}
	}
	return vpcs, resources
}

// services counts the services associated with a network.
func (v view) services(n world.ServiceNetworkID) (services int64) {
	for range v.w.ServiceAssociations.In(string(n)) {
		services++
	}
	return services
}

// ListServiceNetworks lists the caller's service networks, and those that are shared with it.
func (s *Service) ListServiceNetworks(_ context.Context, c world.Caller, in *latticeapi.ListServiceNetworksInput) (*latticeapi.ListServiceNetworksOutput, error) {
	v := s.look()
	rows := shown(&v.w, &v.w.ServiceNetworks, c, networkKind().to("GetServiceNetwork"))
	rows, next, err := listing.Page(listing.Lattice(), rows, world.ServiceNetwork.RowID, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &latticeapi.ListServiceNetworksOutput{Items: []latticeapi.ServiceNetworkSummary{}, NextToken: next}
	for _, n := range rows {
		vpcs, resources := v.members(n.ID)
		services := v.services(n.ID)
		out.Items = append(out.Items, latticeapi.ServiceNetworkSummary{
			Id: new(string(n.ID)), Name: &n.Name, Arn: new(n.ARN()), CreatedAt: &n.Created, LastUpdatedAt: &n.Updated,
			NumberOfAssociatedVPCs: &vpcs, NumberOfAssociatedServices: &services, NumberOfAssociatedResourceConfigurations: &resources,
		})
	}
	return out, nil
}

// UpdateServiceNetwork changes the auth type, which services of the network heed; TCP resources have none.
func (s *Service) UpdateServiceNetwork(ctx context.Context, c world.Caller, in *latticeapi.UpdateServiceNetworkInput) (*latticeapi.UpdateServiceNetworkOutput, error) {
	if value(in.AuthType) == "" {
		return nil, invalidField("authType", "must not be empty")
	}
	auth, err := checkAuthType(in.AuthType)
	if err != nil {
		return nil, err
	}
	var n world.ServiceNetwork
	_, err = s.update(ctx, func(tx *world.Tx) error {
		if n, err = find(&tx.World, &tx.ServiceNetworks, c, networkKind().to("UpdateServiceNetwork"), in.ServiceNetworkIdentifier); err != nil {
			return err
		}
		n.AuthType = auth
		tx.Touch(&n.Meta)
		tx.ServiceNetworks.Put(n)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &latticeapi.UpdateServiceNetworkOutput{Id: new(string(n.ID)), Name: &n.Name, Arn: new(n.ARN()), AuthType: &n.AuthType}, nil
}

// DeleteServiceNetwork takes a network without members away, with its log subscriptions and its policy.
func (s *Service) DeleteServiceNetwork(ctx context.Context, c world.Caller, in *latticeapi.DeleteServiceNetworkInput) (*latticeapi.DeleteServiceNetworkOutput, error) {
	_, err := s.update(ctx, func(tx *world.Tx) error {
		n, err := find(&tx.World, &tx.ServiceNetworks, c, networkKind().to("DeleteServiceNetwork"), in.ServiceNetworkIdentifier)
		if err != nil {
			return err
		}
		vpcs, resources := view{w: tx.World}.members(n.ID)
		switch {
		case vpcs > 0:
			return awserr.LatticeConflict("SERVICE_NETWORK", string(n.ID), "ServiceNetwork %s has VPC(s) associated", n.ID)
		case resources > 0:
			return awserr.LatticeConflict("SERVICE_NETWORK", string(n.ID), "ServiceNetwork %s has resource(s) associated.", n.ID)
		case tx.ServiceAssociations.Some(string(n.ID)):
			return awserr.LatticeConflict("SERVICE_NETWORK", string(n.ID), "ServiceNetwork %s has service(s) associated", n.ID)
		case tx.Endpoints.Any(func(e world.Endpoint) bool { return e.Network == n.ID }):
			return awserr.LatticeConflict("SERVICE_NETWORK", string(n.ID), "ServiceNetwork %s has VPC endpoint(s) associated", n.ID)
		}
		removeSubscriptions(tx, func(a world.AccessLogSubscription) bool { return a.Network == n.ID })
		tx.Unshare(n.ARN())
		tx.ResourcePolicies.Delete(n.ARN())
		tx.ServiceNetworks.Delete(n.ID)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &latticeapi.DeleteServiceNetworkOutput{}, nil
}
