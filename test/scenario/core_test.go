package scenario

import (
	"net/netip"
	"strings"
	"testing"
)

// core is two VPCs with ranges of their own, with two instances each, one in each subnet.
type core struct {
	*lab
	x, y           *vpc
	x1, x2, y1, y2 instance
	public         string // the public address of x1
	pcx, nat       string // the peering, and the NAT gateway of y
}

// The ways of a VPC out of itself, each told by the stock client and judged by packets.
func TestCore(t *testing.T) {
	t.Parallel()
	c := &core{lab: newLab(t, "10.1.0.0/24", "us-east-1")}
	c.x = c.addVPC("x")
	c.x1, c.x2 = c.start(c.x, 10), c.start(c.second(c.x), 138)
	c.cidr = netip.MustParsePrefix("10.2.0.0/24")
	c.y = c.addVPC("y")
	c.y1, c.y2 = c.start(c.y, 10), c.start(c.second(c.y), 138)
	c.running(c.x1, c.x2, c.y1, c.y2)
	c.flowLog()
	for _, chapter := range []struct {
		name string
		tell func()
	}{
		{"peering", c.peering}, {"analysis", c.analysis}, {"foretold", c.foretold}, {"shared group", c.sharedGroup}, {"network ACL", c.networkACL},
		{"firewall", c.firewall}, {"internet", c.internet}, {"reverse name", c.reverseName}, {"NAT addresses", c.natAddresses}, {"attach", c.attach},
		{"guest", c.guest}, {"flow records", c.flowRecords},
		{"daemon gone", c.daemonGone}, {"end", c.end},
	} {
		t.Run(chapter.name, func(t *testing.T) {
			whole := c.T
			defer func() { c.T = whole }()
			c.T = t
			chapter.tell()
		})
	}
}

// second is the VPC with its second subnet first, where instances start.
func (c *core) second(v *vpc) *vpc {
	return &vpc{id: v.id, subnets: v.subnets[1:], group: v.group}
}

// table is the main route table of a VPC.
func (c *core) table(v *vpc) string {
	c.T.Helper()
	return c.Pick("RouteTables[0].RouteTableId", "ec2", "describe-route-tables", "--filters", "Name=vpc-id,Values="+v.id, "Name=association.main,Values=true")
}

// route adds a route; by is a flag of the target and its id.
func (c *core) route(table, to string, by ...string) {
	c.T.Helper()
	c.AWS(append([]string{"ec2", "create-route", "--route-table-id", table, "--destination-cidr-block", to}, by...)...)
}

// A peering carries packets once both sides route to it and a rule lets them in, and not before.
func (c *core) peering() {
	c.allow(c.y.group, "5001", "10.1.0.0/24")
	c.serve(c.y1, "5001")
	c.pcx = c.Pick("VpcPeeringConnection.VpcPeeringConnectionId", "ec2", "create-vpc-peering-connection", "--vpc-id", c.x.id, "--peer-vpc-id", c.y.id)
	c.AWS("ec2", "accept-vpc-peering-connection", "--vpc-peering-connection-id", c.pcx)
	c.AWS("ec2", "wait", "vpc-peering-connection-exists", "--vpc-peering-connection-ids", c.pcx)
	c.agree(c.x1, c.y1.addr, "5001", "route")
	c.route(c.table(c.x), "10.2.0.0/24", "--vpc-peering-connection-id", c.pcx)
	c.agree(c.x1, c.y1.addr, "5001", "route") // the answer's way back
	c.route(c.table(c.y), "10.1.0.0/24", "--vpc-peering-connection-id", c.pcx)
	c.agree(c.x1, c.y1.addr, "5001", "")
	c.agree(c.x1, c.y1.addr, "6001", "sg-in")
	if got, ok := c.visit(c.x1, c.y1.addr, "5001", "0"); !ok || !strings.HasPrefix(got, c.y1.id+" sees "+c.x1.addr+":") {
		c.T.Errorf("over the peering: %q", got)
	}
}

