package scenario

import (
	"net/netip"

	"kumiko/internal/testkit"
)

// An instance of another account gets an interface in VPC x once its owner permits that: it answers there, under x's
// groups, and is reached by an address of its own account. What was permitted ends with the permission.
func (c *core) guest() {
	if _, errs, ok := c.Try(testkit.Binary(c.T), "account", "create", "guest"); !ok {
		c.T.Fatal(errs)
	}
	other := &lab{Cloud: c.In("guest", c.Region), cidr: netip.MustParsePrefix("10.3.0.0/24"), ami: c.ami, vpcs: map[string]*vpc{}}
	other.AWS("ec2", "create-key-pair", "--key-name", "lab")
	z1 := other.start(other.addVPC("z"), 10)
	other.running(z1)
	other.serve(z1, "8003")

	const addr = "10.1.0.77"
	group := c.addGroup(c.x, "guest")
	c.allow(group, "8003", "0.0.0.0/0")
	eni := c.Pick("NetworkInterface.NetworkInterfaceId", "ec2", "create-network-interface", "--subnet-id", c.x.subnets[0], "--private-ip-address", addr, "--groups", group)
	attach := []string{"ec2", "attach-network-interface", "--network-interface-id", eni, "--instance-id", z1.id, "--device-index", "1"}
	guest := &core{lab: other}
	guest.refuses("InvalidNetworkInterfaceID.NotFound", attach...)
	account := other.Pick("Account", "sts", "get-caller-identity")
	permit := func(kind string) string {
		c.T.Helper()
		return c.Pick("InterfacePermission.NetworkInterfacePermissionId", "ec2", "create-network-interface-permission", "--network-interface-id", eni, "--aws-account-id", account, "--permission", kind)
	}
	permission := permit("INSTANCE-ATTACH")
	attachment := other.Pick("AttachmentId", attach...)
	about := []string{"ec2", "describe-network-interfaces", "--network-interface-ids", eni}
	c.Eventually("the guest's interface", func() bool {
		return c.Pick("NetworkInterfaces[0].Attachment.[Status, InstanceOwnerId] | join(' ', @)", about...) == "attached "+account
	})
	c.agree(c.x2, addr, "8003", "")
	c.agree(c.x2, addr, "8004", "sg-in")
	c.agree(z1, c.x1.addr, "7001", "")
	c.agree(z1, c.x1.addr, "7009", "sg-in")
	c.agree(c.x2, z1.addr, "8003", "internet-gateway") // the guest's own VPC is no nearer

	give := []string{"ec2", "associate-address", "--network-interface-id", eni, "--allocation-id"}
	public, allocation := guest.address()
	guest.refuses("InvalidNetworkInterfaceID.NotFound", append(give, allocation)...)
	permit("EIP-ASSOCIATE")
	other.AWS(append(give, allocation)...)
	c.agree(c.y1, public, "8003", "")
	c.agree(c.y1, public, "8004", "sg-in")

	end := []string{"ec2", "delete-network-interface-permission", "--network-interface-permission-id", permission}
	c.refuses("OperationNotPermitted", end...)
	other.AWS("ec2", "detach-network-interface", "--attachment-id", attachment)
	c.Eventually("the interface available", func() bool { return c.Pick("NetworkInterfaces[0].Status", about...) == "available" })
	c.agree(c.x2, addr, "8003", "route")
	c.AWS(end...)
	guest.refuses("InvalidNetworkInterfaceID.NotFound", attach...)
	c.AWS("ec2", "delete-network-interface", "--network-interface-id", eni)
	if n := c.Pick("length(NetworkInterfacePermissions)", "ec2", "describe-network-interface-permissions"); n != "0" {
		c.T.Errorf("%s permissions are left", n)
	}
}
