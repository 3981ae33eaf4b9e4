package scenario

import "strings"

// carry gives the first interface of an instance these groups.
func (c *core) carry(i instance, groups ...string) {
	c.T.Helper()
	eni := c.Pick("Reservations[0].Instances[0].NetworkInterfaces[0].NetworkInterfaceId", "ec2", "describe-instances", "--instance-ids", i.id)
	c.AWS(append([]string{"ec2", "modify-network-interface-attribute", "--network-interface-id", eni, "--groups"}, groups...)...)
}

// refuses runs the stock aws command, which must be refused with the code.
func (c *core) refuses(code string, args ...string) {
	c.T.Helper()
	if errs := c.Refused(args...); !strings.Contains(errs, "("+code+")") {
		c.T.Errorf("aws %s: %s, want %s", strings.Join(args[:2], " "), errs, code)
	}
}

// A group of VPC x that is associated with y opens the interface of y that carries it, as its rules are now, and no
// other; who carries it is meant by rules of either VPC that name it.
func (c *core) sharedGroup() {
	group := c.addGroup(c.x, "shared")
	c.allow(group, "5010", "10.1.0.0/24")
	c.serve(c.y1, "5010")
	c.serve(c.y2, "5010")
	eni := c.Pick("Reservations[0].Instances[0].NetworkInterfaces[0].NetworkInterfaceId", "ec2", "describe-instances", "--instance-ids", c.y1.id)
	c.refuses("InvalidParameter", "ec2", "modify-network-interface-attribute", "--network-interface-id", eni, "--groups", c.y.group, group)
	both := []string{"--group-id", group, "--vpc-id", c.y.id}
	if s := c.Pick("State", append([]string{"ec2", "associate-security-group-vpc"}, both...)...); s != "associating" {
		c.T.Errorf("a new association is %s", s)
	}
	about := []string{"ec2", "describe-security-group-vpc-associations", "--filters", "Name=group-id,Values=" + group}
	c.Eventually("the association", func() bool { return c.Pick("SecurityGroupVpcAssociations[0].State", about...) == "associated" })
	c.agree(c.x1, c.y1.addr, "5010", "sg-in")
	c.carry(c.y1, c.y.group, group)
	c.agree(c.x1, c.y1.addr, "5010", "")
	c.agree(c.x1, c.y2.addr, "5010", "sg-in") // a neighbour without the group

	c.deny(group, "5010", "10.1.0.0/24")
	c.agree(c.x1, c.y1.addr, "5010", "sg-in")
	c.allow(c.y.group, "5010", group) // who carries it, in y and in x
	c.agree(c.y1, c.y2.addr, "5010", "")
	c.agree(c.x1, c.y2.addr, "5010", "sg-in")
	c.carry(c.x1, c.x.group, group)
	c.agree(c.x1, c.y2.addr, "5010", "")
	c.agree(c.x2, c.y2.addr, "5010", "sg-in")

	end := append([]string{"ec2", "disassociate-security-group-vpc"}, both...)
	c.refuses("DependencyViolation", end...)
	c.carry(c.y1, c.y.group)
	c.carry(c.x1, c.x.group)
	c.refuses("DependencyViolation", "ec2", "delete-security-group", "--group-id", group)
	if s := c.Pick("State", end...); s != "disassociating" {
		c.T.Errorf("an association that was asked to end is %s", s)
	}
	c.Eventually("no association", func() bool { return c.Pick("length(SecurityGroupVpcAssociations)", about...) == "0" })
	c.agree(c.y1, c.y2.addr, "5010", "sg-in")
	c.refuses("DependencyViolation", "ec2", "delete-security-group", "--group-id", group) // the rule names it
	c.deny(c.y.group, "5010", group)
	c.AWS("ec2", "delete-security-group", "--group-id", group)
}

// A public address gets the reverse name that leads to it, and only that; it is not given back before the name is.
func (c *core) reverseName() {
	const name = "mail.core.example"
	allocation := c.Pick("Addresses[0].AllocationId", "ec2", "describe-addresses", "--public-ips", c.public)
	set := []string{"ec2", "modify-address-attribute", "--allocation-id", allocation, "--domain-name", name}
	c.refuses("InvalidParameterValue", set...)
	c.record(c.zone("core.example", nil), name, "A", c.public, "")
	if got := c.Pick("Address.[PtrRecordUpdate.Status, PtrRecordUpdate.Value] | join(' ', @)", set...); got != "PENDING "+name+"." {
		c.T.Errorf("a new reverse name is %s", got)
	}
	about := []string{"ec2", "describe-addresses-attribute", "--allocation-ids", allocation, "--attribute", "domain-name"}
	c.Eventually("the reverse name", func() bool {
		return c.Pick("Addresses[0].[PtrRecord, PtrRecordUpdate.Status]", about...) == name+".\tNone"
	})
	for _, i := range []instance{c.x1, c.y1} {
		if got := c.Inside(i.id, "dig", "+short", "-x", c.public); got != name+"." {
			c.T.Errorf("in %s, %s is %q", i.id, c.public, got)
		}
	}
	spare, free := c.address()
	c.record(c.zone("spare.core.example", nil), "a.spare.core.example", "A", spare, "")
	c.AWS("ec2", "modify-address-attribute", "--allocation-id", free, "--domain-name", "a.spare.core.example")
	c.refuses("InvalidAddress.PtrSet", "ec2", "release-address", "--allocation-id", free)
	c.AWS("ec2", "reset-address-attribute", "--allocation-id", free, "--attribute", "domain-name")
	c.AWS("ec2", "release-address", "--allocation-id", free)
	c.AWS("ec2", "reset-address-attribute", "--allocation-id", allocation, "--attribute", "domain-name")
	c.Eventually("no reverse name", func() bool { return c.Pick("length(Addresses)", about...) == "0" })
	if got := c.Inside(c.x1.id, "dig", "+short", "-x", c.public); got != "" {
		c.T.Errorf("%s is still %q", c.public, got)
	}
}
