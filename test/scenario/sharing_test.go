package scenario

import (
	"strings"
	"testing"

	"kumiko/internal/testkit"
)

// sharing is two accounts with a VPC each, of the same CIDR, and a third that has nothing. The lab is the account that owns the
// service network.
type sharing struct {
	*lab
	guest, third *lab
	a, b         *vpc
	a1, b1       instance
	network      string // ARN
	share        string // ARN
}

// A service network and a resource configuration are shared with another account: nothing comes of it before that account accepts,
// and then packets go both ways. When sharing ends, what is associated stays, and nothing new is.
func TestSharingBetweenAccounts(t *testing.T) {
	t.Parallel()
	l := newLab(t, "10.10.10.0/24", "us-east-1")
	s := &sharing{lab: l, guest: l.account("guest"), third: l.account("third")}
	s.a, s.b = l.addVPC("a"), s.guest.addVPC("b")
	s.a1, s.b1 = l.start(s.a, 36), s.guest.start(s.b, 53)
	l.addGateway(s.a, "ours")
	s.guest.addGateway(s.b, "theirs")
	l.allow(s.a.group, "5432", s.a.out)
	s.guest.allow(s.b.group, "22", s.b.out)
	s.guest.allow(s.b.group, "5432-5433", s.b.out)
	s.network = l.Pick("arn", "vpc-lattice", "create-service-network", "--name", "shared", "--sharing-config", "enabled=true")
	own := l.addResource(s.a, s.a1, "5432", s.network, "ours")
	clients := l.addGroup(s.a, "clients")
	l.allow(clients, "22", l.cidr.String())
	l.allow(clients, "5432", l.cidr.String())
	l.associate(s.a, s.network, clients)
	l.running(s.a1)
	s.guest.running(s.b1)
	l.serve(s.a1, "5432")
	l.serve(s.b1, "5432")
	l.serve(s.b1, "5433")

	s.invite()
	s.accept()
	theirs := s.guest.addResource(s.b, s.b1, "22", s.network, "theirs")
	s.guest.joined(theirs)
	guests := s.guest.addGroup(s.b, "guests")
	s.guest.allow(guests, "5432", l.cidr.String())
	association := s.guest.associate(s.b, s.network, guests)
	l.joined(own)
	s.passes(own, theirs)
	s.configuration()
	s.limits(association, own)
	s.withdraw(association, own, theirs)
}

// account makes an account with a key pair of its own.
func (l *lab) account(name string) *lab {
	l.T.Helper()
	if _, errs, ok := l.Try(testkit.Binary(l.T), "account", "create", name); !ok {
		l.T.Fatal(errs)
	}
	o := &lab{Cloud: l.In(name, l.Region), cidr: l.cidr, ami: l.ami, vpcs: map[string]*vpc{}}
	o.key = o.Pick("KeyMaterial", "ec2", "create-key-pair", "--key-name", "lab", "--key-type", "ed25519") + "\n"
	return o
}

// number is the account's id.
func (l *lab) number() string {
	l.T.Helper()
	return l.Pick("Account", "sts", "get-caller-identity")
}

// sees is what an account is shown of other accounts: service networks, and invitations with their states.
func (l *lab) sees() string {
	l.T.Helper()
	return l.Pick("items[].arn", "vpc-lattice", "list-service-networks") + "|" + l.Pick("resourceShareInvitations[].status", "ram", "get-resource-share-invitations")
}

// uses is a call by which an account would use the network: what it is refused with, or nothing.
func (s *sharing) uses(who *lab, v *vpc) string {
	s.T.Helper()
	out, errs, ok := who.Try("aws", "vpc-lattice", "create-service-network-vpc-association", "--service-network-identifier", s.network, "--vpc-identifier", v.id)
	if ok {
		s.T.Fatalf("a VPC of %s was associated: %s", who.Account, out)
	}
	_, said, _ := strings.Cut(errs, "(")
	said, _, _ = strings.Cut(said, ")")
	return said
}

