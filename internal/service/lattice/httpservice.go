package lattice

import (
	"context"

	"kumiko/internal/api/latticeapi"
	"kumiko/internal/awserr"
	"kumiko/internal/service/listing"
	"kumiko/internal/world"
)

// CreateService makes a service. Nobody reaches it before it is in a service network.
func (s *Service) CreateService(ctx context.Context, c world.Caller, in *latticeapi.CreateServiceInput) (*latticeapi.CreateServiceOutput, error) {
	name, err := checkName(serviceKind(), in.Name, 40)
	if err != nil {
		return nil, err
	}
	if value(in.CustomDomainName) != "" || value(in.CertificateArn) != "" {
		return nil, awserr.LatticeValidation("Custom domain names and certificates of services are not supported here; services answer to their generated names, over HTTP.")
	}
	if err := checkUnsigned(in.AuthType); err != nil {
		return nil, err
	}
	tags, err := tagsOf(in.Tags)
	if err != nil {
		return nil, err
	}
	q := request{c, "CreateService", in.ClientToken, in}
	row, v, err := create(ctx, s, q, services, func(tx *world.Tx) (world.LatticeService, error) {
		var none world.LatticeService
		have := owned(&tx.LatticeServices, c, func(world.LatticeService) bool { return true })
		for _, o := range have {
			if o.Name == name {
				return none, taken(serviceKind(), string(o.ID), name)
			}
		}
		if err := servicesPerRegion().leaves(len(have)); err != nil {
			return none, err
		}
		return world.LatticeService{
			ID: world.LatticeServiceID(tx.NewID("svc")), Meta: tx.NewMeta(c, tags), Name: name, Addr: tx.AllocateServiceAddress(),
		}, nil
	})
	if err != nil {
		return nil, err
	}
	return &latticeapi.CreateServiceOutput{
		Id: new(string(row.ID)), Arn: new(serviceARN(row)), Name: &row.Name, Status: new(v.status(row.Meta, nil)), AuthType: new("NONE"), DnsEntry: serviceName(row),
	}, nil
}

// checkUnsigned refuses signed requests, which are not built: nothing would look at the signatures.
func checkUnsigned(authType *string) error {
	t, err := checkAuthType(authType)
	if err == nil && t != "NONE" {
		err = awserr.LatticeValidation("The auth type AWS_IAM is not supported here for services: requests to them are not authenticated.")
	}
	return err
}

func services(tx *world.Tx) *world.Table[world.LatticeServiceID, world.LatticeService] {
	return &tx.LatticeServices
}

func serviceARN(r world.LatticeService) string { return serviceKind().arn(r.Meta, string(r.ID)) }

func serviceName(r world.LatticeService) *latticeapi.DnsEntry {
	return &latticeapi.DnsEntry{DomainName: new(r.DNSName()), HostedZoneId: new(world.ServiceHostedZone(r.Region))}
}

// GetService describes one service.
func (s *Service) GetService(_ context.Context, c world.Caller, in *latticeapi.GetServiceInput) (*latticeapi.GetServiceOutput, error) {
	v := s.look()
	r, err := find(&v.w, &v.w.LatticeServices, c, serviceKind(), in.ServiceIdentifier)
	if err != nil {
		return nil, err
	}
	return &latticeapi.GetServiceOutput{
		Id: new(string(r.ID)), Name: &r.Name, Arn: new(serviceARN(r)), CreatedAt: &r.Created, LastUpdatedAt: &r.Updated,
		DnsEntry: serviceName(r), Status: new(v.status(r.Meta, nil)), AuthType: new("NONE"),
	}, nil
}

// ListServices lists the caller's services.
func (s *Service) ListServices(_ context.Context, c world.Caller, in *latticeapi.ListServicesInput) (*latticeapi.ListServicesOutput, error) {
	v := s.look()
	rows := owned(&v.w.LatticeServices, c, func(world.LatticeService) bool { return true })
	rows, next, err := listing.Page(listing.Lattice(), rows, world.LatticeService.RowID, in.MaxResults, in.NextToken)
	if err != nil {
		return nil, err
	}
	out := &latticeapi.ListServicesOutput{Items: []latticeapi.ServiceSummary{}, NextToken: next}
	for _, r := range rows {
		out.Items = append(out.Items, latticeapi.ServiceSummary{
			Id: new(string(r.ID)), Name: &r.Name, Arn: new(serviceARN(r)), CreatedAt: &r.Created, LastUpdatedAt: &r.Updated,
			DnsEntry: serviceName(r), Status: new(v.status(r.Meta, nil)),
		})
	}
	return out, nil
}

// UpdateService changes the auth type, to the one that there is.
func (s *Service) UpdateService(ctx context.Context, c world.Caller, in *latticeapi.UpdateServiceInput) (*latticeapi.UpdateServiceOutput, error) {
	if value(in.CertificateArn) != "" {
		return nil, awserr.LatticeValidation("Certificates of services are not supported here.")
	}
	if err := checkUnsigned(in.AuthType); err != nil {
		return nil, err
	}
	var r world.LatticeService
	_, err := s.update(ctx, func(tx *world.Tx) (err error) {
		r, err = find(&tx.World, &tx.LatticeServices, c, serviceKind(), in.ServiceIdentifier)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &latticeapi.UpdateServiceOutput{Id: new(string(r.ID)), Arn: new(serviceARN(r)), Name: &r.Name, AuthType: new("NONE")}, nil
}

// DeleteService takes a service that is in no network away, with its listeners and rules. Doing it again changes nothing.
func (s *Service) DeleteService(ctx context.Context, c world.Caller, in *latticeapi.DeleteServiceInput) (*latticeapi.DeleteServiceOutput, error) {
	k := serviceKind()
	var r world.LatticeService
	_, err := s.update(ctx, func(tx *world.Tx) (err error) {
		if r, err = find(&tx.World, &tx.LatticeServices, c, k, in.ServiceIdentifier); err != nil || r.Deleting {
			return err
		}
		if tx.ServiceAssociations.Some(string(r.ID)) {
			return awserr.LatticeConflict(k.noun, string(r.ID), "Service %s is associated with a service network", r.ID)
		}
		for l := range tx.LatticeListeners.In(string(r.ID)) {
			removeListener(tx, l)
		}
		r.Deleting = true
		tx.Touch(&r.Meta)
		tx.LatticeServices.Put(r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &latticeapi.DeleteServiceOutput{Id: new(string(r.ID)), Arn: new(serviceARN(r)), Name: &r.Name, Status: new(deleting)}, nil
}
