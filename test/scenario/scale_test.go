package scenario

import (
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"kumiko/internal/testkit"
)

// The size of the test, and how long making it may take on a busy machine; alone, a third of that is plenty.
const (
	scaleVPCs, scaleEach = 20, 10
	scaleLimit           = 30 * time.Second
)

// Two hundred instances in twenty VPCs that all have the same CIDR.
func TestTwoHundredInstances(t *testing.T) {
	l := newLab(t, "10.0.0.0/24", "us-east-1")
	begun := time.Now()
	all := make([][]instance, scaleVPCs)
	var wg sync.WaitGroup
	for v := range scaleVPCs {
		wg.Go(func() {
			var err error
			if all[v], err = l.fill(v); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	answered := time.Since(begun)
	l.Eventually("all running", func() bool {
		xml, err := l.EC2("DescribeInstances", "Filter.1.Name", "instance-state-name", "Filter.1.Value.1", "running")
		if err != nil {
			t.Fatal(err)
		}
		return len(testkit.Elements(xml, "instanceId")) == scaleVPCs*scaleEach
	})
	took := time.Since(begun)
	t.Logf("%d instances in %d VPCs: calls answered in %.2f s, all running in %.2f s", scaleVPCs*scaleEach, scaleVPCs, answered.Seconds(), took.Seconds())
	for v, members := range all {
		first, last, other := members[0], members[len(members)-1], all[(v+1)%scaleVPCs]
		l.agree(first, last.addr, "22", "")
		l.agree(first, other[0].addr, "22", "route") // an address of the same range, in use in another VPC only
	}
}

// fill makes the v-th VPC with its instances, at addresses no other VPC uses.
func (l *lab) fill(v int) ([]instance, error) {
	var err error
	call := func(element, op string, pairs ...string) []string {
		if err != nil {
			return []string{""}
		}
		var xml string
		xml, err = l.EC2(op, pairs...)
		if out := testkit.Elements(xml, element); len(out) > 0 {
			return out
		}
		if err == nil && element != "return" {
			err = fmt.Errorf("%s: no %s in %s", op, element, xml)
		}
		return []string{""}
	}
	vpc := call("vpcId", "CreateVpc", "CidrBlock", l.cidr.String())[0]
	subnet := call("subnetId", "CreateSubnet", "VpcId", vpc, "CidrBlock", l.cidr.String())[0]
	group := call("groupId", "CreateSecurityGroup", "VpcId", vpc, "GroupName", "all", "GroupDescription", "all")[0]
	call("return", "AuthorizeSecurityGroupIngress", "GroupId", group, "IpPermissions.1.IpProtocol", "tcp", "IpPermissions.1.FromPort", "22",
		"IpPermissions.1.ToPort", "22", "IpPermissions.1.Groups.1.GroupId", group)
	var out []instance
	for n := range scaleEach {
		i := instance{addr: l.addr(byte(10 + v*scaleEach + n))}
		i.id = call("instanceId", "RunInstances", "ImageId", l.ami, "InstanceType", "t3.nano", "MinCount", "1", "MaxCount", strconv.Itoa(1), "SubnetId", subnet,
			"SecurityGroupId.1", group, "PrivateIpAddress", i.addr)[0]
		out = append(out, i)
	}
	if err != nil {
		return nil, fmt.Errorf("VPC %d: %w", v, err)
	}
	return out, nil
}