// A network ACL denies by number, and refuses the answers that it does not allow.
func (c *core) networkACL() {
	for _, port := range []string{"5002", "5003"} {
		c.allow(c.y.group, port, "10.1.0.0/24")
		c.serve(c.y2, port)
	}
	c.agree(c.x1, c.y2.addr, "5002", "")
	acl := c.Pick("NetworkAcl.NetworkAclId", "ec2", "create-network-acl", "--vpc-id", c.y.id)
	replace := func(acl string) {
		c.T.Helper()
		subnet := c.y.subnets[1]
		c.AWS("ec2", "replace-network-acl-association", "--network-acl-id", acl, "--association-id",
			c.Pick("NetworkAcls[0].Associations[?SubnetId=='"+subnet+"'].NetworkAclAssociationId | [0]",
				"ec2", "describe-network-acls", "--filters", "Name=association.subnet-id,Values="+subnet))
	}
	entry := func(way, number, action, ports string) {
		c.T.Helper()
		from, to, _ := strings.Cut(ports, "-")
		c.AWS("ec2", "create-network-acl-entry", "--network-acl-id", acl, way, "--rule-number", number, "--rule-action", action,
			"--protocol", "tcp", "--cidr-block", "10.1.0.0/24", "--port-range", "From="+from+",To="+to)
	}
	before := c.Pick("NetworkAcls[0].NetworkAclId", "ec2", "describe-network-acls", "--filters", "Name=vpc-id,Values="+c.y.id, "Name=default,Values=true")
	replace(acl)
	c.agree(c.x1, c.y2.addr, "5002", "acl-in")
	entry("--ingress", "100", "allow", "5000-5999")
	c.agree(c.x1, c.y2.addr, "5002", "acl-out") // the answer
	entry("--egress", "100", "allow", "1024-65535")
	c.agree(c.x1, c.y2.addr, "5002", "")
	entry("--ingress", "90", "deny", "5003-5003")
	c.agree(c.x1, c.y2.addr, "5003", "acl-in")
	c.agree(c.x1, c.y2.addr, "5002", "")
	replace(before)
	c.agree(c.x1, c.y2.addr, "5003", "")
}

// A second ENI is attached to a running instance, answers, and is gone after it was detached.
func (c *core) attach() {
	c.serve(c.y1, "8001")
	group := c.addGroup(c.y, "second")
	c.allow(group, "8001", "10.2.0.0/24")
	const addr = "10.2.0.77"
	eni := c.Pick("NetworkInterface.NetworkInterfaceId", "ec2", "create-network-interface", "--subnet-id", c.y.subnets[0], "--private-ip-address", addr, "--groups", group)
	c.agree(c.y2, addr, "8001", "route")
	attachment := c.Pick("AttachmentId", "ec2", "attach-network-interface", "--network-interface-id", eni, "--instance-id", c.y1.id, "--device-index", "1")
	c.Eventually("the ENI in use", func() bool {
		return c.Pick("NetworkInterfaces[0].[Status, Attachment.Status] | join('/', @)", "ec2", "describe-network-interfaces", "--network-interface-ids", eni) == "in-use/attached"
	})
	c.agree(c.y2, addr, "8001", "")
	c.agree(c.y2, addr, "8002", "sg-in")
	c.agree(c.y2, c.y1.addr, "8001", "sg-in") // the first ENI has other groups
	c.AWS("ec2", "detach-network-interface", "--attachment-id", attachment)
	c.Eventually("the ENI available", func() bool {
		return c.Pick("NetworkInterfaces[0].Status", "ec2", "describe-network-interfaces", "--network-interface-ids", eni) == "available"
	})
	c.agree(c.y2, addr, "8001", "route")
	c.AWS("ec2", "delete-network-interface", "--network-interface-id", eni)
}

// end: what was carried by a NAT gateway, a public address and a peering is not, once they are gone.
func (c *core) end() {
	c.AWS("ec2", "delete-nat-gateway", "--nat-gateway-id", c.nat)
	c.AWS("ec2", "wait", "nat-gateway-deleted", "--nat-gateway-ids", c.nat)
	c.agree(c.y1, c.public, "7001", "route") // a blackhole now
	const anyone = "198.51.100.7"
	c.agree(c.x2, anyone, "9001", "internet-gateway")
	association := c.Pick("Addresses[0].AssociationId", "ec2", "describe-addresses", "--public-ips", c.public)
	c.AWS("ec2", "disassociate-address", "--association-id", association)
	c.agree(c.x1, anyone, "9001", "internet-gateway")
	c.agree(c.x1, c.y1.addr, "5001", "")
	c.AWS("ec2", "delete-vpc-peering-connection", "--vpc-peering-connection-id", c.pcx)
	c.agree(c.x1, c.y1.addr, "5001", "route") // a blackhole now
	c.agree(c.y1, c.x1.addr, "7001", "route")
}
