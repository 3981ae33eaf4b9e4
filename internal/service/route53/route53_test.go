package route53

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"kumiko/internal/api/route53api"
	"kumiko/internal/awserr"
	"kumiko/internal/store"
	"kumiko/internal/world"
)

var (
	alice = world.Caller{Account: "111111111111", Region: homeRegion}
	bob   = world.Caller{Account: "222222222222", Region: homeRegion}
)

// lab is the service with a VPC of each of two accounts.
func lab(t *testing.T) *Service {
	t.Helper()
	st := store.OpenMemory()
	t.Cleanup(func() { st.Close() })
	_, err := st.Update(t.Context(), func(tx *world.Tx) error {
		for id, c := range map[world.VPCID]world.Caller{"vpc-a": alice, "vpc-b": bob} {
			tx.VPCs.Put(world.VPC{ID: id, Meta: tx.NewMeta(c, nil), CIDRs: []world.CIDRAssociation{{CIDR: netip.MustParsePrefix("10.0.0.0/24")}}})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return New(Config{Store: st})
}

func vpc(id string) *route53api.VPC {
	return &route53api.VPC{VPCId: &id, VPCRegion: new(homeRegion)}
}

// zone makes a zone, private if it is given a VPC.
func (s *Service) zone(t *testing.T, c world.Caller, name string, v *route53api.VPC) *string {
	t.Helper()
	out, err := s.CreateHostedZone(t.Context(), c, &route53api.CreateHostedZoneInput{Name: &name, CallerReference: new(name + string(c.Account) + fmt.Sprint(v != nil)), VPC: v})
	if err != nil {
		t.Fatal(err)
	}
	return new(bare(out.HostedZone.Id))
}

// is checks that an error has the code and the text.
func is(t *testing.T, err error, code, text string) {
	t.Helper()
	var e *awserr.Error
	if code == "" && err == nil {
		return
	}
	if !errors.As(awserr.From(orNone(err), awserr.Route53), &e) || e.Code != code || !strings.Contains(e.Message, text) {
		t.Errorf("%v, want %s: %s", err, code, text)
	}
}

func orNone(err error) error {
	if err == nil {
		return &awserr.Error{Code: "none"}
	}
	return err
}

// rec is a change in short: ACTION NAME TYPE VALUE, with ttl 60; values are separated by |.
func rec(text string) route53api.Change {
	f := strings.SplitN(text, " ", 4)
	set := &route53api.ResourceRecordSet{Name: &f[1], Type: &f[2]}
	if target, ok := strings.CutPrefix(f[3], "alias "); ok {
		zone, name, _ := strings.Cut(target, " ")
		set.AliasTarget = &route53api.AliasTarget{HostedZoneId: &zone, DNSName: &name, EvaluateTargetHealth: new(false)}
		return route53api.Change{Action: &f[0], ResourceRecordSet: set}
	}
	set.TTL = new(int64(60))
	for v := range strings.SplitSeq(f[3], "|") {
		set.ResourceRecords = append(set.ResourceRecords, route53api.ResourceRecord{Value: &v})
	}
	return route53api.Change{Action: &f[0], ResourceRecordSet: set}
}

func (s *Service) changes(ctx context.Context, zone *string, texts ...string) error {
	b := &route53api.ChangeBatch{}
	for _, text := range texts {
		b.Changes = append(b.Changes, rec(text))
	}
	_, err := s.ChangeResourceRecordSets(ctx, alice, &route53api.ChangeResourceRecordSetsInput{HostedZoneId: zone, ChangeBatch: b})
	return err
}

func TestBatches(t *testing.T) {
	s := lab(t)
	z := s.zone(t, alice, "example.com", vpc("vpc-a"))
	if err := s.changes(t.Context(), z, "CREATE www.example.com A 192.0.2.1|192.0.2.2", "CREATE c.example.com CNAME www.example.com", "CREATE t.example.com TXT \"a b\" \"c\"",
		"CREATE al.example.com A alias "+*z+" www.example.com.", "CREATE m.example.com MX 10 mail.example.com."); err != nil {
		t.Fatal(err)
	}
	const batch, fatal = "InvalidChangeBatch", "Invalid Resource Record: 'FATAL problem: "
	for _, c := range []struct{ change, text string }{
		{"CREATE www.example.com A 192.0.2.1", "[Tried to create resource record set [name='www.example.com.', type='A'] but it already exists]"},
		{"DELETE gone.example.com A 192.0.2.1", "[Tried to delete resource record set [name='gone.example.com.', type='A'] but it was not found]"},
		{"DELETE www.example.com A 192.0.2.1", "[Tried to delete resource record set [name='www.example.com.', type='A'] but the values provided do not match the current values]"},
		{"CREATE www.example.org A 192.0.2.1", "[RRSet with DNS name www.example.org. is not permitted in zone example.com.]"},
		{"CREATE example.com CNAME www.example.com", "[RRSet of type CNAME with DNS name example.com. is not permitted at apex in zone example.com.]"},
		{"CREATE www.example.com CNAME a.example.com", "[RRSet of type CNAME with DNS name www.example.com. is not permitted as it conflicts with other records with the same DNS name in zone example.com.]"},
		{"CREATE c.example.com A 192.0.2.1", "[RRSet of type A with DNS name c.example.com. is not permitted because a conflicting RRSet of type CNAME with the same DNS name already exists in zone example.com.]"},
		{"CREATE x.example.com A foo", fatal + "ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address) encountered with 'foo''"},
		{"CREATE x.example.com AAAA 192.0.2.1", fatal + "AAAARRDATAIllegalIPv6Address"},
		{"CREATE x.example.com TXT unquoted", fatal + "InvalidCharacterString (Value should be enclosed in quotation marks) encountered with 'unquoted''"},
		{"CREATE x.example.com TXT \"" + strings.Repeat("a", 256) + "\"", fatal + "CharacterStringTooLong (Value is too long)"},
		{"CREATE x.example.com MX mail.example.com", fatal + "MXRRDATAInvalid"},
		{"CREATE x.example.com SRV 1 2 99999 a.example.com", fatal + "SRVRRDATAInvalid"},
		{"CREATE x.example.com CAA 0 issue \"ca.example\" ; more", fatal + "UnsupportedCharacter"},
		{"CREATE x.example.com A 192.0.2.1|192.0.2.1", "Duplicate Resource Record: '192.0.2.1'"},
		{"CREATE x.example.com A alias " + *z + " gone.example.com", "in zone " + *z + ", but that target was not found"},
		{"CREATE x.example.com A alias " + *z + " www.example.org", "but the alias target name does not lie within the target zone"},
		{"CREATE x.example.com A alias Z2FDTNDATAQYW2 d1.cloudfront.net", "kumiko serves no such target"},
		{"DELETE example.com SOA ns-1536.awsdns-00.co.uk. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400", "the values provided do not match"},
	} {
		is(t, s.changes(t.Context(), z, "CREATE good.example.com A 192.0.2.9", c.change), batch, c.text)
	}
	is(t, s.changes(t.Context(), z, "DELETE www.example.com A 192.0.2.2|192.0.2.1"), "", "") // in any order
	is(t, s.changes(t.Context(), z, "CREATE two.example.com A 192.0.2.1", "CREATE two.example.com A 192.0.2.1"), batch, "The request contains an invalid set of changes for a resource record set 'A two.example.com.'")
	is(t, s.changes(t.Context(), z, "DELETE c.example.com CNAME www.example.com", "CREATE c.example.com A 192.0.2.1"), "", "")
	is(t, s.changes(t.Context(), z, "CREATE x.example.com A alias Z7HUB22UULQXV vpce-1-2.ssm.us-east-1.vpce.amazonaws.com"), "", "")
	_, err := s.DeleteHostedZone(t.Context(), alice, &route53api.DeleteHostedZoneInput{Id: z})
	is(t, err, "HostedZoneNotEmpty", "non-required resource record sets")
	if got := s.names(t, z); got != "example.com. NS, example.com. SOA, al.example.com. A, c.example.com. A, m.example.com. MX, t.example.com. TXT, x.example.com. A" {
		t.Errorf("in the zone: %s", got)
	}
}

// names lists the record sets of a zone, two a page.
func (s *Service) names(t *testing.T, zone *string) string {
	t.Helper()
	var all []string
	in := &route53api.ListResourceRecordSetsInput{HostedZoneId: zone, MaxItems: new("2")}
	for {
		out, err := s.ListResourceRecordSets(t.Context(), alice, in)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range out.ResourceRecordSets {
			all = append(all, *r.Name+" "+*r.Type)
		}
		if !*out.IsTruncated {
			return strings.Join(all, ", ")
		}
		in.StartRecordName, in.StartRecordType, in.StartRecordIdentifier = out.NextRecordName, out.NextRecordType, out.NextRecordIdentifier
	}
}

func TestPolicies(t *testing.T) {
	s := lab(t)
	z := s.zone(t, alice, "example.com", nil)
	put := func(id string, f func(*route53api.ResourceRecordSet)) error {
		ch := rec("CREATE w.example.com A 192.0.2.1")
		ch.ResourceRecordSet.SetIdentifier = &id
		if id == "" {
			ch.ResourceRecordSet.SetIdentifier = nil
		}
		f(ch.ResourceRecordSet)
		_, err := s.ChangeResourceRecordSets(t.Context(), alice, &route53api.ChangeResourceRecordSetsInput{HostedZoneId: z, ChangeBatch: &route53api.ChangeBatch{Changes: []route53api.Change{ch}}})
		return err
	}
	weigh := func(r *route53api.ResourceRecordSet) { r.Weight = new(int64(5)) }
	is(t, put("", weigh), "InvalidInput", "Invalid request: Missing field 'SetIdentifier' in Change with [Action=CREATE, Name=w.example.com, Type=A, SetIdentifier=null]")
	is(t, put("a", func(*route53api.ResourceRecordSet) {}), "InvalidInput", "but found none in Change with")
	is(t, put("a", weigh), "", "")
	is(t, put("b", weigh), "", "")
	is(t, put("a", weigh), "InvalidChangeBatch", "[Tried to create resource record set [name='w.example.com.', type='A', set-identifier='a'] but it already exists]")
	is(t, put("c", func(r *route53api.ResourceRecordSet) { r.Failover = new("PRIMARY") }), "InvalidChangeBatch", "RRSet with DNS name w.example.com., type A, SetIdentifier c cannot be created as other RRSets exist with the same name and type.")
	is(t, put("", func(*route53api.ResourceRecordSet) {}), "InvalidChangeBatch", "cannot be created as other RRSets exist")
	is(t, put("d", func(r *route53api.ResourceRecordSet) { weigh(r); r.HealthCheckId = new("none") }), "NoSuchHealthCheck", "none")
	is(t, put("e", func(r *route53api.ResourceRecordSet) { r.CidrRoutingConfig = &route53api.CidrRoutingConfig{} }), "InvalidAction", "not built")
	out, err := s.TestDNSAnswer(t.Context(), alice, &route53api.TestDNSAnswerInput{HostedZoneId: z, RecordName: new("w.example.com"), RecordType: new("A")})
	if err != nil || len(out.RecordData) != 1 || out.RecordData[0] != "192.0.2.1" || *out.ResponseCode != "NOERROR" {
		t.Errorf("test: %+v, %v", out, err)
	}
}

func TestAssociationAcrossAccounts(t *testing.T) {
	s := lab(t)
	ctx := t.Context()
	z := s.zone(t, alice, "example.com", vpc("vpc-a"))
	associate := func(c world.Caller, zone *string, v string) error {
		_, err := s.AssociateVPCWithHostedZone(ctx, c, &route53api.AssociateVPCWithHostedZoneInput{HostedZoneId: zone, VPC: vpc(v)})
		return err
	}
	is(t, associate(alice, z, "vpc-a"), "ConflictingDomainExists", "The VPC vpc-a in region us-east-1 has already been associated with the hosted zone "+*z+" with the same domain name.")
	is(t, associate(bob, z, "vpc-b"), "NotAuthorizedException", "The VPC: vpc-b has not authorized to associate with your hosted zone.")
	is(t, associate(alice, z, "vpc-b"), "NotAuthorizedException", "")
	is(t, associate(bob, z, "vpc-a"), "NoSuchHostedZone", *z)
	_, err := s.CreateVPCAssociationAuthorization(ctx, alice, &route53api.CreateVPCAssociationAuthorizationInput{HostedZoneId: z, VPC: vpc("vpc-b")})
	is(t, err, "", "")
	is(t, associate(bob, z, "vpc-b"), "", "")
	deauthorize := func() error {
		_, err := s.DeleteVPCAssociationAuthorization(ctx, alice, &route53api.DeleteVPCAssociationAuthorizationInput{HostedZoneId: z, VPC: vpc("vpc-b")})
		return err
	}
	is(t, deauthorize(), "", "")
	is(t, deauthorize(), "VPCAssociationAuthorizationNotFound", "")
	own := s.zone(t, bob, "example.org", vpc("vpc-b"))
	byVPC, err := s.ListHostedZonesByVPC(ctx, bob, &route53api.ListHostedZonesByVPCInput{VPCId: new("vpc-b"), VPCRegion: new(homeRegion)})
	if err != nil || len(byVPC.HostedZoneSummaries) != 2 {
		t.Errorf("zones of vpc-b: %+v, %v", byVPC, err)
	}
	_, err = s.ListHostedZonesByVPC(ctx, alice, &route53api.ListHostedZonesByVPCInput{VPCId: new("vpc-b"), VPCRegion: new(homeRegion)})
	is(t, err, "AccessDenied", "is not owned by you")
	leave := func(c world.Caller, zone *string, v string) error {
		_, err := s.DisassociateVPCFromHostedZone(ctx, c, &route53api.DisassociateVPCFromHostedZoneInput{HostedZoneId: zone, VPC: vpc(v)})
		return err
	}
	is(t, leave(bob, own, "vpc-b"), "LastVPCAssociation", "")
	is(t, leave(bob, z, "vpc-b"), "", "")
	is(t, leave(alice, z, "vpc-b"), "VPCAssociationNotFound", "")
	public := s.zone(t, alice, "example.net", nil)
	is(t, associate(alice, public, "vpc-a"), "PublicZoneVPCAssociation", "")
}

func TestZonesAndChanges(t *testing.T) {
	s := lab(t)
	ctx := t.Context()
	for _, n := range []string{"b.example.com", "example.com", "a.example.com", "example.net"} {
		s.zone(t, alice, n, nil)
	}
	_, err := s.CreateHostedZone(ctx, alice, &route53api.CreateHostedZoneInput{Name: new("x.com"), CallerReference: new("example.com111111111111false")})
	is(t, err, "HostedZoneAlreadyExists", "")
	_, err = s.CreateHostedZone(ctx, alice, &route53api.CreateHostedZoneInput{Name: new("a..b"), CallerReference: new("r")})
	is(t, err, "InvalidDomainName", "")
	_, err = s.CreateHostedZone(ctx, alice, &route53api.CreateHostedZoneInput{Name: new("a.b"), CallerReference: new("r"), VPC: vpc("vpc-b")})
	is(t, err, "InvalidVPCId", "")
	var names []string
	in := &route53api.ListHostedZonesByNameInput{MaxItems: new("3")}
	for {
		out, err := s.ListHostedZonesByName(ctx, alice, in)
		if err != nil {
			t.Fatal(err)
		}
		for _, z := range out.HostedZones {
			names = append(names, *z.Name)
		}
		if in.DNSName, in.HostedZoneId = out.NextDNSName, out.NextHostedZoneId; in.DNSName == nil {
			break
		}
	}
	if got := strings.Join(names, " "); got != "example.com. a.example.com. b.example.com. example.net." {
		t.Errorf("by name: %s", got)
	}
	out, err := s.CreateHostedZone(ctx, alice, &route53api.CreateHostedZoneInput{Name: new("c.com"), CallerReference: new("c")})
	if err != nil || *out.ChangeInfo.Status != "PENDING" || len(out.DelegationSet.NameServers) != 4 {
		t.Fatalf("%+v, %v", out, err)
	}
	w := s.store.World()
	s.store.SetSeen(store.Seen{Rev: w.Rev})
	change, err := s.GetChange(ctx, alice, &route53api.GetChangeInput{Id: out.ChangeInfo.Id})
	if err != nil || *change.ChangeInfo.Status != "INSYNC" || *change.ChangeInfo.Id != *out.ChangeInfo.Id {
		t.Errorf("%+v, %v", change, err)
	}
	_, err = s.GetChange(ctx, bob, &route53api.GetChangeInput{Id: out.ChangeInfo.Id})
	is(t, err, "NoSuchChange", "")
}

func TestHealthChecks(t *testing.T) {
	s := lab(t)
	ctx := t.Context()
	create := func(ref string, cfg route53api.HealthCheckConfig) (*route53api.CreateHealthCheckOutput, error) {
		return s.CreateHealthCheck(ctx, alice, &route53api.CreateHealthCheckInput{CallerReference: &ref, HealthCheckConfig: &cfg})
	}
	for text, cfg := range map[string]route53api.HealthCheckConfig{
		"private": {Type: new("HTTP"), IPAddress: new("10.0.0.1")}, "either": {Type: new("HTTP")}, "Port": {Type: new("TCP"), IPAddress: new("198.18.1.0")},
		"SearchString": {Type: new("HTTP_STR_MATCH"), IPAddress: new("198.18.1.0")}, "Regions": {Type: new("HTTP"), IPAddress: new("198.18.1.0"), Regions: []string{"us-east-1"}},
	} {
		_, err := create("bad", cfg)
		is(t, err, "InvalidInput", text)
	}
	_, err := create("alarm", route53api.HealthCheckConfig{Type: new("CLOUDWATCH_METRIC")})
	is(t, err, "InvalidAction", "not built")
	cfg := route53api.HealthCheckConfig{Type: new("HTTPS"), IPAddress: new("198.18.1.0")}
	out, err := create("a", cfg)
	if err != nil || *out.HealthCheck.HealthCheckConfig.Port != 443 || *out.HealthCheck.HealthCheckConfig.FailureThreshold != 3 || !*out.HealthCheck.HealthCheckConfig.EnableSNI {
		t.Fatalf("%+v, %v", out, err)
	}
	if again, err := create("a", cfg); err != nil || *again.HealthCheck.Id != *out.HealthCheck.Id {
		t.Errorf("again: %v", err)
	}
	_, err = create("a", route53api.HealthCheckConfig{Type: new("HTTP"), IPAddress: new("198.18.1.0")})
	is(t, err, "HealthCheckAlreadyExists", "")
	_, err = create("c", route53api.HealthCheckConfig{Type: new("CALCULATED"), ChildHealthChecks: []string{*out.HealthCheck.Id}, HealthThreshold: new(int32(1))})
	is(t, err, "", "")
	_, err = s.UpdateHealthCheck(ctx, alice, &route53api.UpdateHealthCheckInput{HealthCheckId: out.HealthCheck.Id, HealthCheckVersion: new(int64(7))})
	is(t, err, "HealthCheckVersionMismatch", "")
	up, err := s.UpdateHealthCheck(ctx, alice, &route53api.UpdateHealthCheckInput{HealthCheckId: out.HealthCheck.Id, Port: new(int32(8443))})
	if err != nil || *up.HealthCheck.HealthCheckVersion != 2 || *up.HealthCheck.HealthCheckConfig.Port != 8443 {
		t.Errorf("%+v, %v", up, err)
	}
}

// Places are listed in pages that join, and each that is listed is found.
func TestGeoLocations(t *testing.T) {
	s := lab(t)
	ctx := t.Context()
	next := &route53api.ListGeoLocationsInput{MaxItems: new("64")}
	seen := map[string]bool{}
	for truncated := true; truncated; {
		out, err := s.ListGeoLocations(ctx, alice, next)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range out.GeoLocationDetailsList {
			key := value(p.ContinentCode) + "/" + value(p.CountryCode) + "/" + value(p.SubdivisionCode)
			got, err := s.GetGeoLocation(ctx, alice, &route53api.GetGeoLocationInput{ContinentCode: p.ContinentCode, CountryCode: p.CountryCode, SubdivisionCode: p.SubdivisionCode})
			if err != nil || value(got.GeoLocationDetails.CountryName) != value(p.CountryName) || value(p.ContinentName)+value(p.CountryName) == "" || seen[key] {
				t.Errorf("%s: %+v, %v", key, got, err)
			}
			seen[key] = true
		}
		truncated = *out.IsTruncated
		next.StartContinentCode, next.StartCountryCode, next.StartSubdivisionCode = out.NextContinentCode, out.NextCountryCode, out.NextSubdivisionCode
	}
	if len(seen) != 7+1+249+51 || !seen["AN//"] || !seen["/*/"] || !seen["/US/VA"] || !seen["/JP/"] {
		t.Errorf("there are %d places", len(seen))
	}
	_, err := s.GetGeoLocation(ctx, alice, &route53api.GetGeoLocationInput{CountryCode: new("JP"), SubdivisionCode: new("VA")})
	is(t, err, "NoSuchGeoLocation", "")
	_, err = s.ListGeoLocations(ctx, alice, &route53api.ListGeoLocationsInput{StartSubdivisionCode: new("VA")})
	is(t, err, "InvalidInput", "starts at")
}

// Whatever is taken as a value can be sent.
func FuzzCheckValue(f *testing.F) {
	for _, v := range []string{"10 mail.example.com", `"a" "b"`, `0 issue "ca"`, "1 2 3 a.", "1 . alpn=h2", "example.com", `100 10 "U" "E2U+sip" "!^.*$!sip:a@b!" .`} {
		f.Add("MX", v)
		f.Add("TXT", v)
		f.Add("CAA", v)
		f.Add("SVCB", v)
		f.Add("NAPTR", v)
	}
	f.Fuzz(func(t *testing.T, kind, text string) {
		if dns.StringToType[kind] == 0 || checkValue(kind, text) != "" {
			return
		}
		if strings.ContainsAny(text, "\n\r\x00") {
			t.Fatalf("%s takes %q", kind, text)
		}
		rr, err := dns.NewRR("a. 60 IN " + kind + " " + world.DecimalEscapes(text))
		if err != nil || rr == nil || rr.Header().Rrtype != dns.StringToType[kind] {
			t.Fatalf("%s takes %q, which cannot be sent: %v", kind, text, err)
		}
	})
}
