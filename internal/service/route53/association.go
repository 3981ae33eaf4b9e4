package route53

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"kumiko/internal/api/route53api"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

func vpcOf(a world.ZoneVPC) route53api.VPC {
	return route53api.VPC{VPCId: new(string(a.VPC)), VPCRegion: &a.Region}
}

// namedVPC is the VPC a request names.
func namedVPC(v *route53api.VPC) (world.ZoneVPC, error) {
	if v == nil || value(v.VPCId) == "" || value(v.VPCRegion) == "" {
		return world.ZoneVPC{}, awserr.Route53Invalid("Both VPCId and VPCRegion are needed.")
	}
	return world.ZoneVPC{VPC: world.VPCID(*v.VPCId), Region: *v.VPCRegion}, nil
}

// findVPC is a VPC of the caller's.
func findVPC(w *world.World, c world.Caller, v *route53api.VPC) (world.ZoneVPC, error) {
	a, err := namedVPC(v)
	if err != nil {
		return a, err
	}
	row, ok := w.VPCs.Get(a.VPC)
	if !ok || row.Region != a.Region || row.Account != c.Account {
		return a, awserr.Route53Refused("InvalidVPCId", "The VPC: %s in region %s that you provided is not authorized to make the association or does not exist.", a.VPC, a.Region)
	}
	return a, nil
}

// nameFree checks that the VPC has no private zone of that name, of users or of an endpoint.
func nameFree(w *world.World, a world.ZoneVPC, name string) error {
	if z, ok := w.HostedZoneIn(a.VPC, name); ok {
		return awserr.Route53Conflict(string(a.VPC), a.Region, string(z.ID))
	}
	for _, z := range w.HiddenZones(a.VPC) {
		if z.Name == name {
			return awserr.Route53Conflict(string(a.VPC), a.Region, string(z.ID))
		}
	}
	return nil
}

