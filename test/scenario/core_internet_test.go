package scenario

import (
	"slices"
	"strings"
)

// address takes a public address and gives it and its allocation.
func (c *core) address() (addr, allocation string) {
	c.T.Helper()
	out := strings.Fields(c.Pick("[PublicIp, AllocationId]", "ec2", "allocate-address", "--domain", "vpc"))
	return out[0], out[1]
}

// internetGateway makes an internet gateway of a VPC.
func (c *core) internetGateway(v *vpc) string {
	c.T.Helper()
	id := c.Pick("InternetGateway.InternetGatewayId", "ec2", "create-internet-gateway")
	c.AWS("ec2", "attach-internet-gateway", "--internet-gateway-id", id, "--vpc-id", v.id)
	return id
}

// An instance with a public address answers to others by it; a private one gets out by a NAT gateway, whose address is
// what the other side sees.
func (c *core) internet() {
	c.allow(c.x.group, "7001", "0.0.0.0/0")
	c.serve(c.x1, "7001")
	var allocation string
	c.public, allocation = c.address()
	igw := c.internetGateway(c.x)
	c.AWS("ec2", "associate-address", "--allocation-id", allocation, "--instance-id", c.x1.id)
	c.route(c.table(c.x), "0.0.0.0/0", "--gateway-id", igw)
	c.agree(c.y1, c.public, "7001", "route")

	other := c.internetGateway(c.y)
	open := c.Pick("RouteTable.RouteTableId", "ec2", "create-route-table", "--vpc-id", c.y.id)
	c.AWS("ec2", "associate-route-table", "--route-table-id", open, "--subnet-id", c.y.subnets[1])
	c.route(open, "0.0.0.0/0", "--gateway-id", other)
	c.agree(c.y2, c.public, "7001", "internet-gateway") // has a route, but no public address
	shared, allocation := c.address()
	c.nat = c.Pick("NatGateway.NatGatewayId", "ec2", "create-nat-gateway", "--subnet-id", c.y.subnets[1], "--allocation-id", allocation)
	c.AWS("ec2", "wait", "nat-gateway-available", "--nat-gateway-ids", c.nat)
	c.agree(c.y1, c.public, "7001", "route")
	c.route(c.table(c.y), "0.0.0.0/0", "--nat-gateway-id", c.nat)

	c.agree(c.y1, c.public, "7001", "")
	if got, ok := c.visit(c.y1, c.public, "7001", "0"); !ok || !strings.HasPrefix(got, c.x1.id+" sees "+shared+":") {
		c.T.Errorf("through %s: %q", c.nat, got)
	}
	c.agree(c.y1, c.public, "7002", "sg-in")
	c.agree(c.x1, shared, "7003", "listener") // nobody gets in by a NAT gateway
	c.agree(c.x2, shared, "7003", "internet-gateway")
}

// natAddresses: connections go out from the addresses a NAT gateway has in turn, and from those it was given or lost
// while it runs.
func (c *core) natAddresses() {
	first := c.Pick("NatGateways[0].NatGatewayAddresses[0].PublicIp", "ec2", "describe-nat-gateways", "--nat-gateway-ids", c.nat)
	more, allocation := c.address()
	c.sees(c.public, "7001", first)
	association := c.Pick("NatGatewayAddresses[?AllocationId=='"+allocation+"'].AssociationId | [0]", "ec2", "associate-nat-gateway-address", "--nat-gateway-id", c.nat, "--allocation-ids", allocation)
	c.sees(c.public, "7001", first, more)
	c.AWS("ec2", "disassociate-nat-gateway-address", "--nat-gateway-id", c.nat, "--association-ids", association)
	c.sees(c.public, "7001", first)

	const own, second = "10.2.0.200", "10.2.0.201"
	private := c.Pick("NatGateway.NatGatewayId", "ec2", "create-nat-gateway", "--subnet-id", c.y.subnets[1], "--connectivity-type", "private", "--private-ip-address", own)
	c.AWS("ec2", "wait", "nat-gateway-available", "--nat-gateway-ids", private)
	c.allow(c.y.group, "7004", "10.2.0.0/24")
	c.serve(c.y2, "7004")
	c.sees(c.y2.addr, "7004", c.y1.addr)
	c.route(c.table(c.y), "10.2.0.128/25", "--nat-gateway-id", private)
	c.sees(c.y2.addr, "7004", own)
	c.AWS("ec2", "assign-private-nat-gateway-address", "--nat-gateway-id", private, "--private-ip-addresses", second)
	c.sees(c.y2.addr, "7004", own, second)
	c.AWS("ec2", "unassign-private-nat-gateway-address", "--nat-gateway-id", private, "--private-ip-addresses", second)
	c.sees(c.y2.addr, "7004", own)
	c.AWS("ec2", "delete-route", "--route-table-id", c.table(c.y), "--destination-cidr-block", "10.2.0.128/25")
	c.sees(c.y2.addr, "7004", c.y1.addr)
	c.AWS("ec2", "delete-nat-gateway", "--nat-gateway-id", private)
}

// sees waits until a greeter that y1 visits sees just these addresses, all of them.
func (c *core) sees(to, port string, want ...string) {
	c.T.Helper()
	slices.Sort(want)
	c.Eventually("visits from "+strings.Join(want, " and "), func() bool {
		var got []string
		for range 2 * len(want) {
			words, _ := c.visit(c.y1, to, port, "0")
			_, words, _ = strings.Cut(words, " sees ")
			addr, _, _ := strings.Cut(words, ":")
			got = append(got, addr)
		}
		slices.Sort(got)
		return slices.Equal(slices.Compact(got), want)
	})
}

// daemonGone: a conversation through a NAT gateway outlives the daemon, and goes on with the next one.
func (c *core) daemonGone() {
	talk := c.talk(c.y1, c.public, "7001", "40001")
	c.Kill()
	if !talk.alive() {
		c.T.Error("cut off when the daemon was killed")
	}
	c.Up()
	c.agree(c.y1, c.public, "7001", "")
	if !talk.alive() {
		c.T.Error("cut off when the daemon came back")
	}
	if err := talk.end(); err != nil {
		c.T.Error(err)
	}
}
