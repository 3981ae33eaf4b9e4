package scenario

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"kumiko/internal/testkit"
)

// kills is how often the daemon is killed.
const kills = 50

// The daemon is killed at random moments while it is called: no answered call is lost, instances and their
// connections go on, and the network that a new daemon takes over is the one that was asked for.
func TestKilledAtRandom(t *testing.T) {
	l := newLab(t, "10.20.0.0/24", "us-west-2")
	v := l.addVPC("v")
	client, server := l.start(v, 10), l.start(v, 20)
	l.allow(v.group, "7000", l.cidr.String())
	l.running(client, server)
	l.serve(server, "7000")
	talk := l.talk(client, server.addr, "7000", "0")
	seed := uint64(time.Now().UnixNano())
	rnd := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)

	var answered []string
	for i := range kills {
		answered = append(answered, l.callUntilKilled(v, i, time.Duration(rnd.IntN(120))*time.Millisecond)...)
		l.Up()
		have := l.things(v)
		for _, a := range answered {
			if !have[a] {
				t.Fatalf("after kill %d, the answered call for %s is lost", i+1, a)
			}
		}
		if !talk.alive() {
			t.Fatalf("the connection broke at kill %d", i+1)
		}
	}
	if len(answered) < kills {
		t.Errorf("only %d calls were answered between %d kills", len(answered), kills)
	}
	t.Logf("%d calls answered between %d kills", len(answered), kills)
	have := l.things(v)
	for i := range kills { // the kernel has just those rules that the world has
		port := strconv.Itoa(firstPort + i)
		if i%10 != 0 {
			continue
		}
		station := "sg-in"
		if have[port] {
			station = ""
			l.serve(server, port)
		}
		l.agree(client, server.addr, port, station)
	}
	l.sameInKernel()
	if err := talk.end(); err != nil {
		t.Error(err)
	}
}

// sameInKernel waits until the instances that the kernel has are those that the world has running.
func (l *lab) sameInKernel() {
	l.T.Helper()
	var asked, made []string
	l.Eventually("world and kernel with the same instances", func() bool {
		xml, err := l.EC2("DescribeInstances", "Filter.1.Name", "instance-state-name", "Filter.1.Value.1", "running")
		if err != nil {
			l.T.Fatal(err)
		}
		asked = testkit.Elements(xml, "instanceId")
		spaces, err := filepath.Glob(filepath.Join(l.State, "run/netns/i-*"))
		if err != nil {
			l.T.Fatal(err)
		}
		made = nil
		for _, s := range spaces {
			made = append(made, filepath.Base(s))
		}
		slices.Sort(asked)
		return slices.Equal(asked, made)
	})
	for _, i := range asked {
		l.Inside(i, "true")
	}
	l.T.Logf("%d instances run", len(asked))
}

// firstPort is the first of the ports that rules are added for, one a round.
const firstPort = 10000

// callUntilKilled starts an instance or ends one, adds a rule for the round's port and then one security group after
// another, kills the daemon after a while, and gives the ids and the port of the calls that were answered.
func (l *lab) callUntilKilled(v *vpc, round int, after time.Duration) (answered []string) {
	l.T.Helper()
	var wg sync.WaitGroup
	wg.Go(func() {
		if round%2 == 0 {
			if xml, err := l.EC2("RunInstances", "ImageId", l.ami, "InstanceType", "t3.nano", "MinCount", "1", "MaxCount", "1", "SubnetId", v.subnets[1]); err == nil {
				v.extra = append(v.extra, testkit.Elements(xml, "instanceId")...)
			}
		} else if n := len(v.extra); n > 2 {
			l.EC2("TerminateInstances", "InstanceId.1", v.extra[n-2])
		}
		port := strconv.Itoa(firstPort + round)
		_, err := l.EC2("AuthorizeSecurityGroupIngress", "GroupId", v.group, "IpPermissions.1.IpProtocol", "tcp", "IpPermissions.1.FromPort", port,
			"IpPermissions.1.ToPort", port, "IpPermissions.1.IpRanges.1.CidrIp", l.cidr.String())
		if err == nil {
			answered = append(answered, port)
		}
		for n := 0; err == nil && n < mostGroups; n++ {
			name := fmt.Sprintf("round-%d-%d", round, n)
			var xml string
			if xml, err = l.EC2("CreateSecurityGroup", "VpcId", v.id, "GroupName", name, "GroupDescription", name); err == nil {
				answered = append(answered, testkit.Elements(xml, "groupId")...)
			}
		}
	})
	<-time.After(after)
	l.Kill()
	wg.Wait()
	return append(answered, v.extra...)
}

