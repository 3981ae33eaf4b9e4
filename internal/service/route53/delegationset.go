package route53

import (
	"context"

	"kumiko/internal/api/route53api"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// setsOf are the caller's reusable delegation sets, by id.
func setsOf(w *world.World, c world.Caller) []world.DelegationSet {
	return w.DelegationSets.Where(func(d world.DelegationSet) bool { return d.Account == c.Account })
}

// ownSet is a delegation set of the caller's.
func ownSet(w *world.World, c world.Caller, id *string) (world.DelegationSet, error) {
	d, ok := w.DelegationSets.Get(world.DelegationSetID(bare(id)))
	if !ok || d.Account != c.Account {
		return d, awserr.Route53NoDelegationSet(bare(id))
	}
	return d, nil
}

func describedSet(d world.DelegationSet) *route53api.DelegationSet {
	return &route53api.DelegationSet{Id: new("/delegationset/" + string(d.ID)), CallerReference: &d.Reference, NameServers: d.NameServers}
}

// zonesWith counts the zones that were made with a delegation set.
func zonesWith(w *world.World, id world.DelegationSetID) int {
	return len(w.HostedZones.Where(func(z world.HostedZone) bool { return z.DelegationSet == id }))
}

// CreateReusableDelegationSet makes a set of name servers, or one of those that a public zone has.
func (s *Service) CreateReusableDelegationSet(ctx context.Context, c world.Caller, in *route53api.CreateReusableDelegationSetInput) (*route53api.CreateReusableDelegationSetOutput, error) {
	var d world.DelegationSet
	_, _, err := s.update(ctx, c, nil, func(tx *world.Tx) error {
		sets := setsOf(&tx.World, c)
		for _, o := range sets {
			if o.Reference == *in.CallerReference {
				return awserr.Route53Refused("DelegationSetAlreadyCreated", "A delegation set with the same owner and caller reference combination has already been created.")
			}
		}
		if len(sets) >= delegationSetsPerAccount {
			return awserr.Route53Refused("LimitsExceeded", "Limits Exceeded: MAX_REUSABLE_DELEGATION_SETS_BY_OWNER - Cannot create more reusable delegation sets.")
		}
		d = world.DelegationSet{ID: world.DelegationSetID(tx.NewZoneID("N")), Meta: tx.NewMeta(c, nil), Reference: *in.CallerReference, NameServers: nameServers(tx)}
		if in.HostedZoneId != nil {
			z, err := own(&tx.World, c, in.HostedZoneId)
			switch {
			case err != nil:
				return awserr.New("HostedZoneNotFound", 404, "The specified HostedZone can't be found.")
			case z.Private:
				return awserr.Route53Refused("InvalidArgument", "A private hosted zone has no delegation set.")
			case z.DelegationSet != "":
				return awserr.Route53Refused("DelegationSetAlreadyReusable", "The specified delegation set has already been marked as reusable.")
			}
			d.NameServers, z.DelegationSet = z.NameServers, d.ID
			tx.HostedZones.Put(z)
		}
		tx.DelegationSets.Put(d)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &route53api.CreateReusableDelegationSetOutput{
		DelegationSet: describedSet(d), Location: new("https://route53.amazonaws.com/2013-04-01/delegationset/" + string(d.ID)),
	}, nil
}

// GetReusableDelegationSet describes a set.
func (s *Service) GetReusableDelegationSet(_ context.Context, c world.Caller, in *route53api.GetReusableDelegationSetInput) (*route53api.GetReusableDelegationSetOutput, error) {
	w := s.store.World()
	d, err := ownSet(&w, c, in.Id)
	if err != nil {
		return nil, err
	}
	return &route53api.GetReusableDelegationSetOutput{DelegationSet: describedSet(d)}, nil
}

// ListReusableDelegationSets lists the caller's sets.
func (s *Service) ListReusableDelegationSets(_ context.Context, c world.Caller, in *route53api.ListReusableDelegationSetsInput) (*route53api.ListReusableDelegationSetsOutput, error) {
	w := s.store.World()
	rows, next, err := page(setsOf(&w, c), world.DelegationSet.RowID, in.Marker, in.MaxItems, pageSize)
	if err != nil {
		return nil, err
	}
	out := &route53api.ListReusableDelegationSetsOutput{
		DelegationSets: []route53api.DelegationSet{}, Marker: new(value(in.Marker)), IsTruncated: new(next != nil), NextMarker: next, MaxItems: maxItems(in.MaxItems, pageSize),
	}
	for _, d := range rows {
		out.DelegationSets = append(out.DelegationSets, *describedSet(d))
	}
	return out, nil
}

// DeleteReusableDelegationSet takes away a set that no zone has.
func (s *Service) DeleteReusableDelegationSet(ctx context.Context, c world.Caller, in *route53api.DeleteReusableDelegationSetInput) (*route53api.DeleteReusableDelegationSetOutput, error) {
	_, _, err := s.update(ctx, c, nil, func(tx *world.Tx) error {
		d, err := ownSet(&tx.World, c, in.Id)
		if err != nil {
			return err
		}
		if zonesWith(&tx.World, d.ID) > 0 {
			return awserr.Route53Refused("DelegationSetInUse", "The specified delegation set contains associated hosted zones which must be deleted before the reusable delegation set can be deleted.")
		}
		tx.DelegationSets.Delete(d.ID)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &route53api.DeleteReusableDelegationSetOutput{}, nil
}

// GetReusableDelegationSetLimit tells how many zones have a set.
func (s *Service) GetReusableDelegationSetLimit(_ context.Context, c world.Caller, in *route53api.GetReusableDelegationSetLimitInput) (*route53api.GetReusableDelegationSetLimitOutput, error) {
	w := s.store.World()
	d, err := ownSet(&w, c, in.DelegationSetId)
	if err != nil {
		return nil, err
	}
	return &route53api.GetReusableDelegationSetLimitOutput{
		Limit: &route53api.ReusableDelegationSetLimit{Type: in.Type, Value: new(int64(zonesPerDelegationSet))}, Count: new(int64(zonesWith(&w, d.ID))),
	}, nil
}
