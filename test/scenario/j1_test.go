package scenario

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// nodeServices are those that a managed node needs.
func nodeServices() []string { return []string{"ssm", "ec2messages", "ssmmessages"} }

// diagnosis is what ssm-cli found, by check: the status, a blank and the note.
func diagnosis(text string) map[string]string {
	found, last := map[string]string{}, ""
	for line := range strings.Lines(strings.ReplaceAll(text, "\r", "")) {
		cells := strings.Split(line, "│")
		if len(cells) != 5 {
			continue
		}
		if check := strings.TrimSpace(cells[1]); check != "" {
			last, found[check] = check, strings.TrimSpace(cells[2])
		}
		found[last] += " " + strings.TrimSpace(cells[3])
	}
	return found
}

// diagnosed checks what ssm-cli says of the three services, in a terminal.
func (l *lab) diagnosed(text string, note func(service, host string) string) {
	l.T.Helper()
	found := diagnosis(text)
	for _, s := range nodeServices() {
		host := s + "." + l.Region + ".amazonaws.com"
		if got, want := found["Connectivity to "+s+" endpoint"], note(s, host); got != want {
			l.T.Errorf("ssm-cli says of %s: %q, want %q\n%s", s, got, want, text)
		}
	}
}

func reachable(_, host string) string { return "Success " + host + " is reachable" }

// The journey of the shared endpoints: a VPC without any way to the internet has endpoints for Session Manager, and
// another one uses them by a peering and private zones.
func TestJ1(t *testing.T) {
	t.Parallel()
	l := newLab(t, "172.16.0.0/24", "ap-northeast-1")
	l.addManagedRole()
	shared := l.addShop("172.16.0.0/16", "172.16.100.0/24", "172.16.200.0/24")
	group := shared.addGroup(shared.v, "endpoints")
	shared.allow(group, "443", "172.16.0.0/16")
	endpoints := map[string]string{}
	for _, s := range nodeServices() {
		endpoints[s] = shared.endpoint(s, group, "--subnet-ids", shared.v.subnets[0], shared.v.subnets[1])
	}
	one := shared.run(0, "172.16.100.10", withAgent()...)
	user := l.addShop("192.168.0.0/16", "192.168.100.0/24", "192.168.200.0/24")
	two := user.run(0, "192.168.100.58", withAgent("ssh_pwauth: True", "password: PassW0rd!", "chpasswd: { expire: False }")...)
	l.running(one, two)
	l.connected(one)
	private := map[string][]string{}
	c := l.console("aws", "ssm", "start-session", "--target", one.id)
	c.expect("Starting session with SessionId: ")
	c.expect("$ ")
	l.diagnosed(c.run("sudo ssm-cli get-diagnostics --output table"), reachable)
	for _, s := range nodeServices() {
		private[s] = l.addrs(one, s+".ap-northeast-1.amazonaws.com")
		if a := private[s]; len(a) != 2 || !strings.HasPrefix(a[0], "172.16.100.") || !strings.HasPrefix(a[1], "172.16.200.") {
			t.Errorf("%s is at %q", s, a)
		}
	}

	l.join(shared, user, one, two)
	c.send("ssh -o StrictHostKeyChecking=no ec2-user@192.168.100.58\r")
	c.expect("'s password: ")
	c.send("PassW0rd!\r")
	c.expect("[ec2-user@ip-192-168-100-58 ~]$ ")
	public := map[string]string{}
	for _, s := range nodeServices() {
		at := l.addrs(two, s+".ap-northeast-1.amazonaws.com")
		if len(at) != 1 || strings.HasPrefix(at[0], "172.16.") {
			t.Fatalf("before the private zones %s is at %q", s, at)
		}
		public[s] = at[0]
	}
	l.diagnosed(c.run("sudo ssm-cli get-diagnostics --output table"), func(service, host string) string {
		return fmt.Sprintf("Failed %s is not reachable: dial tcp %s:443: i/o timeout", host, public[service])
	})
	l.logged(two, "Post https://ssm.ap-northeast-1.amazonaws.com/: dial tcp "+public["ssm"]+":443: i/o timeout")
	if got := l.ping(two); got != "None" {
		t.Errorf("without a way the node is %s", got)
	}

	for _, s := range nodeServices() {
		l.addAlias(user.v.id, s+".ap-northeast-1.amazonaws.com", endpoints[s])
	}
	l.connected(two)
	c = l.console("aws", "ssm", "start-session", "--target", two.id)
	c.expect("$ ")
	l.diagnosed(c.run("sudo ssm-cli get-diagnostics --output table"), reachable)
	for _, s := range nodeServices() {
		if at := l.addrs(two, s+".ap-northeast-1.amazonaws.com"); !slices.Equal(at, private[s]) {
			t.Errorf("%s is at %q, want %q", s, at, private[s])
		}
	}
	c.send("exit\r")
	c.expect("Exiting session with sessionId: ")
}

