package scenario

import (
	"net/netip"
	"strings"

	"kumiko/internal/testkit"
)

// firewall: an instance without source/destination check carries what its subnets' tables send it, as far as its own groups let it; it
// knows answers to that, and nothing else.
func (c *core) firewall() {
	c.AWS("ec2", "associate-vpc-cidr-block", "--vpc-id", c.y.id, "--cidr-block", "10.22.0.0/24")
	subnet := c.Pick("Subnet.SubnetId", "ec2", "create-subnet", "--vpc-id", c.y.id, "--cidr-block", "10.22.0.0/25")
	own := c.Pick("RouteTable.RouteTableId", "ec2", "create-route-table", "--vpc-id", c.y.id)
	c.AWS("ec2", "associate-route-table", "--route-table-id", own, "--subnet-id", subnet)
	cidr := c.cidr
	c.cidr = netip.MustParsePrefix("10.22.0.0/24")
	wall := c.start(&vpc{id: c.y.id, subnets: []string{subnet}, group: c.addGroup(c.y, "firewall")}, 10)
	group := c.Pick("Reservations[0].Instances[0].SecurityGroups[0].GroupId", "ec2", "describe-instances", "--instance-ids", wall.id)
	c.cidr = cidr
	c.running(wall)
	c.AWS("ec2", "modify-instance-attribute", "--instance-id", wall.id, "--no-source-dest-check")
	if _, errs, ok := c.Try(testkit.Binary(c.T), "exec", "-T", wall.id, "--", "sysctl", "-qw", "net.ipv4.ip_forward=1"); !ok {
		c.T.Fatalf("the firewall does not forward: %s", errs)
	}
	for _, port := range []string{"5005", "5006"} {
		c.allow(c.y.group, port, "10.2.0.0/24")
		c.serve(c.y2, port)
	}
	c.allow(c.y.group, "5007", "10.2.0.0/24")
	c.allow(group, "5005", "10.2.0.0/25")
	c.allow(group, "5007-5008", "10.2.0.0/25")
	c.agree(c.y1, c.y2.addr, "5006", "")
	main := c.table(c.y)
	for _, to := range []string{"10.2.0.0/25", "10.2.0.128/25"} {
		c.route(main, to, "--instance-id", wall.id)
	}
	c.agree(c.y1, c.y2.addr, "5006", "sg-in")
	c.agree(c.y1, c.y2.addr, "5005", "")
	if got, ok := c.visit(c.y1, c.y2.addr, "5005", "0"); !ok || !strings.HasPrefix(got, c.y2.id+" sees "+c.y1.addr+":") {
		c.T.Errorf("through the firewall: %q", got)
	}
	c.explains(c.y1.id, c.y2.id+":5005", "which forwards for others; sent on as it is, it reaches eni-")
	c.explains(c.y1.id, c.y2.id+":5008", "which forwards for others; sent on as it is, it is refused: "+c.y.group+" has no ingress rule for tcp/5008")
	c.agree(c.y2, c.y1.addr, "5005", "sg-in") // it lets nobody begin from the other side
	c.AWS("ec2", "modify-instance-attribute", "--instance-id", wall.id, "--source-dest-check")
	c.agree(c.y1, c.y2.addr, "5007", "dest-check")
	for _, to := range []string{"10.2.0.0/25", "10.2.0.128/25"} {
		c.AWS("ec2", "delete-route", "--route-table-id", main, "--destination-cidr-block", to)
	}
	c.agree(c.y1, c.y2.addr, "5006", "")
	c.AWS("ec2", "terminate-instances", "--instance-ids", wall.id)
}

// explains wants an explanation to hold the words.
func (c *core) explains(from, to, want string) {
	c.T.Helper()
	if out, errs, _ := c.Try(testkit.Binary(c.T), "explain", from, to); !strings.Contains(out, want) {
		c.T.Errorf("explain %s %s: %s%s, want %q", from, to, out, errs, want)
	}
}
