package scenario

import (
	"fmt"
	"strings"
	"testing"

	"kumiko/internal/testkit"
)

// named adds DNS host names to a VPC, which private zones need.
func (l *lab) named(v *vpc) {
	l.T.Helper()
	l.AWS("ec2", "modify-vpc-attribute", "--vpc-id", v.id, "--enable-dns-hostnames", "Value=true")
}

// zone makes a hosted zone; with a VPC, a private one.
func (l *lab) zone(name string, v *vpc) string {
	l.T.Helper()
	args := []string{"route53", "create-hosted-zone", "--name", name, "--caller-reference", name + fmt.Sprint(len(l.vpcs), v != nil)}
	if v != nil {
		args = append(args, "--vpc", "VPCRegion="+l.Region+",VPCId="+v.id, "--hosted-zone-config", "Comment=test,PrivateZone=true")
	}
	return l.Pick("HostedZone.Id", args...)
}

// record makes a record set and waits until the resolvers have it. More is further members as JSON.
func (l *lab) record(zone, name, kind, value, more string) {
	l.T.Helper()
	batch := fmt.Sprintf(`{"Changes": [{"Action": "CREATE", "ResourceRecordSet": {"Name": %q, "Type": %q, "TTL": 60, "ResourceRecords": [{"Value": %q}]%s}}]}`, name, kind, value, more)
	id := l.Pick("ChangeInfo.Id", "route53", "change-resource-record-sets", "--hosted-zone-id", zone, "--change-batch", batch)
	l.AWS("route53", "wait", "resource-record-sets-changed", "--id", id)
}

// digs is what dig says in an instance: the status, then the answers, sorted by the resolver.
func (l *lab) digs(i instance, args ...string) string {
	l.T.Helper()
	out := l.Inside(i.id, append([]string{"dig", "+noall", "+comments", "+answer", "+authority"}, args...)...)
	var said []string
	for line := range strings.Lines(out) {
		line = strings.TrimSpace(line)
		if _, status, ok := strings.Cut(line, "status: "); ok {
			status, _, _ = strings.Cut(status, ",")
			said = append(said, status)
		}
		if f := strings.Fields(line); len(f) > 4 && !strings.HasPrefix(line, ";") {
			said = append(said, f[3]+" "+strings.Join(f[4:], " "))
		}
	}
	return strings.Join(said, ", ")
}

// Names of private zones resolve where they are associated and nowhere else; policies choose, and a health check that
// goes down changes what is answered.
func TestRoute53(t *testing.T) {
	t.Parallel()
	l := newLab(t, "10.10.10.0/24", "us-east-1")
	a, b := l.addVPC("a"), l.addVPC("b")
	l.named(a)
	l.named(b)
	a1, b1 := l.start(a, 10), l.start(b, 10)
	z := l.zone("example.internal", a)
	l.running(a1, b1)
	l.record(z, "www.example.internal", "A", "10.10.10.9", "")
	l.record(z, "text.example.internal", "TXT", `"caf\303\251" "b"`, "")
	const soa = "SOA ns-1536.awsdns-00.co.uk. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400"
	for question, want := range map[string]string{
		"www.example.internal A": "NOERROR, A 10.10.10.9", "www.example.internal AAAA": "NOERROR, " + soa, "gone.example.internal A": "NXDOMAIN, " + soa,
		"text.example.internal TXT": `NOERROR, TXT "caf\195\169" "b"`, "example.internal SOA": "NOERROR, " + soa,
	} {
		if got := l.digs(a1, strings.Fields(question)...); got != want {
			t.Errorf("%s: %s, want %s", question, got, want)
		}
	}
	if got := l.digs(b1, "www.example.internal"); !strings.HasPrefix(got, "NXDOMAIN, SOA a.root-servers.net.") {
		t.Errorf("in a VPC that is not associated: %s", got)
	}
	if out, _, ok := l.Exec(a1.id, "nslookup", "www.example.internal"); !ok || !strings.Contains(out, "10.10.10.9") {
		t.Errorf("nslookup: %s", out)
	}
	l.AWS("route53", "associate-vpc-with-hosted-zone", "--hosted-zone-id", z, "--vpc", "VPCRegion="+l.Region+",VPCId="+b.id)
	l.Eventually("the zone in b", func() bool { return l.digs(b1, "www.example.internal") == "NOERROR, A 10.10.10.9" })
	l.AWS("route53", "disassociate-vpc-from-hosted-zone", "--hosted-zone-id", z, "--vpc", "VPCRegion="+l.Region+",VPCId="+b.id)
	l.Eventually("no zone in b", func() bool { return strings.HasPrefix(l.digs(b1, "www.example.internal"), "NXDOMAIN") })

	l.elsewhere(z)
	public := l.zone("example.internal", nil)
	l.record(public, "www.example.internal", "A", "198.18.9.9", "")
	if got := l.digs(b1, "www.example.internal") + "; " + l.digs(a1, "www.example.internal"); got != "NOERROR, A 198.18.9.9; NOERROR, A 10.10.10.9" {
		t.Errorf("public and private: %s", got)
	}
	l.record(z, "w.example.internal", "A", "10.10.10.1", `, "SetIdentifier": "one", "Weight": 0`)
	l.record(z, "w.example.internal", "A", "10.10.10.2", `, "SetIdentifier": "two", "Weight": 5`)
	if got := l.digs(a1, "w.example.internal"); got != "NOERROR, A 10.10.10.2" {
		t.Errorf("weighted: %s", got)
	}
	l.failover(a, a1, z)
}

