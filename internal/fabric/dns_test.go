package fabric

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

// zoneOf makes a zone of lines "name type data", names without the zone's.
func zoneOf(kind ZoneKind, name string, lines ...string) *Zone {
	z := NewZone(kind, "id-"+name, name, awsSOA())
	for _, l := range lines {
		f := strings.SplitN(l, " ", 3)
		r := map[string]Record{
			"A": {Type: TypeA, TTL: 60}, "AAAA": {Type: TypeAAAA, TTL: 60}, "CNAME": {Type: TypeCNAME, TTL: 30, Target: f[2]},
			"NS": {Type: TypeNS, TTL: 60, Target: f[2]}, "TXT": {Type: 16, TTL: 60, Text: f[2]}, "ALIAS": {Type: TypeA, Alias: true, Target: f[2]},
		}[f[1]]
		if strings.HasPrefix(f[1], "A") && f[1] != "ALIAS" {
			r.Addr = netip.MustParseAddr(f[2])
		}
		at := name
		if f[0] != "@" {
			at = f[0] + "." + name
		}
		z.Add(at, r)
	}
	return z
}

// told is a reply in a line: outcome, source, aliases and records.
func told(r Reply) string {
	out := map[Outcome]string{Answered: "ok", NoData: "nodata", NXDomain: "nx", Refused: "refused", Forwarded: "forward", Failed: "fail"}[r.Outcome]
	if r.Zone != nil {
		out += " " + r.Zone.Name
	}
	if r.Rule != nil {
		out += " rule:" + r.Rule.Domain
	}
	for _, a := range r.Aliases {
		out += fmt.Sprintf(" %s→%s", a.Name, a.Record.Target)
	}
	for _, rec := range r.Records {
		out += " " + strings.TrimPrefix(rec.Target+rec.Text+rec.Addr.String(), "invalid IP")
	}
	return strings.ReplaceAll(out, "invalid IP", "")
}