// mostGroups keeps the VPC below its quota over all rounds.
const mostGroups = 40

// things are the ports that rules of the VPC's first group open, the VPC's groups and its instances.
func (l *lab) things(v *vpc) map[string]bool {
	l.T.Helper()
	out := map[string]bool{}
	for _, call := range [][3]string{{"DescribeSecurityGroups", "vpc-id", v.id}, {"DescribeSecurityGroupRules", "group-id", v.group}, {"DescribeInstances", "instance-type", "t3.nano"}} {
		xml, err := l.EC2(call[0], "Filter.1.Name", call[1], "Filter.1.Value.1", call[2])
		if err != nil {
			l.T.Fatal(err)
		}
		for _, e := range []string{"fromPort", "groupId", "instanceId"} {
			for _, x := range testkit.Elements(xml, e) {
				out[x] = true
			}
		}
	}
	return out
}

// down ends everything in the kernel; the next start brings the same world back with its instances started again, as
// a reboot of the machine does. A second daemon, or one that cannot listen, changes nothing.
func TestDownAndUpAgain(t *testing.T) {
	l := newLab(t, "10.20.0.0/24", "us-west-2")
	v := l.addVPC("v")
	i, j := l.start(v, 10), l.start(v, 20)
	l.allow(v.group, "22", l.cidr.String())
	l.running(i, j)
	l.Put(i.id, "/home/ec2-user/kept", "kept")

	for what, args := range map[string][]string{
		"the same state folder": {"--state", l.State, "--listen", "127.0.0.1:0"},
		"a port in use":         {"--state", l.State + "-other", "--listen", strings.TrimPrefix(l.URL(), "http://")},
	} {
		out, err := exec.Command(testkit.Binary(t), append([]string{"up"}, args...)...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), "error: ") {
			t.Errorf("a daemon with %s: %v %s", what, err, out)
		}
	}
	l.agree(i, j.addr, "22", "")

	before := testkit.Look(t)
	l.Stop()
	if _, errs, ok := l.Exec(i.id, "test", "-e", "/home/ec2-user/kept"); !ok {
		t.Errorf("without a daemon, the instance cannot be entered: %s", errs)
	}
	if _, errs, ok := l.Try(testkit.Binary(t), "down"); !ok {
		t.Fatal(errs)
	}
	for _, f := range testkit.Look(t) {
		if strings.Contains(f, l.State) || strings.HasPrefix(f, "process ") && !slices.Contains(before, f) {
			t.Errorf("left after down: %s", f)
		}
	}
	l.Up()
	l.running(i, j)
	l.Eventually("the instances reachable again", func() bool { return l.opens(i, j.addr, "22") })
	if got := l.Inside(i.id, "cat", "/home/ec2-user/kept"); got != "kept" {
		t.Errorf("the instance's file says %q", got)
	}
}

// Who reads the daemon's output may go: the daemon goes on, and ends everything when it is asked to.
func TestNobodyReadsTheLog(t *testing.T) {
	testkit.Need(t, "aws", "bash")
	testkit.LeaveNothing(t)
	dir, err := os.MkdirTemp("", testkit.StatePrefix)
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	state, binary := filepath.Join(dir, "state"), testkit.Binary(t)
	cmd := exec.CommandContext(t.Context(), binary, "up", "--state", state, "--listen", "127.0.0.1:0")
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	said, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(said).ReadString('\n'); err != nil || !strings.Contains(line, "ready") {
		t.Errorf("%q: %v", line, err)
	}
	log.Close()
	said.Close()
	script := strings.NewReplacer("KUMIKO", binary, "STATE", state).Replace(`
		eval "$(KUMIKO env --state STATE)"
		vpc=$(aws ec2 create-vpc --cidr-block 10.0.0.0/24 --query Vpc.VpcId --output text)
		subnet=$(aws ec2 create-subnet --vpc-id $vpc --cidr-block 10.0.0.0/24 --query Subnet.SubnetId --output text)
		ami=$(aws ec2 describe-images --owners amazon --query 'Images[0].ImageId' --output text)
		i=$(aws ec2 run-instances --image-id $ami --instance-type t3.micro --subnet-id $subnet --query 'Instances[0].InstanceId' --output text)
		aws ec2 wait instance-running --instance-ids $i
		KUMIKO down --state STATE  # the daemon has something to say of the instance's end`)
	if out, err := exec.CommandContext(t.Context(), "bash", "-euc", script).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}
