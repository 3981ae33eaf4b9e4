package scenario

import (
	"math/rand/v2"
	"os/exec"
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

	var answered []int
	for i := range kills {
		answered = append(answered, l.callUntilKilled(v.group, 10000+i*200, time.Duration(rnd.IntN(120))*time.Millisecond)...)
		l.Up()
		have := l.openPorts(v.group)
		for _, p := range answered {
			if !slices.Contains(have, p) {
				t.Fatalf("after kill %d, the answered rule for port %d is lost", i+1, p)
			}
		}
		if !talk.alive() {
			t.Fatalf("the connection broke at kill %d", i+1)
		}
	}
	if len(answered) == 0 {
		t.Error("no call was ever answered")
	}
	t.Logf("%d calls answered between %d kills", len(answered), kills)
	have := l.openPorts(v.group)
	for _, p := range []int{have[0], have[len(have)-1]} {
		l.serve(server, strconv.Itoa(p))
		l.agree(client, server.addr, strconv.Itoa(p), "")
	}
	l.agree(client, server.addr, "9", "sg-in")
	if got := l.Pick("Reservations[].Instances[].State.Name", "ec2", "describe-instances"); got != "running\trunning" {
		t.Errorf("instances are %q", got)
	}
	if err := talk.end(); err != nil {
		t.Error(err)
	}
}

// callUntilKilled adds rules for one port after another, kills the daemon after a while, and gives the ports of the
// calls that were answered.
func (l *lab) callUntilKilled(group string, port int, after time.Duration) (answered []int) {
	l.T.Helper()
	var wg sync.WaitGroup
	wg.Go(func() {
		for p := port; p < port+200; p++ {
			_, err := l.EC2("AuthorizeSecurityGroupIngress", "GroupId", group, "IpPermissions.1.IpProtocol", "tcp", "IpPermissions.1.FromPort", strconv.Itoa(p),
				"IpPermissions.1.ToPort", strconv.Itoa(p), "IpPermissions.1.IpRanges.1.CidrIp", l.cidr.String())
			if err != nil {
				return
			}
			answered = append(answered, p)
		}
	})
	<-time.After(after)
	l.Kill()
	wg.Wait()
	return answered
}

// openPorts are the ports from 10000 on that the group's rules open.
func (l *lab) openPorts(group string) (out []int) {
	l.T.Helper()
	for token := ""; ; {
		xml, err := l.EC2("DescribeSecurityGroupRules", "Filter.1.Name", "group-id", "Filter.1.Value.1", group, "MaxResults", "1000", "NextToken", token)
		if err != nil {
			l.T.Fatal(err)
		}
		for _, p := range testkit.Elements(xml, "fromPort") {
			if n, err := strconv.Atoi(p); err == nil && n >= 10000 {
				out = append(out, n)
			}
		}
		next := testkit.Elements(xml, "nextToken")
		if len(next) == 0 || next[0] == "" {
			slices.Sort(out)
			return out
		}
		token = next[0]
	}
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
		"a port in use":         {"--state", t.TempDir(), "--listen", strings.TrimPrefix(l.URL(), "http://")},
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