// join peers two VPCs so that SSH gets from an instance of the first to one of the second, and takes away and gives
// back each of the things it needs.
func (l *lab) join(from, to *shop, one, two instance) {
	l.T.Helper()
	table := func(s *shop) string {
		return s.Pick("RouteTables[0].RouteTableId", "ec2", "describe-route-tables", "--filters", "Name=vpc-id,Values="+s.v.id)
	}
	peering := l.Pick("VpcPeeringConnection.VpcPeeringConnectionId", "ec2", "create-vpc-peering-connection", "--vpc-id", from.v.id, "--peer-vpc-id", to.v.id)
	l.agree(one, two.addr, "22", "route")
	l.AWS("ec2", "accept-vpc-peering-connection", "--vpc-peering-connection-id", peering)
	routes := [][]string{{"--route-table-id", table(from), "--destination-cidr-block", "192.168.0.0/16"}, {"--route-table-id", table(to), "--destination-cidr-block", "172.16.0.0/16"}}
	add := func(r []string) {
		l.AWS(append([]string{"ec2", "create-route", "--vpc-peering-connection-id", peering}, r...)...)
	}
	add(routes[0])
	add(routes[1])
	l.allow(to.v.group, "22", "172.16.0.0/16")
	group := l.Pick("SecurityGroups[0].GroupId", "ec2", "describe-security-groups", "--filters", "Name=vpc-id,Values="+from.v.id, "Name=group-name,Values=endpoints")
	l.allow(group, "443", "192.168.0.0/16")
	l.agree(one, two.addr, "22", "")
	for _, r := range routes {
		l.AWS(append([]string{"ec2", "delete-route"}, r...)...)
		l.agree(one, two.addr, "22", "route")
		add(r)
	}
	l.deny(to.v.group, "22", "172.16.0.0/16")
	l.agree(one, two.addr, "22", "sg-in")
	l.allow(to.v.group, "22", "172.16.0.0/16")
	l.agree(one, two.addr, "22", "")
}

// addAlias makes a private zone of a VPC that is a name of an endpoint.
func (l *lab) addAlias(vpc, name, endpoint string) {
	l.T.Helper()
	at := strings.Fields(l.Pick("VpcEndpoints[0].DnsEntries[0].[DnsName, HostedZoneId]", "ec2", "describe-vpc-endpoints", "--vpc-endpoint-ids", endpoint))
	zone := l.Pick("HostedZone.Id", "route53", "create-hosted-zone", "--name", name, "--vpc", "VPCRegion="+l.Region+",VPCId="+vpc,
		"--hosted-zone-config", "PrivateZone=true", "--caller-reference", name)
	batch, err := json.Marshal(map[string]any{"Changes": []any{map[string]any{"Action": "CREATE", "ResourceRecordSet": map[string]any{
		"Name": name, "Type": "A", "AliasTarget": map[string]any{"HostedZoneId": at[1], "DNSName": at[0], "EvaluateTargetHealth": true},
	}}}})
	if err != nil {
		l.T.Fatal(err)
	}
	l.AWS("route53", "change-resource-record-sets", "--hosted-zone-id", zone, "--change-batch", string(batch))
}

// logged waits until the SSM agent of an instance has logged a text.
func (l *lab) logged(i instance, text string) {
	l.T.Helper()
	l.Eventually("the agent of "+i.id+" logs "+text, func() bool {
		_, _, ok := l.Exec(i.id, "grep", "-qF", text, "/var/log/amazon/ssm/amazon-ssm-agent.log")
		return ok
	})
}
