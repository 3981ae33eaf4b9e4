package api

import (
	"context"
	"errors"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/api/latticeapi"
	"kumiko/internal/api/logsapi"
	"kumiko/internal/api/stsapi"
	"kumiko/internal/api/wire"
	"kumiko/internal/awserr"
	"kumiko/internal/world"
)

// seen keeps the last input and caller of the fake handlers.
type seen struct {
	mu     sync.Mutex
	in     any
	caller world.Caller
	calls  int
}

func (s *seen) note(c world.Caller, in any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.in, s.caller, s.calls = in, c, s.calls+1
}

func (s *seen) last() (any, world.Caller) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.in, s.caller
}

// fakeEC2 does a few operations; the others panic.
type fakeEC2 struct {
	ec2api.Handlers
	*seen
}

func (f fakeEC2) CreateVpc(_ context.Context, c world.Caller, in *ec2api.CreateVpcInput) (*ec2api.CreateVpcOutput, error) {
	f.note(c, in)
	var tags []ec2api.Tag
	for _, s := range in.TagSpecifications {
		tags = append(tags, s.Tags...)
	}
	return &ec2api.CreateVpcOutput{Vpc: &ec2api.Vpc{VpcId: new("vpc-0123456789abcdef0"), CidrBlock: in.CidrBlock, IsDefault: new(false), Tags: tags}}, nil
}

func (f fakeEC2) DeleteVpc(_ context.Context, c world.Caller, in *ec2api.DeleteVpcInput) (*ec2api.DeleteVpcOutput, error) {
	f.note(c, in)
	return nil, &world.Error{Kind: world.NotFound, Noun: "vpc", ID: *in.VpcId}
}

func (f fakeEC2) ModifyVpcAttribute(_ context.Context, c world.Caller, in *ec2api.ModifyVpcAttributeInput) (*ec2api.ModifyVpcAttributeOutput, error) {
	f.note(c, in)
	return nil, nil
}

func (f fakeEC2) AuthorizeSecurityGroupIngress(_ context.Context, c world.Caller, in *ec2api.AuthorizeSecurityGroupIngressInput) (*ec2api.AuthorizeSecurityGroupIngressOutput, error) {
	f.note(c, in)
	return &ec2api.AuthorizeSecurityGroupIngressOutput{Return: new(true)}, nil
}

func (f fakeEC2) DescribeInstances(_ context.Context, c world.Caller, in *ec2api.DescribeInstancesInput) (*ec2api.DescribeInstancesOutput, error) {
	f.note(c, in)
	i := ec2api.Instance{
		InstanceId: new("i-1"), PublicDnsName: new(""), StateTransitionReason: new("User <initiated>"), Tags: []ec2api.Tag{},
		State: &ec2api.InstanceState{Code: new(int32(16)), Name: new("running")}, LaunchTime: new(launched()),
		SecurityGroups: []ec2api.GroupIdentifier{{GroupId: new("sg-1"), GroupName: new("a&b")}},
	}
	return &ec2api.DescribeInstancesOutput{Reservations: []ec2api.Reservation{{ReservationId: new("r-1"), Instances: []ec2api.Instance{i}}}}, nil
}

func (f fakeEC2) DescribeRegions(context.Context, world.Caller, *ec2api.DescribeRegionsInput) (*ec2api.DescribeRegionsOutput, error) {
	return nil, errors.New("disk on fire")
}

func launched() time.Time { return time.Date(2023, 6, 20, 5, 55, 2, 123e6, time.UTC) }

type fakeLattice struct {
	latticeapi.Handlers
	*seen
}

func (f fakeLattice) CreateServiceNetwork(_ context.Context, c world.Caller, in *latticeapi.CreateServiceNetworkInput) (*latticeapi.CreateServiceNetworkOutput, error) {
	f.note(c, in)
	return &latticeapi.CreateServiceNetworkOutput{Name: in.Name, Id: new("sn-0123456789abcdef0")}, nil
}

func (f fakeLattice) GetServiceNetwork(_ context.Context, c world.Caller, in *latticeapi.GetServiceNetworkInput) (*latticeapi.GetServiceNetworkOutput, error) {
	f.note(c, in)
	if *in.ServiceNetworkIdentifier == "sn-ffffffffffffffff0" {
		return nil, &world.Error{Kind: world.NotFound, Noun: "service-network", ID: *in.ServiceNetworkIdentifier}
	}
	return &latticeapi.GetServiceNetworkOutput{Id: in.ServiceNetworkIdentifier, CreatedAt: new(launched()), NumberOfAssociatedVPCs: new(int64(2))}, nil
}

func (f fakeLattice) DeleteServiceNetwork(_ context.Context, c world.Caller, in *latticeapi.DeleteServiceNetworkInput) (*latticeapi.DeleteServiceNetworkOutput, error) {
	f.note(c, in)
	return nil, nil
}

func (f fakeLattice) UntagResource(_ context.Context, c world.Caller, in *latticeapi.UntagResourceInput) (*latticeapi.UntagResourceOutput, error) {
	f.note(c, in)
	return nil, nil
}

type fakeLogs struct {
	logsapi.Handlers
	*seen
}

func (f fakeLogs) PutLogEvents(_ context.Context, c world.Caller, in *logsapi.PutLogEventsInput) (*logsapi.PutLogEventsOutput, error) {
	f.note(c, in)
	return &logsapi.PutLogEventsOutput{RejectedLogEventsInfo: &logsapi.RejectedLogEventsInfo{TooNewLogEventStartIndex: new(int32(1))}}, nil
}

func (f fakeLogs) CreateLogGroup(_ context.Context, c world.Caller, in *logsapi.CreateLogGroupInput) (*logsapi.CreateLogGroupOutput, error) {
	f.note(c, in)
	return nil, awserr.LogsGroupExists()
}

type fakeSTS struct {
	stsapi.Handlers
	*seen
}

func (f fakeSTS) GetCallerIdentity(_ context.Context, c world.Caller, in *stsapi.GetCallerIdentityInput) (*stsapi.GetCallerIdentityOutput, error) {
	f.note(c, in)
	return &stsapi.GetCallerIdentityOutput{Account: new(string(c.Account)), Arn: &c.ARN, UserId: &c.UserID}, nil
}

const (
	testKey    = "AKIAIOSFODNN7EXAMPLE"
	testSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	testToken  = "token+/="
)

// keys are the credentials the tests use.
type keys struct{}

func (keys) Lookup(id world.AccessKeyID, _ string) (Credential, bool) {
	c := Credential{Secret: testSecret, Caller: world.Caller{Account: "111122223333", ARN: "arn:aws:iam::111122223333:root", UserID: "111122223333"}}
	switch id {
	case testKey:
		return c, true
	case "ASIAIOSFODNN7EXAMPLE":
		c.SessionToken = testToken
		return c, true
	}
	return Credential{}, false
}

// serve starts a server with fake handlers.
func serve(t *testing.T, change func(*Config)) (*httptest.Server, *seen) {
	t.Helper()
	s := &seen{}
	c := Config{
		Services: []wire.Service{
			ec2api.Service(fakeEC2{seen: s}), latticeapi.Service(fakeLattice{seen: s}), logsapi.Service(fakeLogs{seen: s}), stsapi.Service(fakeSTS{seen: s}),
		},
		Credentials: keys{},
	}
	if change != nil {
		change(&c)
	}
	server, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(server)
	t.Cleanup(h.Close)
	return h, s
}
