package ec2

import (
	"errors"
	"testing"
	"time"

	"kumiko/internal/api/ec2api"
	"kumiko/internal/awserr"
	"kumiko/internal/store"
	"kumiko/internal/world"
)

// bench is a service over an empty world, with a clock the test holds.
type bench struct {
	*testing.T
	*Service
	st  *store.Store
	c   world.Caller
	now time.Time
}

func start(t *testing.T) *bench {
	st := store.OpenMemory()
	t.Cleanup(func() { _ = st.Close() })
	b := &bench{T: t, st: st, c: world.Caller{Account: "000000000000", Region: "us-east-1"}, now: time.Now()}
	b.Service = New(Config{Store: st, Now: func() time.Time { return b.now }})
	return b
}

// seen says that the kernel is as asked: each instance that should run has a host.
func (b *bench) seen() {
	w := b.st.World()
	s := store.Seen{Rev: w.Rev, Hosts: map[world.InstanceID]store.Host{}}
	for i := range w.Instances.All() {
		if i.Power == world.Running {
			s.Hosts[i.ID] = store.Host{Phase: store.Running, Boot: i.Boot}
		}
	}
	b.see(s)
}

func (b *bench) see(s store.Seen) {
	b.st.SetSeen(s)
	if !Unfinished(b.st.World(), s, b.now) {
		return
	}
	if _, err := b.st.Update(b.Context(), func(tx *world.Tx) error { Finish(tx, s); return nil }); err != nil {
		b.Fatal(err)
	}
}

func must[T any](out T, err error) T {
	if err != nil {
		panic(err)
	}
	return out
}

// refused demands that err is the AWS error with the given code and text. Without a text any will do.
func (b *bench) refused(err error, code, text string) {
	b.Helper()
	var e *awserr.Error
	if e = awserr.From(err, awserr.EC2); e == nil {
		b.Fatalf("error is %v, want %s", err, code)
	}
	if e.Code != code || text != "" && e.Message != text {
		b.Errorf("error is %s: %s\nwant %s: %s", e.Code, e.Message, code, text)
	}
}

func (b *bench) vpc(cidr string) *string {
	return must(b.CreateVpc(b.Context(), b.c, &ec2api.CreateVpcInput{CidrBlock: &cidr})).Vpc.VpcId
}

func (b *bench) subnet(vpc *string, cidr string) *string {
	return must(b.CreateSubnet(b.Context(), b.c, &ec2api.CreateSubnetInput{VpcId: vpc, CidrBlock: &cidr})).Subnet.SubnetId
}

func (b *bench) group(vpc *string, name string) *string {
	in := &ec2api.CreateSecurityGroupInput{VpcId: vpc, GroupName: &name, Description: new("d")}
	return must(b.CreateSecurityGroup(b.Context(), b.c, in)).GroupId
}

// launch is a request for one instance.
func launchIn(subnet *string) *ec2api.RunInstancesInput {
	return &ec2api.RunInstancesInput{
		ImageId: new("ami-0123456789abcdef0"), InstanceType: new("t3.micro"), SubnetId: subnet, MinCount: new(int32(1)), MaxCount: new(int32(1)),
	}
}

func (b *bench) instance(subnet *string) *string {
	return must(b.RunInstances(b.Context(), b.c, launchIn(subnet))).Instances[0].InstanceId
}

func (b *bench) free(subnet *string) int {
	out := must(b.DescribeSubnets(b.Context(), b.c, &ec2api.DescribeSubnetsInput{SubnetIds: []string{*subnet}}))
	return int(*out.Subnets[0].AvailableIpAddressCount)
}

func (b *bench) state(instance *string) string {
	out, err := b.DescribeInstances(b.Context(), b.c, &ec2api.DescribeInstancesInput{InstanceIds: []string{*instance}})
	if err != nil {
		var e *awserr.Error
		if errors.As(err, &e) {
			return e.Code
		}
		b.Fatal(err)
	}
	return *out.Reservations[0].Instances[0].State.Name
}

func filter(name string, values ...string) []ec2api.Filter {
	return []ec2api.Filter{{Name: &name, Values: values}}
}

func tcp(cidr string, from, to int32) []ec2api.IpPermission {
	return []ec2api.IpPermission{{IpProtocol: new("tcp"), FromPort: &from, ToPort: &to, IpRanges: []ec2api.IpRange{{CidrIp: &cidr}}}}
}
