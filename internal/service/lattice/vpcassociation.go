package lattice

import (
	"context"
	"slices"

	"kumiko/internal/api/latticeapi"
	"kumiko/internal/awserr"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// CreateServiceNetworkVpcAssociation lets a VPC use a service network.
func (s *Service) CreateServiceNetworkVpcAssociation(ctx context.Context, c world.Caller, in *latticeapi.CreateServiceNetworkVpcAssociationInput) (*latticeapi.CreateServiceNetworkVpcAssociationOutput, error) {
	tags, err := tagsOf(in.Tags)
	if err != nil {
		return nil, err
	}
	q := request{c, "CreateServiceNetworkVpcAssociation", in.ClientToken, in}
	a, v, err := create(ctx, s, q, vpcAssociations, func(tx *world.Tx) (world.VPCAssociation, error) {
		return newVPCAssociation(tx, c, in, tags)
	})
	if err != nil {
		return nil, err
	}
	return &latticeapi.CreateServiceNetworkVpcAssociationOutput{
		Id: new(string(a.ID)), Arn: new(seenARN(c, vpcAssociationKind(), string(a.ID))), Status: new(v.status(a.Meta, v.vpcAssociationScopes(a))),
		CreatedBy: new(string(a.CreatedBy)), SecurityGroupIds: groupIDs(a.Groups),
		PrivateDnsEnabled: &a.PrivateDNS, DnsOptions: dnsOptions(a),
	}, nil
}

func newVPCAssociation(tx *world.Tx, c world.Caller, in *latticeapi.CreateServiceNetworkVpcAssociationInput, tags []world.Tag) (world.VPCAssociation, error) {
	var none world.VPCAssociation
	n, err := find(&tx.World, &tx.ServiceNetworks, c, networkKind().to("CreateServiceNetworkVpcAssociation"), in.ServiceNetworkIdentifier)
	if err != nil {
		return none, err
	}
	vpc, err := findVPC(&tx.World, c, in.VpcIdentifier)
	if err != nil {
		return none, err
	}
	groups, err := checkGroups(&tx.World, c, vpc.ID, in.SecurityGroupIds)
	if err != nil {
		return none, err
	}
	options, err := checkDNSOptions(in)
	if err != nil {
		return none, err
	}
	for a := range tx.VPCAssociations.All() {
		if a.VPC == vpc.ID {
			return none, awserr.LatticeConflict("SERVICE_NETWORK_VPC_ASSOCIATION", string(a.ID), "VPC has already been associated to a service network.")
		}
	}
	vpcs, _ := view{w: tx.World}.members(n.ID)
	if err := vpcsPerNetwork().leaves(int(vpcs)); err != nil {
		return none, err
	}
	index, err := tx.FreeConsumerIndex()
	if err != nil {
		return none, err
	}
	return world.VPCAssociation{
		ID: world.VPCAssociationID(tx.NewID("snva")), Meta: tx.NewMeta(c, tags), Network: n.ID, VPC: vpc.ID,
		Groups: groups, CreatedBy: c.Account, Index: index, PrivateDNS: value(in.PrivateDnsEnabled), DNSOptions: options,
	}, nil
}

func checkDNSOptions(in *latticeapi.CreateServiceNetworkVpcAssociationInput) (*world.DNSOptions, error) {
	if in.DnsOptions == nil {
		return nil, nil
	}
	o := &world.DNSOptions{Preference: value(in.DnsOptions.PrivateDnsPreference), Domains: slices.Clone(in.DnsOptions.PrivateDnsSpecifiedDomains)}
	if o.Preference == "" {
		o.Preference = "VERIFIED_DOMAINS_ONLY"
	}
	specified := false
	switch o.Preference {
	case "VERIFIED_DOMAINS_ONLY", "ALL_DOMAINS":
	case "VERIFIED_DOMAINS_AND_SPECIFIED_DOMAINS", "SPECIFIED_DOMAINS_ONLY":
		specified = true
	default:
		return nil, invalidField("dnsOptions.privateDnsPreference", "'"+o.Preference+"' is no preference")
	}
	if specified != (len(o.Domains) > 0) || len(o.Domains) > 10 {
		return nil, invalidField("dnsOptions.privateDnsSpecifiedDomains", "one to ten domains belong to a preference for specified domains, and to no other")
	}
	if value(in.PrivateDnsEnabled) && o.Preference != "VERIFIED_DOMAINS_ONLY" {
		return nil, awserr.LatticeValidation("Private DNS names of unverified domains are not available here; the preference can only be VERIFIED_DOMAINS_ONLY.")
	}
	return o, nil
}

func vpcAssociations(tx *world.Tx) *world.Table[world.VPCAssociationID, world.VPCAssociation] {
	return &tx.VPCAssociations
}

// groupIDs are left out of answers when there are none.
func groupIDs(groups []world.SecurityGroupID) []string {
	if len(groups) == 0 {
		return nil
	}
	return plain(groups)
}

func dnsOptions(a world.VPCAssociation) *latticeapi.DnsOptions {
	if a.DNSOptions == nil {
		return nil
	}
	return &latticeapi.DnsOptions{PrivateDnsPreference: &a.DNSOptions.Preference, PrivateDnsSpecifiedDomains: slices.Clone(a.DNSOptions.Domains)}
}

// GetServiceNetworkVpcAssociation describes one association.
func (s *Service) GetServiceNetworkVpcAssociation(_ context.Context, c world.Caller, in *latticeapi.GetServiceNetworkVpcAssociationInput) (*latticeapi.GetServiceNetworkVpcAssociationOutput, error) {
	v := s.look()
	a, err := findAssociation(&v.w, &v.w.VPCAssociations, c, vpcAssociationKind(), in.ServiceNetworkVpcAssociationIdentifier)
	if err != nil {
		return nil, err
	}
	n, _ := v.w.ServiceNetworks.Get(a.Network)
	scopes := v.vpcAssociationScopes(a)
	return &latticeapi.GetServiceNetworkVpcAssociationOutput{
		Id: new(string(a.ID)), Arn: new(seenARN(c, vpcAssociationKind(), string(a.ID))), Status: new(v.status(a.Meta, scopes)), CreatedBy: new(string(a.CreatedBy)),
		CreatedAt: &a.Created, LastUpdatedAt: &a.Updated,
		ServiceNetworkId: new(string(n.ID)), ServiceNetworkName: &n.Name, ServiceNetworkArn: new(n.ARN()),
		VpcId: new(string(a.VPC)), SecurityGroupIds: groupIDs(a.Groups), PrivateDnsEnabled: &a.PrivateDNS, DnsOptions: dnsOptions(a),
		FailureMessage: given(v.failure(scopes)),
	}, nil
}

// ListServiceNetworkVpcAssociations lists associations, of a network or of a VPC.
func (s *Service) ListServiceNetworkVpcAssociations(_ context.Context, c world.Caller, in *latticeapi.ListServiceNetworkVpcAssociationsInput) (*latticeapi.ListServiceNetworkVpcAssociationsOutput, error) {
	network, some, err := filterID(c, networkKind(), in.ServiceNetworkIdentifier)
	if err != nil {
		return nil, err
	}
	v := s.look()
	rows := v.w.VPCAssociations.Where(func(a world.VPCAssociation) bool {
		n, _ := v.w.ServiceNetworks.Get(a.Network)
		return some && a.Region == c.Region && v.w.Sees(c, a) &&
			(network == "" || a.Network == world.ServiceNetworkID(network) && named(in.ServiceNetworkIdentifier, n.ARN())) &&
			(in.VpcIdentifier == nil || string(a.VPC) == *in.VpcIdentifier)
	})
	rows, next, err := listing.Page(listing.Lattice(), rows, world.VPCAssociation.RowID, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &latticeapi.ListServiceNetworkVpcAssociationsOutput{Items: []latticeapi.ServiceNetworkVpcAssociationSummary{}, NextToken: next}
	for _, a := range rows {
		n, _ := v.w.ServiceNetworks.Get(a.Network)
		out.Items = append(out.Items, latticeapi.ServiceNetworkVpcAssociationSummary{
			Id: new(string(a.ID)), Arn: new(seenARN(c, vpcAssociationKind(), string(a.ID))), Status: new(v.status(a.Meta, v.vpcAssociationScopes(a))),
			CreatedBy: new(string(a.CreatedBy)), CreatedAt: &a.Created, LastUpdatedAt: &a.Updated,
			ServiceNetworkId: new(string(n.ID)), ServiceNetworkName: &n.Name, ServiceNetworkArn: new(n.ARN()),
			VpcId: new(string(a.VPC)), PrivateDnsEnabled: &a.PrivateDNS, DnsOptions: dnsOptions(a),
		})
	}
	return out, nil
}

// UpdateServiceNetworkVpcAssociation replaces the security groups. Once there is one there must stay one.
func (s *Service) UpdateServiceNetworkVpcAssociation(ctx context.Context, c world.Caller, in *latticeapi.UpdateServiceNetworkVpcAssociationInput) (*latticeapi.UpdateServiceNetworkVpcAssociationOutput, error) {
	if len(in.SecurityGroupIds) == 0 {
		return nil, invalidField("securityGroupIds", "at least one security group is needed")
	}
	var a world.VPCAssociation
	v, err := s.update(ctx, func(tx *world.Tx) (err error) {
		k := vpcAssociationKind().to("UpdateServiceNetworkVpcAssociation")
		if a, err = findAssociation(&tx.World, &tx.VPCAssociations, c, k, in.ServiceNetworkVpcAssociationIdentifier); err != nil {
			return err
		}
		if !a.OwnedBy(c) {
			return denied(c, k, seenARN(c, k, string(a.ID)))
		}
		if a.Deleting {
			return awserr.LatticeConflict(k.noun, string(a.ID), "ServiceNetworkVpcAssociation %s is in state %s", a.ID, deleting)
		}
		if a.Groups, err = checkGroups(&tx.World, c, a.VPC, in.SecurityGroupIds); err != nil {
			return err
		}
		tx.Touch(&a.Meta)
		tx.VPCAssociations.Put(a)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &latticeapi.UpdateServiceNetworkVpcAssociationOutput{
		Id: new(string(a.ID)), Arn: new(seenARN(c, vpcAssociationKind(), string(a.ID))), Status: new(v.status(a.Meta, v.vpcAssociationScopes(a))),
		CreatedBy: new(string(a.CreatedBy)), SecurityGroupIds: groupIDs(a.Groups),
	}, nil
}

// DeleteServiceNetworkVpcAssociation takes a VPC out of its network. Doing it again changes nothing.
func (s *Service) DeleteServiceNetworkVpcAssociation(ctx context.Context, c world.Caller, in *latticeapi.DeleteServiceNetworkVpcAssociationInput) (*latticeapi.DeleteServiceNetworkVpcAssociationOutput, error) {
	var a world.VPCAssociation
	_, err := s.update(ctx, func(tx *world.Tx) (err error) {
		k := vpcAssociationKind().to("DeleteServiceNetworkVpcAssociation")
		if a, err = findAssociation(&tx.World, &tx.VPCAssociations, c, k, in.ServiceNetworkVpcAssociationIdentifier); err != nil || a.Deleting {
			return err
		}
		if !tx.Ends(c, a) {
			return denied(c, k, seenARN(c, k, string(a.ID)))
		}
		if v := (view{tx.World, s.store.Seen()}); !v.settled(a.Meta) {
			return awserr.LatticeConflict(k.noun, string(a.ID), "ServiceNetworkVpcAssociation %s is in state %s", a.ID, v.status(a.Meta, nil))
		}
		a.Deleting = true
		tx.Touch(&a.Meta)
		tx.VPCAssociations.Put(a)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &latticeapi.DeleteServiceNetworkVpcAssociationOutput{Id: new(string(a.ID)), Arn: new(seenARN(c, vpcAssociationKind(), string(a.ID))), Status: new(deleting)}, nil
}