// elsewhere: a VPC of another account sees a zone once its owner allows that, and no longer when it was taken away.
func (l *lab) elsewhere(zone string) {
	l.T.Helper()
	if _, errs, ok := l.Try(testkit.Binary(l.T), "account", "create", "other"); !ok {
		l.T.Fatal(errs)
	}
	other := &lab{Cloud: l.In("other", l.Region), cidr: l.cidr, ami: l.ami, vpcs: map[string]*vpc{}}
	other.AWS("ec2", "create-key-pair", "--key-name", "lab", "--key-type", "ed25519")
	c := other.addVPC("c")
	other.named(c)
	c1 := other.start(c, 10)
	other.running(c1)
	which := []string{"--hosted-zone-id", zone, "--vpc", "VPCRegion=" + l.Region + ",VPCId=" + c.id}
	if said := other.Refused(append([]string{"route53", "associate-vpc-with-hosted-zone"}, which...)...); !strings.Contains(said, "(NotAuthorizedException)") {
		l.T.Errorf("without authorization: %s", said)
	}
	l.AWS(append([]string{"route53", "create-vpc-association-authorization"}, which...)...)
	other.AWS(append([]string{"route53", "associate-vpc-with-hosted-zone"}, which...)...)
	l.AWS(append([]string{"route53", "delete-vpc-association-authorization"}, which...)...)
	l.Eventually("the zone in another account's VPC", func() bool { return other.digs(c1, "www.example.internal") == "NOERROR, A 10.10.10.9" })
	l.AWS(append([]string{"route53", "disassociate-vpc-from-hosted-zone"}, which...)...)
	l.Eventually("no zone there", func() bool { return strings.HasPrefix(other.digs(c1, "www.example.internal"), "NXDOMAIN") })
}

// failover: a record with a health check is answered as long as its endpoint is well.
func (l *lab) failover(v *vpc, i instance, zone string) {
	l.T.Helper()
	igw := l.Pick("InternetGateway.InternetGatewayId", "ec2", "create-internet-gateway")
	l.AWS("ec2", "attach-internet-gateway", "--internet-gateway-id", igw, "--vpc-id", v.id)
	table := l.Pick("RouteTables[0].RouteTableId", "ec2", "describe-route-tables", "--filters", "Name=vpc-id,Values="+v.id)
	l.AWS("ec2", "create-route", "--route-table-id", table, "--destination-cidr-block", "0.0.0.0/0", "--gateway-id", igw)
	out := strings.Fields(l.Pick("[PublicIp, AllocationId]", "ec2", "allocate-address", "--domain", "vpc"))
	l.AWS("ec2", "associate-address", "--allocation-id", out[1], "--instance-id", i.id)
	l.allow(v.group, "7001", "198.18.0.0/24")
	l.serve(i, "7001")
	check := l.Pick("HealthCheck.Id", "route53", "create-health-check", "--caller-reference", "check", "--health-check-config",
		"Type=TCP,IPAddress="+out[0]+",Port=7001,RequestInterval=10,FailureThreshold=1")
	l.record(zone, "f.example.internal", "A", "10.10.10.1", `, "SetIdentifier": "one", "Failover": "PRIMARY", "HealthCheckId": "`+check+`"`)
	l.record(zone, "f.example.internal", "A", "10.10.10.2", `, "SetIdentifier": "two", "Failover": "SECONDARY"`)
	l.Eventually("a success", func() bool {
		return strings.HasPrefix(l.Pick("HealthCheckObservations[0].StatusReport.Status", "route53", "get-health-check-status", "--health-check-id", check), "Success: TCP connection")
	})
	if got := l.digs(i, "f.example.internal"); got != "NOERROR, A 10.10.10.1" {
		l.T.Errorf("while the primary is well: %s", got)
	}
	l.deny(v.group, "7001", "198.18.0.0/24") // the group keeps the checkers out
	l.Eventually("the secondary", func() bool { return l.digs(i, "f.example.internal") == "NOERROR, A 10.10.10.2" })
	l.allow(v.group, "7001", "198.18.0.0/24")
	l.Eventually("the primary again", func() bool { return l.digs(i, "f.example.internal") == "NOERROR, A 10.10.10.1" })
}

// terraformRoute53 makes zones, records under every policy, associations and health checks, then has nothing to do, and
// destroys them. Nobody answers the health checks, so what fails over does so some time while it is made.
func (l *lab) terraformRoute53(mirror string) {
	terraform := l.terraform("testdata/route53", mirror)
	terraform("init", "-input=false", "-no-color")
	terraform("apply", "-auto-approve", "-input=false", "-no-color")
	client := instance{id: terraform("output", "-raw", "client")}
	l.running(client)
	for question, want := range map[string]string{
		"example.internal A": "NOERROR, A 10.20.0.10, A 10.20.0.11", "latency.example.internal A": "NOERROR, A 10.20.0.31",
		"geo.example.internal A": "NOERROR, A 10.20.0.41", "weighted.example.internal A": "NOERROR, A 10.20.0.11", "www.example.org A": "NOERROR, A 198.18.7.7",
	} {
		got := l.digs(client, strings.Fields(question)...)
		if got != want && got != "NOERROR, A 10.20.0.11, A 10.20.0.10" {
			l.T.Errorf("%s: %s, want %s", question, got, want)
		}
	}
	terraform("plan", "-detailed-exitcode", "-input=false", "-no-color") // status 2 if there is something to do
	terraform("destroy", "-auto-approve", "-input=false", "-no-color")
	if n := l.Pick("length(HostedZones)", "route53", "list-hosted-zones"); n != "0" {
		l.T.Errorf("%s zones are left", n)
	}
}
