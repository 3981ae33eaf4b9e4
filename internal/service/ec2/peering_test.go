package ec2

import (
	"testing"
	"time"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/store"
	"kumiko/internal/world"
)

// seenStopped is what is seen when every host has ended.
func seenStopped(b *bench) store.Seen { return store.Seen{Rev: b.st.World().Rev} }

// peerings is a bench with two accounts.
type peerings struct {
	*bench
	other world.Caller
}

func (p peerings) ask(vpc, peer *string, owner world.AccountID) *string {
	return must(p.CreateVpcPeeringConnection(p.Context(), p.c, &ec2api.CreateVpcPeeringConnectionInput{
		VpcId: vpc, PeerVpcId: peer, PeerOwnerId: new(string(owner)),
	})).VpcPeeringConnection.VpcPeeringConnectionId
}

// as is the peering as a caller sees it; nil: not at all.
func (p peerings) as(c world.Caller, id *string) *ec2api.VpcPeeringConnection {
	out := must(p.DescribeVpcPeeringConnections(p.Context(), c, &ec2api.DescribeVpcPeeringConnectionsInput{Filters: filter("vpc-peering-connection-id", *id)}))
	if len(out.VpcPeeringConnections) == 0 {
		return nil
	}
	return &out.VpcPeeringConnections[0]
}

func (p peerings) vpcOf(c world.Caller, cidr string) *string {
	return must(p.CreateVpc(p.Context(), c, &ec2api.CreateVpcInput{CidrBlock: &cidr})).Vpc.VpcId
}

func startPeerings(t *testing.T) peerings {
	return peerings{start(t), world.Caller{Account: "111111111111", Region: "us-east-1"}}
}

func TestPeeringLife(t *testing.T) {
	p := startPeerings(t)
	ctx := t.Context()
	a, z := p.vpc("10.0.0.0/16"), p.vpcOf(p.other, "10.1.0.0/16")
	id := p.ask(a, z, p.other.Account)
	if v := p.as(p.c, id); *v.Status.Code != "pending-acceptance" || *v.Status.Message != "Pending Acceptance by 111111111111" || v.AccepterVpcInfo.CidrBlock != nil {
		t.Errorf("a request is %s: %s", *v.Status.Code, *v.Status.Message)
	}
	_, err := p.CreateVpcPeeringConnection(ctx, p.other, &ec2api.CreateVpcPeeringConnectionInput{VpcId: z, PeerVpcId: a, PeerOwnerId: new(string(p.c.Account))})
	p.refused(err, "VpcPeeringConnectionAlreadyExists", "")
	_, err = p.AcceptVpcPeeringConnection(ctx, p.c, &ec2api.AcceptVpcPeeringConnectionInput{VpcPeeringConnectionId: id})
	p.refused(err, "OperationNotPermitted", "User (000000000000) cannot accept peering "+*id)
	_, err = p.AssociateVpcCidrBlock(ctx, p.c, &ec2api.AssociateVpcCidrBlockInput{VpcId: a, CidrBlock: new("10.2.0.0/16")})
	p.refused(err, "OperationNotPermitted", "")
	table := p.table(a)
	must(p.CreateRoute(ctx, p.c, &ec2api.CreateRouteInput{RouteTableId: table, DestinationCidrBlock: new("10.1.0.0/16"), VpcPeeringConnectionId: id}))
	if s := p.routeState(table, "10.1.0.0/16"); s != "blackhole" {
		t.Errorf("the route to a request is %s", s)
	}
	if v := must(p.AcceptVpcPeeringConnection(ctx, p.other, &ec2api.AcceptVpcPeeringConnectionInput{VpcPeeringConnectionId: id})); *v.VpcPeeringConnection.Status.Code != "provisioning" {
		t.Errorf("an accepted peering is %s", *v.VpcPeeringConnection.Status.Code)
	}
	if s := *p.as(p.c, id).Status.Code; s != "provisioning" {
		t.Errorf("not in the kernel, the peering is %s", s)
	}
	p.seen()
	if v := p.as(p.c, id); *v.Status.Code != "active" || *v.AccepterVpcInfo.CidrBlock != "10.1.0.0/16" || p.routeState(table, "10.1.0.0/16") != "active" {
		t.Errorf("in the kernel, the peering is %s", *v.Status.Code)
	}
	_, err = p.AcceptVpcPeeringConnection(ctx, p.other, &ec2api.AcceptVpcPeeringConnectionInput{VpcPeeringConnectionId: id})
	p.refused(err, "InvalidStateTransition", "VpcPeeringConnectionID "+*id+" is not in the correct state for the request.")
	_, err = p.AssociateVpcCidrBlock(ctx, p.c, &ec2api.AssociateVpcCidrBlockInput{VpcId: a, CidrBlock: new("10.1.8.0/24")})
	p.refused(err, "InvalidVpc.Range", "")
	_, err = p.DeleteVpc(ctx, p.other, &ec2api.DeleteVpcInput{VpcId: z})
	p.refused(err, "DependencyViolation", "")
	p.options(id, a, z)

	must(p.DeleteVpcPeeringConnection(ctx, p.c, &ec2api.DeleteVpcPeeringConnectionInput{VpcPeeringConnectionId: id}))
	if s := *p.as(p.c, id).Status.Code; s != "deleting" || p.routeState(table, "10.1.0.0/16") != "blackhole" {
		t.Errorf("a peering that is to go is %s", s)
	}
	p.now = time.Now()
	p.seen()
	if s := *p.as(p.other, id).Status; *s.Code != "deleted" || *s.Message != "Deleted by 000000000000" {
		t.Errorf("a peering that has gone is %s: %s", *s.Code, *s.Message)
	}
	_, err = p.DeleteVpcPeeringConnection(ctx, p.c, &ec2api.DeleteVpcPeeringConnectionInput{VpcPeeringConnectionId: id})
	p.refused(err, "InvalidStateTransition", "Invalid state transition for "+*id+", attempted to transition from deleted to deleting")
	must(p.DeleteVpc(ctx, p.other, &ec2api.DeleteVpcInput{VpcId: z}))
	p.now = p.now.Add(3 * time.Hour)
	if p.as(p.c, id) != nil || p.as(p.other, id) == nil {
		t.Error("a deleted peering is shown for too long, or too short")
	}
	p.now = p.now.Add(48 * time.Hour)
	if p.as(p.other, id) != nil {
		t.Error("a deleted peering is shown for ever")
	}
}