// invite shares the network with the two accounts: until they accept it, nothing is there for them.
func (s *sharing) invite() {
	s.T.Helper()
	if got := s.guest.sees(); got != "|" {
		s.T.Errorf("before anything is shared the guest sees %s", got)
	}
	s.share = s.Pick("resourceShare.resourceShareArn", "ram", "create-resource-share", "--name", "network", "--resource-arns", s.network,
		"--principals", s.guest.number(), s.third.number())
	for _, who := range []*lab{s.guest, s.third} {
		if got := who.sees(); got != "|PENDING" {
			s.T.Errorf("invited, %s sees %s", who.Account, got)
		}
	}
	if got := s.uses(s.guest, s.b); got != "ResourceNotFoundException" {
		s.T.Errorf("before it is accepted: %s", got)
	}
}

// invitation is the ARN of the one invitation to a share that an account has not answered.
func (l *lab) invitation() string {
	l.T.Helper()
	return l.Pick("resourceShareInvitations[?status=='PENDING'].resourceShareInvitationArn", "ram", "get-resource-share-invitations")
}

// accept: one account accepts what is shared and sees it, the other one rejects it and does not.
func (s *sharing) accept() {
	s.T.Helper()
	s.guest.AWS("ram", "accept-resource-share-invitation", "--resource-share-invitation-arn", s.guest.invitation())
	s.third.AWS("ram", "reject-resource-share-invitation", "--resource-share-invitation-arn", s.third.invitation())
	if got := s.guest.sees(); got != s.network+"|ACCEPTED" {
		s.T.Errorf("the guest sees %s", got)
	}
	if got := s.third.sees(); got != "|REJECTED" {
		s.T.Errorf("who has rejected it sees %s", got)
	}
	if got := s.Pick("sort(resourceShareAssociations[].status)", "ram", "get-resource-share-associations", "--association-type", "PRINCIPAL", "--resource-share-arns", s.share); got != "ASSOCIATED\tFAILED" {
		s.T.Errorf("the owner sees %s", got)
	}
	if got := s.uses(s.third, s.third.addVPC("t")); got != "ResourceNotFoundException" {
		s.T.Errorf("after it is rejected: %s", got)
	}
}

// passes: the owner's client logs in at the guest's resource, and the guest's client reaches the owner's.
func (s *sharing) passes(own, theirs *resource) {
	s.T.Helper()
	s.Put(s.a1.id, "/home/ec2-user/guest.pem", s.guest.key)
	got := s.Inside(s.a1.id, "ssh", "-i", "/home/ec2-user/guest.pem", "-o", "StrictHostKeyChecking=accept-new", "-o", "ConnectTimeout=10", "ec2-user@"+theirs.name, "hostname -i")
	if got != s.b1.addr {
		s.T.Errorf("behind %s is %s, want %s", theirs.name, got, s.b1.addr)
	}
	s.agree(s.a1, theirs.name, "22", "")
	s.agree(s.b1, own.name, "5432", "")
	if got, ok := s.visit(s.b1, own.name, "5432", "0"); !ok || !strings.HasPrefix(got, s.a1.id+" sees ") {
		s.T.Errorf("behind %s: %q", own.name, got)
	}
	s.agree(s.b1, theirs.name, "22", "sg-association") // its own association's group decides
}

