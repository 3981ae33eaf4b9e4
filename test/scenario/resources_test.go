package scenario

import (
	"strings"
	"testing"
)

// Resources of the other kinds: a DNS name as the target, and a group whose children are associated with it.
func TestResourceKinds(t *testing.T) {
	t.Parallel()
	l := newLab(t, "10.30.0.0/24", "us-east-1")
	a, b := l.addVPC("a"), l.addVPC("b")
	client, one, two := l.start(a, 36), l.start(b, 53), l.start(b, 117)
	l.addGateway(b, "kinds")
	l.allow(b.group, "7000-7100", b.out)
	network := l.Pick("id", "vpc-lattice", "create-service-network", "--name", "kinds")
	create := func(args ...string) string {
		return l.Pick("id", append([]string{"vpc-lattice", "create-resource-configuration", "--protocol", "TCP", "--name"}, args...)...)
	}
	associate := func(configuration string) string {
		return l.Pick("id", "vpc-lattice", "create-service-network-resource-association",
			"--resource-configuration-identifier", configuration, "--service-network-identifier", network)
	}
	named := &resource{instance: one, configuration: create("by-name", "--type", "SINGLE", "--port-ranges", "7001", "7050-7060", "--resource-gateway-identifier", b.gateway,
		"--resource-configuration-definition", "dnsResource={domainName=ip-"+strings.ReplaceAll(one.addr, ".", "-")+".ec2.internal,ipAddressType=IPV4}")}
	group := create("group", "--type", "GROUP", "--resource-gateway-identifier", b.gateway)
	child := create("child", "--type", "CHILD", "--port-ranges", "7002", "--resource-configuration-group-identifier", group,
		"--resource-configuration-definition", "ipResource={ipAddress="+two.addr+"}")
	named.association = associate(named.configuration)
	associate(group)
	l.joined(named)
	clients := l.addGroup(a, "clients")
	l.allow(clients, "7000-7100", l.cidr.String())
	l.associate(a, network, clients)

	var childName string
	l.Eventually("the child's own association", func() bool {
		childName = l.Pick("items[?resourceConfigurationId=='"+child+"' && isManagedAssociation && status=='ACTIVE'].dnsEntry.domainName | [0]",
			"vpc-lattice", "list-service-network-resource-associations", "--service-network-identifier", network, "--include-children")
		return strings.HasPrefix(childName, "snra-")
	})
	l.running(client, one, two)
	for port, i := range map[string]instance{"7001": one, "7055": one, "7070": one, "7002": two} {
		l.serve(i, port)
	}
	l.agree(client, named.name, "7001", "")
	l.agree(client, named.name, "7055", "")
	l.agree(client, named.name, "7070", "listener")
	l.agree(client, childName, "7002", "")
	l.agree(client, childName, "7001", "listener")
	if got, ok := l.visit(client, childName, "7002", "0"); !ok || !strings.HasPrefix(got, two.id+" sees ") {
		t.Errorf("behind the child: %q", got)
	}
}