// AssociateVPCWithHostedZone lets a VPC see a private zone: the caller owns both, or the VPC and an authorization.
func (s *Service) AssociateVPCWithHostedZone(ctx context.Context, c world.Caller, in *route53api.AssociateVPCWithHostedZoneInput) (*route53api.AssociateVPCWithHostedZoneOutput, error) {
	info, _, err := s.update(ctx, c, in.Comment, func(tx *world.Tx) error {
		a, err := namedVPC(in.VPC)
		if err != nil {
			return err
		}
		z, err := partner(tx, c, in.HostedZoneId, a)
		if err != nil {
			return err
		}
		if err := nameFree(&tx.World, a, z.Name); err != nil {
			return err
		}
		if len(z.VPCs) >= vpcsPerZone {
			return awserr.Route53Refused("LimitsExceeded", "Limits Exceeded: MAX_VPCS_ASSOCIATED_BY_ZONE - Cannot associate more VPCs with the hosted zone %s.", z.ID)
		}
		z.VPCs = append(slices.Clone(z.VPCs), a)
		slices.SortFunc(z.VPCs, func(a, b world.ZoneVPC) int { return strings.Compare(string(a.VPC), string(b.VPC)) })
		tx.HostedZones.Put(z)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &route53api.AssociateVPCWithHostedZoneOutput{ChangeInfo: info}, nil
}

// partner is the private zone that the caller may associate the VPC with.
func partner(tx *world.Tx, c world.Caller, id *string, a world.ZoneVPC) (world.HostedZone, error) {
	z, ok := tx.HostedZones.Get(world.HostedZoneID(bare(id)))
	v, known := tx.VPCs.Get(a.VPC)
	known = known && v.Region == a.Region
	mine, theirs := ok && z.Account == c.Account, known && v.Account == c.Account
	switch {
	case !ok || !mine && !theirs:
		return z, awserr.Route53NoZone(bare(id))
	case !known:
		return z, awserr.Route53Refused("InvalidVPCId", "The VPC ID %s in region %s is invalid or the current account is not authorized to access this VPC.", a.VPC, a.Region)
	case mine && !theirs, !mine && !tx.ZoneAuthorizations.Has(world.ZoneAuthorizationID(z.ID, a.VPC)):
		return z, awserr.New("NotAuthorizedException", http.StatusUnauthorized, "The VPC: %s has not authorized to associate with your hosted zone.", a.VPC)
	case !z.Private:
		return z, awserr.Route53Refused("PublicZoneVPCAssociation", "Public hosted zone %s cannot be associated with VPCs.", z.ID)
	}
	return z, nil
}

// DisassociateVPCFromHostedZone takes a private zone from a VPC, unless it is its last one. Either side may.
func (s *Service) DisassociateVPCFromHostedZone(ctx context.Context, c world.Caller, in *route53api.DisassociateVPCFromHostedZoneInput) (*route53api.DisassociateVPCFromHostedZoneOutput, error) {
	info, _, err := s.update(ctx, c, in.Comment, func(tx *world.Tx) error {
		a, err := namedVPC(in.VPC)
		if err != nil {
			return err
		}
		z, ok := tx.HostedZones.Get(world.HostedZoneID(bare(in.HostedZoneId)))
		v, _ := tx.VPCs.Get(a.VPC)
		switch i := slices.Index(z.VPCs, a); {
		case !ok || z.Account != c.Account && v.Account != c.Account:
			return awserr.Route53NoZone(bare(in.HostedZoneId))
		case i < 0:
			return awserr.New("VPCAssociationNotFound", http.StatusNotFound, "The VPC %s in region %s is not associated with the hosted zone %s.", a.VPC, a.Region, z.ID)
		case len(z.VPCs) == 1:
			return awserr.Route53Refused("LastVPCAssociation", "The VPC that you are trying to disassociate from the private hosted zone is the last VPC that is associated with the private hosted zone. Cannot remove the last VPC association for the private zone")
		default:
			z.VPCs = slices.Delete(slices.Clone(z.VPCs), i, i+1)
		}
		tx.HostedZones.Put(z)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &route53api.DisassociateVPCFromHostedZoneOutput{ChangeInfo: info}, nil
}

// CreateVPCAssociationAuthorization lets another account associate a VPC of its own with a zone of the caller's.
func (s *Service) CreateVPCAssociationAuthorization(ctx context.Context, c world.Caller, in *route53api.CreateVPCAssociationAuthorizationInput) (*route53api.CreateVPCAssociationAuthorizationOutput, error) {
	_, _, err := s.update(ctx, c, nil, func(tx *world.Tx) error {
		z, a, err := s.authorization(tx, c, in.HostedZoneId, in.VPC)
		if err != nil {
			return err
		}
		if row, ok := tx.VPCs.Get(a.VPC); !ok || row.Region != a.Region {
			return awserr.Route53Refused("InvalidVPCId", "The VPC ID %s in region %s is invalid.", a.VPC, a.Region)
		}
		if len(slices.Collect(tx.ZoneAuthorizations.In(string(z.ID)))) >= authorizationsPerZone {
			return awserr.Route53Refused("TooManyVPCAssociationAuthorizations", "Cannot create more VPC association authorizations for the hosted zone %s.", z.ID)
		}
		tx.ZoneAuthorizations.Put(world.ZoneAuthorization{Zone: z.ID, ZoneVPC: a})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &route53api.CreateVPCAssociationAuthorizationOutput{HostedZoneId: new(bare(in.HostedZoneId)), VPC: in.VPC}, nil
}

// authorization is the zone of the caller's and the VPC that an authorization is about.
func (s *Service) authorization(tx *world.Tx, c world.Caller, id *string, v *route53api.VPC) (world.HostedZone, world.ZoneVPC, error) {
	a, err := namedVPC(v)
	if err != nil {
		return world.HostedZone{}, a, err
	}
	z, err := own(&tx.World, c, id)
	if err == nil && !z.Private {
		err = awserr.Route53Invalid("Public hosted zone %s cannot be associated with VPCs.", z.ID)
	}
	return z, a, err
}

// DeleteVPCAssociationAuthorization takes an authorization back. What was associated by it stays so.
func (s *Service) DeleteVPCAssociationAuthorization(ctx context.Context, c world.Caller, in *route53api.DeleteVPCAssociationAuthorizationInput) (*route53api.DeleteVPCAssociationAuthorizationOutput, error) {
	_, _, err := s.update(ctx, c, nil, func(tx *world.Tx) error {
		z, a, err := s.authorization(tx, c, in.HostedZoneId, in.VPC)
		if err != nil {
			return err
		}
		id := world.ZoneAuthorizationID(z.ID, a.VPC)
		if had, ok := tx.ZoneAuthorizations.Get(id); !ok || had.Region != a.Region {
			return awserr.New("VPCAssociationAuthorizationNotFound", http.StatusNotFound, "No authorization of the VPC %s in region %s was found for the hosted zone %s.", a.VPC, a.Region, z.ID)
		}
		tx.ZoneAuthorizations.Delete(id)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &route53api.DeleteVPCAssociationAuthorizationOutput{}, nil
}

// ListVPCAssociationAuthorizations lists the VPCs that may be associated with a zone.
func (s *Service) ListVPCAssociationAuthorizations(_ context.Context, c world.Caller, in *route53api.ListVPCAssociationAuthorizationsInput) (*route53api.ListVPCAssociationAuthorizationsOutput, error) {
	w := s.store.World()
	z, err := own(&w, c, in.HostedZoneId)
	if err != nil {
		return nil, err
	}
	rows := slices.Collect(w.ZoneAuthorizations.In(string(z.ID)))
	rows, next, err := page(rows, world.ZoneAuthorization.RowID, in.NextToken, in.MaxResults, 50)
	if err != nil {
		return nil, err
	}
	out := &route53api.ListVPCAssociationAuthorizationsOutput{HostedZoneId: new(string(z.ID)), VPCs: []route53api.VPC{}, NextToken: next}
	for _, a := range rows {
		out.VPCs = append(out.VPCs, vpcOf(a.ZoneVPC))
	}
	return out, nil
}
