package route53

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"kumiko/internal/api/route53api"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// Quotas of an account. (Amazon Route 53 Developer Guide, "Quotas".)
const (
	zonesPerAccount          = 500
	recordsPerZone           = 10_000
	vpcsPerZone              = 300
	authorizationsPerZone    = 1000
	healthChecksPerAccount   = 200
	delegationSetsPerAccount = 100
	zonesPerDelegationSet    = 100
)

// CreateHostedZone makes a zone with its NS and SOA records; with a VPC, a private one.
func (s *Service) CreateHostedZone(ctx context.Context, c world.Caller, in *route53api.CreateHostedZoneInput) (*route53api.CreateHostedZoneOutput, error) {
	name, ok := world.ParseDNSName(*in.Name)
	if !ok {
		return nil, awserr.Route53Refused("InvalidDomainName", "The domain name %s is not valid.", *in.Name)
	}
	z := world.HostedZone{Name: name, Reference: *in.CallerReference, Private: in.VPC != nil, DelegationSet: world.DelegationSetID(bare(in.DelegationSetId))}
	if in.HostedZoneConfig != nil {
		z.Comment = value(in.HostedZoneConfig.Comment)
		if value(in.HostedZoneConfig.PrivateZone) && in.VPC == nil {
			return nil, awserr.Route53Invalid("When you're creating a private hosted zone (when you specify true for PrivateZone), you must also specify values for VPCId and VPCRegion.")
		}
	}
	if z.Private && z.DelegationSet != "" {
		return nil, awserr.Route53Invalid("A private hosted zone cannot have a reusable delegation set.")
	}
	info, w, err := s.update(ctx, c, nil, func(tx *world.Tx) error {
		z.ID, z.Meta = world.HostedZoneID(tx.NewZoneID("Z")), tx.NewMeta(c, nil)
		z.Region = homeRegion
		if err := checkNewZone(tx, c, &z, in.VPC); err != nil {
			return err
		}
		tx.HostedZones.Put(z)
		putApex(tx, z)
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := &route53api.CreateHostedZoneOutput{
		HostedZone: zoneOf(&w, z), ChangeInfo: info, VPC: in.VPC, Location: new("https://route53.amazonaws.com/2013-04-01/hostedzone/" + string(z.ID)),
	}
	if !z.Private {
		out.DelegationSet = delegation(z)
	}
	return out, nil
}

// checkNewZone finds the VPC and the name servers of a zone that is to be made.
func checkNewZone(tx *world.Tx, c world.Caller, z *world.HostedZone, vpc *route53api.VPC) error {
	n := 0
	for o := range tx.HostedZones.All() {
		if o.Account != c.Account {
			continue
		}
		if n++; o.Reference == z.Reference {
			return awserr.New("HostedZoneAlreadyExists", 409, "A hosted zone has already been created with the specified caller reference.")
		}
	}
	if n >= zonesPerAccount {
		return awserr.Route53Refused("TooManyHostedZones", "Limits Exceeded: MAX_HOSTED_ZONES_BY_OWNER - Cannot create more hosted zones.")
	}
	z.NameServers = world.PrivateNameServers()
	if z.Private {
		a, err := findVPC(&tx.World, c, vpc)
		if err != nil {
			return err
		}
		z.VPCs = []world.ZoneVPC{a}
		return nameFree(&tx.World, a, z.Name)
	}
	z.NameServers = nameServers(tx)
	if z.DelegationSet == "" {
		return nil
	}
	d, ok := tx.DelegationSets.Get(z.DelegationSet)
	if !ok || d.Account != c.Account {
		return awserr.Route53NoDelegationSet(string(z.DelegationSet))
	}
	z.NameServers = d.NameServers
	return nil
}

// nameServers draws four name servers as Route 53 gives them to public zones.
func nameServers(tx *world.Tx) []string {
	var out []string
	for i, top := range []string{"com", "net", "org", "co.uk"} {
		var n int
		_, _ = fmt.Sscanf(tx.Hex(4), "%x", &n) // four hexadecimal digits are a number
		n %= 512
		out = append(out, fmt.Sprintf("ns-%d.awsdns-%02d.%s", i*512+n, n/8, top))
	}
	return out
}

// putApex gives a new zone the records every zone has. (TTLs and values are those of zones that Route 53 made.)
func putApex(tx *world.Tx, z world.HostedZone) {
	ns := world.RecordSet{Zone: z.ID, Name: z.Name, Type: "NS", TTL: 172800, Rev: tx.Rev}
	for _, n := range z.NameServers {
		ns.Values = append(ns.Values, n+".")
	}
	tx.RecordSets.Put(ns)
	tx.RecordSets.Put(world.RecordSet{
		Zone: z.ID, Name: z.Name, Type: "SOA", TTL: 900, Rev: tx.Rev,
		Values: []string{z.NameServers[0] + ". awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400"},
	})
}

// zoneOf describes a zone.
func zoneOf(w *world.World, z world.HostedZone) *route53api.HostedZone {
	return &route53api.HostedZone{
		Id: new("/hostedzone/" + string(z.ID)), Name: new(z.Name + "."), CallerReference: &z.Reference,
		Config:                 &route53api.HostedZoneConfig{Comment: unless(z.Comment), PrivateZone: &z.Private},
		ResourceRecordSetCount: new(int64(countSets(w, z.ID))),
	}
}

func countSets(w *world.World, z world.HostedZoneID) (n int) {
	for range w.RecordSetsOf(z) {
		n++
	}
	return n
}

// delegation are the name servers of a public zone.
func delegation(z world.HostedZone) *route53api.DelegationSet {
	d := &route53api.DelegationSet{NameServers: z.NameServers}
	if z.DelegationSet != "" {
		d.Id = new("/delegationset/" + string(z.DelegationSet))
	}
	return d
}

// GetHostedZone describes a zone, with its VPCs or its name servers.
func (s *Service) GetHostedZone(_ context.Context, c world.Caller, in *route53api.GetHostedZoneInput) (*route53api.GetHostedZoneOutput, error) {
	w := s.store.World()
	z, err := own(&w, c, in.Id)
	if err != nil {
		return nil, err
	}
	out := &route53api.GetHostedZoneOutput{HostedZone: zoneOf(&w, z)}
	for _, a := range z.VPCs {
		out.VPCs = append(out.VPCs, vpcOf(a))
	}
	if !z.Private {
		out.DelegationSet = delegation(z)
	}
	return out, nil
}

// DeleteHostedZone takes away a zone that has no records but those of every zone.
func (s *Service) DeleteHostedZone(ctx context.Context, c world.Caller, in *route53api.DeleteHostedZoneInput) (*route53api.DeleteHostedZoneOutput, error) {
	info, _, err := s.update(ctx, c, nil, func(tx *world.Tx) error {
		z, err := own(&tx.World, c, in.Id)
		if err != nil {
			return err
		}
		sets := slices.Collect(tx.RecordSetsOf(z.ID))
		for _, r := range sets {
			if !ofEveryZone(z, r) {
				return awserr.Route53Refused("HostedZoneNotEmpty", "The specified hosted zone contains non-required resource record sets and so cannot be deleted.")
			}
			tx.RecordSets.Delete(r.RowID())
		}
		for _, a := range slices.Collect(tx.ZoneAuthorizations.In(string(z.ID))) {
			tx.ZoneAuthorizations.Delete(a.RowID())
		}
		tx.HostedZones.Delete(z.ID)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &route53api.DeleteHostedZoneOutput{ChangeInfo: info}, nil
}

// ofEveryZone tells whether a record set is one that a zone cannot be without.
func ofEveryZone(z world.HostedZone, r world.RecordSet) bool {
	return r.Name == z.Name && (r.Type == "NS" || r.Type == "SOA")
}

// UpdateHostedZoneComment changes the comment.
func (s *Service) UpdateHostedZoneComment(ctx context.Context, c world.Caller, in *route53api.UpdateHostedZoneCommentInput) (*route53api.UpdateHostedZoneCommentOutput, error) {
	var z world.HostedZone
	_, w, err := s.update(ctx, c, nil, func(tx *world.Tx) (err error) {
		if z, err = own(&tx.World, c, in.Id); err != nil {
			return err
		}
		z.Comment = value(in.Comment)
		tx.HostedZones.Put(z)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &route53api.UpdateHostedZoneCommentOutput{HostedZone: zoneOf(&w, z)}, nil
}

// GetHostedZoneCount counts the caller's zones.
func (s *Service) GetHostedZoneCount(_ context.Context, c world.Caller, _ *route53api.GetHostedZoneCountInput) (*route53api.GetHostedZoneCountOutput, error) {
	w := s.store.World()
	return &route53api.GetHostedZoneCountOutput{HostedZoneCount: new(int64(len(zonesOf(&w, c))))}, nil
}

// zonesOf are the caller's zones, by id.
func zonesOf(w *world.World, c world.Caller) []world.HostedZone {
	return w.HostedZones.Where(func(z world.HostedZone) bool { return z.Account == c.Account })
}

// GetHostedZoneLimit tells how much of a quota of a zone is used.
func (s *Service) GetHostedZoneLimit(_ context.Context, c world.Caller, in *route53api.GetHostedZoneLimitInput) (*route53api.GetHostedZoneLimitOutput, error) {
	w := s.store.World()
	z, err := own(&w, c, in.HostedZoneId)
	if err != nil {
		return nil, err
	}
	most, have := int64(recordsPerZone), int64(countSets(&w, z.ID))
	if *in.Type == "MAX_VPCS_ASSOCIATED_BY_ZONE" {
		if !z.Private {
			return nil, awserr.Route53Refused("HostedZoneNotPrivate", "The specified hosted zone is a public hosted zone, not a private hosted zone.")
		}
		most, have = vpcsPerZone, int64(len(z.VPCs))
	}
	return &route53api.GetHostedZoneLimitOutput{Limit: &route53api.HostedZoneLimit{Type: in.Type, Value: &most}, Count: &have}, nil
}

// GetAccountLimit tells how much of a quota of the account is used.
func (s *Service) GetAccountLimit(_ context.Context, c world.Caller, in *route53api.GetAccountLimitInput) (*route53api.GetAccountLimitOutput, error) {
	w := s.store.World()
	most, have := int64(0), int64(0)
	switch *in.Type {
	case "MAX_HOSTED_ZONES_BY_OWNER":
		most, have = zonesPerAccount, int64(len(zonesOf(&w, c)))
	case "MAX_HEALTH_CHECKS_BY_OWNER":
		most, have = healthChecksPerAccount, int64(len(checksOf(&w, c)))
	case "MAX_REUSABLE_DELEGATION_SETS_BY_OWNER":
		most, have = delegationSetsPerAccount, int64(len(setsOf(&w, c)))
	default:
		return nil, awserr.Route53NotBuilt("The limit " + *in.Type)
	}
	return &route53api.GetAccountLimitOutput{Limit: &route53api.AccountLimit{Type: in.Type, Value: &most}, Count: &have}, nil
}

// GetDNSSEC says that a public zone is not signed.
func (s *Service) GetDNSSEC(_ context.Context, c world.Caller, in *route53api.GetDNSSECInput) (*route53api.GetDNSSECOutput, error) {
	w := s.store.World()
	z, err := own(&w, c, in.HostedZoneId)
	if err != nil {
		return nil, err
	}
	if z.Private {
		return nil, awserr.Route53Refused("InvalidArgument", "Operation is unsupported for private hosted zones.")
	}
	return &route53api.GetDNSSECOutput{Status: &route53api.DNSSECStatus{ServeSignature: new("NOT_SIGNING")}, KeySigningKeys: []route53api.KeySigningKey{}}, nil
}

// domain is a name of a request, as far as it is one.
func domain(text *string) string {
	if name, ok := world.ParseDNSName(value(text)); ok {
		return name
	}
	return strings.ToLower(value(text))
}
