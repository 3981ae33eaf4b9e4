package route53

import (
	"context"
	"strings"

	"kumiko/internal/api/route53api"
	"kumiko/internal/awserr"
	"kumiko/internal/fabric"
	"kumiko/internal/world"
)

// recordPage is how many record sets a page has at most. (Amazon Route 53 API Reference, ListResourceRecordSets.)
const recordPage = 300

// ListResourceRecordSets lists the record sets of a zone by name, with its labels turned round, and type.
func (s *Service) ListResourceRecordSets(_ context.Context, c world.Caller, in *route53api.ListResourceRecordSetsInput) (*route53api.ListResourceRecordSetsOutput, error) {
	w := s.store.World()
	z, err := own(&w, c, in.HostedZoneId)
	if err != nil {
		return nil, err
	}
	start, err := startOf(z, in)
	if err != nil {
		return nil, err
	}
	n, err := count(in.MaxItems, recordPage)
	if err != nil {
		return nil, err
	}
	out := &route53api.ListResourceRecordSetsOutput{ResourceRecordSets: []route53api.ResourceRecordSet{}, IsTruncated: new(false), MaxItems: maxItems(in.MaxItems, recordPage)}
	for r := range w.RecordSets.From(string(z.ID)+" ", start) {
		if len(out.ResourceRecordSets) == n {
			out.IsTruncated, out.NextRecordName, out.NextRecordType = new(true), new(r.Name+"."), new(r.Type)
			out.NextRecordIdentifier = unless(r.SetID)
			break
		}
		out.ResourceRecordSets = append(out.ResourceRecordSets, described(r))
	}
	return out, nil
}

// startOf is the id of a record set that the list begins with.
func startOf(z world.HostedZone, in *route53api.ListResourceRecordSetsInput) (string, error) {
	switch {
	case in.StartRecordType != nil && in.StartRecordName == nil:
		return "", awserr.Route53Invalid("The request must have a name if it has a type.")
	case in.StartRecordIdentifier != nil && in.StartRecordType == nil:
		return "", awserr.Route53Invalid("The request must have a type if it has an identifier.")
	case in.StartRecordName == nil:
		return "", nil
	}
	name, ok := world.ParseDNSName(*in.StartRecordName)
	if !ok {
		return "", awserr.Route53Invalid("The name %s is not a valid domain name.", *in.StartRecordName)
	}
	start := world.RecordSetKey(z.ID, name, value(in.StartRecordType))
	if in.StartRecordIdentifier != nil {
		start += " " + *in.StartRecordIdentifier
	}
	return start, nil
}

// described is a record set as answers have it.
func described(r world.RecordSet) route53api.ResourceRecordSet {
	out := route53api.ResourceRecordSet{
		Name: new(r.Name + "."), Type: &r.Type, SetIdentifier: unless(r.SetID), Weight: r.Policy.Weight, Region: unless(r.Policy.Region),
		Failover: unless(r.Policy.Failover), MultiValueAnswer: unless(r.Policy.MultiValue), HealthCheckId: unless(string(r.Check)),
	}
	if g := r.Policy.Geo; g != nil {
		out.GeoLocation = &route53api.GeoLocation{ContinentCode: unless(g.Continent), CountryCode: unless(g.Country), SubdivisionCode: unless(g.Subdivision)}
	}
	if a := r.Alias; a != nil {
		out.AliasTarget = &route53api.AliasTarget{HostedZoneId: new(string(a.Zone)), DNSName: new(a.Name + "."), EvaluateTargetHealth: &a.EvaluateHealth}
		return out
	}
	out.TTL = new(int64(r.TTL))
	for _, v := range r.Values {
		out.ResourceRecords = append(out.ResourceRecords, route53api.ResourceRecord{Value: &v})
	}
	return out
}

// TestDNSAnswer tells what the name servers of a public zone answer.
func (s *Service) TestDNSAnswer(_ context.Context, c world.Caller, in *route53api.TestDNSAnswerInput) (*route53api.TestDNSAnswerOutput, error) {
	w := s.store.World()
	z, err := own(&w, c, in.HostedZoneId)
	if err != nil {
		return nil, err
	}
	name, ok := world.ParseDNSName(*in.RecordName)
	switch {
	case z.Private:
		return nil, awserr.Route53Invalid("The operation is unsupported for private hosted zones.")
	case !ok || !world.InDomain(name, z.Name):
		return nil, awserr.Route53Invalid("The name %s is not in the hosted zone %s.", *in.RecordName, z.Name)
	case in.EDNS0ClientSubnetIP != nil:
		return nil, awserr.Route53NotBuilt("A test for a client's subnet")
	}
	reply := fabric.AskZone(w, z.ID, name, *in.RecordType)
	out := &route53api.TestDNSAnswerOutput{
		Nameserver: &z.NameServers[0], RecordName: new(name + "."), RecordType: in.RecordType, RecordData: []string{}, ResponseCode: new("NOERROR"), Protocol: new("UDP"),
	}
	if reply.Outcome == fabric.NXDomain {
		out.ResponseCode = new("NXDOMAIN")
	}
	for _, a := range reply.Aliases {
		out.RecordData = append(out.RecordData, a.Record.Target+".")
	}
	for _, r := range reply.Records {
		out.RecordData = append(out.RecordData, data(r))
	}
	return out, nil
}

// data is a record's data as a text.
func data(r fabric.Record) string {
	switch {
	case r.Addr.IsValid():
		return r.Addr.String()
	case r.Target != "":
		return r.Target + "."
	}
	return strings.TrimSpace(r.Text)
}
