package route53

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"

	"kumiko/internal/api/route53api"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// pageSize is how many items a page of the usual lists has at most. (Amazon Route 53 API Reference.)
const pageSize = 100

// count reads a number of items of a page, which Route 53 takes as text; more than it gives is as many as it gives.
func count(text *string, most int) (int, error) {
	if text == nil {
		return most, nil
	}
	n, err := strconv.Atoi(*text)
	if err != nil || n < 1 {
		return 0, awserr.Route53Invalid("The number of items %q is not valid.", *text)
	}
	return min(n, most), nil
}

// page cuts the rows, which are in the order of their ids, from the one with the id in from on. next is the id of the
// first row that is left.
func page[R any](rows []R, id func(R) string, from, items *string, most int) (cut []R, next *string, err error) {
	n, err := count(items, most)
	if err != nil {
		return nil, nil, err
	}
	i, _ := slices.BinarySearchFunc(rows, value(from), func(r R, from string) int { return cmp.Compare(id(r), from) })
	rows = rows[i:]
	if len(rows) > n {
		next, rows = new(id(rows[n])), rows[:n]
	}
	return rows, next, nil
}

// ListHostedZones lists the caller's zones by id.
func (s *Service) ListHostedZones(_ context.Context, c world.Caller, in *route53api.ListHostedZonesInput) (*route53api.ListHostedZonesOutput, error) {
	w := s.store.World()
	set := world.DelegationSetID(bare(in.DelegationSetId))
	zones := slices.DeleteFunc(zonesOf(&w, c), func(z world.HostedZone) bool {
		return set != "" && z.DelegationSet != set || in.HostedZoneType != nil && !z.Private
	})
	rows, next, err := page(zones, world.HostedZone.RowID, in.Marker, in.MaxItems, pageSize)
	if err != nil {
		return nil, err
	}
	out := &route53api.ListHostedZonesOutput{
		HostedZones: []route53api.HostedZone{}, Marker: in.Marker, MaxItems: maxItems(in.MaxItems, pageSize), NextMarker: next, IsTruncated: new(next != nil),
	}
	for _, z := range rows {
		out.HostedZones = append(out.HostedZones, *zoneOf(&w, z))
	}
	return out, nil
}

// maxItems says how many items were asked for.
func maxItems(asked *string, most int) *string {
	n, err := count(asked, most)
	if err != nil {
		n = most
	}
	return new(strconv.Itoa(n))
}

// ListHostedZonesByName lists the caller's zones by their names with the labels turned round.
func (s *Service) ListHostedZonesByName(_ context.Context, c world.Caller, in *route53api.ListHostedZonesByNameInput) (*route53api.ListHostedZonesByNameOutput, error) {
	w := s.store.World()
	if in.HostedZoneId != nil && in.DNSName == nil {
		return nil, awserr.Route53Invalid("A hosted zone ID is only valid with a DNS name.")
	}
	if in.DNSName != nil {
		if _, ok := world.ParseDNSName(*in.DNSName); !ok {
			return nil, awserr.Route53Refused("InvalidDomainName", "The domain name %s is not valid.", *in.DNSName)
		}
	}
	key := func(z world.HostedZone) string { return world.ReversedName(z.Name) + " " + string(z.ID) }
	zones := zonesOf(&w, c)
	slices.SortFunc(zones, func(a, b world.HostedZone) int { return cmp.Compare(key(a), key(b)) })
	from := ""
	if in.DNSName != nil {
		from = world.ReversedName(domain(in.DNSName)) + " " + bare(in.HostedZoneId)
	}
	rows, next, err := page(zones, key, &from, in.MaxItems, pageSize)
	if err != nil {
		return nil, err
	}
	out := &route53api.ListHostedZonesByNameOutput{
		HostedZones: []route53api.HostedZone{}, DNSName: in.DNSName, HostedZoneId: in.HostedZoneId,
		IsTruncated: new(next != nil), MaxItems: maxItems(in.MaxItems, pageSize),
	}
	for _, z := range rows {
		out.HostedZones = append(out.HostedZones, *zoneOf(&w, z))
	}
	for _, z := range zones {
		if next != nil && key(z) == *next {
			out.NextDNSName, out.NextHostedZoneId = new(z.Name+"."), new(string(z.ID))
		}
	}
	return out, nil
}

// ListHostedZonesByVPC lists the private zones that a VPC of the caller's sees, whoever owns them.
func (s *Service) ListHostedZonesByVPC(_ context.Context, c world.Caller, in *route53api.ListHostedZonesByVPCInput) (*route53api.ListHostedZonesByVPCOutput, error) {
	w := s.store.World()
	id := world.VPCID(*in.VPCId)
	if v, ok := w.VPCs.Get(id); !ok || v.Region != *in.VPCRegion {
		return nil, awserr.Route53Invalid("The VPC ID %s in region %s is invalid.", id, *in.VPCRegion)
	} else if v.Account != c.Account {
		return nil, awserr.New("AccessDenied", http.StatusForbidden, "The VPC %s in region %s is not owned by you.", id, *in.VPCRegion)
	}
	zones := summaries(&w, id)
	rows, next, err := page(zones, func(z route53api.HostedZoneSummary) string { return *z.HostedZoneId }, in.NextToken, in.MaxItems, pageSize)
	if err != nil {
		return nil, err
	}
	return &route53api.ListHostedZonesByVPCOutput{HostedZoneSummaries: rows, MaxItems: maxItems(in.MaxItems, pageSize), NextToken: next}, nil
}

// summaries are the private zones that a VPC sees, by id: those of accounts, and those AWS keeps for endpoints.
func summaries(w *world.World, v world.VPCID) []route53api.HostedZoneSummary {
	out := []route53api.HostedZoneSummary{}
	for z := range w.HostedZones.All() {
		if z.Private && z.In(v) {
			out = append(out, route53api.HostedZoneSummary{
				HostedZoneId: new(string(z.ID)), Name: new(z.Name + "."), Owner: &route53api.HostedZoneOwner{OwningAccount: new(string(z.Account))},
			})
		}
	}
	for _, z := range w.HiddenZones(v) {
		out = append(out, route53api.HostedZoneSummary{
			HostedZoneId: new(string(z.ID)), Name: new(z.Name + "."), Owner: &route53api.HostedZoneOwner{OwningService: new("vpce.amazonaws.com")},
		})
	}
	slices.SortFunc(out, func(a, b route53api.HostedZoneSummary) int { return cmp.Compare(*a.HostedZoneId, *b.HostedZoneId) })
	return out
}