// options: each account sets its own side, once both VPCs give names.
func (p peerings) options(id, a, z *string) {
	p.Helper()
	ctx := p.Context()
	allow := &ec2api.PeeringConnectionOptionsRequest{AllowDnsResolutionFromRemoteVpc: new(true)}
	own := &ec2api.ModifyVpcPeeringConnectionOptionsInput{VpcPeeringConnectionId: id, RequesterPeeringConnectionOptions: allow}
	_, err := p.ModifyVpcPeeringConnectionOptions(ctx, p.c, own)
	p.refused(err, "InvalidVpcPeeringConnectionState.DnsHostnamesDisabled", "")
	for vpc, c := range map[*string]world.Caller{a: p.c, z: p.other} {
		must(p.ModifyVpcAttribute(ctx, c, &ec2api.ModifyVpcAttributeInput{VpcId: vpc, EnableDnsHostnames: &ec2api.AttributeBooleanValue{Value: new(true)}}))
	}
	_, err = p.ModifyVpcPeeringConnectionOptions(ctx, p.other, own)
	p.refused(err, "OperationNotPermitted", "")
	if out := must(p.ModifyVpcPeeringConnectionOptions(ctx, p.c, own)); out.AccepterPeeringConnectionOptions != nil ||
		!*out.RequesterPeeringConnectionOptions.AllowDnsResolutionFromRemoteVpc {
		p.Errorf("options are %+v", out)
	}
	if v := p.as(p.other, id); !*v.RequesterVpcInfo.PeeringOptions.AllowDnsResolutionFromRemoteVpc || *v.AccepterVpcInfo.PeeringOptions.AllowDnsResolutionFromRemoteVpc {
		p.Error("the options are not those that were set")
	}
}