// TestPrecedence is the table of sources and questions: which one decides, and what it says.
func TestPrecedence(t *testing.T) {
	v := &VPC{Resolver: Resolver{Enabled: true}, View: NewView(
		rootZone(),
		zoneOf(PublicZone, "amazonaws.com", "ssm.us-east-1 A 198.18.0.9", "vpce-1 A 10.0.0.40", "vpce-1 A 10.0.0.41"),
		zoneOf(GeneratedZone, "ec2.internal", "ip-10-0-0-5 A 10.0.0.5"),
		zoneOf(HostedZone, "example.com", "@ A 10.1.0.1", "@ TXT \"v=1\"", "www CNAME example.com", "x.a A 10.1.0.9", "up CNAME y.a.example.com", "out CNAME ssm.us-east-1.amazonaws.com",
			"loop CNAME loop2.example.com", "loop2 CNAME loop.example.com", "fwd CNAME db.corp.example.com", "vpce ALIAS vpce-1.amazonaws.com", "bad ALIAS nothing.amazonaws.com",
			"* A 10.1.0.77", "sub NS ns.elsewhere.test", "ent.b A 10.1.0.2", "*.w AAAA fd00::7", "self ALIAS self.example.com"),
		zoneOf(HostedZone, "a.example.com", "y A 10.2.0.1"),
		zoneOf(HostedZone, "us-west-1.amazonaws.com", "only A 10.3.0.1"),
		zoneOf(EndpointZone, "ssm.eu-west-1.amazonaws.com", "@ A 10.4.0.1"),
		zoneOf(GeneratedZone, "compute.internal", "gen A 10.5.0.1"),
		zoneOf(HostedZone, "compute.internal", "own A 10.5.0.2"),
		zoneOf(HostedZone, "corp.example.com", "db A 10.6.0.1"),
		zoneOf(HostedZone, "deep.corp.example.com", "db A 10.6.0.2"),
	)}
	v.View.Rules = map[string]*Forward{
		"corp.example.com": {Domain: "corp.example.com"}, "in.corp.example.com": {Domain: "in.corp.example.com", System: true}, "partner.test": {Domain: "partner.test"},
	}
	for _, c := range []struct {
		name  string
		qtype uint16
		want  string
	}{
		{"EXAMPLE.com.", TypeA, "ok example.com 10.1.0.1"},
		{"example.com", TypeAAAA, "nodata example.com"},
		{"example.com", TypeSOA, "ok example.com ns-336.awsdns-42.com. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400"},
		{"example.com", 16, `ok example.com "v=1"`},
		{"www.example.com", TypeA, "ok example.com www.example.com→example.com 10.1.0.1"},
		{"www.example.com", TypeCNAME, "ok example.com example.com"},
		{"x.a.example.com", TypeA, "nx a.example.com"}, // the zone below hides what the one above has
		{"a.example.com", TypeA, "nodata a.example.com"},
		{"up.example.com", TypeA, "ok a.example.com up.example.com→y.a.example.com 10.2.0.1"},
		{"out.example.com", TypeA, "ok amazonaws.com out.example.com→ssm.us-east-1.amazonaws.com 198.18.0.9"},
		{"loop.example.com", TypeA, "fail"},
		{"fwd.example.com", TypeA, "forward rule:corp.example.com fwd.example.com→db.corp.example.com"},
		{"vpce.example.com", TypeA, "ok example.com 10.0.0.40 10.0.0.41"},
		{"vpce.example.com", TypeAAAA, "nodata example.com"},
		{"bad.example.com", TypeA, "nodata example.com"},
		{"self.example.com", TypeA, "nodata example.com"},
		{"any.thing.example.com", TypeA, "ok example.com 10.1.0.77"},
		{"any.thing.example.com", TypeAAAA, "nodata example.com"},
		{"b.example.com", TypeA, "nodata example.com"}, // an empty non-terminal
		{"c.b.example.com", TypeA, "nx example.com"},   // which the wildcard above does not reach past
		{"z.www.example.com", TypeA, "nx example.com"}, // nor past a name that is there
		{"x.sub.example.com", TypeA, "nx example.com"}, // a delegation within a private zone leads nowhere
		{"sub.example.com", TypeNS, "ok example.com ns.elsewhere.test"},
		{"q.w.example.com", TypeAAAA, "ok example.com fd00::7"},
		{"w.example.com", TypeAAAA, "nodata example.com"},
		{"ssm.us-east-1.amazonaws.com", TypeA, "ok amazonaws.com 198.18.0.9"},
		{"ssm.us-west-1.amazonaws.com", TypeA, "nx us-west-1.amazonaws.com"}, // no falling back to the Internet
		{"ssm.eu-west-1.amazonaws.com", TypeA, "ok ssm.eu-west-1.amazonaws.com 10.4.0.1"},
		{"gen.compute.internal", TypeA, "nx compute.internal"},
		{"own.compute.internal", TypeA, "ok compute.internal 10.5.0.2"},
		{"db.corp.example.com", TypeA, "forward rule:corp.example.com"}, // a rule goes before the zone of its domain
		{"db.deep.corp.example.com", TypeA, "ok deep.corp.example.com 10.6.0.2"},
		{"x.in.corp.example.com", TypeA, "nx corp.example.com rule:in.corp.example.com"}, // a SYSTEM rule takes back the one above
		{"partner.test", TypeA, "forward rule:partner.test"},
		{"other.test", TypeA, "nx "},
		{`a\.example.com`, TypeA, "nx "}, // one label with a dot in it
	} {
		if got := told(Answer(v, c.name, c.qtype)); got != c.want {
			t.Errorf("%s %d:\n got %s\nwant %s", c.name, c.qtype, got, c.want)
		}
	}
	v.View.Rules[""] = &Forward{}
	for name, want := range map[string]string{
		"other.test": "forward rule:", "ssm.us-east-1.amazonaws.com": "forward rule:", "ip-10-0-0-5.ec2.internal": "ok ec2.internal 10.0.0.5", "www.example.com": "ok example.com www.example.com→example.com 10.1.0.1",
	} {
		if got := told(Answer(v, name, TypeA)); got != want {
			t.Errorf("with a rule for the root, %s: got %s, want %s", name, got, want)
		}
	}
	v.Resolver.Enabled = false
	if got := told(Answer(v, "example.com", TypeA)); got != "refused" {
		t.Error(got)
	}
}

func TestReverseDomains(t *testing.T) {
	for in, want := range map[string]string{
		"10.0.0.0/23": "0.0.10.in-addr.arpa 1.0.10.in-addr.arpa", "10.1.0.0/16": "1.10.in-addr.arpa", "100.64.0.0/15": "64.100.in-addr.arpa 65.100.in-addr.arpa",
		"192.0.2.16/30": "16.2.0.192.in-addr.arpa 17.2.0.192.in-addr.arpa 18.2.0.192.in-addr.arpa 19.2.0.192.in-addr.arpa",
	} {
		if got := strings.Join(reverseDomains(netip.MustParsePrefix(in)), " "); got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
}

func BenchmarkAnswer(b *testing.B) {
	v := &VPC{Resolver: Resolver{Enabled: true}, View: NewView(rootZone())}
	for i := range 1000 {
		z := NewZone(HostedZone, "Z", fmt.Sprintf("z%d.example.com", i), awsSOA())
		for j := range 100 {
			z.Add(fmt.Sprintf("h%d.z%d.example.com", j, i), Record{Type: TypeA, TTL: 60, Addr: netip.AddrFrom4([4]byte{10, byte(i), byte(i >> 8), byte(j)})})
		}
		v.View.Add(z)
	}
	for b.Loop() {
		if Answer(v, "h50.z500.example.com", TypeA).Outcome != Answered {
			b.Fatal("lost")
		}
	}
}