// configuration: what the guest shares is associated by the owner of another network, and reached by an endpoint.
func (s *sharing) configuration() {
	s.T.Helper()
	arn := s.guest.Pick("arn", "vpc-lattice", "create-resource-configuration", "--name", "lent", "--type", "SINGLE", "--port-ranges", "5432-5433",
		"--resource-gateway-identifier", s.b.gateway, "--resource-configuration-definition", "ipResource={ipAddress="+s.b1.addr+"}", "--allow-association-to-shareable-service-network")
	associate := []string{"vpc-lattice", "create-service-network-resource-association", "--service-network-identifier", s.network, "--resource-configuration-identifier", arn}
	if said := s.Refused(associate...); !strings.Contains(said, "(ResourceNotFoundException)") {
		s.T.Errorf("before it is shared: %s", said)
	}
	s.guest.AWS("ram", "create-resource-share", "--name", "configuration", "--resource-arns", arn, "--principals", s.number())
	s.AWS("ram", "accept-resource-share-invitation", "--resource-share-invitation-arn", s.invitation())
	lent := &resource{instance: s.b1, configuration: arn[strings.LastIndex(arn, "/")+1:], association: s.Pick("id", associate...)}
	s.joined(lent)
	s.agree(s.a1, lent.name, "5432", "")
	s.agree(s.a1, lent.name, "5433", "sg-association")
	if got, ok := s.visit(s.a1, lent.name, "5432", "0"); !ok || !strings.HasPrefix(got, s.b1.id+" sees ") {
		s.T.Errorf("behind %s: %q", lent.name, got)
	}
	group := s.addGroup(s.a, "endpoint")
	s.allow(group, "5433", s.cidr.String())
	e := s.Pick("VpcEndpoint.VpcEndpointId", "ec2", "create-vpc-endpoint", "--vpc-endpoint-type", "Resource", "--resource-configuration-arn", arn, "--vpc-id", s.a.id,
		"--subnet-ids", s.a.subnets[0], "--security-group-ids", group)
	name := s.atEndpoint(e, 1)[lent.configuration]
	s.agree(s.a1, name, "5433", "")
	s.agree(s.a1, name, "5432", "sg-in")
	if got := s.guest.Pick("items[].vpcEndpointId", "vpc-lattice", "list-resource-endpoint-associations", "--resource-configuration-identifier", arn); got != e {
		s.T.Errorf("its owner sees the endpoints %s, want %s", got, e)
	}
}

// limits: what is shared is not the guest's to change, nor to share on, nor are others' associations.
func (s *sharing) limits(association string, own *resource) {
	s.T.Helper()
	for _, args := range [][]string{
		{"vpc-lattice", "delete-service-network", "--service-network-identifier", s.network},
		{"vpc-lattice", "update-service-network", "--service-network-identifier", s.network, "--auth-type", "AWS_IAM"},
		{"vpc-lattice", "put-resource-policy", "--resource-arn", s.network, "--policy", `{"Statement":[]}`},
		{"vpc-lattice", "delete-service-network-resource-association", "--service-network-resource-association-identifier", own.association},
	} {
		if said := s.guest.Refused(args...); !strings.Contains(said, "(AccessDeniedException)") {
			s.T.Errorf("%s: %s", args[1], said)
		}
	}
	if said := s.guest.Refused("ram", "create-resource-share", "--name", "on", "--resource-arns", s.network); !strings.Contains(said, "(OperationNotPermittedException)") {
		s.T.Errorf("shared on: %s", said)
	}
	if said := s.AWS("vpc-lattice", "list-service-network-vpc-associations", "--service-network-identifier", s.network); !strings.Contains(said, association) {
		s.T.Errorf("the owner is not shown the guest's association: %s", said)
	}
}

// withdraw ends the share: the guest uses what it has, and gets nothing new. The owner of the network may end that, too.
func (s *sharing) withdraw(association string, own, theirs *resource) {
	s.T.Helper()
	open := s.talk(s.b1, own.name, "5432", "40000")
	s.AWS("ram", "disassociate-resource-share", "--resource-share-arn", s.share, "--principals", s.guest.number())
	if got := s.guest.sees(); got != "|ACCEPTED" {
		s.T.Errorf("after it is withdrawn the guest sees %s", got)
	}
	if got := s.uses(s.guest, s.guest.addVPC("d")); got != "ResourceNotFoundException" {
		s.T.Errorf("after it is withdrawn: %s", got)
	}
	s.AWS("ram", "delete-resource-share", "--resource-share-arn", s.share)
	if !open.alive() {
		s.T.Error("an open connection was cut off")
	}
	s.agree(s.b1, own.name, "5432", "")
	s.agree(s.a1, theirs.name, "22", "")
	if err := open.end(); err != nil {
		s.T.Error(err)
	}
	at := s.addrs(s.b1, own.name)
	s.AWS("vpc-lattice", "delete-service-network-vpc-association", "--service-network-vpc-association-identifier", association)
	s.guest.AWS("vpc-lattice", "delete-service-network-resource-association", "--service-network-resource-association-identifier", theirs.association)
	s.Eventually("no name in the guest's VPC", func() bool { return len(s.addrs(s.b1, own.name)) == 0 })
	s.Eventually("no name of the guest's resource", func() bool { return len(s.addrs(s.a1, theirs.name)) == 0 })
	s.agree(s.b1, at[0], "5432", "route")
}