// What cannot be joined fails, what nobody answers expires, and what is declined is rejected.
func TestPeeringEnds(t *testing.T) {
	p := startPeerings(t)
	ctx := t.Context()
	a := p.vpc("10.0.0.0/16")
	for name, peer := range map[string]*string{"overlapping": p.vpc("10.0.128.0/17"), "unknown": new("vpc-00000000000000000"), "itself": a} {
		id := p.ask(a, peer, p.c.Account)
		if v := p.as(p.c, id); *v.Status.Code != "failed" || *v.Status.Message != wrongPeer {
			t.Errorf("%s: %s: %s", name, *v.Status.Code, *v.Status.Message)
		}
		_, err := p.AcceptVpcPeeringConnection(ctx, p.c, &ec2api.AcceptVpcPeeringConnectionInput{VpcPeeringConnectionId: id})
		p.refused(err, "InvalidStateTransition", "")
	}
	z := p.vpcOf(p.other, "10.1.0.0/16")
	if id := p.ask(a, z, p.c.Account); *p.as(p.c, id).Status.Code != "failed" || p.as(p.other, id) != nil {
		t.Error("a request with the wrong account did not fail, or is shown to the other one")
	}
	id := p.ask(a, z, p.other.Account)
	must(p.RejectVpcPeeringConnection(ctx, p.other, &ec2api.RejectVpcPeeringConnectionInput{VpcPeeringConnectionId: id}))
	if s := p.as(p.c, id).Status; *s.Code != "rejected" || *s.Message != "Rejected by 111111111111" {
		t.Errorf("a declined request is %s", *s.Code)
	}
	id = p.ask(a, z, p.other.Account)
	p.now = p.now.Add(8 * 24 * time.Hour)
	if s := p.as(p.other, id).Status; *s.Code != "expired" {
		t.Errorf("a request nobody answered is %s", *s.Code)
	}
	_, err := p.DescribeVpcPeeringConnections(ctx, p.c, &ec2api.DescribeVpcPeeringConnectionsInput{VpcPeeringConnectionIds: []string{"pcx-00000000000000000"}})
	p.refused(err, "InvalidVpcPeeringConnectionID.NotFound", "The vpcPeeringConnection ID 'pcx-00000000000000000' does not exist")
	far := world.Caller{Account: p.c.Account, Region: "eu-west-1"}
	far2 := p.vpcOf(far, "10.2.0.0/16")
	p.now = time.Now()
	cross := must(p.CreateVpcPeeringConnection(ctx, p.c, &ec2api.CreateVpcPeeringConnectionInput{VpcId: a, PeerVpcId: far2, PeerRegion: new("eu-west-1")})).VpcPeeringConnection
	_, err = p.AcceptVpcPeeringConnection(ctx, p.c, &ec2api.AcceptVpcPeeringConnectionInput{VpcPeeringConnectionId: cross.VpcPeeringConnectionId})
	p.refused(err, "OperationNotPermitted", "")
	must(p.AcceptVpcPeeringConnection(ctx, far, &ec2api.AcceptVpcPeeringConnectionInput{VpcPeeringConnectionId: cross.VpcPeeringConnectionId}))
}

// Rules name groups of peered VPCs, of other accounts too; they are stale once the peering has gone.
func TestPeeredGroups(t *testing.T) {
	p := startPeerings(t)
	ctx := t.Context()
	a, z := p.vpc("10.0.0.0/16"), p.vpcOf(p.other, "10.1.0.0/16")
	mine := p.group(a, "mine")
	theirs := must(p.CreateSecurityGroup(ctx, p.other, &ec2api.CreateSecurityGroupInput{VpcId: z, GroupName: new("theirs"), Description: new("d")})).GroupId
	pair := []ec2api.IpPermission{{IpProtocol: new("-1"), UserIdGroupPairs: []ec2api.UserIdGroupPair{{GroupId: theirs, UserId: new(string(p.other.Account))}}}}
	allow := func() error {
		_, err := p.AuthorizeSecurityGroupIngress(ctx, p.c, &ec2api.AuthorizeSecurityGroupIngressInput{GroupId: mine, IpPermissions: pair})
		return err
	}
	id := p.ask(a, z, p.other.Account)
	p.refused(allow(), "InvalidGroup.NotFound", "")
	must(p.AcceptVpcPeeringConnection(ctx, p.other, &ec2api.AcceptVpcPeeringConnectionInput{VpcPeeringConnectionId: id}))
	if err := allow(); err != nil {
		t.Fatal(err)
	}
	shown := func() ec2api.UserIdGroupPair {
		out := must(p.DescribeSecurityGroups(ctx, p.c, &ec2api.DescribeSecurityGroupsInput{GroupIds: []string{*mine}}))
		return out.SecurityGroups[0].IpPermissions[0].UserIdGroupPairs[0]
	}
	if g := shown(); *g.VpcPeeringConnectionId != *id || *g.PeeringStatus != "active" || *g.VpcId != *z || *g.UserId != string(p.other.Account) {
		t.Errorf("the rule's group is %+v", g)
	}
	_, err := p.DeleteSecurityGroup(ctx, p.other, &ec2api.DeleteSecurityGroupInput{GroupId: theirs})
	p.refused(err, "DependencyViolation", "")
	must(p.DeleteVpcPeeringConnection(ctx, p.other, &ec2api.DeleteVpcPeeringConnectionInput{VpcPeeringConnectionId: id}))
	must(p.DeleteSecurityGroup(ctx, p.other, &ec2api.DeleteSecurityGroupInput{GroupId: theirs}))
	if g := shown(); *g.PeeringStatus != "deleted" {
		t.Errorf("after the peering the rule's group is %s", *g.PeeringStatus)
	}
	pair[0].IpProtocol, pair[0].FromPort, pair[0].ToPort = new("tcp"), new(int32(1)), new(int32(1))
	p.refused(allow(), "InvalidGroup.NotFound", "")
	pair[0].IpProtocol = new("-1")
	must(p.RevokeSecurityGroupIngress(ctx, p.c, &ec2api.RevokeSecurityGroupIngressInput{GroupId: mine, IpPermissions: pair}))
}
