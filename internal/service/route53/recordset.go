package route53

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"kumiko/internal/api/route53api"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// Limits of a batch. (Amazon Route 53 Developer Guide, "Quotas on ChangeResourceRecordSets".)
const (
	recordsPerBatch    = 1000
	charactersPerBatch = 32_000
	recordsPerSet      = 400
	setsPerName        = 100
)

// ChangeResourceRecordSets makes all changes of a batch, or none.
func (s *Service) ChangeResourceRecordSets(ctx context.Context, c world.Caller, in *route53api.ChangeResourceRecordSetsInput) (*route53api.ChangeResourceRecordSetsOutput, error) {
	if err := checkSize(in.ChangeBatch.Changes); err != nil {
		return nil, err
	}
	info, _, err := s.update(ctx, c, in.ChangeBatch.Comment, func(tx *world.Tx) error {
		z, err := own(&tx.World, c, in.HostedZoneId)
		if err != nil {
			return err
		}
		b := batch{tx: tx, zone: z, touched: map[string]string{}, names: map[string]bool{}}
		for _, ch := range in.ChangeBatch.Changes {
			if err := b.apply(c, ch); err != nil {
				return err
			}
		}
		if len(b.problems) == 0 {
			b.whole()
		}
		if len(b.problems) > 0 {
			return awserr.Route53InvalidBatch(b.problems...)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &route53api.ChangeResourceRecordSetsOutput{ChangeInfo: info}, nil
}

// checkSize holds the limits of a batch; what is UPSERTed counts twice.
func checkSize(changes []route53api.Change) error {
	records, characters := 0, 0
	for _, ch := range changes {
		times := 1
		if *ch.Action == "UPSERT" {
			times = 2
		}
		if n := len(ch.ResourceRecordSet.ResourceRecords); n > recordsPerSet {
			return awserr.Route53InvalidBatch(fmt.Sprintf("Number of records limit of %d exceeded for a resource record set.", recordsPerSet))
		}
		for _, r := range ch.ResourceRecordSet.ResourceRecords {
			records += times
			characters += times * len(*r.Value)
		}
	}
	switch {
	case records > recordsPerBatch:
		return awserr.Route53InvalidBatch(fmt.Sprintf("Number of records limit of %d exceeded.", recordsPerBatch))
	case characters > charactersPerBatch:
		return awserr.Route53InvalidBatch(fmt.Sprintf("Number of characters limit of %d exceeded.", charactersPerBatch))
	}
	return nil
}

// batch is a batch of changes under way.
type batch struct {
	tx       *world.Tx
	zone     world.HostedZone
	touched  map[string]string // id of a record set → the last action on it
	names    map[string]bool   // of what was put
	problems []string
}

func (b *batch) problem(format string, args ...any) {
	b.problems = append(b.problems, fmt.Sprintf(format, args...))
}

// apply makes one change. An error refuses the request as a whole.
func (b *batch) apply(c world.Caller, ch route53api.Change) error {
	r, problems, err := setOf(b.zone, *ch.Action, ch.ResourceRecordSet)
	if err != nil {
		return err
	}
	if len(problems) > 0 {
		b.problems = append(b.problems, problems...)
		return nil
	}
	if h, ok := b.tx.HealthChecks.Get(r.Check); r.Check != "" && *ch.Action != "DELETE" && (!ok || h.Account != c.Account) {
		return awserr.Route53NoHealthCheck(string(r.Check))
	}
	id := r.RowID()
	if before, ok := b.touched[id]; ok && (before != "DELETE" || *ch.Action == "DELETE") {
		b.problem("The request contains an invalid set of changes for a resource record set '%s %s.'", r.Type, r.Name)
		return nil
	}
	b.touched[id] = *ch.Action
	had, exists := b.tx.RecordSets.Get(id)
	switch *ch.Action {
	case "CREATE":
		if exists {
			b.problem("Tried to create resource record set %s but it already exists", labelled(r))
			return nil
		}
	case "DELETE":
		b.remove(r, had, exists)
		return nil
	}
	r.Rev = b.tx.Rev
	b.names[r.Name] = true
	b.tx.RecordSets.Put(r)
	return nil
}

// remove deletes a record set that is told exactly as it is.
func (b *batch) remove(r, had world.RecordSet, exists bool) {
	r.Rev = had.Rev
	sort := func(v []string) []string { return slices.Sorted(slices.Values(v)) }
	a, h := r, had
	a.Values, h.Values = sort(r.Values), sort(had.Values)
	switch {
	case !exists:
		b.problem("Tried to delete resource record set %s but it was not found", labelled(r))
	case !reflect.DeepEqual(a, h):
		b.problem("Tried to delete resource record set %s but the values provided do not match the current values", labelled(r))
	default:
		b.tx.RecordSets.Delete(r.RowID())
	}
}

// labelled names a record set in texts.
func labelled(r world.RecordSet) string {
	text := "[name='" + r.Name + ".', type='" + r.Type + "'"
	if r.SetID != "" {
		text += ", set-identifier='" + r.SetID + "'"
	}
	return text + "]"
}

// whole checks the rules that hold between record sets, once all changes are made.
func (b *batch) whole() {
	for _, name := range slices.Sorted(maps.Keys(b.names)) {
		sets := slices.Collect(b.tx.RecordSets.Prefix(world.RecordSetKey(b.zone.ID, name, "")))
		b.together(sets)
		for _, r := range sets {
			if b.touched[r.RowID()] != "" {
				if p := badTarget(&b.tx.World, b.zone, r); p != "" {
					b.problem("%s", p)
				}
			}
		}
	}
	for id, action := range b.touched {
		if action == "DELETE" && !b.tx.RecordSets.Has(id) {
			b.needed(id)
		}
	}
	if n := countSets(&b.tx.World, b.zone.ID); n > recordsPerZone {
		b.problem("This request would exceed the limit of %d resource record sets in hosted zone %s", recordsPerZone, b.zone.ID)
	}
}

// needed checks that what was deleted is not what a zone cannot be without.
func (b *batch) needed(id string) {
	for kind, text := range map[string]string{"SOA": "A HostedZone must contain exactly one SOA record.", "NS": "A HostedZone must contain at least one NS record for the zone itself."} {
		if id == world.RecordSetKey(b.zone.ID, b.zone.Name, kind)+" " {
			b.problem("%s", text)
		}
	}
}

// together checks that the record sets of one name get on with each other.
func (b *batch) together(sets []world.RecordSet) {
	byType := map[string][]world.RecordSet{}
	for _, r := range sets {
		byType[r.Type] = append(byType[r.Type], r)
	}
	if cname := byType["CNAME"]; len(cname) > 0 && len(byType) > 1 {
		for _, r := range sets {
			if b.touched[r.RowID()] == "" {
				continue
			}
			if r.Type == "CNAME" {
				b.problem("RRSet of type CNAME with DNS name %s. is not permitted as it conflicts with other records with the same DNS name in zone %s.", r.Name, b.zone.Name)
			} else {
				b.problem("RRSet of type %s with DNS name %s. is not permitted because a conflicting RRSet of type CNAME with the same DNS name already exists in zone %s.", r.Type, r.Name, b.zone.Name)
			}
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(byType)) {
		b.alike(byType[kind])
	}
}

// alike checks that record sets of one name and type have one policy, and within it different places.
func (b *batch) alike(sets []world.RecordSet) {
	if len(sets) > setsPerName {
		b.problem("Number of resource record sets with the same name and type limit of %d exceeded.", setsPerName)
	}
	seen := map[string]bool{}
	for _, r := range sets {
		place := ""
		switch r.Policy.Kind() {
		case "latency", "failover":
			place = r.Policy.Region + r.Policy.Failover
		case "geolocation":
			g := r.Policy.Geo
			place = "geo " + g.Continent + "/" + g.Country + "/" + g.Subdivision
		}
		mixed := slices.ContainsFunc(sets, func(o world.RecordSet) bool { return o.Policy.Kind() != r.Policy.Kind() })
		if b.touched[r.RowID()] != "" && mixed || place != "" && seen[place] {
			b.problem("RRSet with DNS name %s., type %s, SetIdentifier %s cannot be created as other RRSets exist with the same name and type.", r.Name, r.Type, r.SetID)
		}
		seen[place] = true
	}
}
