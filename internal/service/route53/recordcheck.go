package route53

import (
	"fmt"
	"slices"
	"strings"

	"kumiko/internal/api/route53api"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// setOf reads a record set of a request. An error refuses the request; problems belong to the batch.
func setOf(z world.HostedZone, action string, in *route53api.ResourceRecordSet) (r world.RecordSet, problems []string, err error) {
	where := fmt.Sprintf("Change with [Action=%s, Name=%s, Type=%s, SetIdentifier=%s]", action, *in.Name, *in.Type, orNull(in.SetIdentifier))
	if err := checkShape(in, where); err != nil {
		return r, nil, err
	}
	name, ok := world.ParseDNSName(*in.Name)
	if !ok {
		return r, []string{fmt.Sprintf("The resource record set name %s is not a valid domain name", *in.Name)}, nil
	}
	r = world.RecordSet{
		Zone: z.ID, Name: name, Type: *in.Type, SetID: value(in.SetIdentifier), TTL: uint32(value(in.TTL)), Check: world.HealthCheckID(value(in.HealthCheckId)),
		Policy: world.RoutingPolicy{Weight: in.Weight, Region: value(in.Region), Failover: value(in.Failover), MultiValue: value(in.MultiValueAnswer)},
	}
	if g := in.GeoLocation; g != nil {
		r.Policy.Geo = &world.GeoLocation{Continent: value(g.ContinentCode), Country: value(g.CountryCode), Subdivision: value(g.SubdivisionCode)}
	}
	if a := in.AliasTarget; a != nil {
		r.Alias = &world.AliasTarget{Zone: world.HostedZoneID(bare(a.HostedZoneId)), Name: domain(a.DNSName), EvaluateHealth: *a.EvaluateTargetHealth}
	}
	for _, v := range in.ResourceRecords {
		text := strings.TrimSpace(*v.Value)
		if p := checkValue(r.Type, text); p != "" {
			problems = append(problems, p)
		} else if slices.Contains(r.Values, text) {
			problems = append(problems, "Duplicate Resource Record: '"+text+"'")
		}
		r.Values = append(r.Values, text)
	}
	return r, append(problems, misplaced(z, r)...), nil
}

func orNull(text *string) string {
	if text == nil {
		return "null"
	}
	return *text
}

// checkShape checks that a record set has the members it needs, and none that exclude each other.
func checkShape(in *route53api.ResourceRecordSet, where string) error {
	switch {
	case in.CidrRoutingConfig != nil:
		return awserr.Route53NotBuilt("Routing by CIDR blocks")
	case in.GeoProximityLocation != nil:
		return awserr.Route53NotBuilt("Routing by geographic proximity")
	case in.TrafficPolicyInstanceId != nil:
		return awserr.Route53NotBuilt("A traffic policy")
	}
	policies := 0
	for _, is := range []bool{in.Weight != nil, in.Region != nil, in.Failover != nil, in.GeoLocation != nil, in.MultiValueAnswer != nil} {
		if is {
			policies++
		}
	}
	const kinds = "[Weight, Region, Failover, GeoLocation, MultiValueAnswer, GeoProximityLocation, or CidrRoutingConfig]"
	alias, plain := in.AliasTarget != nil, in.TTL != nil && in.ResourceRecords != nil
	switch {
	case policies > 0 && in.SetIdentifier == nil:
		return awserr.Route53Invalid("Invalid request: Missing field 'SetIdentifier' in %s", where)
	case policies > 1:
		return awserr.Route53Invalid("Invalid request: Expected exactly one of %s, but found more than one in %s", kinds, where)
	case policies == 0 && in.SetIdentifier != nil:
		return awserr.Route53Invalid("Invalid request: Expected exactly one of %s, but found none in %s", kinds, where)
	case alias && (in.TTL != nil || in.ResourceRecords != nil):
		return awserr.Route53Invalid("Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId], but found more than one in %s", where)
	case !alias && !plain && (in.TTL != nil || in.ResourceRecords != nil):
		field := "ResourceRecords"
		if in.TTL == nil {
			field = "TTL"
		}
		return awserr.Route53Invalid("Invalid request: Missing field '%s' in %s", field, where)
	case !alias && !plain:
		return awserr.Route53Invalid("Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId], but found none in %s", where)
	}
	return checkGeo(in.GeoLocation, where)
}

// checkGeo checks that a location is a continent, a country or a part of one.
func checkGeo(g *route53api.GeoLocation, where string) error {
	if g == nil {
		return nil
	}
	continent, country, part := g.ContinentCode != nil, g.CountryCode != nil, g.SubdivisionCode != nil
	if continent == country || part && !country {
		return awserr.Route53Invalid("Invalid request: GeoLocation must have a ContinentCode, or a CountryCode with or without a SubdivisionCode, in %s", where)
	}
	p := geoPlace{continent: value(g.ContinentCode), country: value(g.CountryCode), state: value(g.SubdivisionCode)}
	if _, ok := slices.BinarySearchFunc(geoPlaces(), p, geoPlace.compare); !ok {
		return awserr.Route53Invalid("Invalid request: GeoLocation is not a place that Route 53 knows, in %s", where)
	}
	return nil
}

// misplaced tells which rules about names and types a record set breaks by itself.
func misplaced(z world.HostedZone, r world.RecordSet) (out []string) {
	apex := r.Name == z.Name
	what := fmt.Sprintf("RRSet of type %s with DNS name %s. is not permitted", r.Type, r.Name)
	switch {
	case !world.InDomain(r.Name, z.Name):
		return []string{fmt.Sprintf("RRSet with DNS name %s. is not permitted in zone %s.", r.Name, z.Name)}
	case r.Type == "CNAME" && apex:
		out = append(out, fmt.Sprintf("%s at apex in zone %s.", what, z.Name))
	case r.Type == "SOA" && !apex:
		out = append(out, fmt.Sprintf("%s below the apex in zone %s.", what, z.Name))
	case r.Type == "CNAME" && len(r.Values) > 1:
		out = append(out, fmt.Sprintf("%s with more than one value in zone %s.", what, z.Name))
	}
	if (r.Type == "SOA" || r.Type == "NS" && apex) && (r.Alias != nil || r.SetID != "") {
		out = append(out, fmt.Sprintf("%s as an alias or with a routing policy in zone %s.", what, z.Name))
	}
	if r.Alias != nil && (r.Type == "NS" || r.Type == "SOA") {
		out = append(out, fmt.Sprintf("%s as an alias in zone %s.", what, z.Name))
	}
	return out
}

// served are the domains of names that AWS serves here and aliases may lead to.
var served = [...]string{"vpce.amazonaws.com", "elb.amazonaws.com", "on.aws"}

// awsServes tells whether a name is one that AWS makes for a resource that exists here.
func awsServes(name string) bool {
	for _, d := range served {
		if world.InDomain(name, d) {
			return true
		}
	}
	// Names of load balancers have a region on either side of elb.
	labels := strings.Split(name, ".")
	return world.InDomain(name, "amazonaws.com") && slices.Contains(labels, "elb")
}

// badTarget tells what is wrong with what a record set is an alias of, given the World as it will be.
func badTarget(w *world.World, z world.HostedZone, r world.RecordSet) string {
	if r.Alias == nil {
		return ""
	}
	what := fmt.Sprintf("Tried to create an alias that targets %s., type %s in zone %s, but ", r.Alias.Name, r.Type, r.Alias.Zone)
	if other, ok := w.HostedZones.Get(r.Alias.Zone); ok {
		switch {
		case other.ID != z.ID || !world.InDomain(r.Alias.Name, other.Name):
			return what + "the alias target name does not lie within the target zone"
		case r.Alias.Name == r.Name && r.SetID == "":
			return what + "that is the record set itself"
		case !hasSets(w, z.ID, r.Alias.Name, r.Type):
			return what + "that target was not found"
		}
		return ""
	}
	switch {
	case !awsServes(r.Alias.Name):
		return what + "kumiko serves no such target"
	case r.Type != "A" && r.Type != "AAAA":
		return what + "such a target has addresses only"
	}
	return ""
}

// hasSets tells whether the zone has record sets of a name and type.
func hasSets(w *world.World, z world.HostedZoneID, name, kind string) bool {
	for range w.RecordSets.Prefix(world.RecordSetKey(z, name, kind) + " ") {
		return true
	}
	return false
}
